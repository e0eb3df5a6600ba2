import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { smallCatalog, smallItem } from "../small-shop.suite.ts";
import { ExactNames, exactnessFor } from "./exact-names.ts";

const lamp = smallItem("a", {
  title: "Red Lamp",
  brand: "Lumo",
  locales: { zh: { title: "红色台灯" } },
});
const bulb = smallItem("b", {
  title: "Bulb for Red Lamp",
  variants: [{ ...lamp.variants[0]!, sku: "LM-100", barcodes: ["4006381333931"] }],
});
const items = [lamp, undefined, bulb];

describe("exact names", () => {
  test("are whole titles of all languages, SKUs and barcodes, whatever their case and width", () => {
    const names = ExactNames.open(ExactNames.of(items).toBytes());
    assert.deepEqual([...names.named("red  LAMP ")], [1]);
    assert.deepEqual([...names.named("红色台灯")], [1]);
    assert.deepEqual([...names.named("ｌｍ-100")], [3]);
    assert.deepEqual([...names.named("4006381333931")], [3]);
    assert.deepEqual([...names.named("lamp")], []);
    assert.deepEqual([...names.named("")], []);
  });

  test("follow items that change and come", () => {
    const names = ExactNames.of(items);
    names.put(1, { ...lamp, title: "Blue Lamp", locales: {} });
    names.put(9, smallItem("i", { title: "Red Lamp" }));
    assert.deepEqual([...names.named("red lamp")], [9]);
    assert.deepEqual([...names.named("blue lamp")], [1]);
  });

  test("a whole brand is less exact than a whole title, and part of a name is not exact", () => {
    const catalog = smallCatalog(lamp, smallItem("b", { title: "Lumo", brand: "Other" }));
    const names = ExactNames.of([lamp, smallItem("b", { title: "Lumo", brand: "Other" })]);
    const byBrand = exactnessFor("lumo", names, catalog);
    assert.deepEqual([1, 2].map(byBrand), [1, 2]);
    const byPart = exactnessFor("red", names, catalog);
    assert.deepEqual([1, 2].map(byPart), [0, 0]);
  });
});
