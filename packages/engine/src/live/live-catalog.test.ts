import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { smallCatalog, smallItem } from "../small-shop.suite.ts";

const day = (n: number) => `2026-01-0${n}T00:00:00Z`;

const passing = (catalog: ReturnType<typeof smallCatalog>, filter = {}) =>
  [...catalog.filter.compile(filter).toRows()].map((row) => catalog.idOf(row));

describe("the live catalogue", () => {
  test("a changed item passes by its new facts", () => {
    const catalog = smallCatalog(smallItem("a"), smallItem("b"));
    catalog.put(smallItem("a", { available: false }));
    assert.deepEqual(passing(catalog, { availableOnly: true }), ["b"]);
    catalog.put(smallItem("a"));
    assert.deepEqual(passing(catalog, { availableOnly: true }), ["a", "b"]);
  });

  test("a new item gets a row past the trained ones", () => {
    const catalog = smallCatalog(smallItem("a"));
    catalog.put(smallItem("new"));
    assert.equal(catalog.trainedItems, 1);
    assert.equal(catalog.indexOf("new"), 2);
    assert.equal(catalog.idOf(2), "new");
    assert.deepEqual(passing(catalog), ["a", "new"]);
  });

  test("a deleted item passes nothing, and comes back at its old row", () => {
    const catalog = smallCatalog(smallItem("a"), smallItem("b"));
    catalog.delete("a");
    catalog.delete("never seen");
    assert.deepEqual(passing(catalog), ["b"]);
    catalog.put(smallItem("a"));
    assert.equal(catalog.indexOf("a"), 1);
    assert.deepEqual(passing(catalog), ["a", "b"]);
  });

  test("newest lists known ages, newest first, new items among them", () => {
    const catalog = smallCatalog(
      smallItem("old", { createdAt: day(1) }),
      smallItem("ageless"),
      smallItem("young", { createdAt: day(3) }),
    );
    const newest = () => [...catalog.newest()].map((row) => catalog.idOf(row));
    assert.deepEqual(newest(), ["young", "old"]);
    catalog.put(smallItem("between", { createdAt: day(2) }));
    assert.deepEqual(newest(), ["young", "between", "old"]);
    catalog.put(smallItem("old", { createdAt: day(4) }));
    assert.deepEqual(newest(), ["old", "young", "between"]);
  });

  test("categories are counted live", () => {
    const catalog = smallCatalog(smallItem("a", { categories: ["Shoes > Running"] }));
    catalog.put(smallItem("b", { categories: ["Shoes"] }));
    assert.deepEqual(catalog.categories("en"), [
      { path: "Shoes", label: "Shoes", count: 2 },
      { path: "Shoes > Running", label: "Running", count: 1 },
    ]);
  });

  test("an item that joins a category stands in its rows once", () => {
    const catalog = smallCatalog(smallItem("a", { categories: ["Shoes"] }), smallItem("b"));
    const lists = catalog.categoryLists;
    const code = lists.topOf(1);
    assert.deepEqual(lists.rowsIn(code), [1]);
    assert.equal(lists.topOf(2), -1);
    catalog.put(smallItem("b", { categories: ["Shoes"] }));
    catalog.put(smallItem("a", { categories: ["Shoes"] }));
    catalog.put(smallItem("c", { categories: ["Shoes > Running"] }));
    assert.deepEqual(lists.rowsIn(code), [1, 2, 3]);
    catalog.put(smallItem("a", { categories: ["Hats"] }));
    catalog.put(smallItem("a", { categories: ["Shoes"] }));
    assert.deepEqual(lists.rowsIn(code), [1, 2, 3]);
    assert.equal(lists.topOf(1), code);
  });
});

describe("changes of words", () => {
  test("are told from changes of stock and price", () => {
    const catalog = smallCatalog(smallItem("a"));
    const heard: (string | undefined)[] = [];
    catalog.onWords((_, item) => heard.push(item?.title));
    catalog.put(smallItem("a", { available: false, amount: 7 }));
    assert.deepEqual(heard, []);
    catalog.put(smallItem("a", { title: "A" }));
    catalog.put(smallItem("b"));
    assert.deepEqual(heard, ["A", "b"]);
  });

  test("are new codes as well, by which an item is asked for", () => {
    const catalog = smallCatalog(smallItem("a"));
    const heard: (readonly string[] | undefined)[] = [];
    catalog.onWords((_, item) => heard.push(item?.variants[0]!.barcodes));
    const [variant] = smallItem("a").variants;
    for (const barcodes of [["4006381333931"], ["4006381333931"], ["4006381333948"]]) {
      catalog.put(smallItem("a", { variants: [{ ...variant!, barcodes }] }));
    }
    assert.deepEqual(heard, [["4006381333931"], ["4006381333948"]]);
  });

  test("are a deleted item's going and coming back, each once, with what was before", () => {
    const catalog = smallCatalog(smallItem("a"));
    const heard: (readonly [string | undefined, string | undefined])[] = [];
    catalog.onWords((_, item, former) => heard.push([item?.title, former?.title]));
    catalog.put(smallItem("a", { title: "A" }));
    catalog.delete("a");
    catalog.delete("a");
    catalog.put(smallItem("a", { title: "A" }));
    assert.deepEqual(heard, [
      ["A", "a"],
      [undefined, "A"],
      ["A", undefined],
    ]);
  });
});
