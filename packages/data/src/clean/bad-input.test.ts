import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { DataError, silentWork } from "@magpie/domain";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openStore } from "../store/sqlite-store.ts";
import type { Store } from "../store/store.ts";
import { importCatalog, type CatalogImportOptions } from "./import-catalog.ts";
import { importEvents, importInteractions, type EventImportOptions } from "./import-events.ts";
import type { Example, QualityReport } from "./quality-report.ts";
import type { RuleId } from "./rules.ts";

const nowMs = Date.UTC(2026, 10, 24);
let folder: string;
let store: Store;
let files = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bad-input-"));
  store = await openStore(join(folder, "store"));
});

afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

type Content = string | Buffer;

const utf8 = (text: string): Buffer => Buffer.from(text);

function fileOf(content: Content): string {
  const path = join(folder, `file-${files++}`);
  writeFileSync(path, content);
  return path;
}

/** Imports events into the shared store; each file is a source of its own. */
async function events(
  content: Content,
  options: Partial<EventImportOptions> = {},
): Promise<QualityReport> {
  const path = fileOf(content);
  const rules = { source: path, nowMs, unknownItems: "keep", bots: "keep", ...options } as const;
  const { report } = await importEvents(store, path, rules, silentWork());
  assertBalanced(report);
  return report;
}

async function interactions(content: Content): Promise<QualityReport> {
  const path = fileOf(content);
  const { report } = await importInteractions(store, path, { source: path, nowMs }, silentWork());
  assertBalanced(report);
  return report;
}

async function catalog(
  content: Content,
  options: Partial<CatalogImportOptions> = {},
): Promise<QualityReport> {
  const path = fileOf(content);
  const { report } = await importCatalog(
    store,
    path,
    { source: path, nowMs, ...options },
    silentWork(),
  );
  assertBalanced(report);
  return report;
}

function assertBalanced({ rowsRead, rowsStored, findings }: QualityReport): void {
  const dropped = findings
    .filter(({ effect }) => effect === "dropped")
    .reduce((sum, { count }) => sum + count, 0);
  assert.equal(rowsRead, rowsStored + dropped);
}

/** The only example of a rule that spoke once. */
function onlyExample(report: QualityReport, rule: RuleId): Example {
  const finding = report.findings.find((found) => found.rule === rule);
  assert.ok(finding, `no finding ${rule} in ${JSON.stringify(report.findings)}`);
  assert.equal(finding.count, 1);
  return finding.examples[0]!;
}

/** Asserts where a rule spoke and what it said, and that the other rows survived. */
function assertFound(
  report: QualityReport,
  rule: RuleId,
  place: { line: number; field?: string; value?: string | RegExp },
  message: RegExp,
  stored: number,
): void {
  const example = onlyExample(report, rule);
  assert.equal(example.line, place.line);
  if (place.field !== undefined) assert.equal(example.field, place.field);
  if (place.value instanceof RegExp) assert.match(example.value ?? "", place.value);
  else if (place.value !== undefined) assert.equal(example.value, place.value);
  assert.match(example.message ?? "", message);
  assert.equal(report.rowsStored, stored);
}

let serial = 0;
const good = (extra: object = {}): string =>
  JSON.stringify({
    eventId: `good-${serial++}`,
    type: "view",
    timestamp: "2026-11-20T10:00:00Z",
    userId: "u1",
    items: [{ itemId: "p1" }],
    ...extra,
  });
const bad = (fields: object): string => good(fields);
/** A bad line between two good ones. */
const among = (line: string): string => [good(), line, good({ userId: "u2" })].join("\n");

const header = "user,item,type,time,price,quantity";
const goodRow = (): string => `u${serial++},p1,view,2026-11-20T10:00:00Z,,`;
const rowAmong = (row: string): string => [header, goodRow(), row, goodRow()].join("\n");

