import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Item } from "@magpie/domain";
import { CatalogLabels } from "./catalog-labels.ts";

const shoe = (categories: string[], zh: string[]): Item => ({
  id: "s",
  title: "Shoe",
  categories,
  locales: { zh: { categories: zh } },
  variants: [{ id: "v", price: { amount: 1, currency: "CNY" }, availability: { available: true } }],
});

describe("category labels", () => {
  const labels = CatalogLabels.empty();
  labels.put(shoe(["Shoes > Running"], ["鞋 > 跑步鞋"]));

  test("name every level in the reader's language", () => {
    assert.equal(labels.labelOf("Shoes > Running", "zh"), "跑步鞋");
    assert.equal(labels.labelOf("Shoes", "zh-CN"), "鞋");
  });

  test("are the path's last level where no word is known", () => {
    assert.equal(labels.labelOf("Shoes > Running", "en"), "Running");
    assert.equal(labels.labelOf("Shoes", "en"), "Shoes");
    assert.equal(labels.labelOf("Hats > Caps", "zh"), "Caps");
  });

  test("do not guess where the translation has other levels", () => {
    const wrong = CatalogLabels.empty();
    wrong.put(shoe(["Shoes > Running"], ["跑步鞋"]));
    wrong.put(shoe(["Shoes > Running", "Sale"], ["鞋 > 跑步鞋"]));
    assert.equal(wrong.labelOf("Shoes > Running", "zh"), "Running");
  });

  test("are what most items say, and go with the last item that said them", () => {
    const own = CatalogLabels.empty();
    const [usual, rare] = [shoe(["Shoes"], ["鞋"]), shoe(["Shoes"], ["鞋子"])];
    own.put(rare);
    own.put(usual);
    own.put(usual);
    assert.equal(own.labelOf("Shoes", "zh"), "鞋");
    own.put(rare, usual);
    assert.equal(own.labelOf("Shoes", "zh"), "鞋子");
    own.put(undefined, rare);
    own.put(undefined, rare);
    assert.equal(own.labelOf("Shoes", "zh"), "鞋");
    own.put(undefined, usual);
    assert.equal(own.labelOf("Shoes", "zh"), "Shoes");
  });

  test("open as they were saved", () => {
    const opened = CatalogLabels.open(
      JSON.parse(JSON.stringify(labels)) as ReturnType<CatalogLabels["toJSON"]>,
    );
    assert.equal(opened.labelOf("Shoes > Running", "zh"), "跑步鞋");
  });
});

describe("labels of facet values", () => {
  const labels = CatalogLabels.empty();
  labels.put({
    ...shoe(["Shoes > Running"], ["鞋 > 跑步鞋"]),
    brand: "Nike",
    locales: {
      zh: { brand: "耐克", categories: ["鞋 > 跑步鞋"], terms: { red: "红色", colour: "颜色" } },
      en: { brand: "Nike" },
    },
  });

  test("are the words of the reader's language, by field", () => {
    assert.equal(labels.valueLabel("brand", "Nike", "zh-CN"), "耐克");
    assert.equal(labels.valueLabel("categories", "Shoes > Running", "zh"), "跑步鞋");
    for (const field of ["attributes.colour", "options.colour", "tags"]) {
      assert.equal(labels.valueLabel(field, "red", "zh"), "红色");
    }
  });

  test("are none where the catalogue has no other word", () => {
    assert.equal(labels.valueLabel("brand", "Nike", "en"), undefined);
    assert.equal(labels.valueLabel("brand", "Adidas", "zh"), undefined);
    assert.equal(labels.valueLabel("brand", "red", "zh"), undefined);
    assert.equal(labels.valueLabel("attributes.colour", "red", "fr"), undefined);
  });

  test("open as they were saved", () => {
    const json = JSON.parse(JSON.stringify(labels)) as ReturnType<CatalogLabels["toJSON"]>;
    assert.equal(CatalogLabels.open(json).valueLabel("tags", "red", "zh"), "红色");
  });
});
