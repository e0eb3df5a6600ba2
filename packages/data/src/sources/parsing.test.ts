import assert from "node:assert/strict";
import { compile, eventSchema, eventTypes } from "@magpie/domain";
import { parse } from "csv-parse/sync";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { mapColumns, names } from "./columns.ts";
import { delimiterOf, RecordScanner } from "./csv.ts";
import { ActScanner } from "./events/act-scan.ts";
import { plainDraft, readDraft } from "./events/event-draft.ts";
import { eventTypeNamed } from "./events/event-names.ts";
import { parsePrice } from "./prices.ts";
import type { Problem } from "./reader.ts";
import { encodingOf } from "./text.ts";
import { parseRfc3339, parseTime, zoneNamed } from "./timestamps.ts";

/** Records of a text that arrives in two blocks, cut at a line end. */
function scanned(text: string, cut: number): string[][] {
  const scanner = new RecordScanner(",");
  const at = text.lastIndexOf("\n", cut) + 1;
  const records = [text.slice(0, at), text.slice(at)]
    .filter((part) => part !== "")
    .flatMap((part) => scanner.push({ text: part, firstLine: 1, lineCount: 0 }).records);
  return [...records, ...scanner.end().records].map((record) => [...record]);
}

describe("RecordScanner", () => {
  test("agrees with csv-parse on everything that is well-formed, wherever blocks are cut", () => {
    const field = fc.string({
      unit: fc.constantFrom("a", "ü", "鞋", ",", '"', "\n", "\r\n", " ", ";"),
      maxLength: 6,
    });
    const record = fc
      .array(field, { minLength: 1, maxLength: 4 })
      .filter((fields) => fields.join("") !== "");
    const ends = fc.constantFrom("\n", "\r\n");
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1 }),
        ends,
        fc.boolean(),
        fc.nat(200),
        (records, end, isClosed, cut) => {
          const written = (value: string): string =>
            /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
          const text =
            records.map((fields) => fields.map(written).join(",")).join(end) +
            (isClosed ? end : "");
          const reference = parse(text, {
            relax_column_count: true,
            skip_empty_lines: true,
            record_delimiter: end,
          });
          assert.deepEqual(scanned(text, cut), reference);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("keeps a quote inside an unquoted field as it is", () => {
    assert.deepEqual(scanned('3.5" disk,a"b\n', 0), [['3.5" disk', 'a"b']]);
  });

  test("finds the delimiter outside quotes", () => {
    assert.equal(delimiterOf('"a,b,c";d;e\n1;2;3'), ";");
    assert.equal(delimiterOf("a\tb,c\td"), "\t");
    assert.equal(delimiterOf("single"), ",");
  });
});

describe("times", () => {
  const utc = zoneNamed("UTC");

  test("RFC 3339 agrees with Date.parse on every moment and offset", () => {
    const anyMoment = fc.date({
      min: new Date("0001-01-02"),
      max: new Date("9999-12-30"),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(anyMoment, fc.integer({ min: -14 * 60, max: 14 * 60 }), (date, offset) => {
        const wall = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
        const size = Math.abs(offset);
        const two = (n: number): string => String(Math.floor(n)).padStart(2, "0");
        const text = `${wall}${offset < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
        assert.equal(parseRfc3339(date.toISOString()), date.getTime());
        assert.equal(parseRfc3339(text), date.getTime());
        assert.equal(parseRfc3339(text), Date.parse(text));
      }),
    );
  });

  test("refuses days and hours that are not", () => {
    for (const text of [
      "2026-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z",
      "2026-01-01T00:00:00",
      "2026-01-01T00:00:00.Z",
      "2026-01-01T00:00:00+25:00",
      "2026-01-01T00:00:00Zx",
    ]) {
      assert.ok(Number.isNaN(parseRfc3339(text)), text);
    }
    assert.equal(parseRfc3339("2024-02-29T00:00:00Z"), Date.UTC(2024, 1, 29));
  });

  test("tells seconds, milliseconds, microseconds and nanoseconds apart", () => {
    const ms = 1_700_000_000_123;
    for (const value of [ms, String(ms), `${ms}456`, `${ms}456789`, ms * 1000]) {
      assert.equal(parseTime(value, utc)!.ms, ms);
    }
    assert.equal(parseTime("1700000000", utc)!.ms, 1_700_000_000_000);
    assert.equal(parseTime("1700000000.5", utc)!.ms, 1_700_000_000_500);
  });

  test("reads dates as shops write them, in the zone stated", () => {
    const shanghai = zoneNamed("Asia/Shanghai");
    const expected = Date.UTC(2026, 10, 20, 2, 5);
    for (const text of [
      "2026-11-20 10:05:00",
      "2026/11/20 10:05",
      "2026.11.20 10:05:00.000",
      "2026年11月20日 10时05分",
      "20261120 100500",
    ]) {
      assert.deepEqual(parseTime(text, shanghai), { ms: expected, isLocal: true }, text);
    }
    assert.deepEqual(parseTime("2026-11-20 10:05:00 +08:00", utc), {
      ms: expected,
      isLocal: false,
    });
    assert.equal(parseTime("2026-11-20", utc)!.ms, Date.UTC(2026, 10, 20));
    for (const text of ["yesterday", "", "12", "2026-13-01", "20261345"]) {
      assert.equal(parseTime(text, utc), undefined, text);
    }
  });

  test("follows summer time: Berlin is +1 in January and +2 in July", () => {
    const berlin = zoneNamed("Europe/Berlin");
    assert.equal(berlin(Date.UTC(2026, 0, 15, 12)), Date.UTC(2026, 0, 15, 11));
    assert.equal(berlin(Date.UTC(2026, 6, 15, 12)), Date.UTC(2026, 6, 15, 10));
    // 25 October 2026, 02:30 occurs twice; the first is 00:30 UTC.
    assert.equal(berlin(Date.UTC(2026, 9, 25, 2, 30)), Date.UTC(2026, 9, 25, 0, 30));
  });
});

describe("prices", () => {
  const amount = (value: string | number, currency = "USD"): unknown => {
    const read = parsePrice(value, currency);
    return read.ok ? [read.money.amount, read.money.currency] : read.problem;
  };

  test("reads what people write", () => {
    const cases: [string | number, unknown][] = [
      ["19.99 USD", [1999, "USD"]],
      ["USD 19.99", [1999, "USD"]],
      ["$1,299.00", [129_900, "USD"]],
      ["1.299,00 €", [129_900, "EUR"]],
      ["1 234,50 EUR", [123_450, "EUR"]],
      ["99元", [9900, "CNY"]],
      ["1,299", [129_900, "USD"]],
      ["1,5", [150, "USD"]],
      [".99", [99, "USD"]],
      ["100 JPY", [100, "JPY"]],
      ["1.234 KWD", [1234, "KWD"]],
      ["19.995", [2000, "USD"]],
      [19.990000000000002, [1999, "USD"]],
      [1e-7, [0, "USD"]],
      ["-5 USD", "negative"],
      ["NaN", "not-a-number"],
      ["Infinity", "not-a-number"],
      ["", "not-a-number"],
      ["5.00.00 USD", "not-a-number"],
      ["12.5 dollars", "bad-currency"],
      ["99999999999999999999 USD", "too-large"],
    ];
    for (const [text, expected] of cases) assert.deepEqual([text, amount(text)], [text, expected]);
    assert.equal(parsePrice("5", undefined).ok, false);
    assert.deepEqual(amount("¥5", "JPY"), [5, "JPY"]);
    assert.deepEqual(amount("¥5", "USD"), [500, "CNY"]);
  });

  test("is exact for every amount of minor units, however it is written", () => {
    fc.assert(
      fc.property(fc.nat(10 ** 12), (cents) => {
        const whole = Math.floor(cents / 100);
        const fraction = String(cents % 100).padStart(2, "0");
        const grouped = whole.toLocaleString("en-US");
        for (const text of [
          `${whole}.${fraction} USD`,
          `$${grouped}.${fraction}`,
          `${grouped.replaceAll(",", ".")},${fraction} USD`,
        ]) {
          assert.deepEqual(amount(text), [cents, "USD"]);
        }
      }),
    );
  });
});

describe("events", () => {
  const bySchema = compile(eventSchema);
  const text = fc.string({ unit: "grapheme", minLength: 0, maxLength: 8 });
  const anything = fc.oneof(
    text,
    fc.double(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constant([]),
    fc.constant({}),
  );
  const money = fc.record(
    { amount: fc.oneof(fc.nat(), anything), currency: fc.oneof(fc.constant("USD"), text) },
    { requiredKeys: [] },
  );
  const item = fc.record(
    {
      itemId: fc.oneof(text, anything),
      variantId: text,
      position: fc.oneof(fc.integer({ min: -1, max: 9 }), anything),
      quantity: fc.integer({ min: -1, max: 9 }),
      price: fc.oneof(money, anything),
      other: anything,
    },
    { requiredKeys: ["itemId"] },
  );
  const timestamp = fc.oneof(
    fc
      .date({ min: new Date("1990-01-01"), max: new Date("2030-01-01"), noInvalidDate: true })
      .map((date) => date.toISOString()),
    fc.constantFrom(
      "2026-02-30T00:00:00Z",
      "2026-11-20T10:00:00+08:00",
      "2016-12-31T23:59:60Z",
      "2026-11-20 10:00:00Z",
      "2026-11-20T10:00:00",
    ),
    anything,
  );
  const anyEvent = fc.record(
    {
      type: fc.oneof(fc.constantFrom(...eventTypes), anything),
      timestamp,
      eventId: fc.oneof(text, anything),
      userId: fc.oneof(text, anything),
      visitorId: text,
      sessionId: fc.oneof(text, anything),
      query: fc.oneof(text, anything),
      source: fc.oneof(fc.constantFrom("search", "email"), anything),
      orderId: text,
      items: fc.oneof(fc.array(item, { maxLength: 3 }), anything),
      value: fc.oneof(money, anything),
      attributes: fc.oneof(fc.dictionary(text, anything, { maxKeys: 2 }), anything),
      consent: fc.oneof(fc.record({ personalization: fc.boolean() }), anything),
      unknown: anything,
    },
    { requiredKeys: ["type", "timestamp"] },
  );

  const id = fc.string({ minLength: 1, maxLength: 8 });
  const validItem = fc.record(
    {
      itemId: id,
      variantId: id,
      position: fc.integer({ min: 1, max: 99 }),
      quantity: fc.integer({ min: 1, max: 9 }),
      price: fc.record({ amount: fc.nat(), currency: fc.constant("USD") }),
    },
    { requiredKeys: ["itemId"] },
  );
  const validEvent = fc.record(
    {
      type: fc.constantFrom(...eventTypes),
      timestamp: fc
        .date({ min: new Date("1990-01-01"), max: new Date("2030-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString()),
      userId: id,
      eventId: id,
      visitorId: id,
      sessionId: id,
      queryId: id,
      query: text,
      source: fc.constantFrom("search" as const, "email" as const),
      scenario: id,
      listId: id,
      orderId: id,
      items: fc.array(validItem, { maxLength: 3 }),
      value: fc.record({ amount: fc.nat(), currency: fc.constant("EUR") }),
    },
    { requiredKeys: ["type", "timestamp", "userId"] },
  );

  test("takes every event of plain fields the fast way", () => {
    fc.assert(
      fc.property(validEvent, (made) => {
        const { timestamp, ...rest } = JSON.parse(JSON.stringify(made)) as typeof made;
        const draft = plainDraft({ timestamp, ...rest });
        assert.deepEqual(draft, { ...rest, timestampMs: Date.parse(timestamp) });
      }),
    );
  });

  test("the fast check never accepts what the schema refuses, and both give the same draft", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyEvent,
          fc.tuple(validEvent, anyEvent).map(([valid, other]) => ({
            ...valid,
            ...Object.fromEntries(Object.entries(other).slice(0, 2)),
          })),
        ),
        (made) => {
          const event: unknown = JSON.parse(JSON.stringify(made));
          const draft = plainDraft(event);
          if (draft === undefined) return;
          assert.ok(bySchema(event).ok, JSON.stringify(event));
          const { timestamp: _, ...rest } = event as { timestamp: string };
          assert.deepEqual(draft, {
            ...rest,
            timestampMs: Date.parse((event as { timestamp: string }).timestamp),
          });
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test("a leap second is the second after the one before", () => {
    const problems: Problem[] = [];
    const draft = readDraft(
      { type: "search", userId: "u", timestamp: "2016-12-31T23:59:60Z" },
      1,
      problems,
    );
    assert.deepEqual(problems, []);
    assert.equal(draft!.timestampMs, Date.UTC(2017, 0, 1));
  });

  test("scanning a line for actor, type and time finds what parsing finds", () => {
    const scanner = new ActScanner(eventTypes);
    const spaced = fc.boolean();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(validEvent, anyEvent), spaced), { maxLength: 6 }),
        (made) => {
          const lines = made.map(([event, isSpaced]) =>
            JSON.stringify(event, null, isSpaced ? " " : undefined).replaceAll("\n", ""),
          );
          const found: unknown[] = [];
          scanner.scan(
            { text: lines.join("\n"), firstLine: 1, lineCount: lines.length },
            (...act) => found.push(act),
          );
          // Lines that the schema refuses may be counted or not; those it accepts are counted rightly.
          for (const line of lines) {
            const draft = readDraft(JSON.parse(line), 1, []);
            if (draft === undefined) continue;
            const act = [draft.userId ?? draft.visitorId, draft.type, draft.timestampMs];
            assert.ok(
              found.some((other) => JSON.stringify(other) === JSON.stringify(act)),
              line,
            );
          }
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("attributes that look like fields do not mislead the scan", () => {
    const acts: unknown[] = [];
    const line =
      '{"attributes":{"userId":"x","type":"view"},"type":"click","visitorId":"v","timestamp":"2026-01-01T00:00:00Z"}';
    new ActScanner(eventTypes).scan({ text: line, firstLine: 1, lineCount: 1 }, (...act) =>
      acts.push(act),
    );
    assert.deepEqual(acts, [["v", "click", Date.UTC(2026, 0, 1)]]);
  });

  test("shops' own words for types", () => {
    const words = {
      pv: "view",
      buy: "purchase",
      cart: "add_to_cart",
      fav: "wishlist",
      addtocart: "add_to_cart",
      transaction: "purchase",
      加购: "add_to_cart",
      浏览: "view",
      退货: "refund",
      "Order Completed": "purchase",
      view_item: "view",
      stare: undefined,
    };
    for (const [word, type] of Object.entries(words))
      assert.equal(eventTypeNamed(word), type, word);
  });
});

describe("columns and encodings", () => {
  test("columns are found by name whatever case, spacing and width; earlier aliases win", () => {
    const fields = [
      { name: "id", aliases: names("product id, sku") },
      { name: "title", aliases: names("name, 商品名称") },
    ] as const;
    const { of, extra } = mapColumns(["SKU", " Product_ID ", "商品 名称", "Ｃｏｌｏｕｒ"], fields);
    assert.deepEqual(of, { id: 1, title: 2 });
    assert.deepEqual(
      extra.map(({ name }) => name),
      ["SKU", "Ｃｏｌｏｕｒ"],
    );
    assert.deepEqual(mapColumns(["a", "name"], fields, { id: "A", title: "a" }).of, {
      id: 0,
      title: 0,
    });
  });

  test("encodings are told by mark, zeros, declaration and characters", () => {
    const utf16 = Buffer.from(`id,title\n1,x\n`, "utf16le");
    assert.equal(encodingOf(utf16), "utf-16le");
    assert.equal(encodingOf(Buffer.from(utf16).swap16()), "utf-16be");
    assert.equal(encodingOf(Buffer.concat([Buffer.of(0xff, 0xfe), utf16])), "utf-16le");
    assert.equal(encodingOf(Buffer.of(0xc9, 0xcc, 0xc6, 0xb7, 0x0a)), "gb18030");
    assert.equal(encodingOf(Buffer.of(0x63, 0x61, 0x66, 0xe9, 0x0a)), "utf-8");
    const declared = Buffer.from(`<?xml version="1.0" encoding="GBK"?>`);
    assert.equal(encodingOf(declared), "gb18030");
  });
});
