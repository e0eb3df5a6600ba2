import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { HeldOut, Sequences } from "../../sequences.ts";
import { readDiginetica } from "./diginetica.ts";
import { readLightGcn } from "./light-gcn.ts";
import { readOnlineRetail } from "./online-retail.ts";
import { readRetailRocket } from "./retail-rocket.ts";
import { readS3Rec } from "./s3-rec.ts";

let root = "";
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "datasets-"));
});
afterAll(() => rm(root, { recursive: true }));

/** A folder with these files; names that end in .gz are compressed. */
async function folderOf(files: Record<string, string>): Promise<string> {
  const folder = join(root, String(made++));
  await mkdir(folder);
  for (const [name, text] of Object.entries(files)) {
    await writeFile(join(folder, name), name.endsWith(".gz") ? gzipSync(text) : text);
  }
  return folder;
}

const listsOf = ({ offsets, items, userCount }: Sequences) =>
  Array.from({ length: userCount }, (_, u) => [...items.subarray(offsets[u]!, offsets[u + 1]!)]);
const casesOf = ({ pasts, targetOffsets, targets }: HeldOut) =>
  pasts.map((past, i) => [
    [...past.items],
    [...targets.subarray(targetOffsets[i]!, targetOffsets[i + 1]!)],
  ]);

describe("S3-Rec sequences", () => {
  test("are read from gzip, one user a line", async () => {
    const folder = await folderOf({
      "Shop.txt.gz": "1 1 2 3\n2 3 1\n",
      "Shop_item2attributes.json.gz": "{}",
      "Other.txt": "no numbers",
    });
    const sequences = await readS3Rec(folder);
    assert.deepEqual(listsOf(sequences), [
      [1, 2, 3],
      [3, 1],
    ]);
    assert.equal(sequences.itemCount, 3);
    assert.equal(sequences.timestampsMs, undefined);
  });

  test("name the file, line and value that is wrong", async () => {
    const broken = (text: string) =>
      folderOf({ "Shop.txt": text, "Shop_item2attributes.json": "{}" }).then(readS3Rec);
    await assert.rejects(broken("1 1 2\n\n2 x 1\n"), {
      code: "NOT_A_NUMBER",
      message: 'Shop.txt, line 3: "x" is not a whole number from 0.',
    });
    await assert.rejects(broken("1 0 2\n"), { code: "NOT_A_NUMBER", message: /line 1: item 0/ });
    await assert.rejects(broken("\n"), { code: "EMPTY_DATASET" });
    await assert.rejects(readS3Rec(join(root, "nowhere")), { code: "DATASET_FILE_MISSING" });
  });
});

describe("LightGCN splits", () => {
  test("shift items to rows from 1 and keep users without training items", async () => {
    const folder = await folderOf({ "train.txt": "0 0 2\n2 1\n", "test.txt": "0 1 3\n1 0\n2\n" });
    const { train, test } = await readLightGcn(folder);
    assert.deepEqual(listsOf(train), [[1, 3], [], [2]]);
    assert.equal(train.itemCount, 4);
    assert.deepEqual(casesOf(test), [
      [
        [1, 3],
        [2, 4],
      ],
      [[], [1]],
    ]);
    assert.deepEqual(
      test.pasts.map((past) => past.userIndex),
      [0, 1],
    );
  });

  test("refuse a user with two lines", async () => {
    const folder = await folderOf({ "train.txt": "0 1\n0 2\n", "test.txt": "0 3\n" });
    await assert.rejects(readLightGcn(folder), {
      code: "USER_TWICE",
      message: /train.txt, line 2/,
    });
  });
});

describe("Diginetica sessions", () => {
  test("are sequences, and prefixes with their next item", async () => {
    const folder = await folderOf({
      "train_sessions.txt": "1 2 2\n3\n",
      "test_prefix_target.txt": "1 2\t4\n3\t1\n",
    });
    const { train, test } = await readDiginetica(folder);
    assert.deepEqual(listsOf(train), [[1, 2, 2], [3]]);
    assert.equal(train.itemCount, 4);
    assert.deepEqual(casesOf(test), [
      [[1, 2], [4]],
      [[3], [1]],
    ]);
  });

  test("refuse a case without a target", async () => {
    const folder = await folderOf({
      "train_sessions.txt": "1 2\n",
      "test_prefix_target.txt": "1 2\n",
    });
    await assert.rejects(readDiginetica(folder), { code: "BAD_LINE", message: /line 1: 1 fields/ });
  });
});

