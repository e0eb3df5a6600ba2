import assert from "node:assert/strict";
import { isAvailable, type Item, type ItemFilter } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ItemFilterIndex } from "./item-filter-index.ts";

function item(id: string, facts: Partial<Item> & { price?: number; stock?: boolean } = {}): Item {
  const { price = 1000, stock = true, ...rest } = facts;
  return {
    id,
    title: id,
    variants: [
      {
        id: `${id}-v`,
        price: { amount: price, currency: "CNY" },
        availability: { available: stock },
      },
    ],
    ...rest,
  };
}

const shop: Item[] = [
  item("a", { brand: "Nike", categories: ["Shoes > Running"], shopId: "s1", price: 500 }),
  item("b", {
    brand: "nike ",
    categories: ["Shoes > Trail"],
    shopId: "s2",
    price: 900,
    stock: false,
  }),
  item("c", { brand: "耐克", categories: ["鞋 > 跑步鞋", "Shoes"], price: 700 }),
  item("d"),
];

const rowIn = (items: readonly (Item | undefined)[]) => (id: string) => {
  const place = items.findIndex((candidate) => candidate?.id === id);
  return place < 0 ? undefined : place + 1;
};
const open = (items: readonly (Item | undefined)[] = shop) =>
  ItemFilterIndex.build(items, rowIn(items));
const rows = (index: ItemFilterIndex, filter: ItemFilter) => [...index.compile(filter).toRows()];

