import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { settleReturns, type PurchaseOrReturn } from "./returns.ts";

const bought = (key: string, quantity = 1): PurchaseOrReturn => ({
  key,
  quantity,
  isReturn: false,
});
const returned = (key: string, quantity = 1): PurchaseOrReturn => ({
  key,
  quantity,
  isReturn: true,
});

describe("settleReturns", () => {
  test("takes a part of a purchase", () => {
    assert.deepEqual(settleReturns([bought("a", 3), returned("a", 1)]), {
      left: [2, 0],
      matched: 1,
      partlyMatched: 0,
      unmatched: 0,
    });
  });

  test("meets the latest purchase first and goes on to the one before", () => {
    assert.deepEqual(
      settleReturns([bought("a", 2), bought("a", 2), returned("a", 3)]).left,
      [1, 0, 0],
    );
  });

  test("does not touch purchases that come later, or of other items", () => {
    const settled = settleReturns([returned("a"), bought("a"), bought("b"), returned("c")]);
    assert.deepEqual(settled.left, [1, 1, 1, 1]);
    assert.equal(settled.unmatched, 2);
  });

  test("counts what exceeds the purchase as partly matched", () => {
    const settled = settleReturns([bought("a", 2), returned("a", 5)]);
    assert.deepEqual(settled.left, [0, 3]);
    assert.equal(settled.partlyMatched, 1);
  });

  test("returns the whole purchase when no quantity is stated", () => {
    assert.deepEqual(settleReturns([bought("a", 4), returned("a", -1)]).left, [0, 0]);
    assert.deepEqual(settleReturns([bought("a", -1), returned("a", 0)]).left, [0, 0]);
  });

  test("neither makes nor loses units", () => {
    const anyEntry = fc.record({
      key: fc.constantFrom("a", "b"),
      isReturn: fc.boolean(),
      quantity: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(anyEntry), (entries) => {
        const { left } = settleReturns(entries);
        const net = (units: (i: number) => number) =>
          entries.reduce((sum, entry, i) => sum + (entry.isReturn ? -1 : 1) * units(i), 0);
        assert.equal(
          net((i) => left[i]!),
          net((i) => entries[i]!.quantity),
        );
        assert.ok(left.every((units, i) => units >= 0 && units <= entries[i]!.quantity));
      }),
    );
  });
});
