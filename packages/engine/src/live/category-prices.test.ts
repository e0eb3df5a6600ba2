import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { smallCatalog, smallItem } from "../small-shop.suite.ts";
import { CategoryPrices } from "./category-prices.ts";

const anyItem = fc
  .tuple(fc.constantFrom("a", "b", "c", "d", "e"), fc.constantFrom("X", "X > Y", ""), fc.nat(500))
  .map(([id, path, amount]) => smallItem(id, { amount, ...(path && { categories: [path] }) }));

describe("prices of categories", () => {
  test("are the mean of the logs of their items' prices", () => {
    const catalog = smallCatalog(
      smallItem("a", { categories: ["X"], amount: 100 }),
      smallItem("b", { categories: ["X"], amount: 400 }),
      smallItem("free", { categories: ["X"], amount: 0 }),
    );
    const [leaf] = catalog.filter.categoriesOf(1);
    assert.ok(Math.abs(catalog.categoryPrices.meanLog(leaf!) - Math.log(200)) < 1e-6);
    assert.ok(Number.isNaN(catalog.categoryPrices.meanLog(-1)));
  });

  test("are those of items read anew, whatever came, changed and went", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyItem, fc.boolean()), { maxLength: 30 }), (changes) => {
        const catalog = smallCatalog(smallItem("a", { categories: ["X"] }));
        const live = catalog.categoryPrices;
        for (const [item, isDeleted] of changes) {
          if (isDeleted) catalog.delete(item.id);
          else catalog.put(item);
        }
        const anew = new CategoryPrices(catalog.filter);
        for (let leaf = -1; leaf < 3; leaf++) {
          assert.equal(live.meanLog(leaf), anew.meanLog(leaf));
        }
      }),
    );
  });
});
