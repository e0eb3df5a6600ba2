import { discount } from "./ranking-metrics.ts";

/**
 * Ties. A scorer that gives several items the same score has not ordered them; which of them a
 * sort happens to put first is chance, or worse, the order in which the data was written. Every
 * metric here is therefore its **expected value when equal scores are ordered at random**: no luck,
 * no advantage for a scorer that answers the same number for all items, and the same result on
 * every run.
 *
 *     score   .9   .7  .7* .7   .4      * the relevant item
 *     rank     1  [2    3    4]  5      → each of ranks 2, 3, 4 with chance 1/3
 */
export interface TieGroup {
  /** Number of items with a higher score: the group takes the ranks above + 1 … above + size. */
  readonly above: number;
  /** Number of items with this score, the relevant ones included. */
  readonly size: number;
  /** Number of relevant items among them. */
  readonly relevant: number;
}

/** Expected number of the group's relevant items at ranks up to `k`. */
export function expectedHits({ above, size, relevant }: TieGroup, k: number): number {
  return (relevant * Math.min(size, Math.max(0, k - above))) / size;
}

/** Expected DCG that the group's relevant items add at ranks up to `k`. */
export function expectedDcg({ above, size, relevant }: TieGroup, k: number): number {
  let sum = 0;
  for (let rank = above + 1; rank <= Math.min(k, above + size); rank++) sum += discount(rank);
  return (relevant * sum) / size;
}

/** What is expected of the first relevant item, which stands in the best group that has one. */
export interface FirstRelevant {
  /** Chance that it stands at a rank up to `k`. */
  readonly hit: number;
  /** Expected reciprocal rank, 0 beyond `k`. */
  readonly reciprocalRank: number;
}

/**
 * The first of `t` relevant items among `n` tied ones stands at place p of the group with chance
 * C(n - p, t - 1) / C(n, t).
 */
export function expectedFirst({ above, size: n, relevant: t }: TieGroup, k: number): FirstRelevant {
  let chance = t / n; // of place 1: C(n - 1, t - 1) / C(n, t)
  let hit = 0;
  let reciprocalRank = 0;
  for (let p = 1; p <= n - t + 1 && above + p <= k; p++) {
    hit += chance;
    reciprocalRank += chance / (above + p);
    // C(n - p - 1, t - 1) / C(n - p, t - 1)
    chance *= (n - p - t + 1) / (n - p);
  }
  return { hit, reciprocalRank };
}
