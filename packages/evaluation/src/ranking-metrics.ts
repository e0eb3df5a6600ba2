import { EvaluationError } from "./errors.ts";

/**
 * Metrics of one ranking, as the textbooks define them. Gain is binary; ranks start at 1; `k` is
 * the cutoff. `evaluate` computes the same numbers for many users at once and settles ties.
 */

/**
 * Share of the relevant items that stand among the first `k`.
 *
 *     Recall@k = |{relevant items at rank ≤ k}| / |relevant|
 *
 * Below 1 even for a perfect ranking when there are more than `k` relevant items.
 *
 * @param ranking   items, best first, each once; may be shorter than `k`
 * @throws {EvaluationError} `NO_RELEVANT_ITEMS` when `relevant` is empty
 */
export function recall(
  ranking: readonly number[],
  relevant: ReadonlySet<number>,
  k: number,
): number {
  return relevantRanks(ranking, relevant, k).length / relevant.size;
}

/**
 * Normalized discounted cumulative gain of one ranking, cut off at `k`.
 *
 *     DCG@k = Σ_{rank=1..k} gain(rank) / log2(rank + 1)      NDCG@k = DCG@k / ideal DCG@k
 *
 * @returns in [0, 1]; 1 when relevant items fill the top of the ranking
 * @throws {EvaluationError} `NO_RELEVANT_ITEMS` when `relevant` is empty
 * @see Järvelin & Kekäläinen (2002), "Cumulated gain-based evaluation of IR techniques"
 */
export function ndcg(ranking: readonly number[], relevant: ReadonlySet<number>, k: number): number {
  const gained = relevantRanks(ranking, relevant, k).reduce((sum, rank) => sum + discount(rank), 0);
  return gained / idealDcg(relevant.size, k);
}

/**
 * One over the rank of the first relevant item; 0 when none stands among the first `k`. Its mean
 * over users is MRR@k.
 *
 * @throws {EvaluationError} `NO_RELEVANT_ITEMS` when `relevant` is empty
 */
export function reciprocalRank(
  ranking: readonly number[],
  relevant: ReadonlySet<number>,
  k: number,
): number {
  const first = relevantRanks(ranking, relevant, k)[0];
  return first === undefined ? 0 : 1 / first;
}

/**
 * 1 when a relevant item stands among the first `k`, else 0. Its mean over users is the hit rate.
 *
 * @throws {EvaluationError} `NO_RELEVANT_ITEMS` when `relevant` is empty
 */
export function hit(ranking: readonly number[], relevant: ReadonlySet<number>, k: number): number {
  return relevantRanks(ranking, relevant, k).length > 0 ? 1 : 0;
}

function relevantRanks(
  ranking: readonly number[],
  relevant: ReadonlySet<number>,
  k: number,
): number[] {
  if (relevant.size === 0) {
    throw new EvaluationError(
      "NO_RELEVANT_ITEMS",
      "A ranking was to be judged without any relevant item.",
      "Leave out cases that hold nothing out.",
    );
  }
  return ranking
    .slice(0, k)
    .flatMap((item, position) => (relevant.has(item) ? [position + 1] : []));
}

/** What a relevant item at this rank adds to DCG. */
export function discount(rank: number): number {
  return 1 / Math.log2(rank + 1);
}

/** DCG@k of a ranking with all `relevant` items on top. */
export function idealDcg(relevant: number, k: number): number {
  let sum = 0;
  for (let rank = 1; rank <= Math.min(relevant, k); rank++) sum += discount(rank);
  return sum;
}
