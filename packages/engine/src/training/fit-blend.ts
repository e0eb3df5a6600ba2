import type { RetrievedList } from "@magpie/domain";
import { normalise, type Normalisation } from "@magpie/retrieval";

/** How much each retriever's opinion counts. */
export type BlendWeights = Readonly<Record<string, number>>;

/** One held-out case: what the retrievers proposed, and what the user really took next. */
export interface BlendCase {
  readonly lists: readonly RetrievedList[];
  readonly relevant: ReadonlySet<number>;
}

export interface FittedBlend {
  readonly weights: BlendWeights;
  /** Mean NDCG@10 on the cases it was fitted on. */
  readonly ndcgAt10: number;
  /** Cases it was fitted on. */
  readonly cases: number;
}

/** How scores of retrievers become comparable, in fitting and in serving. */
export const blendNormalisation: Normalisation = { kind: "min-max" };

/** Weights tried; only their ratios matter. */
const steps = [0, 0.05, 0.1, 0.2, 0.4, 0.7, 1, 1.5, 2.5];
/** Improvements below this are noise, and a simpler blend is kept. */
const worthwhile = 1e-4;
const maxPasses = 3;

/**
 * Finds the weights of a linear blend that rank the held-out items best: coordinate ascent on mean
 * NDCG@10. It starts from the best single retriever, gives each other one the weight that helps
 * most, and repeats until a whole pass helps no more. NDCG is a step function of the weights, so
 * there is no gradient to follow, and with a handful of retrievers a grid misses little.
 *
 * @param retrievers  names, in order of preference among equals
 * @param floors      weights that are kept at least, whatever the cases say
 */
export function fitBlend(
  retrievers: readonly string[],
  cases: readonly BlendCase[],
  floors: BlendWeights = {},
): FittedBlend {
  const prepared = cases.map((one) => prepare(retrievers, one));
  const weightsOf = (steps: readonly number[]): number[] =>
    steps.map((step, r) => Math.max(step, floors[retrievers[r]!] ?? 0));
  const measure = (steps: readonly number[]): number => {
    const weights = weightsOf(steps);
    const sum = prepared.reduce((total, one) => total + ndcgAt10(one, weights), 0);
    return prepared.length === 0 ? 0 : sum / prepared.length;
  };

  let best = retrievers.map(() => 0);
  let bestNdcg = -Infinity;
  for (let r = 0; r < retrievers.length; r++) {
    const alone = retrievers.map((_, other) => (other === r ? 1 : 0));
    const value = measure(alone);
    if (value > bestNdcg + worthwhile) [best, bestNdcg] = [alone, value];
  }
  for (let pass = 0; pass < maxPasses; pass++) {
    const before = bestNdcg;
    for (let r = 0; r < retrievers.length; r++) {
      for (const step of steps) {
        if (step === best[r]) continue;
        const tried = best.with(r, step);
        if (tried.every((weight) => weight === 0)) continue;
        const value = measure(tried);
        if (value > bestNdcg + worthwhile) [best, bestNdcg] = [tried, value];
      }
    }
    if (bestNdcg - before < worthwhile) break;
  }
  const weights = weightsOf(best);
  return {
    weights: Object.fromEntries(retrievers.map((name, r) => [name, weights[r]!])),
    ndcgAt10: retrievers.length === 0 ? 0 : bestNdcg,
    cases: cases.length,
  };
}

/** A case as numbers: what each retriever gives to each item that any of them proposed. */
interface PreparedCase {
  /** Ascending, so that equal scores are ordered as `LinearBlend` orders them. */
  readonly items: Int32Array;
  /** [retrievers][items]: normalised score, 0 where not proposed. */
  readonly amounts: readonly Float64Array[];
  /** Places in `items` of the relevant ones that were proposed. */
  readonly relevant: readonly number[];
  readonly idealDcg: number;
  readonly scores: Float64Array;
}

function prepare(retrievers: readonly string[], { lists, relevant }: BlendCase): PreparedCase {
  const proposed = new Set<number>();
  for (const { candidates } of lists) for (const one of candidates) proposed.add(one.itemIndex);
  const items = Int32Array.from(proposed).sort();
  const placeOf = new Map(Array.from(items, (item, place) => [item, place]));
  const amounts = retrievers.map((name) => {
    const row = new Float64Array(items.length);
    const list = lists.find(({ retriever }) => retriever === name)?.candidates ?? [];
    const normalised = normalise(
      list.map(({ score }) => score),
      blendNormalisation,
    );
    list.forEach(({ itemIndex }, place) => (row[placeOf.get(itemIndex)!] = normalised[place]!));
    return row;
  });
  let idealDcg = 0;
  for (let rank = 1; rank <= Math.min(10, relevant.size); rank++)
    idealDcg += 1 / Math.log2(rank + 1);
  return {
    items,
    amounts,
    relevant: [...relevant].flatMap((item) => placeOf.get(item) ?? []),
    idealDcg,
    scores: new Float64Array(items.length),
  };
}

function ndcgAt10(one: PreparedCase, weights: readonly number[]): number {
  const { items, amounts, relevant, scores, idealDcg } = one;
  if (relevant.length === 0) return 0;
  scores.fill(0);
  for (const [r, row] of amounts.entries()) {
    const weight = weights[r]!;
    if (weight === 0) continue;
    for (let i = 0; i < scores.length; i++) scores[i]! += weight * row[i]!;
  }
  let dcg = 0;
  for (const place of relevant) {
    const own = scores[place]!;
    let rank = 1;
    for (let i = 0; i < items.length; i++) {
      if (scores[i]! > own || (scores[i] === own && i < place)) rank++;
    }
    if (rank <= 10) dcg += 1 / Math.log2(rank + 1);
  }
  return dcg / idealDcg;
}
