import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { facetFilters, numericFilters, parseFilters, tagFilters } from "./filters.ts";

const any = (field: string, value: string, not = false) => ({
  field,
  anyOf: [value],
  ...(not && { not }),
});

describe("filters", () => {
  test.each<[string, unknown]>([
    ["", []],
    ["brand:Acme", [[any("brand", "Acme")]]],
    ['brand:"Black & Decker"', [[any("brand", "Black & Decker")]]],
    ["brand:Black and Decker", [[any("brand", "Black and Decker")]]],
    ['"brand:Acme Inc"', [[any("brand", "Acme Inc")]]],
    ["NOT brand:Acme", [[any("brand", "Acme", true)]]],
    [
      "(brand:Acme OR brand:Zoom) AND tags:new",
      [[any("brand", "Acme"), any("brand", "Zoom")], [any("tags", "new")]],
    ],
    ["brand:A OR brand:B", [[any("brand", "A"), any("brand", "B")]]],
    [
      "(brand:A AND tags:b) AND tags:c",
      [[any("brand", "A")], [any("tags", "b")], [any("tags", "c")]],
    ],
    ["price:5.99 TO 100", [[{ field: "price", min: 5.99, max: 100 }]]],
    ["price >= 10 AND price<=20", [[{ field: "price", min: 10 }], [{ field: "price", max: 20 }]]],
    ["rating = 4", [[{ field: "rating", min: 4, max: 4 }]]],
    ["rating != 4", [[{ field: "rating", min: 4, max: 4, not: true }]]],
    ["published", [[any("tags", "published")]]],
    ["inStock:true", [[any("available", "true")]]],
    ["categories.lvl1:'Shoes > Running'", [[any("categories", "Shoes > Running")]]],
    ["品牌:华为 AND attributes.颜色:红", [[any("品牌", "华为")], [any("attributes.颜色", "红")]]],
    ["brand:O'Neill", [[any("brand", "O'Neill")]]],
  ])("%s", (text, expected) => {
    assert.deepEqual(parseFilters(text), expected);
  });

  test("bounds of < and > leave the number itself out, and nothing else", () => {
    const [[above]] = parseFilters("price > 10") as unknown as [[{ min: number }]];
    assert.ok(above.min > 10 && above.min < 10.000001);
    const [[below]] = parseFilters("price < 0") as unknown as [[{ max: number }]];
    assert.ok(below.max < 0 && below.max > -1e-9);
  });

  test.each([
    ["brand:A AND", /ends where a test is missing/],
    ["(brand:A", /"\)" is missing/],
    ["brand:A)", /at 8/],
    ["brand:A AND tags:b OR tags:c", /mixed without parentheses/],
    ["brand:A OR (tags:b AND tags:c)", /OR cannot join groups/],
    ["NOT (brand:A OR brand:B)", /NOT needs a single test/],
    ['brand:"A', /never closed/],
    ["brand:", /has no value/],
    ["price > cheap", /no number/],
    ["AND", /a test is missing/],
    [`${"(".repeat(5)}brand:A${")".repeat(5)}`, /nested too deeply/],
  ])("%s is refused with its place", (text, told) => {
    assert.throws(() => parseFilters(text), told);
  });

  test("any text is parsed or refused, quickly", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        const started = performance.now();
        try {
          parseFilters(text);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "INVALID_PARAMETER");
        }
        assert.ok(performance.now() - started < 500);
      }),
    );
  });
});

describe("facetFilters, numericFilters, tagFilters", () => {
  test("outer entries all hold, of an inner list one does", () => {
    assert.deepEqual(facetFilters([["brand:A", "brand:B"], "tags:-sale"]), [
      [any("brand", "A"), any("brand", "B")],
      [any("tags", "sale", true)],
    ]);
    assert.deepEqual(facetFilters("brand:A"), [[any("brand", "A")]]);
    assert.deepEqual(facetFilters('["brand:A"]'), [[any("brand", "A")]]);
    assert.deepEqual(facetFilters("brand:\\-5%"), [[any("brand", "-5%")]]);
    assert.deepEqual(numericFilters(["price>=10", ["rating=4", "rating=5"]]), [
      [{ field: "price", min: 10 }],
      [
        { field: "rating", min: 4, max: 4 },
        { field: "rating", min: 5, max: 5 },
      ],
    ]);
    assert.deepEqual(tagFilters(["a", ["b", "-c"]]), [
      [any("tags", "a")],
      [any("tags", "b"), any("tags", "c", true)],
    ]);
  });

  test.each<[() => unknown, RegExp]>([
    [() => facetFilters([["brand"]]), /facetFilters: "brand" has no value/],
    [() => facetFilters([[]]), /must be a list/],
    [() => facetFilters([{}]), /must be a list/],
    [() => facetFilters(7), /must be a list/],
    [() => facetFilters("[broken"), /must be a list/],
    [() => numericFilters(["price ~ 3"]), /numericFilters: "price ~ 3" is no comparison/],
  ])("what is no list of tests is refused (%#)", (read, told) => {
    assert.throws(read, told);
  });
});
