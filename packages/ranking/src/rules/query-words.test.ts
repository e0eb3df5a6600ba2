import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { withoutWords, wordsOfQuery } from "./query-words.ts";

const plain = (query: string) => wordsOfQuery(query).map(({ word }) => word);

describe("words of a query", () => {
  test("meet whatever their case, accents, width and script", () => {
    assert.deepEqual(plain("  Café-Crème, Ｎｉｋｅ 42! "), ["cafe", "creme", "nike", "42"]);
    assert.deepEqual(plain("連衣裙 red"), ["连", "衣", "裙", "red"]);
  });

  test("of a query without letters and digits there are none", () => {
    assert.deepEqual(plain(""), []);
    assert.deepEqual(plain(" … !?🎉"), []);
  });

  test("are where they were typed", () => {
    const query = "Ｒｅｄ ﬁg 连衣裙";
    const shown = wordsOfQuery(query).map(({ start, end }) => query.slice(start, end));
    assert.deepEqual(shown, ["Ｒｅｄ", "ﬁg", "连", "衣", "裙"]);
  });

  test("lie one after another within any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), (query) => {
        let last = 0;
        for (const { start, end } of wordsOfQuery(query)) {
          assert.ok(start >= last && end <= query.length);
          last = end;
        }
      }),
    );
  });
});

describe("a query without some words", () => {
  test("keeps the others as they were typed", () => {
    assert.equal(withoutWords("Cheap  Red Mug", [["cheap"]]), "Red Mug");
    assert.equal(withoutWords("便宜的手机", [["便", "宜", "的"]]), "手机");
    assert.equal(withoutWords("best mug best", [["best"]]), "mug");
  });

  test("loses a run only where all of it stands", () => {
    assert.equal(withoutWords("on mug sale", [["on", "sale"]]), "on mug sale");
    assert.equal(withoutWords("mug on sale", [["on", "sale"]]), "mug");
  });

  test("stays whole when nothing would be left", () => {
    assert.equal(withoutWords("cheap", [["cheap"]]), "cheap");
    assert.equal(withoutWords("!", [["cheap"]]), "!");
  });
});
