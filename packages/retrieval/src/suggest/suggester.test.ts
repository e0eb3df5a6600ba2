import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Item } from "@magpie/domain";
import { catalogSuggestions, itemSuggestions } from "./catalog-suggestions.ts";
import { Suggester } from "./suggester.ts";

const variants: Item["variants"] = [
  { id: "v", price: { amount: 100, currency: "EUR" }, availability: { available: true } },
];
const items: Item[] = [
  {
    id: "a",
    title: "Pegasus running shoe",
    brand: "Nike",
    categories: ["Shoes > Running"],
    variants,
  },
  {
    id: "b",
    title: "Trail shoe",
    brand: "Salomon",
    categories: ["Shoes > Trail"],
    locales: { zh: { title: "越野鞋", categories: ["鞋 > 越野"], brand: "萨洛蒙" } },
    variants,
  },
];
const learned = [
  { text: "running shoes", searches: 9, users: 5, weight: 9 },
  { text: "pegasus", searches: 4, users: 4, weight: 4 },
];
const suggester = Suggester.build({
  learned,
  catalog: catalogSuggestions(items, ({ id }) => (id === "b" ? 5 : 0)),
  categoryOf: new Map([["running shoes", "Shoes > Running"]]),
});

describe("the suggester", () => {
  test("puts what people searched for before phrases of the catalogue", () => {
    const { queries, rung } = suggester.suggest("ru", { limit: 2 });
    assert.equal(queries[0]!.text, "running shoes");
    assert.equal(queries[0]!.category, "Shoes > Running");
    assert.equal(rung, "as-typed");
  });

  test("finds products, categories and brands, in every language they have", () => {
    assert.equal(suggester.suggest("trail s", { limit: 3 }).products[0]!.id, "b");
    assert.equal(suggester.suggest("yueye", { limit: 3 }).categories[0]!.id, "Shoes > Trail");
    assert.equal(suggester.suggest("sa", { limit: 3 }).brands[0]!.text, "Salomon");
    assert.equal(suggester.suggest("萨", { limit: 3 }).brands[0]!.id, "Salomon");
  });

  test("suggests a brand in a category that nobody searched for", () => {
    const { queries } = suggester.suggest("nike ru", { limit: 3 });
    assert.ok(queries.some(({ text }) => text === "Nike Running"));
  });

  test("completes the last word where nobody typed the first ones, then falls back on popular", () => {
    const pieced = suggester.suggest("purple pegas", { limit: 3 });
    assert.equal(pieced.rung, "last-words");
    assert.equal(pieced.queries[0]!.text, "purple pegasus");
    const nothing = suggester.suggest("12345 67890", { limit: 1 });
    assert.equal(nothing.rung, "popular");
    assert.equal(nothing.queries[0]!.text, "running shoes");
  });

  test("shows only those of the shopper's own searches that begin as typed", () => {
    const recent = ["Red lamp", "rugs", "tv"];
    assert.deepEqual(suggester.suggest("r", { limit: 5, recent }).recent, ["Red lamp", "rugs"]);
    assert.deepEqual(suggester.suggest("r", { limit: 5 }).recent, []);
  });

  test("suggests what is added later, and answers from its bytes as before", () => {
    const opened = Suggester.open(suggester.toBytes());
    assert.deepEqual(opened.suggest("ru", { limit: 5 }), suggester.suggest("ru", { limit: 5 }));
    const lamp: Item = { id: "z", title: "Zebra lamp", brand: "Zyntha", variants };
    opened.setNew(itemSuggestions([lamp, { ...lamp, id: "n", title: "Trail hat", brand: "Nike" }]));
    assert.equal(opened.suggest("zeb", { limit: 5 }).products[0]!.id, "z");
    assert.equal(opened.suggest("zyn", { limit: 5 }).brands[0]!.id, "Zyntha");
    assert.deepEqual(
      opened.suggest("ni", { limit: 5 }).brands,
      suggester.suggest("ni", { limit: 5 }).brands,
    );
    opened.setNew(itemSuggestions([{ ...lamp, title: "Zebra rug" }]));
    assert.deepEqual(
      opened.suggest("zeb", { limit: 5 }).products.map(({ text }) => text),
      ["Zebra rug"],
    );
  });
});
