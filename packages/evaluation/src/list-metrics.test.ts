import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { coverage, gini, novelty } from "./list-metrics.ts";

describe("metrics of all lists together", () => {
  test("coverage is the listed share of the catalogue; row 0 is padding", () => {
    assert.equal(coverage([7, 1, 0, 3, 0]), 2 / 4);
  });

  test("Gini is 0 for equal exposure and (n - 1) / n when one item takes all", () => {
    assert.equal(gini([0, 5, 5, 5, 5]), 0);
    assert.equal(gini([0, 0, 0, 8, 0]), 3 / 4);
    // 1, 2, 3: (-2·1 + 0·2 + 2·3) / (3 · 6)
    assert.equal(gini([9, 3, 1, 2]), 4 / 18);
  });

  test("Gini does not change with scale or order", () => {
    const exposures = fc.array(fc.nat(50), { minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(exposures, fc.integer({ min: 2, max: 9 }), (list, scale) => {
        fc.pre(list.some((x) => x > 0));
        const value = gini([0, ...list]);
        assert.ok(value >= 0 && value < 1);
        const turned = gini([0, ...list.toReversed().map((x) => x * scale)]);
        assert.ok(Math.abs(turned - value) < 1e-12);
      }),
    );
  });

  test("novelty is the mean surprise in bits", () => {
    // 15 users: an item of 3 users has (3 + 1) / (15 + 1) = 1/4, two bits; one of nobody, four.
    assert.equal(novelty([0, 1, 0], [0, 3, 0], 15), 2);
    assert.equal(novelty([0, 3, 1], [0, 3, 0], 15), (3 * 2 + 4) / 4);
  });
});