describe("RetailRocket", () => {
  const files = {
    "train_view.tsv": "0\t5\t1.0e+09\n0\t6\t1.1e+09\n1\t5\t1.0e+09\n",
    "train_cart.tsv": "0\t6\t1.1e+09\n",
    "train_buy.tsv": "0\t7\t0.9e+09\n0\t6\t1.1e+09\n",
    "test.tsv": "0\t8\t1\n1\t6\t1\n",
  };

  test("becomes one interaction per user and item with the weight of the strongest act", async () => {
    const { train, test } = await readRetailRocket(await folderOf(files));
    assert.deepEqual(listsOf(train), [[8, 6, 7], [6]]);
    assert.deepEqual([...train.weights!], [5, 1, 5, 1]);
    assert.deepEqual([...train.timestampsMs!.subarray(0, 2)], [0.9e12, 1e12]);
    assert.equal(train.itemCount, 9);
    assert.deepEqual(casesOf(test), [
      [[8, 6, 7], [9]],
      [[6], [7]],
    ]);
  });

  test("gives every act as an event, view before cart before purchase", async () => {
    const { events } = await readRetailRocket(await folderOf(files));
    const all = [...events()];
    assert.deepEqual(
      all.map(({ userId, type, items }) => `${userId} ${type} ${items![0]!.itemId}`),
      ["0 purchase 7", "0 view 5", "0 view 6", "0 add_to_cart 6", "0 purchase 6", "1 view 5"],
    );
    assert.equal(all[0]!.timestamp, "1998-07-09T16:00:00.000Z");
  });

  test("names a line with too few fields", async () => {
    const folder = await folderOf({ ...files, "train_cart.tsv": "0\t6\n" });
    await assert.rejects(readRetailRocket(folder), {
      code: "BAD_LINE",
      message: "train_cart.tsv, line 1: 2 fields instead of 3.",
    });
  });
});

describe("Online Retail", () => {
  const header =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country";
  const invoices = [
    "1,10a,OLD NAME,2,2011-01-01 09:00:00,1.50,7.0,UK",
    "1,11,MUG,1,2011-01-01 09:00:00,2.00,7.0,UK",
    "1,10A,NEW NAME,1,2011-01-01 09:00:00,1.50,7.0,UK",
    "3,12,TRAY,4,2011-01-03 09:00:00,3.00,,UK",
    "2,10A,NEW NAME,5,2011-01-02 09:00:00,1.25,7.0,UK",
    "C4,11,MUG,-1,2011-01-04 09:00:00,2.00,7.0,UK",
    "C4,10A,NEW NAME,-2,2011-01-04 09:00:00,1.25,7.0,UK",
    "C5,12,TRAY,-1,2011-01-04 10:00:00,3.00,8.0,UK",
    "6,POST,POSTAGE,1,2011-01-04 09:00:00,18.00,7.0,UK",
    "7,11,lost,-30,2011-01-04 09:00:00,0,,UK",
    "A8,B,Adjust bad debt,1,2011-01-04 09:00:00,-9.00,,UK",
  ];
  const read = async (lines: readonly string[]) =>
    readOnlineRetail(await folderOf({ "online-retail.csv": [header, ...lines, ""].join("\n") }));

  test("settles cancellations and keeps each item once per invoice", async () => {
    const { sequences, customers, items } = await read(invoices);
    assert.deepEqual(
      items.map((item) => item.id),
      ["10A", "11", "12"],
    );
    // Invoice 1: 10A (twice in it, once here), the mug was sent back whole; invoice 2: 3 of 5 kept.
    assert.deepEqual(listsOf(sequences), [[1, 1], []]);
    assert.deepEqual(customers, ["7", "8"]);
    assert.equal(new Date(sequences.timestampsMs![1]!).toISOString(), "2011-01-02T09:00:00.000Z");
  });

  test("accounts for every line", async () => {
    const { report } = await read(invoices);
    assert.deepEqual(report, {
      lines: 11,
      kept: 8,
      services: 1,
      free: 1,
      adjustments: 1,
      anonymous: 1,
      cancelled: 3,
      settled: 2,
      partlySettled: 0,
      unsettled: 1,
    });
  });

  test("makes a catalogue with the usual title and the latest price", async () => {
    const { items } = await read(invoices);
    assert.equal(items[0]!.title, "NEW NAME");
    assert.deepEqual(items[0]!.variants[0]!.price, { amount: 125, currency: "GBP" });
  });

  test("makes one event per invoice: purchases, refunds, and strangers as visitors", async () => {
    const events = [...(await read(invoices)).events()];
    assert.deepEqual(
      events.map(({ type, orderId, userId, visitorId }) => [type, orderId, userId ?? visitorId]),
      [
        ["purchase", "1", "7"],
        ["purchase", "2", "7"],
        ["purchase", "3", "invoice:3"],
        ["refund", "C4", "7"],
        ["refund", "C5", "8"],
      ],
    );
    assert.deepEqual(events[3]!.items![1], {
      itemId: "10A",
      quantity: 2,
      price: { amount: 125, currency: "GBP" },
    });
  });

  test("names line, column and value that is wrong", async () => {
    await assert.rejects(read(["1,11,MUG,one,2011-01-01 09:00:00,2.00,7.0,UK"]), {
      code: "BAD_LINE",
      message: 'online-retail.csv, line 2: Quantity is "one".',
    });
    await assert.rejects(read(["1,11,MUG,1,yesterday,2.00,7.0,UK"]), { message: /InvoiceDate/ });
    await assert.rejects(read([]), { code: "MISSING_COLUMN", message: /has no rows/ });
  });
});

