import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { hit, idealDcg, ndcg, recall, reciprocalRank } from "./ranking-metrics.ts";

const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);

const anyRanking = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 });
const anyRelevant = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });

describe("NDCG@k", () => {
  test("discounts the second rank by log2(3)", () => {
    assert.equal(ndcg([3, 7, 9], new Set([7]), 10), 1 / Math.log2(3));
  });

  test("of relevant items at ranks 1 and 3 of three is (1 + 1/2) / (1 + 1/log2 3 + 1/2)", () => {
    near(ndcg([4, 8, 5, 9], new Set([4, 5, 6]), 4), 1.5 / (1 + 1 / Math.log2(3) + 0.5));
  });

  test("is 1 when relevant items fill the top, also when there are more of them than k", () => {
    near(ndcg([1, 2, 3, 4], new Set([2, 1]), 10), 1);
    near(ndcg([1, 2, 3], new Set([1, 2, 3, 4, 5]), 2), 1);
  });

  test("sees nothing beyond the cutoff", () => {
    assert.equal(ndcg([1, 2, 3], new Set([3]), 2), 0);
  });

  test("never falls when a relevant item moves up one rank", () => {
    fc.assert(
      fc.property(anyRanking, anyRelevant, fc.nat(), fc.nat(20), (ranking, list, pick, k) => {
        const relevant = new Set(list);
        const from = pick % ranking.length;
        fc.pre(from > 0 && relevant.has(ranking[from]!));
        const moved = [...ranking];
        [moved[from - 1], moved[from]] = [moved[from]!, moved[from - 1]!];
        assert.ok(ndcg(moved, relevant, k + 1) >= ndcg(ranking, relevant, k + 1) - 1e-12);
      }),
    );
  });
});

describe("recall, reciprocal rank and hit", () => {
  test("of relevant items at ranks 2 and 4, cut at 3", () => {
    const ranking = [9, 1, 8, 2];
    const relevant = new Set([1, 2, 3]);
    near(recall(ranking, relevant, 3), 1 / 3);
    near(recall(ranking, relevant, 4), 2 / 3);
    assert.equal(reciprocalRank(ranking, relevant, 3), 1 / 2);
    assert.equal(reciprocalRank(ranking, relevant, 1), 0);
    assert.equal(hit(ranking, relevant, 1), 0);
    assert.equal(hit(ranking, relevant, 2), 1);
  });

  test("all lie in [0, 1], grow with k, and agree on whether anything was found", () => {
    fc.assert(
      fc.property(anyRanking, anyRelevant, fc.integer({ min: 1, max: 20 }), (ranking, list, k) => {
        const relevant = new Set(list);
        for (const metric of [recall, ndcg, reciprocalRank, hit]) {
          const value = metric(ranking, relevant, k);
          assert.ok(value >= 0 && value <= 1 + 1e-12);
          assert.equal(value > 0, hit(ranking, relevant, k) === 1);
          // NDCG may fall with k, because the ideal grows too.
          if (metric !== ndcg) assert.ok(metric(ranking, relevant, k + 1) >= value);
        }
      }),
    );
  });

  test("refuse to judge without a relevant item", () => {
    for (const metric of [recall, ndcg, reciprocalRank, hit]) {
      assert.throws(() => metric([1, 2], new Set(), 10), { code: "NO_RELEVANT_ITEMS" });
    }
  });
});

test("the ideal DCG of two relevant items is 1 + 1/log2(3)", () => {
  near(idealDcg(2, 10), 1 + 1 / Math.log2(3));
  near(idealDcg(2, 1), 1);
});
