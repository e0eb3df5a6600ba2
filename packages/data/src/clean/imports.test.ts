import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentWork, type Event, type Item, type Progress, type UserId } from "@magpie/domain";
import * as fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, test } from "vitest";
import { openStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { ActivityCounter } from "./activity.ts";
import { Fingerprint } from "./fingerprint.ts";
import { importCatalog, type CatalogImportOptions } from "./import-catalog.ts";
import { importEvents, importInteractions, type EventImportOptions } from "./import-events.ts";
import type { QualityReport } from "./quality-report.ts";
import { RecentTimes } from "./recent-times.ts";
import { renderQualityHtml } from "./render-html.ts";
import { renderQualityText } from "./render-text.ts";
import { ruleTexts, type RuleId } from "./rules.ts";

const nowMs = Date.UTC(2026, 10, 24);
const startMs = Date.UTC(2026, 10, 20);
let folder: string;
let store: Store;
let opened = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "imports-"));
});
beforeEach(async () => {
  await store?.close();
  store = await openStore(join(folder, `store-${opened++}`));
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

let files = 0;
function fileOf(lines: readonly (string | object)[]): string {
  const path = join(folder, `file-${files++}.jsonl`);
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)));
  writeFileSync(path, text.join("\n"));
  return path;
}

const view = (user: string, item: string, atMs: number, more: object = {}) => ({
  type: "view",
  timestamp: new Date(atMs).toISOString(),
  userId: user,
  items: [{ itemId: item }],
  ...more,
});

const rules = (more: Partial<EventImportOptions> = {}): EventImportOptions => ({
  source: "web",
  nowMs,
  unknownItems: "keep",
  ...more,
});

const load = async (lines: readonly (string | object)[], more: Partial<EventImportOptions> = {}) =>
  (await importEvents(store, fileOf(lines), rules(more), silentWork())).report;

const countOf = (report: QualityReport, rule: RuleId): number =>
  report.findings.find((finding) => finding.rule === rule)?.count ?? 0;

const dropped = ({ findings }: QualityReport): number =>
  findings.filter(({ effect }) => effect === "dropped").reduce((sum, { count }) => sum + count, 0);

async function all(): Promise<Event[]> {
  const events: Event[] = [];
  for await (const part of store.events.scan()) events.push(...part);
  return events;
}

const item = (id: string, more: Partial<Item> = {}): Item => ({
  id,
  title: `Title ${id}`,
  variants: [{ id, price: { amount: 100, currency: "USD" }, availability: { available: true } }],
  ...more,
});

describe("every row is accounted for", () => {
  test("rows read = rows stored + rows dropped, and the log grows by the rows stored", async () => {
    const anyRow = fc.oneof(
      fc
        .record({ user: fc.nat(3), item: fc.nat(5), second: fc.nat(20), id: fc.option(fc.nat(5)) })
        .map(({ user, item: of, second, id }) =>
          JSON.stringify(
            view(
              `u${user}`,
              `p${of}`,
              startMs + second * 1000,
              id === null ? {} : { eventId: `e${id}` },
            ),
          ),
        ),
      fc.constantFrom(
        "",
        "{",
        '{"type":"view"}',
        '{"type":"stare","userId":"u"}',
        "null",
        "\u0000",
      ),
      fc.constant(JSON.stringify(view("u", "p1", Date.UTC(2040, 0, 1)))),
    );
    await store.catalog.upsert(
      ["p0", "p1", "p2"].map((id) => item(id)),
      "erp",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRow, { minLength: 1, maxLength: 40 }),
        fc.constantFrom("drop", "keep", "create"),
        fc.constantFrom("drop", "keep"),
        async (lines, unknownItems, duplicates) => {
          const before = await store.events.count();
          const path = fileOf(['{"type":"view"}', ...lines]);
          const options = rules({ source: path, format: "jsonl", unknownItems, duplicates });
          const { report } = await importEvents(store, path, options, silentWork());
          const rows = lines.filter((line) => line.trim() !== "").length + 1;
          assert.equal(report.rowsRead, rows);
          assert.equal(report.rowsRead, report.rowsStored + dropped(report));
          assert.equal(await store.events.count(), before + report.rowsStored);
          for (const { count, examples } of report.findings)
            assert.ok(examples.length <= Math.min(3, count));
        },
      ),
      { numRuns: 25 },
    );
  });

  test("the same for catalogues, whatever repeats and lies apart", async () => {
    const anyRow = fc.record({
      group: fc.nat(2),
      id: fc.nat(4),
      price: fc.constantFrom("5 USD", "", "free"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(anyRow, { minLength: 1, maxLength: 20 }), async (rows) => {
        const path = join(folder, `catalog-${files++}.csv`);
        const lines = rows.map(
          ({ group, id, price }) => `v${group}-${id},g${group},Title,${price}`,
        );
        writeFileSync(path, ["id,group id,title,price", ...lines].join("\n"));
        const options = { source: path, nowMs, map: { groupId: "group id" } };
        const { report } = await importCatalog(store, path, options, silentWork());
        assert.equal(report.rowsRead, rows.length);
        assert.equal(report.rowsRead, report.rowsStored + dropped(report));
        // Each stored row is a variant of an item of this source.
        let variants = 0;
        for await (const items of store.catalog.scan()) {
          const sources = await store.catalog.sourcesOf(items.map(({ id }) => id));
          for (const one of items)
            if (sources.get(one.id) === path) variants += one.variants.length;
        }
        assert.equal(variants, report.rowsStored);
        await store.catalog.delete(["g0", "g1", "g2"]);
      }),
      { numRuns: 25 },
    );
  });
});

