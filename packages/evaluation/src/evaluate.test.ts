import assert from "node:assert/strict";
import type { HeldOut, Sequences } from "@magpie/data";
import type { History, Scorer } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import { hit, ndcg, recall, reciprocalRank } from "./ranking-metrics.ts";

/** Scores every user by a function of (user row, item). */
function scorerOf(itemCount: number, score: (user: number, item: number) => number): Scorer {
  return {
    name: "by-formula",
    itemCount,
    async scoreAll(histories: readonly History[], out: Float32Array) {
      histories.forEach((history, b) => {
        const row = out.subarray(b * (itemCount + 1), (b + 1) * (itemCount + 1));
        row[0] = -Infinity;
        for (let item = 1; item <= itemCount; item++) row[item] = score(history.userIndex, item);
      });
    },
  };
}

function heldOutOf(cases: readonly { past: number[]; targets: number[] }[]): HeldOut {
  const targetOffsets = new Int32Array(cases.length + 1);
  cases.forEach((one, i) => (targetOffsets[i + 1] = targetOffsets[i]! + one.targets.length));
  return {
    pasts: cases.map((one, i) => ({ userIndex: i, items: Int32Array.from(one.past) })),
    targetOffsets,
    targets: Int32Array.from(cases.flatMap((one) => one.targets)),
  };
}

const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs(actual! - expected) < 1e-6, `${actual} is not ${expected}`);

