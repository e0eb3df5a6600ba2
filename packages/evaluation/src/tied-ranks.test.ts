import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { hit, ndcg, recall, reciprocalRank } from "./ranking-metrics.ts";
import { expectedDcg, expectedFirst, expectedHits } from "./tied-ranks.ts";
import { idealDcg } from "./ranking-metrics.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

function permutations<T>(values: readonly T[]): T[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((value, i) =>
    permutations([...values.slice(0, i), ...values.slice(i + 1)]).map((rest) => [value, ...rest]),
  );
}

describe("tied scores", () => {
  test("one relevant item tied with two others behind one better item", () => {
    const group = { above: 1, size: 3, relevant: 1 };
    // Ranks 2, 3, 4, each with chance 1/3.
    near(expectedHits(group, 2), 1 / 3);
    near(expectedHits(group, 10), 1);
    near(expectedDcg(group, 3), (1 / Math.log2(3) + 1 / 2) / 3);
    near(expectedFirst(group, 10).reciprocalRank, (1 / 2 + 1 / 3 + 1 / 4) / 3);
  });

  test("no tie is an ordinary rank", () => {
    const group = { above: 4, size: 1, relevant: 1 };
    assert.equal(expectedHits(group, 4), 0);
    assert.equal(expectedHits(group, 5), 1);
    near(expectedDcg(group, 5), 1 / Math.log2(6));
    assert.deepEqual(expectedFirst(group, 5), { hit: 1, reciprocalRank: 1 / 5 });
  });

  test("count exactly as the mean over all orders of the tied items", () => {
    const anyGroup = fc
      .tuple(fc.nat(3), fc.integer({ min: 1, max: 5 }), fc.nat(4))
      .map(([above, size, more]) => ({ above, size, relevant: 1 + (more % size) }));
    fc.assert(
      fc.property(anyGroup, fc.integer({ min: 1, max: 9 }), (group, k) => {
        const { above, size, relevant } = group;
        const wanted = new Set(Array.from({ length: relevant }, (_, i) => 100 + i));
        const better = Array.from({ length: above }, (_, i) => i + 1);
        const orders = permutations(Array.from({ length: size }, (_, i) => 100 + i));
        const average = (metric: typeof ndcg) =>
          orders.reduce((sum, order) => sum + metric([...better, ...order], wanted, k), 0) /
          orders.length;
        near(expectedHits(group, k) / relevant, average(recall));
        near(expectedDcg(group, k) / idealDcg(relevant, k), average(ndcg));
        near(expectedFirst(group, k).hit, average(hit));
        near(expectedFirst(group, k).reciprocalRank, average(reciprocalRank));
      }),
      { numRuns: 60 },
    );
  });
});