describe("duplicates", () => {
  test("exact and near ones are dropped, distinct acts are kept", async () => {
    const report = await load([
      view("u", "a", startMs),
      view("u", "a", startMs),
      view("u", "a", startMs + 900),
      view("u", "b", startMs + 900),
      view("v", "a", startMs),
      view("u", "a", startMs + 10_000),
      view("u", "a", startMs + 10_000, { type: "click" }),
    ]);
    assert.deepEqual(
      [countOf(report, "duplicate"), countOf(report, "near-duplicate"), report.rowsStored],
      [1, 1, 5],
    );
  });

  test("two orders of the same item in one second are two orders", async () => {
    const order = (orderId: string) => view("u", "a", startMs, { type: "purchase", orderId });
    const report = await load([order("o1"), order("o2"), order("o1")]);
    assert.deepEqual([countOf(report, "duplicate"), report.rowsStored], [1, 2]);
  });

  test("an event without an id counts once across overlapping files; so does an id", async () => {
    const day = [view("u", "a", startMs), view("u", "b", startMs + 5_000, { eventId: "e1" })];
    await load(day);
    const report = await load([...day, view("u", "c", startMs + 9_000)]);
    assert.deepEqual([countOf(report, "duplicate-id"), report.rowsStored], [2, 1]);
  });

  test("are kept on request", async () => {
    const report = await load([view("u", "a", startMs), view("u", "a", startMs)], {
      duplicates: "keep",
    });
    assert.equal(report.rowsStored, 2);
  });

  test("are remembered for at least the capacity, and memory is fixed", () => {
    const recent = new RecentTimes(8);
    for (let key = 0; key < 8; key++) assert.ok(Number.isNaN(recent.exchange(key * 16, key, key)));
    for (let key = 0; key < 8; key++) assert.equal(recent.exchange(key * 16, key, 100), key);
    for (let key = 8; key < 40; key++) recent.exchange(key, key, 0);
    assert.ok(Number.isNaN(recent.exchange(0, 0, 5)));
  });

  test("fingerprints depend on order and on where texts end", () => {
    const of = (...texts: string[]): string => {
      const print = new Fingerprint().reset();
      for (const text of texts) print.text(text);
      return `${print.low} ${print.high}`;
    };
    const prints = [
      of("ab", "c"),
      of("a", "bc"),
      of("c", "ab"),
      of("abc"),
      of(),
      of(""),
      of("喜鹊"),
      of("鹊喜"),
    ];
    assert.equal(new Set(prints).size, prints.length);
    const many = new Set(Array.from({ length: 100_000 }, (_, i) => of(`user-${i}`)));
    assert.equal(many.size, 100_000);
  });
});

