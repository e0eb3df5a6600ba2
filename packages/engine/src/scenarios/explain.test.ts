import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { itemId, type Contribution } from "@magpie/domain";
import { nameHistoryItems } from "./explain.ts";

const names = ["kettle", "cup", "tea"].map(itemId);
const itemAt = (position: number) => names[position];

const fromModel = (amount: number): Contribution => ({
  stage: "sasrec",
  amount,
  reason: { kind: "sequence-model" },
});
const popular: Contribution = {
  stage: "popularity",
  amount: 0.25,
  reason: { kind: "popular", days: 7 },
};

describe("naming the history items behind a sequence model's score", () => {
  test("divides the contribution by each item's share of the model's score", () => {
    const named = nameHistoryItems(
      [fromModel(0.5), popular],
      4,
      [
        { position: 2, effect: 2 },
        { position: 0, effect: 1 },
      ],
      itemAt,
    );
    assert.deepEqual(named, [
      {
        stage: "sasrec",
        amount: 0.25,
        reason: { kind: "history-item", itemId: "tea", share: 0.5 },
      },
      {
        stage: "sasrec",
        amount: 0.125,
        reason: { kind: "history-item", itemId: "kettle", share: 0.25 },
      },
      { stage: "sasrec", amount: 0.125, reason: { kind: "sequence-model" } },
      popular,
    ]);
  });

  test("scales shares that sum to more than the score", () => {
    const [first, second, rest] = nameHistoryItems(
      [fromModel(1)],
      2,
      [
        { position: 0, effect: 3 },
        { position: 1, effect: 1 },
      ],
      itemAt,
    );
    assert.deepEqual([first!.amount, second!.amount, rest!.amount], [0.75, 0.25, 0]);
  });

  test("names an item that was seen twice once", () => {
    const named = nameHistoryItems(
      [fromModel(1)],
      4,
      [
        { position: 0, effect: 1 },
        { position: 1, effect: 1 },
      ],
      () => names[0],
    );
    assert.equal(named.length, 2);
    assert.equal(named[0]!.amount, 0.5);
  });

  test("leaves all as it is when nothing in the history spoke for the item", () => {
    const contributions = [fromModel(0.5)];
    const against = [{ position: 0, effect: -1 }];
    assert.equal(nameHistoryItems(contributions, 4, against, itemAt), contributions);
    assert.equal(
      nameHistoryItems(contributions, -1, [{ position: 0, effect: 1 }], itemAt),
      contributions,
    );
  });

  test("never changes the sum", () => {
    const effects = fc.array(
      fc.record({ position: fc.nat(5), effect: fc.double({ min: -5, max: 5, noNaN: true }) }),
      { maxLength: 10 },
    );
    const amount = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(effects, amount, fc.double({ min: -5, max: 5, noNaN: true }), (all, a, s) => {
        const sum = nameHistoryItems([fromModel(a), popular], s, all, itemAt).reduce(
          (total, part) => total + part.amount,
          0,
        );
        assert.ok(Math.abs(sum - (a + popular.amount)) < 1e-9);
      }),
    );
  });
});
