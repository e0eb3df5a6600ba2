import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { SuggestionIndex, type SuggestionEntry } from "./suggestion-index.ts";

const entries: SuggestionEntry[] = [
  { text: "running shoes", weight: 50, category: "Shoes > Running" },
  { text: "running shorts", weight: 20, category: "Clothes > Shorts" },
  { text: "Trail running shoes", weight: 10, category: "Shoes > Trail" },
  { text: "samsung tv", weight: 30 },
  { text: "耐克运动鞋", weight: 12, id: "q1" },
  { text: "奶粉", weight: 9 },
  { text: "口红 nike", weight: 1 },
  { text: "iphone 15", weight: 5 },
];
const index = SuggestionIndex.build(entries);
const texts = (typed: string, limit = 5, context: string[] = []): string[] =>
  index.suggest(typed, { limit, context }).map(({ text }) => text);

/** Letters of several scripts, signs, controls. */
const anyUnit = fc.constantFrom(...Array.from('aNé… "-(\u0000\u202e汉漢字鞋🧦が1.'));

describe("a suggestion index", () => {
  test("completes by the beginning, most asked for first", () => {
    assert.deepEqual(texts("run"), ["running shoes", "running shorts", "Trail running shoes"]);
    assert.deepEqual(texts("ＲＵＮＮＩＮＧ　ｓｈｏｒ"), ["running shorts"]);
  });

  test("completes by a later word, behind beginnings of like weight", () => {
    assert.deepEqual(texts("tra"), ["Trail running shoes"]);
    assert.equal(index.suggest("tv", { limit: 1 })[0]!.match, "later-word");
  });

  test("forgives a typing error in words of four letters and more, none in model numbers", () => {
    assert.deepEqual(texts("samsnug"), ["samsung tv"]);
    assert.deepEqual(texts("rnning sh").slice(0, 1), ["running shoes"]);
    assert.deepEqual(texts("iphone 16"), []);
    assert.deepEqual(texts("sma"), []);
  });

  test("completes Chinese by characters, inner ones too, traditional ones as well", () => {
    assert.deepEqual(texts("耐"), ["耐克运动鞋"]);
    assert.deepEqual(texts("运动鞋"), ["耐克运动鞋"]);
    assert.deepEqual(texts("運動"), ["耐克运动鞋"]);
  });

  test.each(["naike", "naikeyundong", "nkydx", "naik", "nky", "nai ke yd", "nkyundongx"])(
    "completes Chinese by pinyin %s",
    (typed) => {
      assert.equal(texts(typed)[0], "耐克运动鞋");
    },
  );

  test("completes Chinese that sounds like what is written, where nothing is so written", () => {
    assert.deepEqual(texts("耐客运动"), ["耐克运动鞋"]);
  });

  test("prefers what lies in the categories of the shopper's visit", () => {
    assert.equal(texts("running", 1, ["Clothes"])[0], "running shorts");
    assert.equal(texts("running", 1, ["Clo"])[0], "running shoes");
  });

  test("gives the heaviest when nothing is typed, and nothing when nothing fits", () => {
    assert.deepEqual(texts("", 2), ["running shoes", "samsung tv"]);
    assert.deepEqual(texts("zzzz qqqq"), []);
  });

  test("joins entries of the same words under the form of most weight", () => {
    const joined = SuggestionIndex.build([
      { text: "LED tv", weight: 1 },
      { text: "LED TV", weight: 2 },
    ]);
    assert.deepEqual(joined.exactly("led  tv"), { text: "LED TV", weight: 3 });
    assert.equal(joined.exactly("led"), undefined);
  });

  test("answers from its bytes as before, and refuses other bytes", () => {
    const opened = SuggestionIndex.open(index.toBytes());
    for (const typed of ["run", "nkydx", "耐", "samsnug", ""]) {
      assert.deepEqual(opened.suggest(typed, { limit: 5 }), index.suggest(typed, { limit: 5 }));
    }
    assert.throws(() => SuggestionIndex.open(new Uint8Array(20)), { code: "BAD_INDEX_FILE" });
  });

  test("takes an empty list, and any text as typed", () => {
    assert.deepEqual(SuggestionIndex.build([]).suggest("a", { limit: 3 }), []);
    fc.assert(
      fc.property(fc.string({ unit: anyUnit, maxLength: 200 }), (typed) => {
        assert.ok(index.suggest(typed, { limit: 3 }).length <= 3);
      }),
    );
  });

  test("for any prefix gives the heaviest texts that begin with it", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 5 });
    const list = fc.uniqueArray(fc.record({ text: word, weight: fc.nat(1000) }), {
      selector: ({ text }) => text,
      minLength: 1,
      maxLength: 40,
    });
    fc.assert(
      fc.property(list, word, fc.integer({ min: 1, max: 5 }), (all, prefix, limit) => {
        const found = SuggestionIndex.build(all)
          .suggest(prefix, { limit })
          .filter(({ match }) => match === "start");
        const expected = all
          .filter(({ text }) => text.startsWith(prefix))
          .sort((a, b) => b.weight - a.weight || (a.text < b.text ? -1 : 1));
        assert.deepEqual(
          found.map(({ text }) => text),
          expected
            .slice(0, limit)
            .map(({ text }) => text)
            .slice(0, found.length),
        );
        assert.equal(found.length, Math.min(limit, expected.length));
      }),
    );
  });
});
