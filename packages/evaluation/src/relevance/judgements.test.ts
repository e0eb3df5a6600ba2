import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  formatJudgementsCsv,
  formatQuerySet,
  formatTrecQrels,
  parseJudgementsCsv,
  parseQuerySet,
  parseTrecQrels,
} from "./judgements.ts";

describe("judgement lists", () => {
  test("are read from CSV by the names of its columns, whatever their order", () => {
    const judgements = parseJudgementsCsv('rating,docid,query\r\n2,a,"12"" pizza"\r\n0,b,x\r\n');
    assert.deepEqual(
      judgements,
      new Map([
        ['12" pizza', new Map([["a", 2]])],
        ["x", new Map([["b", 0]])],
      ]),
    );
  });

  test("come back from CSV as they were written", () => {
    const word = fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text.trim() !== "");
    const lists = fc.dictionary(
      word,
      fc.dictionary(word, fc.nat(4), { minKeys: 1, noNullPrototype: true }),
      { noNullPrototype: true },
    );
    fc.assert(
      fc.property(lists, (list) => {
        const judgements = new Map(
          Object.entries(list).map(([query, grades]) => [query, new Map(Object.entries(grades))]),
        );
        assert.deepEqual(parseJudgementsCsv(formatJudgementsCsv(judgements)), judgements);
      }),
      { numRuns: 50 },
    );
  });

  test("come back from TREC qrels and their query set", () => {
    const judgements = new Map([
      ["red shoes", new Map([["a", 3]])],
      ["跑步 鞋", new Map([["b", 0]])],
    ]);
    const { qrels, queries } = formatTrecQrels(judgements);
    assert.equal(qrels, "1 0 a 3\n2 0 b 0\n");
    assert.deepEqual(parseTrecQrels(qrels, parseQuerySet(formatQuerySet(queries))), judgements);
  });

  test("count negative TREC grades as irrelevant", () => {
    assert.equal(parseTrecQrels("7 0 spam -2").get("7")!.get("spam"), 0);
  });

  test.each([
    ["query,docid\na,b\n", /Line 1: no column is called "rating" or "grade"/],
    ["query,docid,rating\na,b,good\n", /Line 2: "good" is no grade/],
    ["query,docid,rating\na,b,-1\n", /Line 2: "-1" is no grade/],
    ["query,docid,rating\na,b,\n", /Line 2: "" is no grade/],
    ["query,docid,rating\na,b,1\na,b,2\n", /Line 3: item "b" has grade 2 for "a" after grade 1/],
    ["query,docid,rating\n,b,1\n", /Line 2: a query or an item id is empty/],
    ["", /the heading has nothing/],
  ])("say what is wrong with %j", (text, message) => {
    assert.throws(() => parseJudgementsCsv(text), { code: "BAD_JUDGEMENTS", message });
  });

  test("say which qrels line lacks a field", () => {
    assert.throws(() => parseTrecQrels("1 0 a 1\n1 0 b"), /Line 2: 3 fields; four are needed/);
  });

  test("refuse to write as qrels what qrels cannot say", () => {
    assert.throws(() => formatTrecQrels(new Map([["q", new Map([["a b", 1]])]])), /use CSV/);
  });
});

describe("a query set", () => {
  test("numbers queries that have no id", () => {
    assert.deepEqual(
      parseQuerySet("shoes\n\nbag\n"),
      new Map([
        ["1", "shoes"],
        ["2", "bag"],
      ]),
    );
  });

  test("refuses an id that comes twice", () => {
    assert.throws(() => parseQuerySet("a\tx\na\ty"), /Line 2: the query id "a" comes twice/);
  });
});