describe("the item filter", () => {
  test("passes everything when it asks for nothing", () => {
    assert.deepEqual(rows(open(), {}), [1, 2, 3, 4]);
    assert.deepEqual(rows(open(), { brands: [], categories: [] }), [1, 2, 3, 4]);
  });

  test("passes what can be bought now", () => {
    assert.deepEqual(rows(open(), { availableOnly: true }), [1, 3, 4]);
  });

  test("finds a category by itself and by any of its ancestors", () => {
    assert.deepEqual(rows(open(), { categories: ["Shoes > Running"] }), [1]);
    assert.deepEqual(rows(open(), { categories: ["shoes"] }), [1, 2, 3]);
    assert.deepEqual(rows(open(), { categories: ["Running"] }), []);
    assert.deepEqual(rows(open(), { categories: ["Shoes>trail", "鞋"] }), [2, 3]);
  });

  test("compares values without regard to case, width and outer spaces", () => {
    assert.deepEqual(rows(open(), { brands: ["ＮＩＫＥ"] }), [1, 2]);
    assert.deepEqual(rows(open(), { brands: ["Nike", "耐克"] }), [1, 2, 3]);
    assert.deepEqual(rows(open(), { shopIds: ["s2"] }), [2]);
  });

  test("passes nothing for values that no item has", () => {
    assert.deepEqual(rows(open(), { brands: ["Puma"] }), []);
  });

  test("takes price bounds as inclusive", () => {
    assert.deepEqual(rows(open(), { priceCents: { min: 700, max: 900 } }), [2, 3]);
    assert.deepEqual(rows(open(), { priceCents: { max: 500 } }), [1]);
    assert.deepEqual(rows(open(), { priceCents: { min: 901 } }), [4]);
  });

  test("leaves out items by id, ids it does not know included", () => {
    assert.deepEqual(rows(open(), { excludeItemIds: ["a", "zzz"] }), [2, 3, 4]);
  });

  test("sees stock and price at once", () => {
    const index = open();
    const filter: ItemFilter = { availableOnly: true, priceCents: { max: 800 } };
    assert.deepEqual(rows(index, filter), [1, 3]);
    index.setAvailable(1, false);
    index.setAvailable(2, true);
    index.setPrice(2, 100);
    assert.deepEqual(rows(index, filter), [2, 3]);
    assert.equal(index.isAvailable(2), true);
    assert.equal(index.priceOf(2), 100);
  });

  test("sees new, changed and removed items at once", () => {
    const index = open();
    const filter: ItemFilter = { brands: ["Nike"] };
    assert.deepEqual(rows(index, filter), [1, 2]);
    index.remove(1);
    index.upsert(2, item("b", { brand: "Adidas", categories: ["Shoes"] }));
    index.upsert(9, item("new", { brand: "Nike", categories: ["Shoes > New"] }));
    assert.deepEqual(rows(index, filter), [9]);
    assert.deepEqual(rows(index, { categories: ["Shoes"] }), [2, 3, 9]);
    assert.deepEqual(rows(index, {}), [2, 3, 4, 9]);
    assert.equal(index.rows, 10);
    index.upsert(1, item("a", { brand: "Puma" }));
    assert.deepEqual(rows(index, filter), [9]);
    assert.deepEqual(rows(index, { brands: ["puma"] }), [1]);
  });

  test("does not let stock come back to an item that is gone", () => {
    const index = open();
    index.remove(1);
    index.setAvailable(1, true);
    index.setPrice(1, 5);
    assert.deepEqual(rows(index, { availableOnly: true }), [3, 4]);
  });

  test("keeps rows without an item empty", () => {
    const index = open([shop[0], undefined, shop[2]]);
    assert.deepEqual(rows(index, {}), [1, 3]);
    assert.equal(index.brandOf(2), -1);
    assert.equal(index.categoriesOf(2).length, 0);
  });

  test("counts the items of each category, those below it included", () => {
    const index = open();
    index.remove(2);
    assert.deepEqual(index.countCategories(), [
      { path: "Shoes", count: 2 },
      { path: "Shoes > Running", count: 1 },
      { path: "鞋", count: 1 },
      { path: "鞋 > 跑步鞋", count: 1 },
    ]);
  });

  test("passes what a plain look at every item passes, after any updates and from its bytes", () => {
    const anyItem = fc
      .record({
        brand: fc.option(fc.constantFrom("A", "B", "C"), { nil: undefined }),
        shopId: fc.option(fc.constantFrom("s", "t"), { nil: undefined }),
        categories: fc.array(fc.constantFrom("x", "x > y", "x > y > z", "w > y"), { maxLength: 3 }),
        price: fc.integer({ min: 0, max: 9 }),
        stock: fc.boolean(),
      })
      .map(({ brand, shopId, ...rest }) => ({
        ...rest,
        ...(brand !== undefined && { brand }),
        ...(shopId !== undefined && { shopId }),
      }));
    const anyFilter: fc.Arbitrary<ItemFilter> = fc.record(
      {
        availableOnly: fc.boolean(),
        categories: fc.array(fc.constantFrom("x", "x > y", "w", "no"), { maxLength: 2 }),
        brands: fc.array(fc.constantFrom("A", "b", "no"), { maxLength: 2 }),
        shopIds: fc.array(fc.constantFrom("s", "t"), { maxLength: 2 }),
        priceCents: fc.record({ min: fc.nat(9), max: fc.nat(9) }, { requiredKeys: [] }),
        excludeItemIds: fc.array(fc.constantFrom("i1", "i2"), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    );
    const passes = (candidate: Item, filter: ItemFilter): boolean => {
      const oneOf = (wanted: readonly string[] | undefined, own: readonly string[]): boolean =>
        !wanted?.length ||
        wanted.some((value) =>
          own.some((o) => `${o} > `.toLowerCase().startsWith(`${value} > `.toLowerCase())),
        );
      const price = candidate.variants[0]!.price.amount;
      return (
        (!filter.availableOnly || isAvailable(candidate)) &&
        oneOf(filter.categories, candidate.categories ?? []) &&
        oneOf(filter.brands, candidate.brand === undefined ? [] : [candidate.brand]) &&
        oneOf(filter.shopIds, candidate.shopId === undefined ? [] : [candidate.shopId]) &&
        price >= (filter.priceCents?.min ?? 0) &&
        price <= (filter.priceCents?.max ?? 99) &&
        !filter.excludeItemIds?.includes(candidate.id)
      );
    };
    fc.assert(
      fc.property(
        fc.array(anyItem, { maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(45), fc.option(anyItem)), { maxLength: 12 }),
        fc.array(anyFilter, { minLength: 1, maxLength: 4 }),
        (facts, changes, filters) => {
          const items: (Item | undefined)[] = facts.map((f, i) => item(`i${i + 1}`, f));
          const rowOf = (id: string) => Number(id.slice(1));
          const index = ItemFilterIndex.build(items, rowOf);
          for (const filter of filters) index.compile(filter);
          for (const [at, change] of changes) {
            if (change === null) {
              index.remove(at + 1);
              if (at < items.length) items[at] = undefined;
            } else {
              items[at] = item(`i${at + 1}`, change);
              index.upsert(at + 1, items[at]);
            }
          }
          for (const opened of [index, ItemFilterIndex.open(index.toBytes(), rowOf)]) {
            for (const filter of filters) {
              const expected = Array.from(items, (candidate, i) =>
                candidate !== undefined && passes(candidate, filter) ? i + 1 : 0,
              ).filter((row) => row > 0);
              assert.deepEqual(rows(opened, filter), expected);
            }
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
