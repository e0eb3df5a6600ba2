import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Item } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { product } from "./text-index.suite.ts";

/** One row of the published acceptance set; the same rows are asked over HTTP. */
interface AcceptanceCase {
  readonly documents: readonly (string | (Partial<Item> & { readonly title: string }))[];
  readonly query: string;
  readonly hits?: readonly string[];
  readonly first?: string;
  readonly absent?: readonly string[];
  readonly marks?: string;
}

const { cases } = JSON.parse(
  readFileSync(new URL("fixtures/acceptance.json", import.meta.url), "utf8"),
) as { cases: readonly AcceptanceCase[] };

describe("the acceptance set", () => {
  for (const { documents, query, hits, first, absent, marks } of cases) {
    const titles = documents.map((one) => (typeof one === "string" ? one : one.title));
    test(`${query} among ${titles.join(", ")}`, async () => {
      const index = await InvertedTextIndex.build(
        documents.map((one) => (typeof one === "string" ? product(one) : product(one.title, one))),
      );
      const answer = index.search(query, { limit: 50 });
      const found = Array.from(answer.items, (row) => titles[row - 1]!);
      if (hits !== undefined) assert.deepEqual(found.toSorted(), [...hits].sort());
      if (first !== undefined) assert.equal(found[0], first);
      for (const title of absent ?? []) assert.ok(!found.includes(title));
      if (marks !== undefined) {
        const marked = index.highlighter(query).highlight(found[0]!, { open: "[", close: "]" });
        assert.equal(marked.value, marks);
      }
    });
  }
});

describe("queries that nobody means", () => {
  test("are answered, whatever they are, in every mode", async () => {
    const index = await InvertedTextIndex.build([product("red shoe"), product("红色鞋子 3.5寸")]);
    const anyPiece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 12 }),
      fc.string({ unit: "grapheme", maxLength: 12 }),
      fc.constantFrom(
        ..."red shoe 鞋 3.5寸 kg \" “ -x ' _ . ~paobu =红色 #l88.9 \u0301 \ud800".split(" "),
      ),
    );
    const anyQuery = fc
      .tuple(fc.array(anyPiece, { maxLength: 40 }), fc.integer({ min: 1, max: 10_000 }))
      .chain(([pieces, length]) =>
        fc.constantFrom("", " ").map((between) => {
          const text = pieces.join(between);
          return text.repeat(Math.ceil(length / Math.max(1, text.length))).slice(0, length);
        }),
      );
    fc.assert(
      fc.property(
        anyQuery,
        fc.constantFrom("all" as const, "relaxed" as const, "broad" as const),
        (query, mode) => {
          const { items, total } = index.search(query, { limit: 5, mode });
          assert.ok(total >= items.length && total <= 2);
          index.highlighter(query).highlight("red shoe 红色鞋子");
        },
      ),
      { numRuns: 100 },
    );
  });

  const junk: readonly (readonly [string, string])[] = [
    ["10,000 letters", "a".repeat(10_000)],
    ["10,000 characters", "鞋子".repeat(5_000)],
    ["3,000 words", "red shoe ".repeat(3_000)],
    ["control characters", "\u0000\u0001\u0007 red \u001b[31m shoe\u007f"],
    ["an unbalanced quote", '"red shoe'],
    ["many quotes", '"'.repeat(9_999)],
    ["many minuses", " -".repeat(5_000)],
    ["emoji", "👟🦊👨‍👩‍👧‍👦 shoe"],
    ["right to left", "حذاء أحمر \u202e shoe"],
    ["a pattern that explodes", `${"a".repeat(40)}${"(a+)+$".repeat(100)}`],
    ["digits and units", "1".repeat(5_000) + "kg ".repeat(2_000)],
    ["half a surrogate pair", "\ud800 shoe \udc00"],
    ["combining marks", "e\u0301".repeat(5_000)],
  ];
  for (const [name, query] of junk) {
    test(`${name} are answered at once`, async () => {
      const index = await InvertedTextIndex.build([product("red shoe"), product("红色鞋子 3.5寸")]);
      index.search("鞋", { limit: 1 }); // loads the dictionary
      const best = Math.min(
        ...Array.from({ length: 3 }, () => {
          const start = performance.now();
          index.search(query, { limit: 20 });
          index.highlighter(query).highlight("red shoe 红色鞋子");
          return performance.now() - start;
        }),
      );
      assert.ok(best <= 50, `${best.toFixed(1)} ms`);
    });
  }
});
