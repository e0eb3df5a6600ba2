import { discount } from "../ranking-metrics.ts";

/**
 * Metrics of one answer to one query against graded judgements. Three measures are called "nDCG" in
 * print and differ by tens of points on the same ranking; each has its own name here, and numbers of
 * different names never belong in one column.
 */

/** Grades of one query's judged items, by item id. */
export type Grades = ReadonlyMap<string, number>;

/**
 * nDCG as trec_eval defines it: unjudged items gain nothing, the ideal is made of all judged items.
 *
 *     DCG@k = Σ_{rank=1..k} grade(rank) / log2(rank + 1)       nDCG@k = DCG@k / DCG@k of the ideal
 *
 * @returns in [0, 1]; NaN when no judged item has a grade above 0
 */
export function trecNdcg(ranking: readonly string[], grades: Grades, k: number): number {
  return dcg(gradesOf(ranking, grades), k) / dcg(idealOf(grades), k);
}

/**
 * The measure of the "cheat at search" course: discount 1 / rank, and an ideal that holds the top
 * grade at each of the first `k` ranks, whether so many such items exist or not. Lower than `trecNdcg`
 * by construction.
 *
 *     Σ_{rank=1..k} (2^grade − 1) / rank  ÷  Σ_{rank=1..k} (2^top − 1) / rank
 *
 * @param topGrade  the highest grade of the judgement list's scale, not of this query
 */
export function cheatNdcg(
  ranking: readonly string[],
  grades: Grades,
  k: number,
  topGrade: number,
): number {
  let gained = 0;
  let ideal = 0;
  for (let rank = 1; rank <= k; rank++) {
    gained += (2 ** (grades.get(ranking[rank - 1] ?? "") ?? 0) - 1) / rank;
    ideal += (2 ** topGrade - 1) / rank;
  }
  return gained / ideal;
}

/**
 * nDCG of re-ranking only what was judged, over the whole list: unjudged items are taken out of the
 * ranking, judged items that it lacks stand below it, lowest grade first. Random order scores high;
 * a system's number says nothing about what it would retrieve.
 *
 * @returns in [0, 1]; NaN when no judged item has a grade above 0
 */
export function judgedOnlyNdcg(ranking: readonly string[], grades: Grades): number {
  const found = ranking.filter((item) => grades.has(item));
  const returned = new Set(found);
  const missing = [...grades].filter(([item]) => !returned.has(item)).map(([, grade]) => grade);
  const whole = [...gradesOf(found, grades), ...missing.toSorted((a, b) => a - b)];
  return dcg(whole, whole.length) / dcg(idealOf(grades), grades.size);
}

/** One over the rank of the first item with a grade above 0 among the first `k`; 0 without any. */
export function firstRelevant(ranking: readonly string[], grades: Grades, k: number): number {
  const at = ranking.slice(0, k).findIndex((item) => (grades.get(item) ?? 0) > 0);
  return at < 0 ? 0 : 1 / (at + 1);
}

/** Share of the items with a grade above 0 that stand among the first `k`; NaN without any. */
export function gradedRecall(ranking: readonly string[], grades: Grades, k: number): number {
  const relevant = [...grades.values()].filter((grade) => grade > 0).length;
  return ranking.slice(0, k).filter((item) => (grades.get(item) ?? 0) > 0).length / relevant;
}

/**
 * Share of the first `k` that somebody judged: how much a measurement knows about this ranking. An
 * answer without items has none.
 */
export function judgedShare(ranking: readonly string[], grades: Grades, k: number): number {
  const shown = ranking.slice(0, k);
  return shown.length === 0 ? 0 : shown.filter((item) => grades.has(item)).length / shown.length;
}

const gradesOf = (ranking: readonly string[], grades: Grades): number[] =>
  ranking.map((item) => grades.get(item) ?? 0);

const idealOf = (grades: Grades): number[] => [...grades.values()].toSorted((a, b) => b - a);

const dcg = (gains: readonly number[], k: number): number =>
  gains.slice(0, k).reduce((sum, gain, place) => sum + gain * discount(place + 1), 0);