describe("abnormal users", () => {
  /** Forty people with five acts a day for two days. */
  const people = (): object[] =>
    Array.from({ length: 400 }, (_, i) =>
      view(
        `u${i % 40}`,
        `p${i % 7}`,
        startMs + Math.floor(i / 200) * 86_400_000 + (i % 200) * 60_000,
      ),
    );
  const robot = Array.from({ length: 500 }, (_, i) => view("robot", `p${i}`, startMs + i * 60_000));

  test("a robot is dropped and listed with what gave it away", async () => {
    const report = await load([...people(), ...robot]);
    assert.equal(report.rowsStored, 400);
    assert.equal(countOf(report, "bot"), 500);
    assert.deepEqual(report.abnormalUsers, [
      { user: "robot", events: 500, busiestDay: 500, busiestMinute: 1, firstLine: 401 },
    ]);
    assert.ok(report.activityBounds!.perDay >= 300 && report.activityBounds!.perDay < 500);
  });

  test("is found in CSV as in JSON lines", async () => {
    const rows = [...people(), ...robot].map((event) => {
      const { userId, items, timestamp } = event as ReturnType<typeof view>;
      return `${userId},${items[0]!.itemId},view,${timestamp}`;
    });
    assert.equal(countOf(await load(["user,item,type,time", ...rows]), "bot"), 500);
  });

  test("a wholesaler who orders a thousand lines is no robot", async () => {
    const order = robot.map((event) => ({
      ...event,
      type: "purchase",
      userId: "wholesale",
      orderId: "o1",
    }));
    assert.equal(countOf(await load([...people(), ...order]), "bot"), 0);
  });

  test("are kept on request, and nobody is judged in a file of a few", async () => {
    assert.equal(countOf(await load([...people(), ...robot], { bots: "keep" }), "bot"), 0);
    assert.equal(
      countOf(await load(robot.map((event) => ({ ...event, userId: "lonely" }))), "bot"),
      0,
    );
  });

  test("thresholds hold still however wild the robots are", () => {
    const bounds = [500, 50_000].map((acts) => {
      const counter = new ActivityCounter(8);
      for (let user = 0; user < 100; user++) {
        for (let act = 0; act < 100 + (user % 50); act++)
          counter.add(user, user, startMs + act * 600_000 * 0.5);
      }
      for (let act = 0; act < acts; act++) counter.add(-1, -1, startMs + act);
      assert.equal(counter.users, 101);
      const judged = counter.judge({ floorPerDay: 1, floorPerMinute: 1 });
      assert.ok(judged.find(-1, -1) !== undefined);
      assert.equal(judged.find(5, 5), undefined);
      return judged.bounds.perDay;
    });
    assert.equal(bounds[0], bounds[1]);
  });
});

describe("unknown items", () => {
  beforeEach(async () => store.catalog.upsert([item("a"), item("b")], "erp"));
  const lines = [
    view("u", "a", startMs),
    view("u", "x", startMs + 2_000),
    {
      ...view("u", "a", startMs + 4_000),
      type: "purchase",
      items: [{ itemId: "a" }, { itemId: "y", price: { amount: 5, currency: "EUR" } }],
    },
  ];

  test("drop: out of the event, and the event with its last item", async () => {
    const report = await load(lines, { unknownItems: "drop" });
    assert.deepEqual(
      [countOf(report, "unknown-item"), countOf(report, "unknown-item-removed"), report.rowsStored],
      [1, 1, 2],
    );
    assert.deepEqual(
      (await all()).flatMap(({ items }) => items!.map(({ itemId }) => itemId)),
      ["a", "a"],
    );
  });

  test("create: a placeholder that is not for sale, which a catalogue then fills", async () => {
    const report = await load(lines, { unknownItems: "create" });
    assert.deepEqual([countOf(report, "created-item"), report.rowsStored], [2, 3]);
    const made = (await store.catalog.get("y"))!;
    assert.deepEqual(made.variants[0], {
      id: "y",
      price: { amount: 5, currency: "EUR" },
      availability: { available: false },
    });
    await importCatalog(store, fileOf([item("y")]), { source: "erp", nowMs }, silentWork());
    assert.deepEqual(await store.catalog.get("y"), item("y"));
  });

  test("fail: nothing is stored, and the line is named", async () => {
    await assert.rejects(load(lines, { unknownItems: "fail" }), {
      code: "UNKNOWN_ITEM",
      message: /^Line 2: .*"x".* 2 items/,
    });
    assert.equal(await store.events.count(), 0);
  });

  test("drop with an empty catalogue is refused before it drops everything", async () => {
    await store.catalog.delete(["a", "b"]);
    await assert.rejects(load(lines, { unknownItems: "drop" }), { code: "EMPTY_CATALOG" });
  });
});