describe("broken JSON lines", () => {
  test("a line that ends in the middle", async () => {
    const report = await events(among('{"type":"view","userId":'));
    assertFound(report, "unparsable", { line: 2, value: /^\{"type"/ }, /ends in the middle/, 2);
  });

  test("NaN in place of a number", async () => {
    const report = await events(among('{"type":"view","value":NaN}'));
    assertFound(report, "unparsable", { line: 2 }, /NaN and Infinity are not JSON numbers/, 2);
  });

  test("Infinity in place of a number", async () => {
    const report = await events(among('{"type":"view","value":-Infinity}'));
    assertFound(report, "unparsable", { line: 2 }, /NaN and Infinity/, 2);
  });

  test("single quotes", async () => {
    const report = await events(among("{'type':'view'}"));
    assertFound(report, "unparsable", { line: 2 }, /need double quotes/, 2);
  });

  test("zero bytes", async () => {
    const report = await events(among('{"type":\u0000"view"}'));
    assertFound(report, "unparsable", { line: 2, value: /\\x00/ }, /zero bytes/, 2);
  });

  test("two objects on one line", async () => {
    const report = await events(among(`${good()}${good()}`));
    assertFound(report, "unparsable", { line: 2 }, /is not JSON/, 2);
  });

  test("plain text", async () => {
    const report = await events(among("hello"));
    assertFound(report, "unparsable", { line: 2, value: "hello" }, /is not JSON/, 2);
  });

  test("a number, a string, null and an array in place of an object", async () => {
    const report = await events([good(), "5", '"text"', "null", "[]"].join("\n"));
    const finding = report.findings.find(({ rule }) => rule === "invalid")!;
    assert.equal(finding.count, 4);
    assert.deepEqual(
      finding.examples.map(({ line }) => line),
      [2, 3, 4],
    );
    assert.match(finding.examples[0]!.message!, /must be object, found 5/);
    assert.equal(report.rowsStored, 1);
  });

  test("nesting a hundred thousand deep", async () => {
    const deep = `{"attributes":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    const report = await events(among(deep));
    assert.equal(report.rowsStored, 2);
    assert.equal(report.rowsRead, 3);
  });

  test("blank lines and mixed line ends are no rows", async () => {
    const report = await events(`\n${good()}\r\n\r\n   \n${good({ userId: "u2" })}\n\n`);
    assert.deepEqual([report.rowsRead, report.rowsStored, report.findings.length], [2, 2, 0]);
  });

  test("one JSON array is told how to become lines", async () => {
    await assert.rejects(events(`[${good()}]`), { code: "JSON_ARRAY", hint: /jq -c '\.\[\]'/ });
  });

  test("an object spread over lines is told how to become one", async () => {
    await assert.rejects(events(JSON.stringify(JSON.parse(good()), null, 2)), {
      code: "JSON_NOT_LINES",
    });
  });
});

describe("events that do not fit the schema", () => {
  const cases: [string, object, RuleId, string, RegExp][] = [
    ["an unknown field", { colour: "red" }, "invalid", "colour", /unknown field "colour"/],
    ["an unknown type", { type: "stare" }, "invalid", "type", /one of view, click.*found "stare"/],
    ["a number for a user", { userId: 7 }, "invalid", "userId", /must be string, found 7/],
    ["an empty user", { userId: "" }, "invalid", "userId", /fewer than 1 char/],
    ["an endless user", { userId: "u".repeat(600) }, "invalid", "userId", /more than 512/],
    ["nobody", { userId: undefined }, "missing-user", "userId", /neither userId nor visitorId/],
    ["no time", { timestamp: undefined }, "bad-timestamp", "timestamp", /is missing/],
    [
      "a time without a zone",
      { timestamp: "2026-11-20T10:00:00" },
      "bad-timestamp",
      "timestamp",
      /date-time/,
    ],
    [
      "30 February",
      { timestamp: "2026-02-30T10:00:00Z" },
      "bad-timestamp",
      "timestamp",
      /date-time/,
    ],
    ["a time as a number", { timestamp: 1_700_000_000 }, "bad-timestamp", "timestamp", /string/],
    ["items that are no list", { items: "p1" }, "invalid", "items", /must be array/],
    ["an item without an id", { items: [{}] }, "invalid", "items[0].itemId", /is missing/],
    [
      "an unknown field of an item",
      { items: [{ itemId: "p", sku: "s" }] },
      "invalid",
      "items[0].sku",
      /unknown field/,
    ],
    [
      "position 0",
      { items: [{ itemId: "p", position: 0 }] },
      "invalid",
      "items[0].position",
      />= 1, found 0/,
    ],
    [
      "half a piece",
      { items: [{ itemId: "p", quantity: 0.5 }] },
      "impossible-quantity",
      "items[0].quantity",
      /integer, found 0.5/,
    ],
    [
      "minus two pieces",
      { items: [{ itemId: "p", quantity: -2 }] },
      "impossible-quantity",
      "items[0].quantity",
      />= 1, found -2/,
    ],
    [
      "a negative price",
      { items: [{ itemId: "p", price: { amount: -5, currency: "USD" } }] },
      "impossible-price",
      "items[0].price.amount",
      />= 0, found -5/,
    ],
    [
      "a price as text",
      { items: [{ itemId: "p", price: "19.99" }] },
      "impossible-price",
      "items[0].price",
      /must be object/,
    ],
    [
      "a currency of two letters",
      { items: [{ itemId: "p", price: { amount: 5, currency: "US" } }] },
      "bad-currency",
      "items[0].price.currency",
      /pattern/,
    ],
  ];
  for (const [name, fields, rule, field, message] of cases) {
    test(name, async () => {
      assertFound(await events(among(bad(fields))), rule, { line: 2, field }, message, 2);
    });
  }

  test("a price too large to be exact", async () => {
    const huge = good().replace('"p1"}', '"p1","price":{"amount":1e400,"currency":"USD"}}');
    const report = await events(among(huge));
    assertFound(report, "impossible-price", { line: 2 }, /must be /, 2);
  });

  test("a view of nothing", async () => {
    const report = await events(among(bad({ items: undefined })));
    assertFound(report, "missing-item", { line: 2, field: "items" }, /names no item/, 2);
  });
});

describe("events that cannot be", () => {
  test("in the future", async () => {
    const report = await events(among(bad({ timestamp: "2031-01-01T00:00:00Z" })));
    assertFound(
      report,
      "future",
      { line: 2, value: "2031-01-01T00:00:00.000Z" },
      /later than the import/,
      2,
    );
  });

  test("at the beginning of time", async () => {
    const report = await events(among(bad({ timestamp: "1970-01-01T00:00:00Z" })));
    assertFound(report, "too-old", { line: 2, field: "timestamp" }, /is before 1995/, 2);
  });

  test("half a million pieces", async () => {
    const report = await events(among(bad({ items: [{ itemId: "p", quantity: 500_000 }] })));
    assertFound(report, "impossible-quantity", { line: 2, value: "500000" }, /more than 100000/, 2);
  });

  test("ten trillion cents", async () => {
    const price = { amount: 1e13, currency: "USD" };
    const report = await events(among(bad({ items: [{ itemId: "p", price }] })));
    assertFound(report, "impossible-price", { line: 2 }, /more than/, 2);
  });
});

describe("encodings", () => {
  const chinese = () => good({ userId: "用户一", query: "跑步鞋" });

  test("UTF-8 with a byte order mark", async () => {
    const report = await events(`\ufeff${chinese()}\n`);
    assert.deepEqual([report.encoding, report.rowsStored], ["utf-8", 1]);
  });

  test("UTF-16 in both orders", async () => {
    const little = await events(Buffer.from(`\ufeff${chinese()}\n${good()}`, "utf16le"));
    assert.deepEqual([little.encoding, little.rowsStored], ["utf-16le", 2]);
    const big = await events(Buffer.from(`\ufeff${chinese()}\n${good()}`, "utf16le").swap16());
    assert.deepEqual([big.encoding, big.rowsStored], ["utf-16be", 2]);
  });

  test("UTF-16 without a mark", async () => {
    const report = await events(Buffer.from(`${good()}\n${good({ userId: "u9" })}\n`, "utf16le"));
    assert.deepEqual([report.encoding, report.rowsStored], ["utf-16le", 2]);
  });

  test("half a UTF-16 character", async () => {
    const report = await events(
      Buffer.from(`\ufeff${good()}\n${good({ query: "#" })}`.replace("#", "\ud83d"), "utf16le"),
    );
    assertFound(report, "invalid-bytes", { line: 2 }, /half of a UTF-16 character/, 1);
  });

  test("GB18030 is found by itself", async () => {
    // 用户,商品 … in GB18030: the header and one row.
    const bytes = Buffer.concat([
      Buffer.from([0xd3, 0xc3, 0xbb, 0xa7, 0x2c, 0xc9, 0xcc, 0xc6, 0xb7, 0x2c]),
      Buffer.from([0xd0, 0xd0, 0xce, 0xaa, 0x2c, 0xca, 0xb1, 0xbc, 0xe4, 0x0a]),
      utf8("u1,p1,"),
      Buffer.from([0xe4, 0xaf, 0xc0, 0xc0]),
      utf8(",2026-11-20 10:00:00\n"),
    ]);
    const report = await events(bytes, { zone: "+08:00" });
    assert.deepEqual([report.encoding, report.rowsStored], ["gb18030", 1]);
    assert.equal(report.period!.firstMs, Date.UTC(2026, 10, 20, 2));
  });

  test("bytes that are not UTF-8 cost their line only", async () => {
    const broken = utf8(good({ userId: "u#" }));
    broken[broken.indexOf("#")] = 0xff;
    const report = await events(
      Buffer.concat([utf8(`${good()}\n`), broken, utf8(`\n${good({ userId: "u3" })}`)]),
    );
    assertFound(report, "invalid-bytes", { line: 2 }, /byte \d+ of the line is not valid UTF-8/, 2);
  });

  test("bytes that are not GB18030 cost their line only", async () => {
    const row = Buffer.concat([
      utf8("u2,p1,view,2026-11-20T10:00:00Z,"),
      Buffer.from([0xff, 0x20]),
      utf8("\n"),
    ]);
    const report = await events(
      Buffer.concat([utf8("user,item,type,time,query\nu1,p1,view,2026-11-20T10:00:00Z,\n"), row]),
      { encoding: "gb18030" },
    );
    assertFound(report, "invalid-bytes", { line: 3 }, /not valid GB18030/, 1);
  });
});

describe("files as a whole", () => {
  test("an empty file", async () => {
    await assert.rejects(events(""), { code: "EMPTY_FILE", message: /holds no rows/ });
  });

  test("a file of blank lines", async () => {
    await assert.rejects(events("\n \n\t\n"), { code: "EMPTY_FILE" });
  });

  test("an empty gzip file", async () => {
    await assert.rejects(events(gzipSync("")), { code: "EMPTY_FILE" });
  });

  test("no file", async () => {
    const missing = join(folder, "missing.jsonl");
    await assert.rejects(importEvents(store, missing, { source: "s", nowMs }, silentWork()), {
      code: "FILE_NOT_FOUND",
      kind: "not-found",
      message: /missing\.jsonl/,
    });
  });

  test("a folder", async () => {
    await assert.rejects(importEvents(store, folder, { source: "s", nowMs }, silentWork()), {
      code: "NOT_A_FILE",
      message: /is a folder/,
    });
  });

  test("an Excel workbook", async () => {
    await assert.rejects(events(utf8("PK\u0003\u0004rest of the archive")), {
      code: "UNSUPPORTED_FILE",
      message: /ZIP archive/,
      hint: /CSV UTF-8/,
    });
  });

  test("a Parquet file", async () => {
    await assert.rejects(events("PAR1xxxx"), { code: "UNSUPPORTED_FILE" });
  });

  test("a truncated gzip file keeps what was good", async () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => good({ userId: `cut-${i}-${i * i}` }));
    const whole = gzipSync(lines.join("\n"));
    const report = await events(whole.subarray(0, Math.floor(whole.length / 2)));
    assert.match(onlyExample(report, "truncated-file").message!, /ends early/);
    assert.ok(report.rowsStored > 500 && report.rowsStored < 2_000, String(report.rowsStored));
    // The line in which the file was cut is the only one that is lost.
    assert.equal(report.rowsRead - report.rowsStored <= 1, true);
  });

  test("a gzip file damaged in the middle keeps what was good", async () => {
    const lines = Array.from({ length: 5_000 }, (_, i) =>
      good({ userId: `hurt-${(i * 7919) % 5_003}` }),
    );
    const bytes = gzipSync(lines.join("\n"));
    bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 64);
    const report = await events(bytes);
    assert.match(onlyExample(report, "truncated-file").message!, /damaged near compressed byte/);
    assert.ok(report.rowsStored > 0);
  });

  test("gzip members one after another are one file", async () => {
    const report = await events(
      Buffer.concat([gzipSync(`${good()}\n`), gzipSync(good({ userId: "u4" }))]),
    );
    assert.equal(report.rowsStored, 2);
  });

  test("a giant line costs itself only", async () => {
    const giant = good({ query: "x".repeat(3_000_000) });
    const report = await events(among(giant), { maxLineBytes: 1_000_000 });
    assertFound(report, "line-too-long", { line: 2 }, /has 30\d{5} bytes; lines up to 1000000/, 2);
  });

  test("a giant last line without an end", async () => {
    const report = await events(`${good()}\n${"x".repeat(2_000_000)}`, { maxLineBytes: 1_000_000 });
    assertFound(report, "line-too-long", { line: 2 }, /2000000 bytes/, 1);
  });

  test("a catalogue given as events is told apart", async () => {
    const item = '{"id":"p1","title":"Shoe","variants":[]}';
    await assert.rejects(events(item), { code: "WRONG_KIND", hint: /import catalog/ });
    await assert.rejects(catalog(good()), { code: "WRONG_KIND", hint: /import events/ });
  });

  test("text of no known format", async () => {
    await assert.rejects(events("Dear Sir or Madam,\nplease find attached"), {
      code: "FORMAT_UNCLEAR",
      message: /first line is: Dear Sir/,
    });
  });

  test("an unknown format and an unknown zone by name", async () => {
    await assert.rejects(events(good(), { format: "yaml" }), { code: "UNKNOWN_FORMAT" });
    await assert.rejects(events(rowAmong(goodRow()), { zone: "Mars/Olympus" }), {
      code: "UNKNOWN_ZONE",
    });
  });

  test("standard input is read from a copy", async () => {
    const stdin = Readable.from([`${good()}\n`, good({ userId: "u5" })]);
    const options = { source: "pipe", nowMs, unknownItems: "keep", stdin } as const;
    const { report } = await importEvents(store, "-", options, silentWork());
    assert.deepEqual([report.file, report.rowsStored], ["standard input", 2]);
  });
});

describe("broken CSV", () => {
  test("too few and too many fields", async () => {
    const few = await events(rowAmong("u1,p1"));
    assertFound(
      few,
      "ragged-row",
      { line: 3, value: "u1 ¦ p1" },
      /2 fields where the header has 6/,
      2,
    );
    const many = await events(rowAmong("u1,p1,view,2026-11-20,1,1,1,x"));
    assertFound(many, "ragged-row", { line: 3 }, /8 fields/, 2);
  });

  test("a quote that is never closed costs its row only", async () => {
    const report = await events(rowAmong('u1,"p1,view,2026-11-20,,'));
    assertFound(report, "unclosed-quote", { line: 3 }, /never closed/, 2);
  });

  test("text after a closing quote", async () => {
    const report = await events(rowAmong('u1,"p1"x,view,2026-11-20,,'));
    assertFound(report, "unparsable", { line: 3 }, /text follows a closing quote/, 2);
  });

  test("a duplicate header that is needed", async () => {
    await assert.rejects(events("user,user,item,type,time\nu,u,p,view,2026-11-20\n"), {
      code: "DUPLICATE_COLUMN",
      message: /"user" occurs 2 times \(columns 1, 2\)/,
    });
  });

  test("a missing header line", async () => {
    await assert.rejects(events("u1,p1,view,2026-11-20T10:00:00Z\n", { format: "csv" }), {
      code: "MISSING_COLUMN",
      hint: /--map/,
    });
  });

  test("a mapping to nowhere and of nothing", async () => {
    const file = rowAmong(goodRow());
    await assert.rejects(events(file, { map: { itemId: "Artikel" } }), { code: "UNKNOWN_COLUMN" });
    await assert.rejects(events(file, { map: { colour: "item" } }), { code: "UNKNOWN_FIELD" });
  });

  test("a time that is none", async () => {
    const report = await events(rowAmong("u1,p1,view,yesterday,,"));
    assertFound(
      report,
      "bad-timestamp",
      { line: 3, field: "timestamp", value: "yesterday" },
      /RFC 3339/,
      2,
    );
  });

  test("a type nobody knows", async () => {
    const report = await events(rowAmong("u1,p1,stare,2026-11-20,,"));
    assertFound(
      report,
      "unmapped-type",
      { line: 3, field: "type", value: "stare" },
      /no type of event/,
      2,
    );
  });

  test("a price in words, and one below zero", async () => {
    const options = { currency: "USD" };
    const words = await events(rowAmong("u1,p1,view,2026-11-20,cheap,"), options);
    assertFound(
      words,
      "impossible-price",
      { line: 3, field: "price", value: "cheap" },
      /not a price/,
      2,
    );
    const below = await events(rowAmong("u1,p1,view,2026-11-20,-3.50,"), options);
    assertFound(below, "impossible-price", { line: 3, value: "-3.50" }, /is negative/, 2);
  });

  test("a price without a currency", async () => {
    const report = await events(rowAmong("u1,p1,view,2026-11-20,3.50,"));
    assertFound(report, "bad-currency", { line: 3, field: "price" }, /--currency USD/, 2);
  });

  test("a quantity that is none", async () => {
    const report = await events(rowAmong("u1,p1,add_to_cart,2026-11-20,,many"));
    assertFound(report, "impossible-quantity", { line: 3, value: "many" }, /whole number/, 2);
  });

  test("injection strings are kept as text", async () => {
    const strings = [
      "'); DROP TABLE event;--",
      "=cmd|' /C calc'!A0",
      "<script>alert(1)</script>",
      "../../etc/passwd",
      "${jndi:ldap://x}",
      "__proto__",
    ];
    const rows = strings.map((text) => `"${text}",p1,view,2026-11-20T10:00:00Z,,`);
    const report = await events([header, ...rows].join("\n"));
    assert.equal(report.rowsStored, strings.length);
    const users = await store.events.userKeys();
    for (const text of strings) assert.ok((users as readonly string[]).includes(text), text);
  });

  test("line ends of three systems in one file", async () => {
    const report = await events(`${header}\r\n${goodRow()}\n${goodRow()}\r${goodRow()}\r\n`);
    assert.equal(report.rowsStored, 3);
  });

  test("interactions without a user, and with a weight in words", async () => {
    const report = await interactions(
      "user,item,time,rating\n,p1,1700000000,5\nu1,p1,1700000000,good\nu1,p2,1700000001,4\n",
    );
    assertFound(report, "missing-user", { line: 2, field: "user" }, /no user/, 1);
    assertFound(report, "invalid", { line: 3, field: "weight", value: "good" }, /not a number/, 1);
  });
});

describe("broken catalogues", () => {
  const goodItem = (id: string): string =>
    JSON.stringify({
      id,
      title: `Item ${id}`,
      variants: [{ id, price: { amount: 1, currency: "USD" }, availability: { available: true } }],
    });

  test("items without id, title, variants and price", async () => {
    const lines = [
      goodItem("a"),
      '{"title":"x","variants":[]}',
      '{"id":"b","variants":[]}',
      '{"id":"c","title":"c","variants":[]}',
      '{"id":"d","title":"d","variants":[{"id":"d","availability":{"available":true}}]}',
    ];
    const report = await catalog(lines.join("\n"));
    assertFound(report, "missing-id", { line: 2, field: "id" }, /is missing/, 1);
    assertFound(report, "missing-title", { line: 3, field: "title" }, /is missing/, 1);
    assertFound(report, "invalid", { line: 4, field: "variants" }, /fewer than 1/, 1);
    assertFound(report, "missing-price", { line: 5, field: "variants[0].price" }, /is missing/, 1);
  });

  test("a feed whose XML is broken in one product", async () => {
    const product = (id: string) =>
      `<item><g:id>${id}</g:id><title>T</title><g:price>5 USD</g:price><g:availability>in_stock</g:availability></item>`;
    const report = await catalog(
      `<?xml version="1.0"?>\n<rss><channel>\n${product("x1")}\n<item><g:id>x2</g:id><title>A & B</title><g:price>5 USD</g:price></item>\n${product("x3")}\n</channel></rss>`,
    );
    assertFound(report, "unparsable", { line: 4 }, /XML of this product is broken/, 2);
  });

  test("a feed that ends in the middle", async () => {
    const report = await catalog(
      "<rss><channel>\n<item><g:id>y1</g:id><title>T</title><g:price>5 USD</g:price></item>\n<item><g:id>y2</g:id><title>",
    );
    assertFound(report, "unparsable", { line: 3 }, /ends in the middle/, 1);
  });

  test("external entities of XML are not followed", async () => {
    const report = await catalog(
      '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<rss><channel>\n<item><g:id>z1</g:id><title>&x;</title><g:price>5 USD</g:price></item>\n</channel></rss>',
    );
    assert.equal(report.rowsStored, 0);
    assert.match(onlyExample(report, "unparsable").message!, /entity/i);
  });

  test("a feed with a bad price and a bad availability", async () => {
    const tsv = [
      "id\ttitle\tlink\timage_link\tprice\tavailability",
      "t1\tA\thttp://x\thttp://x\t5.00 USD\tin stock",
      "t2\tB\thttp://x\thttp://x\tUSD\tin stock",
      "t3\tC\thttp://x\thttp://x\t5.00 USD\tperhaps",
    ].join("\n");
    const report = await catalog(tsv);
    assertFound(
      report,
      "impossible-price",
      { line: 3, field: "price", value: "USD" },
      /not a price/,
      1,
    );
    assertFound(
      report,
      "invalid",
      { line: 4, field: "availability", value: "perhaps" },
      /in_stock/,
      1,
    );
  });

  test("a Shopify export without its currency", async () => {
    await assert.rejects(
      catalog("Handle,Title,Option1 Name,Option1 Value,Variant Price\na,A,Title,Default Title,5\n"),
      (error) => {
        assert.ok(error instanceof DataError);
        assert.equal(error.code, "MISSING_CURRENCY");
        assert.match(error.hint, /--currency/);
        return true;
      },
    );
  });

  test("negative stock and a rating of six", async () => {
    const rows = [
      "id,title,price,stock,rating",
      "k1,A,5 USD,3,4",
      "k2,B,5 USD,-3,4",
      "k3,C,5 USD,3,6",
    ];
    const report = await catalog(rows.join("\n"));
    assertFound(
      report,
      "impossible-quantity",
      { line: 3, field: "quantity", value: "-3" },
      /0 or more/,
      1,
    );
    assertFound(report, "invalid", { line: 4, field: "rating", value: "6" }, /from 0 to 5/, 1);
  });
});
