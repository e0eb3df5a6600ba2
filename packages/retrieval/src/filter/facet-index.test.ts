import assert from "node:assert/strict";
import type { FieldConditions, Item } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { product } from "../text/text-index.suite.ts";
import { FacetIndex } from "./facet-index.ts";
import { ItemSet } from "./item-set.ts";

const priced = (title: string, amount: number, facts: Partial<Item> = {}): Item =>
  product(title, {
    variants: [{ id: "v", price: { amount, currency: "EUR" }, availability: { available: true } }],
    ...facts,
  });

const shop = [
  priced("a", 100, {
    brand: "Acme",
    categories: ["Shoes > Running"],
    attributes: { colour: "red" },
  }),
  priced("b", 250, {
    brand: "acme",
    categories: ["Shoes > Hiking"],
    attributes: { colour: "blue" },
  }),
  priced("c", 300, {
    brand: "Zoom",
    categories: ["Shoes > Running"],
    attributes: { colour: "red" },
  }),
  priced("d", 900, {
    brand: "Zoom",
    categories: ["Bags"],
    attributes: { latitude: 48.86, longitude: 2.35 },
  }),
];

for (const [name, make] of [
  ["built", () => FacetIndex.build(shop)],
  ["opened", () => FacetIndex.open(FacetIndex.build(shop).toBytes())],
] as const) {
  describe(`facets, ${name}`, () => {
    const facets = make();
    const all = ItemSet.all(5);
    const none = new Map<string, ItemSet>();

    test("pass conditions: clauses together, tests of a clause by choice, and their opposites", () => {
      const rows = (conditions: FieldConditions) => {
        const passing = [...facets.passing(conditions).toRows()];
        const passes = facets.tester(conditions);
        assert.deepEqual([1, 2, 3, 4].filter(passes), passing);
        return passing;
      };
      const zoom = { field: "brand", anyOf: ["zoom"] };
      const red = { field: "attributes.colour", anyOf: ["red"] };
      const paris = { near: { latitude: 48.85, longitude: 2.34 }, radiusMeters: 5_000 };
      assert.deepEqual(rows([]), [1, 2, 3, 4]);
      assert.deepEqual(rows([[zoom], [red]]), [3]);
      assert.deepEqual(rows([[zoom, red]]), [1, 3, 4]);
      assert.deepEqual(rows([[{ ...zoom, not: true }]]), [1, 2]);
      assert.deepEqual(rows([[{ field: "price", min: 250, max: 300 }]]), [2, 3]);
      assert.deepEqual(rows([[{ field: "attributes.colour", exists: true, not: true }]]), [4]);
      assert.deepEqual(rows([[paris]]), [4]);
      assert.deepEqual(rows([[{ ...paris, not: true }, zoom]]), [1, 2, 3, 4]);
      assert.deepEqual(rows([[{ field: "available", anyOf: ["true"] }]]), [1, 2, 3, 4]);
      assert.deepEqual(rows([[{ field: "nope", anyOf: ["x"] }]]), []);
      assert.deepEqual(rows([[{ field: "categories", anyOf: ["Shoes"] }]]), [1, 2, 3]);
    });

    test("count values, ancestors of categories included, whatever their case", () => {
      const [brand, categories] = facets.counts(all, none, [
        { field: "brand" },
        { field: "categories" },
      ]);
      assert.deepEqual(brand!.values, [
        { value: "Acme", count: 2 },
        { value: "Zoom", count: 2 },
      ]);
      assert.deepEqual(categories!.values, [
        { value: "Shoes", count: 3 },
        { value: "Shoes > Running", count: 2 },
        { value: "Bags", count: 1 },
        { value: "Shoes > Hiking", count: 1 },
      ]);
    });

    test("leave a facet's own choice out of its counts, and hold those of others", () => {
      const refinements = new Map([
        ["brand", facets.select("brand", ["ACME"])],
        ["attributes.colour", facets.select("attributes.colour", ["red"])],
      ]);
      const [brand, colour] = facets.counts(all, refinements, [
        { field: "brand" },
        { field: "attributes.colour" },
      ]);
      assert.deepEqual(brand!.values, [
        { value: "Acme", count: 1 },
        { value: "Zoom", count: 1 },
      ]);
      assert.deepEqual(colour!.values, [
        { value: "blue", count: 1 },
        { value: "red", count: 1 },
      ]);
    });

    test("sum numbers up and count them in ranges", () => {
      const [price] = facets.counts(all, none, [{ field: "price", bounds: [250, 500] }]);
      assert.deepEqual(price!.statistics, { min: 100, max: 900, sum: 1550, avg: 387.5, count: 4 });
      assert.deepEqual(price!.ranges, [
        { from: null, to: 250, count: 1 },
        { from: 250, to: 500, count: 2 },
        { from: 500, to: null, count: 1 },
      ]);
      assert.deepEqual([...facets.range("price", { min: 250, max: 300 }).toRows()], [2, 3]);
    });

    test("find items around a point and in a box", () => {
      const eiffel = { latitude: 48.8584, longitude: 2.2945 }; // 4.1 km away
      assert.deepEqual([...facets.around(eiffel, 5_000).toRows()], [4]);
      assert.deepEqual([...facets.around(eiffel, 3_000).toRows()], []);
      const box = (west: number, east: number) => [
        ...facets
          .insideBox({ latitude: 48, longitude: west }, { latitude: 49, longitude: east })
          .toRows(),
      ];
      assert.deepEqual(box(2, 3), [4]);
      assert.deepEqual(box(170, 3), [4]);
      assert.deepEqual(box(3, 4), []);
    });

    test("search inside a facet by the beginnings of words", () => {
      assert.deepEqual(facets.searchValues("categories", "run", all), [
        { value: "Shoes > Running", count: 2 },
      ]);
    });

    test("search by what values are called in another language, and say it", () => {
      const chinese = new Map([["Shoes > Running", "跑步鞋"]]);
      const labelOf = (value: string) => chinese.get(value);
      const found = [{ value: "Shoes > Running", count: 2, label: "跑步鞋" }];
      assert.deepEqual(facets.searchValues("categories", "跑步", all, 10, labelOf), found);
      assert.deepEqual(facets.searchValues("categories", "run", all, 10, labelOf), found);
      assert.deepEqual(facets.searchValues("categories", "跑步", all), []);
    });

    test("tell how far an item is from a point, and not of one without a place", () => {
      const metres = facets.distanceTo({ latitude: 48.8584, longitude: 2.2945 });
      // By the haversine with the mean radius of 6,371 km.
      assert.ok(Math.abs(metres(4) - 4_064) < 10, `${metres(4)}`);
      assert.ok(Number.isNaN(metres(1)));
    });

    test("know nothing of fields that no item has", () => {
      assert.deepEqual(facets.counts(all, none, [{ field: "nope" }]), [
        { field: "nope", values: [] },
      ]);
      assert.equal(facets.select("nope", ["x"]).count(), 0);
    });
  });
}

