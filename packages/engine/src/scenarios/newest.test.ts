import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { smallCatalog, smallItem, smallRanking, smallRequest } from "../small-shop.suite.ts";
import { NewestRetriever, NewItemSlots } from "./newest.ts";

const on = (date: string) => ({ createdAt: `2026-${date}T00:00:00Z` });

describe("newest items", () => {
  const catalog = smallCatalog(
    smallItem("ageless"),
    smallItem("two weeks", on("01-18")),
    smallItem("today", on("02-01")),
    smallItem("sold out", { ...on("01-31"), available: false }),
  );

  test("come newest first, newness halved every two weeks", async () => {
    const found = await new NewestRetriever(catalog).retrieve(
      smallRequest({ filter: { availableOnly: true } }),
      10,
    );
    assert.deepEqual(
      found.map(({ itemIndex, score }) => [catalog.idOf(itemIndex), score]),
      [
        ["today", 1],
        ["two weeks", 0.5],
      ],
    );
    assert.equal(found[1]!.contributions[0]!.amount, 0.5);
  });

  test("stop at the limit", async () => {
    assert.equal((await new NewestRetriever(catalog).retrieve(smallRequest(), 2)).length, 2);
  });
});

describe("new-item slots", () => {
  // Rows 1 to 4 are old, rows 5 and 6 new.
  const catalog = smallCatalog(
    ...["a", "b", "c", "d"].map((id) => smallItem(id, on("01-01"))),
    ...["n1", "n2"].map((id) => smallItem(id, on("01-30"))),
  );
  const slots = new NewItemSlots(catalog, { every: 2, maxAgeDays: 7 });
  const ids = (list: readonly { itemIndex: number }[]) =>
    list.map(({ itemIndex }) => catalog.idOf(itemIndex)).join(" ");

  test("lift new items to every second place, at that place's score", () => {
    const list = slots.rerank(smallRequest(), smallRanking(6, 5, 4, 3, 2, 1));
    assert.equal(ids(list), "a n1 b n2 c d");
    assert.deepEqual(
      list.map(({ score }) => score),
      [6, 5, 5, 4, 4, 3],
    );
    assert.deepEqual(list[1]!.contributions.at(-1), {
      stage: "new-item-slots",
      amount: 3,
      reason: { kind: "rule", rule: "new-item" },
    });
  });

  test("leave a block alone that has a new item by its own score", () => {
    const ranking = smallRanking(1, 2, 3, 4, 5, 6).reverse();
    assert.equal(ids(slots.rerank(smallRequest(), ranking)), "n2 n1 d c b a");
  });

  test("neither add nor remove items, and contributions still sum to the score", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }), (s) => {
        const ranking = smallRanking(...s).sort((a, b) => b.score - a.score);
        const list = slots.rerank(smallRequest(), ranking);
        assert.deepEqual(
          list.map(({ itemIndex }) => itemIndex).sort(),
          ranking.map(({ itemIndex }) => itemIndex).sort(),
        );
        for (const { score, contributions } of list) {
          const sum = contributions.reduce((total, { amount }) => total + amount, 0);
          assert.ok(Math.abs(sum - score) < 1e-9);
        }
      }),
    );
  });
});
