import assert from "node:assert/strict";
import type { Item } from "@magpie/domain";
import { describe, test } from "vitest";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { product } from "./text-index.suite.ts";
import type { TextSettings } from "./text-plan.ts";

async function indexOf(
  items: readonly Item[],
  settings: TextSettings = {},
): Promise<InvertedTextIndex> {
  return InvertedTextIndex.open((await InvertedTextIndex.build(items, { settings })).toBytes());
}

async function find(
  items: readonly Item[],
  settings: TextSettings,
  query: string,
): Promise<string[]> {
  const { items: rows } = (await indexOf(items, settings)).search(query, { limit: 10 });
  return Array.from(rows, (row) => items[row - 1]!.title);
}

const [first] = product("x").variants;
const withSku = (title: string, sku: string) => product(title, { variants: [{ ...first!, sku }] });

describe("a shop's settings of its fields", () => {
  test("make values whole: found by all of them, and by nothing less", async () => {
    const items = [withSku("Drill", "AB-1200 X"), withSku("AB drill bits", "ZZ-9")];
    const settings: TextSettings = { fields: { sku: { search: "exact" } } };
    assert.deepEqual(await find(items, {}, "1200"), ["Drill"]);
    for (const query of ["AB-1200 X", "ab1200x", "AB 1200X", "ＡＢ-1200-X", "drill AB1200X"]) {
      assert.equal((await find(items, settings, query))[0], "Drill", query);
    }
    for (const query of ["1200", "AB-1200", "AB-1200 Y", "x"]) {
      assert.ok(!(await find(items, settings, query)).includes("Drill"), query);
    }
    assert.deepEqual(await find(items, settings, "ab bits"), ["AB drill bits"]);
    assert.deepEqual(await find(items, settings, "--"), []);
  });

  test("leave fields out of the search", async () => {
    const items = [
      product("Kettle", { attributes: { note: "clearance", colour: "red" }, description: "hot" }),
    ];
    const settings: TextSettings = {
      fields: { "attributes.note": { search: "off" }, description: { search: "off" } },
    };
    assert.deepEqual(await find(items, {}, "clearance"), ["Kettle"]);
    assert.deepEqual(await find(items, settings, "clearance"), []);
    assert.deepEqual(await find(items, settings, "hot"), []);
    assert.deepEqual(await find(items, settings, "red"), ["Kettle"]);
    const all: TextSettings = { fields: { attributes: { search: "off" } } };
    assert.deepEqual(await find(items, all, "red"), []);
  });

  test("weigh fields, and let an attribute count like a field", async () => {
    const items = [
      product("Steel pan", { description: "for wood fires" }),
      product("Wood spoon", { attributes: { goesWith: "steel" } }),
      product("Other"),
    ];
    assert.deepEqual(await find(items, {}, "wood"), ["Wood spoon", "Steel pan"]);
    const heavy: TextSettings = { fields: { description: { weight: 20 } } };
    assert.deepEqual(await find(items, heavy, "wood"), ["Steel pan", "Wood spoon"]);
    const like: TextSettings = {
      fields: { "attributes.goesWith": { like: "title" }, title: { weight: 0.1 } },
    };
    const index = await indexOf(items, like);
    const { parts } = index.search("steel spoon", { limit: 1 });
    assert.deepEqual(new Set(parts[0]!.map(({ field }) => field)), new Set(["title"]));
  });

  test("explain scores to their sum under other weights", async () => {
    const items = [product("Steel pan", { description: "steel steel", brand: "Steel" })];
    const index = await indexOf(items, { fields: { brand: { weight: 9 }, title: { weight: 1 } } });
    const { parts, scores } = index.search("steel", { limit: 1 });
    const sum = parts[0]!.reduce((total, { amount }) => total + amount, 0);
    assert.ok(Math.abs(sum - scores[0]!) < 1e-6);
    assert.equal(parts[0]!.toSorted((a, b) => b.amount - a.amount)[0]!.field, "brand");
  });

  test("name the language of texts whose item names none, and of single fields", async () => {
    const items = [
      product("Schwarzer Stuhl"),
      product("Black boots", { locale: "en", attributes: { stoff: "Leinen Kleid" } }),
    ];
    assert.deepEqual(await find(items, {}, "stuehlen"), []);
    assert.deepEqual(await find(items, { language: "de" }, "stuehlen"), ["Schwarzer Stuhl"]);
    assert.deepEqual(await find(items, { language: "de" }, "kleidern"), []);
    const settings: TextSettings = { fields: { "attributes.stoff": { language: "de" } } };
    assert.deepEqual(await find(items, settings, "kleidern"), ["Black boots"]);
    const und: TextSettings = { language: "de", fields: { title: { language: "und" } } };
    assert.deepEqual(await find(items, und, "stuehlen"), []);
  });

  test("hold for items that change", async () => {
    const index = await indexOf([withSku("Drill", "AB-1")], {
      fields: { sku: { search: "exact" } },
    });
    await index.update(new Map([[2, withSku("Saw", "CD-77")]]));
    assert.deepEqual([...index.search("cd77", { limit: 5 }).items], [2]);
    assert.deepEqual([...index.search("cd", { limit: 5 }).items], []);
  });

  test("change nothing where they say nothing", async () => {
    const items = [withSku("Drill", "AB-1"), product("Nike shoe", { tags: ["run"] })];
    const [plain, empty] = await Promise.all([
      InvertedTextIndex.build(items),
      InvertedTextIndex.build(items, { settings: {} }),
    ]);
    assert.deepEqual(plain.toBytes(), empty.toBytes());
  });
});