describe("returns", () => {
  const bought = (user: string, quantity: number, atMs: number, type = "purchase") => ({
    ...view(user, "a", atMs),
    type,
    items: [{ itemId: "a", quantity }],
  });

  test("meet purchases of this file and of earlier ones", async () => {
    await load([bought("early", 2, startMs)]);
    const report = await load([
      bought("early", 2, startMs + 10_000, "refund"),
      bought("u", 3, startMs),
      bought("u", 1, startMs + 10_000, "refund"),
      bought("v", 1, startMs),
      bought("v", 4, startMs + 10_000, "refund"),
      bought("w", 1, startMs + 10_000, "refund"),
    ]);
    assert.deepEqual(
      (["return-settled", "return-partly-settled", "return-unmatched"] as const).map((rule) =>
        countOf(report, rule),
      ),
      [2, 1, 1],
    );
    const unmatched = report.findings.find(({ rule }) => rule === "return-unmatched")!;
    assert.deepEqual(unmatched.examples, [{ line: 6, field: "itemId", value: "a" }]);
    assert.equal(report.rowsStored, 6);
  });
});

describe("importing again", () => {
  const lines = [view("u", "a", startMs), view("u", "a", startMs + 500)];

  test("the same file is known, by its content and source", async () => {
    const path = fileOf(lines);
    const first = await importEvents(store, path, rules(), silentWork());
    const second = await importEvents(store, path, rules(), silentWork());
    assert.deepEqual([first.isAlreadyImported, second.isAlreadyImported], [false, true]);
    assert.deepEqual(second.report, first.report);
    const [record] = await store.imports.list();
    assert.deepEqual(
      [record!.importId, record!.format, record!.source],
      [first.importId, "jsonl", "web"],
    );
    assert.equal(await store.events.count(), 1);
  });

  test("by other rules replaces what the first import stored", async () => {
    const path = fileOf(lines);
    await importEvents(store, path, rules(), silentWork());
    const again = rules({ replace: true, duplicateWindowMs: 0 });
    const { report } = await importEvents(store, path, again, silentWork());
    assert.equal(report.rowsStored, 2);
    assert.equal(await store.events.count(), 2);
    assert.equal((await store.imports.list()).length, 1);
  });

  test("what a crash left without a record is cleared away first", async () => {
    const path = fileOf(lines);
    const { importId } = await importEvents(store, path, rules(), silentWork());
    await store.imports.remove(importId);
    const { report } = await importEvents(
      store,
      path,
      rules({ duplicateWindowMs: 0 }),
      silentWork(),
    );
    assert.deepEqual([report.rowsStored, await store.events.count()], [2, 2]);
  });

  test("an import that is stopped leaves nothing, and the next one goes through", async () => {
    const path = fileOf(
      Array.from({ length: 20_000 }, (_, i) =>
        view(`u${i % 50}`, `p${i % 90}`, startMs + i * 1000),
      ),
    );
    const stop = new AbortController();
    const seen: Progress[] = [];
    const context = {
      signal: stop.signal,
      onProgress: (progress: Progress) => {
        seen.push(progress);
        if (progress.stage === "import") stop.abort();
      },
    };
    await assert.rejects(importEvents(store, path, rules(), context), { name: "AbortError" });
    assert.deepEqual([await store.events.count(), (await store.imports.list()).length], [0, 0]);
    assert.ok(seen.every(({ unit, total, done }) => unit === "bytes" && done <= total!));
    const { report } = await importEvents(store, path, rules(), silentWork());
    assert.equal(await store.events.count(), report.rowsStored);
  });

  test("interactions keep their order, and their weight as an attribute", async () => {
    const path = join(folder, `pairs-${files++}.csv`);
    writeFileSync(path, "u1,a\nu1,b\nu1,a\nu2,c\n");
    const { report } = await importInteractions(
      store,
      path,
      { source: "ratings", nowMs },
      silentWork(),
    );
    assert.deepEqual(
      [report.kind, report.format, report.rowsStored],
      ["interactions", "interactions", 4],
    );
    const events = await store.events.byUser("u1" as UserId, 9);
    assert.deepEqual(
      events.map(({ items }) => items![0]!.itemId),
      ["a", "b", "a"],
    );
  });
});

