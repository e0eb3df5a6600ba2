import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { commonGaps, drawGaps, inGap, mergeGaps } from "./supply.ts";

const anyGaps = fc
  .array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 12 })
  .map((cuts) => [...new Set(cuts)].sort((a, b) => a - b))
  .map((cuts) => cuts.slice(0, cuts.length - (cuts.length % 2)));

describe("stock-outs", () => {
  test("a gap includes its start and excludes its end", () => {
    assert.deepEqual(
      [9, 10, 19, 20, 30, 35, 40].map((t) => inGap([10, 20, 30, 40], t)),
      [false, true, true, false, true, true, false],
    );
  });

  test("the union holds a moment exactly when one of the two does", () => {
    fc.assert(
      fc.property(anyGaps, anyGaps, fc.integer({ min: -1, max: 1_001 }), (a, b, t) => {
        assert.equal(inGap(mergeGaps(a, b), t), inGap(a, t) || inGap(b, t));
      }),
    );
  });

  test("the common part holds a moment exactly when all of them do", () => {
    fc.assert(
      fc.property(
        fc.array(anyGaps, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: -1, max: 1_001 }),
        (sets, t) => {
          const inAll = sets.every((gaps) => inGap(gaps, t));
          assert.equal(inGap(commonGaps(sets), t), inAll);
        },
      ),
    );
  });

  test("the share of time without stock follows the mean wait", () => {
    const days = 100_000;
    const gaps = drawGaps(seededRandom(1, "gaps"), 0, days * 86_400_000, 72);
    let outMs = 0;
    for (let i = 0; i < gaps.length; i += 2) outMs += gaps[i + 1]! - gaps[i]!;
    // A cycle is 72 days of stock and 8 without: 8 / 80.
    assert.ok(Math.abs(outMs / (days * 86_400_000) - 0.1) < 0.01);
  });
});
