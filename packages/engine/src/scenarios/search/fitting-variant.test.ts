import assert from "node:assert/strict";
import type { FieldTest, Item, ServingRequest, Variant } from "@magpie/domain";
import { InvertedTextIndex } from "@magpie/retrieval";
import { beforeAll, describe, test } from "vitest";
import { variantChooser } from "./fitting-variant.ts";

const variant = (id: string, colour: string, size: string, available = true): Variant => ({
  id,
  options: { colour, size },
  price: { amount: 2_000, currency: "EUR" },
  availability: { available },
});

const shirt: Item = {
  id: "shirt",
  title: "Linen shirt",
  variants: [
    variant("white-s", "White", "S"),
    variant("blue-s", "Blue", "S", false),
    variant("blue-m", "Blue", "M"),
    variant("red-m", "Red", "M"),
  ],
};

let index: InvertedTextIndex;
beforeAll(async () => {
  index = await InvertedTextIndex.build([shirt]);
});

function meant(query: string, refinements: FieldTest[] = [], item = shirt): string | undefined {
  const request = { query, search: { refinements, facets: [] }, filter: {} };
  const choose = variantChooser(request as unknown as ServingRequest, () =>
    index.highlighter(query),
  );
  return choose(item);
}

const colour = (...anyOf: string[]): FieldTest => ({ field: "options.colour", anyOf });
const size = (...anyOf: string[]): FieldTest => ({ field: "options.size", anyOf });

describe("the variant that a search means", () => {
  test("has the query's words", () => {
    assert.equal(meant("red shirt "), "red-m");
  });

  test("can be bought, where several have them", () => {
    assert.equal(meant("blue shirt "), "blue-m");
    assert.equal(meant("blue shirt s "), "blue-s", "the only one with both words");
  });

  test("has what was chosen in facets, which counts more than words", () => {
    assert.equal(meant("", [colour("Red", "Blue"), size("S")]), "blue-s");
    assert.equal(meant("red shirt ", [colour("Blue")]), "blue-m");
    assert.equal(meant("", [{ ...colour("White"), not: true }]), "blue-m");
    assert.equal(meant("", [{ field: "options.colour", exists: true }]), undefined);
  });

  test("is the featured one, unsaid, when nothing tells them apart", () => {
    for (const query of ["shirt ", "white shirt ", ""]) assert.equal(meant(query), undefined);
    assert.equal(meant("", [size("S")]), undefined);
    assert.equal(meant("", [{ field: "price", min: 1 }]), undefined);
    const soldOut = { ...shirt, variants: [variant("a", "White", "S", false), shirt.variants[3]!] };
    assert.equal(meant("shirt ", [], soldOut), undefined);
  });

  test("of a product with one variant is that one, unsaid", () => {
    const single = { ...shirt, variants: shirt.variants.slice(3) };
    assert.equal(meant("red ", [colour("Red")], single), undefined);
  });
});