describe("several sources of one catalogue", () => {
  const bring = async (
    source: string,
    items: readonly Item[],
    more: Partial<CatalogImportOptions> = {},
  ) => (await importCatalog(store, fileOf(items), { source, nowMs, ...more }, silentWork())).report;
  const rich = item("a", { title: "Rich", brand: "Acme", attributes: { color: "red", size: "L" } });
  const poor = item("a", { title: "Poor", description: "Long", attributes: { color: "blue" } });
  const joined = { ...rich, ...poor, attributes: { color: "blue", size: "L" } };

  test("the newer source decides, the older fills its gaps", async () => {
    await bring("erp", [rich]);
    const report = await bring("feed", [poor]);
    assert.equal(countOf(report, "filled-item"), 1);
    assert.deepEqual(await store.catalog.get("a"), joined);
    assert.equal((await store.catalog.sourcesOf(["a"])).get("a"), "feed");
  });

  test("a source of higher priority decides though it is older, and stays the source", async () => {
    await bring("erp", [rich]);
    await bring("feed", [poor], { sourcePriority: ["erp", "feed"] });
    assert.deepEqual(await store.catalog.get("a"), {
      ...poor,
      ...rich,
      attributes: { color: "red", size: "L" },
    });
    assert.equal((await store.catalog.sourcesOf(["a"])).get("a"), "erp");
  });

  test("replace and keep do as they say, and the same source updates its own", async () => {
    await bring("erp", [rich]);
    assert.equal(countOf(await bring("feed", [poor], { conflicts: "keep" }), "kept-existing"), 1);
    assert.deepEqual(await store.catalog.get("a"), rich);
    assert.equal(
      countOf(await bring("other", [poor], { conflicts: "replace" }), "replaced-item"),
      1,
    );
    assert.deepEqual(await store.catalog.get("a"), poor);
    assert.equal(countOf(await bring("other", [item("a")]), "updated-item"), 1);
    assert.deepEqual(await store.catalog.get("a"), item("a"));
  });

  test("what is poor is noted: image, category, description, price, title; languages are counted", async () => {
    const free = { ...item("f").variants[0]!, price: { amount: 0, currency: "USD" } };
    const report = await bring("erp", [
      item("a", {
        imageUrls: ["http://x"],
        categories: ["Shoes"],
        description: "d",
        title: "Running shoes",
      }),
      item("b", { title: "耐克跑步鞋" }),
      item("c", { title: "Running  shoes".replace("  ", " ") }),
      item("f", { title: "Schuhe für Läufer mit großen Füßen äöü", variants: [free] }),
    ]);
    assert.deepEqual(
      (
        [
          "missing-image",
          "missing-category",
          "missing-description",
          "duplicate-title",
          "zero-price",
        ] as const
      ).map((rule) => countOf(report, rule)),
      [3, 3, 3, 1, 1],
    );
    assert.deepEqual(report.facts, {
      items: 4,
      variants: 4,
      english: 2,
      chinese: 1,
      mixed: 0,
      otherLanguages: 1,
    });
  });
});

describe("reports", () => {
  test("say in both languages what happened, and escape what files brought", async () => {
    const report = await load([
      view("u", "a", startMs),
      view("<b>u", "a", Date.UTC(2040, 0, 1)),
      '{"x":"<script>alert(1)</script>"',
    ]);
    const text = renderQualityText(report);
    assert.match(text, /Rows read +3\n/);
    assert.match(text, /In the future \(future\)/);
    assert.match(text, /line 2: timestamp "2040-01-01T00:00:00\.000Z"/);
    assert.match(renderQualityText(report, "zh"), /时间在未来/);
    for (const language of ["en", "zh"] as const) {
      const html = renderQualityHtml([report], language);
      assert.ok(html.includes("&lt;script&gt;") && !html.includes("<script"));
      assert.doesNotMatch(html, /https?:\/\//);
    }
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
  });

  test("every rule has its words in both languages", () => {
    for (const [rule, { title, why }] of Object.entries(ruleTexts)) {
      for (const words of [title, why]) {
        assert.ok(words.en.length > 3 && /\p{Script=Han}/u.test(words.zh), rule);
      }
    }
  });
});