test("facets changed one by one count as those built at once", () => {
  const anyItem = fc
    .record({
      brand: fc.constantFrom("a", "b", "c"),
      tags: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
      amount: fc.nat(9),
    })
    .map(({ brand, tags, amount }) => priced("t", amount, { brand, tags }));
  fc.assert(
    fc.property(
      fc.array(anyItem, { minLength: 1, maxLength: 12 }),
      fc.array(fc.tuple(fc.nat(15), anyItem)),
      (items, changes) => {
        const live = FacetIndex.build(items);
        const after: (Item | undefined)[] = [...items];
        for (const [at, item] of changes) {
          live.upsert(at + 1, item);
          while (after.length <= at) after.push(undefined);
          after[at] = item;
        }
        const rebuilt = FacetIndex.build(after);
        const requests = ["brand", "tags", "price"].map((field) => ({ field }));
        const matches = ItemSet.of(
          after.length + 1,
          after.flatMap((item, i) => (item ? [i + 1] : [])),
        );
        assert.deepEqual(
          live.counts(matches, new Map(), requests),
          rebuilt.counts(matches, new Map(), requests),
        );
      },
    ),
  );
});

describe("facets of many values", () => {
  test("stay apart past 65,535 of them, also when opened", () => {
    const count = 65_540;
    const items = Array.from({ length: count }, (_, i) => product("a", { brand: `b${i}` }));
    const facets = FacetIndex.build(items);
    for (const index of [facets, FacetIndex.open(facets.toBytes())]) {
      for (const i of [0, 65_534, 65_535, 65_536, count - 1]) {
        assert.deepEqual([...index.select("brand", [`b${i}`]).toRows()], [i + 1]);
      }
      const [counts] = index.counts(ItemSet.of(count + 1, [1, 65_535, 65_536, count]), new Map(), [
        { field: "brand" },
      ]);
      assert.deepEqual(
        counts!.values.map(({ value, count: own }) => [value, own]),
        ["b0", "b65534", "b65535", "b65539"].map((value) => [value, 1]),
      );
    }
  });
});
