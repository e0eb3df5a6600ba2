import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { catalogSuggestions, Suggester } from "@magpie/retrieval";
import { smallCatalog, smallItem } from "../../small-shop.suite.ts";
import { LiveSuggester } from "./live-suggester.ts";

const shoe = { title: "Pegasus shoe", brand: "Nike", categories: ["Shoes"] };
const items = [
  smallItem("a", shoe),
  smallItem("b", { title: "Peg bag", brand: "Nimbus", categories: ["Bags"] }),
];
const live = () => {
  const catalog = smallCatalog(...items);
  const suggester = Suggester.build({ learned: [], catalog: catalogSuggestions(items) });
  const own = new LiveSuggester(catalog, suggester);
  let nowMs = 0;
  const suggest = (typed: string) => {
    const { products, brands, categories } = own.suggest(typed, { limit: 5 }, (nowMs += 1_000));
    return {
      products: products.map(({ text }) => text),
      brands: brands.map(({ text }) => text),
      categories: categories.map(({ text }) => text),
    };
  };
  return { catalog, suggest };
};

describe("suggestions of a live catalogue", () => {
  test("drop a brand and a category with the last item that has them, sold out or gone", () => {
    const { catalog, suggest } = live();
    assert.deepEqual(suggest("ni").brands, ["Nike", "Nimbus"]);
    catalog.put(smallItem("a", { ...shoe, available: false }));
    assert.deepEqual(suggest("ni").brands, ["Nimbus"]);
    assert.deepEqual(suggest("sho").categories, []);
    catalog.put(items[0]!);
    catalog.delete("b");
    assert.deepEqual(suggest("ni").brands, ["Nike"]);
    assert.deepEqual(suggest("bag").categories, []);
  });

  test("gain the brand, the category and the title of an item that came", () => {
    const { catalog, suggest } = live();
    catalog.put(
      smallItem("c", { title: "Zebra rug", brand: "Zyntha", categories: ["Zoo > Rugs"] }),
    );
    assert.deepEqual(suggest("z"), {
      products: ["Zebra rug"],
      brands: ["Zyntha"],
      categories: ["Zoo"],
    });
  });

  test("forget what an item was called before", () => {
    const { catalog, suggest } = live();
    for (const title of ["Zebra rug", "Zebu rug", "Zoo rug"]) {
      catalog.put(smallItem("c", { title }));
      assert.deepEqual(suggest("z").products, [title]);
    }
  });
});