// The data is not ours to ship. Without it, these are skipped.
const data = resolve(process.env["MAGPIE_DATASETS"] ?? "../shared/data");
const presentOrSkip = (name: string) => {
  const folder = join(data, name);
  const isThere = existsSync(folder);
  if (!isThere) console.log(`skipped: ${folder} is not there (set MAGPIE_DATASETS)`);
  return { folder, run: test.skipIf(!isThere) };
};

describe("the published data sets have the counts that their papers state", () => {
  for (const [name, users, items, interactions] of [
    ["amazon-beauty", 22_363, 12_101, 198_502],
    ["amazon-sports", 35_598, 18_357, 296_337],
    ["lastfm-s3rec", 1_090, 3_646, 52_551],
  ] as const) {
    const { folder, run } = presentOrSkip(name);
    run(name, async () => {
      const sequences = await readS3Rec(folder);
      const { userCount, itemCount } = sequences;
      assert.deepEqual(
        [userCount, itemCount, sequences.items.length],
        [users, items, interactions],
      );
    });
  }

  const gowalla = presentOrSkip("lightgcn-gowalla");
  gowalla.run("gowalla", async () => {
    const { train, test } = await readLightGcn(gowalla.folder);
    assert.deepEqual([train.userCount, train.itemCount], [29_858, 40_981]);
    assert.deepEqual([train.items.length, test.targets.length], [810_128, 217_242]);
  });

  const diginetica = presentOrSkip("diginetica-sessions");
  diginetica.run("diginetica", async () => {
    const { train, test } = await readDiginetica(diginetica.folder);
    assert.deepEqual([train.userCount, train.items.length], [186_670, 906_140]);
    assert.deepEqual([train.itemCount, test.pasts.length], [43_097, 60_858]);
    // A session of n clicks has n - 1 prefixes with a next item.
    assert.equal(train.items.length - train.userCount, 719_470);
  });

  const rocket = presentOrSkip("retailrocket-multibehavior");
  rocket.run("retailrocket", async () => {
    const { train, test, events } = await readRetailRocket(rocket.folder);
    assert.deepEqual([train.userCount, train.itemCount, test.pasts.length], [2_174, 30_113, 2_174]);
    const counts = { view: 0, add_to_cart: 0, purchase: 0 };
    for (const { type } of events()) counts[type as keyof typeof counts]++;
    assert.deepEqual(counts, { view: 75_374, add_to_cart: 12_456, purchase: 9_551 });
  });

  const retail = presentOrSkip("online-retail-uci");
  retail.run("online retail", async () => {
    const { report } = await readOnlineRetail(retail.folder);
    assert.equal(report.lines, 541_909);
    assert.equal(report.kept + report.services + report.free + report.adjustments, report.lines);
  });
});
