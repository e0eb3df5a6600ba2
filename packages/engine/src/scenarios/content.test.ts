import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { itemIndex, type HistoryEntry } from "@magpie/domain";
import { smallCatalog, smallItem, smallRequest } from "../small-shop.suite.ts";
import { ContentRetriever } from "./content.ts";

const running = ["Shoes > Running"];
const catalog = smallCatalog(
  smallItem("runner", { categories: running, brand: "Hare" }),
  smallItem("same brand", { categories: running, brand: "Hare" }),
  smallItem("other brand", { categories: running, brand: "Tortoise" }),
  smallItem("costs double", { categories: running, brand: "Tortoise", amount: 201 }),
  smallItem("sandal", { categories: ["Shoes > Sandals"] }),
  smallItem("kettle", { categories: ["Kitchen"] }),
  smallItem("sold out", { categories: running, brand: "Hare", available: false }),
);
const rowOf = (id: string) => itemIndex(catalog.indexOf(id));

const found = async (more: Parameters<typeof smallRequest>[0], limit = 10) => {
  const request = smallRequest({ filter: { availableOnly: true }, ...more });
  const list = await new ContentRetriever(catalog).retrieve(request, limit);
  return list.map(({ itemIndex: row, score }) => [catalog.idOf(row), score] as const);
};

describe("content likeness", () => {
  test("orders by categories, then brand, then price; unlike and unavailable items are out", async () => {
    const list = await found({ contextItem: rowOf("runner") });
    assert.deepEqual(
      list.map(([id]) => id),
      ["same brand", "other brand", "costs double", "sandal"],
    );
    const scores = list.map(([, score]) => score);
    assert.equal(scores[0], 1);
    assert.ok(Math.abs(scores[1]! - 0.85) < 1e-6);
    // (100 + 1) / (201 + 1) = 1/2: half of the price's share of 0.15
    assert.ok(Math.abs(scores[2]! - 0.775) < 1e-6);
  });

  test("weighs a rare category more than a common one", async () => {
    const [, sandal] = (await found({ contextItem: rowOf("runner") })).at(-1)!;
    // 8 rows with padding; Shoes has 6 items, Shoes > Running 5, Shoes > Sandals 1.
    const weight = (size: number) => Math.log(9 / (size + 1));
    const jaccard = weight(6) / (weight(6) + weight(5) + weight(1));
    assert.ok(Math.abs(sandal - (0.7 * jaccard + 0.15)) < 1e-6);
  });

  test("looks around the history where no item is on show, and names the nearest anchor", async () => {
    const entry = (id: string): HistoryEntry => ({
      itemIndex: rowOf(id),
      timestampMs: 0,
      weight: 1,
    });
    const request = smallRequest({ history: [entry("kettle"), entry("sandal")] });
    const list = await new ContentRetriever(catalog).retrieve(request, 10);
    assert.ok(list.length > 0);
    for (const { contributions } of list) {
      assert.deepEqual(contributions[0]!.reason, { kind: "similar-to", itemId: "sandal" });
    }
  });

  test("knows items that came since the snapshot, and stops at the limit", async () => {
    const live = smallCatalog(smallItem("a", { categories: ["X"] }), smallItem("b"));
    live.put(smallItem("new", { categories: ["X"] }));
    const request = smallRequest({ contextItem: itemIndex(1) });
    const [first, ...rest] = await new ContentRetriever(live).retrieve(request, 1);
    assert.equal(live.idOf(first!.itemIndex), "new");
    assert.equal(rest.length, 0);
  });

  test("proposes nothing to a stranger without a context", async () => {
    assert.deepEqual(await found({}), []);
  });
});
