import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { CatalogLexicon } from "@magpie/retrieval";
import { smallCatalog, smallItem } from "../small-shop.suite.ts";
import { exactnessFor } from "./exactness.ts";

describe("how exactly a query names an item", () => {
  const items = [
    smallItem("a", { title: "Red Lamp", brand: "Lumo" }),
    smallItem("b", { title: "Lumo", brand: "Other" }),
  ];
  const exactnesses = (query: string): number[] =>
    [1, 2].map(exactnessFor(query, CatalogLexicon.build(items), smallCatalog(...items)));

  test("a whole title or id is more than a whole brand", () => {
    assert.deepEqual(exactnesses("lumo"), [1, 2]);
    assert.deepEqual(exactnesses("red  LAMP "), [2, 0]);
    assert.deepEqual(exactnesses("B"), [0, 2]);
  });

  test("part of a name is not exact", () => {
    assert.deepEqual(exactnesses("red"), [0, 0]);
    assert.deepEqual(exactnesses(""), [0, 0]);
  });
});