describe("evaluate", () => {
  // Both users see the ranking 1, 2, 3, 4, 5, 6.
  const falling = scorerOf(6, (_, item) => -item);

  test("averages what was worked out by hand over two users", async () => {
    const cases = heldOutOf([
      { past: [6], targets: [2] },
      { past: [5], targets: [1, 4] },
    ]);
    const { metrics } = await evaluate(falling, cases, { cutoffs: [3] });
    near(metrics.recallAt3, (1 + 1 / 2) / 2);
    near(metrics.hitRateAt3, 1);
    near(metrics.mrrAt3, (1 / 2 + 1) / 2);
    near(metrics.ndcgAt3, (1 / Math.log2(3) + 1 / (1 + 1 / Math.log2(3))) / 2);
    near(metrics.coverageAt3, 3 / 6);
    near(metrics.giniAt3, 1 / 2);
  });

  test("keeps seen items in the ranking unless told to remove them", async () => {
    const cases = heldOutOf([{ past: [1, 2], targets: [3] }]);
    near((await evaluate(falling, cases, { cutoffs: [1] })).metrics.recallAt1, 0);
    const removed = await evaluate(falling, cases, { cutoffs: [1], seenItems: "remove" });
    near(removed.metrics.recallAt1, 1);
    assert.equal(removed.seenItems, "remove");
  });

  test("without seen items, asks only for new targets and counts whom it skipped", async () => {
    const cases = heldOutOf([
      { past: [1], targets: [1] },
      { past: [1], targets: [1, 2] },
    ]);
    const result = await evaluate(falling, cases, { cutoffs: [1], seenItems: "remove" });
    assert.equal(result.cases, 1);
    assert.equal(result.skippedCases, 1);
    near(result.metrics.recallAt1, 1);
  });

  test("gives a scorer that cannot tell items apart what chance would give", async () => {
    const flat = scorerOf(50, () => 0.25);
    const { metrics } = await evaluate(flat, heldOutOf([{ past: [], targets: [1] }]), {
      cutoffs: [10],
    });
    near(metrics.recallAt10, 10 / 50);
  });

  test("settles ties that reach across the cutoff", async () => {
    // Item 1 is best; 2, 3, 4 share the second place; only rank 2 counts.
    const tied = scorerOf(5, (_, item) => (item === 1 ? 2 : item < 5 ? 1 : 0));
    const { metrics } = await evaluate(tied, heldOutOf([{ past: [], targets: [4] }]), {
      cutoffs: [2],
    });
    near(metrics.recallAt2, 1 / 3);
    near(metrics.mrrAt2, 1 / 6);
  });

  test("never counts an item that the scorer left out", async () => {
    const some = scorerOf(4, (_, item) => (item > 2 ? -Infinity : 1));
    const { metrics } = await evaluate(some, heldOutOf([{ past: [], targets: [4] }]), {
      cutoffs: [10],
    });
    assert.equal(metrics.recallAt10, 0);
  });

  test("equals the metrics of single rankings, whatever the block size", async () => {
    const anyCase = fc.record({
      past: fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
      targets: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 4 }),
    });
    const list = fc.array(anyCase, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(list, fc.integer({ min: 1, max: 7 }), async (cases, blockCases) => {
        const scoreOf = (user: number, item: number) =>
          seededRandom(user * 100 + item, "score").next();
        const result = await evaluate(scorerOf(12, scoreOf), heldOutOf(cases), {
          cutoffs: [3, 10],
          blockCases,
        });
        const items = Array.from({ length: 12 }, (_, i) => i + 1);
        for (const k of [3, 10] as const) {
          const expected = { recall: 0, ndcg: 0, mrr: 0, hitRate: 0 };
          cases.forEach(({ targets }, user) => {
            const ranking = items.toSorted((a, b) => scoreOf(user, b) - scoreOf(user, a));
            const relevant = new Set(targets);
            expected.recall += recall(ranking, relevant, k) / cases.length;
            expected.ndcg += ndcg(ranking, relevant, k) / cases.length;
            expected.mrr += reciprocalRank(ranking, relevant, k) / cases.length;
            expected.hitRate += hit(ranking, relevant, k) / cases.length;
          });
          near(result.metrics[`recallAt${k}`], expected.recall);
          near(result.metrics[`ndcgAt${k}`], expected.ndcg);
          near(result.metrics[`mrrAt${k}`], expected.mrr);
          near(result.metrics[`hitRateAt${k}`], expected.hitRate);
        }
      }),
      { numRuns: 40 },
    );
  });

  test("measures a metric alone as among all others, ties and missed targets included", async () => {
    // Scores of 0 to 4 over 12 items: most share theirs with others.
    const anyScores = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 36, maxLength: 36 });
    const anyTargets = fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { minLength: 1 });
    const three = fc.tuple(anyTargets, anyTargets, anyTargets);
    await fc.assert(
      fc.asyncProperty(anyScores, three, async (scores, targets) => {
        const scorer = scorerOf(12, (user, item) => scores[12 * user + item - 1]!);
        const cases = heldOutOf(targets.map((own) => ({ past: [3], targets: own })));
        const all = await evaluate(scorer, cases, { cutoffs: [2, 4] });
        for (const metric of ["ndcg", "recall", "mrr", "hitRate"] as const) {
          const alone = await evaluate(scorer, cases, { cutoffs: [2, 4], metrics: [metric] });
          for (const k of [2, 4] as const) {
            assert.deepEqual(alone.perCase[`${metric}At${k}`], all.perCase[`${metric}At${k}`]);
          }
        }
      }),
    );
  });

  test("takes the places of a scorer that counts for what all its scores would give", async () => {
    const scores = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 48, maxLength: 48 });
    const targets = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(scores, targets, async (given, asked) => {
        const plain = scorerOf(12, (user, item) => given[user * 12 + item - 1]!);
        const counting: Scorer = {
          ...plain,
          scoreAll: () => Promise.reject(new Error("asked for all scores")),
          async countAbove(histories, items, above, alike) {
            const all = new Float32Array(histories.length * 13);
            await plain.scoreAll(histories, all);
            items.forEach((item, b) => {
              const row = all.subarray(b * 13, (b + 1) * 13);
              above[b] = row.filter((score) => score > row[item]!).length;
              alike[b] = row.filter((score) => score === row[item]!).length;
            });
          },
        };
        const cases = heldOutOf(asked.map((target) => ({ past: [], targets: [target] })));
        const options = {
          cutoffs: [1, 3, 10],
          metrics: ["recall", "ndcg", "mrr", "hitRate"],
          blockCases: 3,
        } as const;
        const { metrics } = await evaluate(counting, cases, options);
        assert.deepEqual(metrics, (await evaluate(plain, cases, options)).metrics);
      }),
    );
  });

  test("asks a scorer that counts for scores where a case has two targets, seen items go or lists count", async () => {
    const unable: Scorer = {
      ...falling,
      countAbove: () => Promise.reject(new Error("asked to count")),
    };
    const one = heldOutOf([{ past: [6], targets: [2] }]);
    const two = heldOutOf([{ past: [6], targets: [2, 3] }]);
    await evaluate(unable, two, { metrics: ["ndcg"] });
    await evaluate(unable, one, { metrics: ["ndcg"], seenItems: "remove" });
    await evaluate(unable, one, { metrics: ["ndcg", "coverage"] });
    await assert.rejects(evaluate(unable, one, { metrics: ["ndcg"] }), /asked to count/);
  });

  test("measures only what early stopping asks for, on evenly spaced cases", async () => {
    const cases = heldOutOf(
      Array.from({ length: 10 }, (_, i) => ({ past: [], targets: [1 + (i % 6)] })),
    );
    const result = await evaluate(falling, cases, {
      cutoffs: [10],
      metrics: ["ndcg"],
      maxCases: 5,
    });
    assert.deepEqual(Object.keys(result.metrics), ["ndcgAt10"]);
    assert.equal(result.cases, 5);
    // Cases 0, 2, 4, 6, 8 ask for items 1, 3, 5, 1, 3.
    const dcg = [1, 3, 5, 1, 3].map((rank) => 1 / Math.log2(rank + 1));
    near(result.metrics.ndcgAt10, dcg.reduce((a, b) => a + b) / 5);
    assert.equal(result.perCase.ndcgAt10!.length, 5);
  });

  test("measures novelty against the training data", async () => {
    const train: Sequences = {
      userCount: 3,
      itemCount: 6,
      offsets: Int32Array.of(0, 2, 3, 4),
      items: Int32Array.of(1, 1, 1, 1),
    };
    const cases = heldOutOf([{ past: [], targets: [1] }]);
    const { metrics } = await evaluate(falling, cases, { cutoffs: [2], train });
    // Item 1: (3 + 1) / (3 + 1), no surprise; item 2: 1 / 4, two bits.
    near(metrics.noveltyAt2, 1);
    await assert.rejects(evaluate(falling, cases, { metrics: ["novelty"] }), {
      code: "NOVELTY_NEEDS_TRAIN",
    });
  });

  test("reports progress and stops when asked", async () => {
    const cases = heldOutOf(Array.from({ length: 5 }, () => ({ past: [], targets: [1] })));
    const seen: number[] = [];
    const stop = new AbortController();
    const work = {
      onProgress: ({ done }: { done: number }) => {
        seen.push(done);
        if (done >= 4) stop.abort();
      },
      signal: stop.signal,
    };
    await assert.rejects(evaluate(falling, cases, { blockCases: 2, work }), { name: "AbortError" });
    assert.deepEqual(seen, [2, 4]);
  });

  test("names a case whose target a counting scorer finds no number for", async () => {
    const diverged: Scorer = {
      ...falling,
      countAbove: (_, __, above, alike) => {
        above.fill(0);
        alike.fill(1);
        alike[1] = 0;
        return Promise.resolve();
      },
    };
    const cases = heldOutOf([
      { past: [], targets: [2] },
      { past: [], targets: [5] },
    ]);
    await assert.rejects(evaluate(diverged, cases, { metrics: ["ndcg"] }), {
      code: "SCORES_NOT_NUMBERS",
      message: /gives item 5 the score NaN for case 1/,
    });
  });

  test("names what is wrong with bad input", async () => {
    await assert.rejects(evaluate(falling, heldOutOf([])), { code: "NO_CASES" });
    await assert.rejects(evaluate(falling, heldOutOf([{ past: [], targets: [7] }])), {
      code: "ITEM_OUT_OF_RANGE",
      message: /asks for item 7; "by-formula" knows the items 1 to 6/,
    });
    await assert.rejects(
      evaluate(
        scorerOf(3, () => NaN),
        heldOutOf([{ past: [], targets: [2] }]),
      ),
      { code: "SCORES_NOT_NUMBERS" },
    );
  });
});
