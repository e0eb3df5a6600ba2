import type { ItemIndex } from "@magpie/domain";
import {
  fitConditionalLogit,
  lambdaMartDefaults,
  trainLambdaMart,
  type BoostedForest,
  type LambdaMartConfig,
  type RankingRows,
} from "@magpie/models";
import { pairedDifference, seededRandom, type PairedDifference } from "@magpie/numerics";
import { correct, type LearnedModel, type LearnedParts } from "./learned-ranker.ts";
import type { SearchExample, SearchExamples } from "./search-examples.ts";
import { searchFeatures, tasteFeatures } from "./search-features.ts";
import { boughtGrade } from "./search-log.ts";

/** How good one order of the held-out searches is. */
export interface OrderQuality {
  /** Grades 1 opened, 2 carted, 3 bought; gain 2^grade − 1; what was not found counts as missed. */
  readonly ndcgAt10: number;
  /** Of the first item that was opened, carted or bought. */
  readonly mrr: number;
  /** Of the first item that was bought, over searches that led to an order. */
  readonly mrrOfBought: number;
}

/** What training found out about the learned order of a shop's searches. */
export interface SearchRankerReport {
  /** Searches with a choice that were trained on, that stopped the training, that it was measured on. */
  readonly searches: {
    readonly train: number;
    readonly validation: number;
    readonly heldOut: number;
  };
  readonly byDefault: OrderQuality;
  readonly learned: OrderQuality;
  /** With each shopper's own past. */
  readonly withTaste: OrderQuality;
  /** NDCG@10 of the learned order less that of the default, search by search, with a 95 % interval. */
  readonly gain: PairedDifference;
  /** Of the order with taste less that without it, over searches of people with a past. */
  readonly tasteGain: PairedDifference;
  /** Of the order with taste less the default's, over all held-out searches. */
  readonly gainWithTaste: PairedDifference;
  readonly trees: number;
  readonly tasteTrees: number;
  /** Features by what they gained, the greatest first. */
  readonly importance: readonly { readonly feature: string; readonly share: number }[];
  /** Whether searches are answered in the learned order: it was better beyond chance. */
  readonly isUsed: boolean;
  readonly isTasteUsed: boolean;
}

/** Fewer searches than these teach noise, and measure it. */
export const leastSearches = { train: 300, validation: 60, heldOut: 100 } as const;

/** Recipe of the forests: shallow trees, because searches with a choice are few in most shops. */
export const searchRankerDefaults: LambdaMartConfig = {
  ...lambdaMartDefaults,
  maxLeaves: 12,
  minLeafRows: 60,
  l2: 5,
  learningRate: 0.1,
  patience: 25,
};

/** First places of the default order that every query is trained with. */
const trainedPlaces = 30;
/** Further candidates drawn from the rest of the window. */
const trainedDraws = 10;

export interface SearchRankerContext {
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onTree?: (trees: number) => void;
}

export interface TrainedSearchRanker {
  readonly report: SearchRankerReport;
  /** Trained on all searches again; absent when the default order was not beaten. */
  readonly model?: LearnedModel;
}

/**
 * Learns to correct the default order of searches, then to correct that by a shopper's own past, and
 * measures both on later searches:
 *
 *     default score ─▶ forest over what is known of items ─▶ forest over the past of the shopper as well
 *
 * Each forest starts from the scores of what stands before it, so that without trees, or without a
 * past, the order is the former one. What is served must beat the default order, and a correction by
 * taste the order without it as well: intervals of the gains must lie above 0. What is kept learns from all searches again, in as many trees as were best.
 */
export function trainSearchRanker(
  examples: SearchExamples,
  parts: Pick<LearnedParts, "lexicon" | "catalog">,
  config: LambdaMartConfig,
  context: SearchRankerContext,
): TrainedSearchRanker {
  const { train, validation, heldOut } = examples;
  const scale = scaleOf(train);
  const grow = (
    of: readonly SearchExample[],
    stop: readonly SearchExample[] | undefined,
    before: LearnedModel | undefined,
    trees: number,
  ): BoostedForest => {
    const describedBy = before === undefined ? "items" : "taste";
    const rowsOf = (examples: readonly SearchExample[]): RankingRows =>
      rankingRows(examples, { describedBy, scale, before, seed: context.seed });
    const outcome = trainLambdaMart(
      rowsOf(of),
      stop && rowsOf(stop),
      { ...config, trees: Math.max(1, trees) },
      { ...context, featureNames: rowFeatures[describedBy].map(({ name }) => name) },
    );
    return outcome.forest;
  };

  const forest = grow(train, validation, undefined, config.trees);
  const items: LearnedModel = { forest, scale };
  const pasts = { train: withPast(train), validation: withPast(validation) };
  const canTaste = pasts.train.length >= leastSearches.train && pasts.validation.length > 0;
  const tasteForest = canTaste
    ? grow(pasts.train, pasts.validation, items, config.trees)
    : undefined;
  const both: LearnedModel = { ...items, ...(tasteForest && { taste: tasteForest }) };

  const orders = {
    byDefault: heldOut.map(({ candidates }) => candidates.map(({ itemIndex }) => itemIndex)),
    learned: heldOut.map((example) => orderBy({ ...parts, model: items }, example)),
    withTaste: heldOut.map((example) => orderBy({ ...parts, model: both }, example)),
  };
  const ndcg = {
    byDefault: weightedNdcg(heldOut, orders.byDefault),
    learned: weightedNdcg(heldOut, orders.learned),
    withTaste: weightedNdcg(heldOut, orders.withTaste),
  };
  const gain = pairedDifference(ndcg.learned, ndcg.byDefault);
  const havePast = heldOut.map(({ taste }) => taste !== undefined);
  const tasteGain = pairedOf(
    ndcg.withTaste.filter((_, i) => havePast[i]),
    ndcg.learned.filter((_, i) => havePast[i]),
  );
  const gainWithTaste = pairedDifference(ndcg.withTaste, ndcg.byDefault);
  const isTasteUsed =
    tasteForest !== undefined &&
    tasteGain.difference.low > 0 &&
    gainWithTaste.difference.low > 0 &&
    // Strangers, too, get the learned order then: it must not look worse for them.
    gain.difference.mean >= 0;
  const isUsed = isTasteUsed || gain.difference.low > 0;
  const report: SearchRankerReport = {
    searches: { train: train.length, validation: validation.length, heldOut: heldOut.length },
    byDefault: qualityOf(heldOut, orders.byDefault),
    learned: qualityOf(heldOut, orders.learned),
    withTaste: qualityOf(heldOut, orders.withTaste),
    gain,
    tasteGain,
    gainWithTaste,
    trees: forest.treeCount,
    tasteTrees: tasteForest?.treeCount ?? 0,
    importance: forest.importance().filter(({ share }) => share > 0),
    isUsed,
    isTasteUsed,
  };
  if (!isUsed) return { report };

  const all = [...train, ...validation, ...heldOut];
  const again: LearnedModel = { forest: grow(all, undefined, undefined, forest.treeCount), scale };
  if (!isTasteUsed) return { report, model: again };
  const taste = grow(withPast(all), undefined, again, tasteForest.treeCount);
  return { report, model: { ...again, taste } };
}

/** Whether there are enough searches to learn an order from; says what is missing otherwise. */
export function tooFewSearches(examples: SearchExamples): string | undefined {
  for (const part of ["train", "validation", "heldOut"] as const) {
    const [count, least] = [examples[part].length, leastSearches[part]];
    if (count >= least) continue;
    const what = { train: "to learn from", validation: "to stop by", heldOut: "to measure on" };
    return `it takes ${least} searches with a choice ${what[part]}, and there are ${count}`;
  }
  return undefined;
}

/** The held-out order under a model. */
export function orderBy(
  parts: Pick<LearnedParts, "lexicon" | "catalog" | "model">,
  example: SearchExample,
): ItemIndex[] {
  return correct(parts, example).map(({ itemIndex }) => itemIndex);
}

/** Quality of orders of examples, each example as its items from the best on. */
export function qualityOf(
  examples: readonly SearchExample[],
  orders: readonly (readonly ItemIndex[])[],
): OrderQuality {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const firstFrom = (least: number): number[] =>
    examples.flatMap((example, i) => {
      const all = [...example.grades, ...example.missed];
      if (!all.some((grade) => grade >= least)) return [];
      const gradeOf = gradesByItem(example);
      const rank = orders[i]!.findIndex((item) => (gradeOf.get(item) ?? 0) >= least) + 1;
      return [rank === 0 ? 0 : 1 / rank];
    });
  return {
    ndcgAt10: mean(weightedNdcg(examples, orders)),
    mrr: mean(firstFrom(1)),
    mrrOfBought: mean(firstFrom(boughtGrade)),
  };
}

/**
 * NDCG@10 of each example's order, times how much the example counts: a choice in a place that is
 * seldom looked at stands for others that were not made. The weights' mean is 1.
 */
function weightedNdcg(
  examples: readonly SearchExample[],
  orders: readonly (readonly ItemIndex[])[],
): number[] {
  const weights = examples.map(({ grades, weights: own }) => {
    const taken = Array.from(own).filter((_, i) => grades[i]! > 0);
    return taken.length === 0 ? 1 : taken.reduce((sum, weight) => sum + weight, 0) / taken.length;
  });
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return examples.map((example, i) => {
    const gradeOf = gradesByItem(example);
    const got = orders[i]!.slice(0, 10).map((item) => gradeOf.get(item) ?? 0);
    const ideal = [...example.grades, ...example.missed].sort((a, b) => b - a).slice(0, 10);
    return ((weights[i]! / mean) * dcg(got)) / dcg(ideal);
  });
}

function dcg(grades: readonly number[]): number {
  return grades.reduce((sum, grade, place) => sum + (2 ** grade - 1) / Math.log2(place + 2), 0);
}

function gradesByItem({ candidates, grades }: SearchExample): ReadonlyMap<ItemIndex, number> {
  return new Map(candidates.map(({ itemIndex }, i) => [itemIndex, grades[i]!]));
}

/** A difference of nothing where fewer than two searches can be compared. */
function pairedOf(a: readonly number[], b: readonly number[]): PairedDifference {
  if (a.length >= 2) return pairedDifference(a, b);
  return { difference: { mean: 0, low: 0, high: 0, count: a.length }, pValue: 1 };
}

function withPast(examples: readonly SearchExample[]): readonly SearchExample[] {
  return examples.filter(({ taste }) => taste !== undefined);
}

/** What rows to train on can be described by. */
const rowFeatures = { items: searchFeatures, taste: tasteFeatures } as const;

/**
 * How many log odds one unit of the default score is worth: the slope of a conditional logit of the
 * choices on it. At least 1, so that the default order is never turned round.
 */
function scaleOf(examples: readonly SearchExample[]): number {
  const rows = rankingRows(examples, {
    describedBy: "items",
    scale: 1,
    before: undefined,
    seed: 0,
  });
  const fit = fitConditionalLogit(
    {
      featureCount: 1,
      features: Float32Array.from(rows.margins!),
      offsets: rows.offsets,
      taken: rows.grades.map((grade) => Math.min(1, grade)),
    },
    1e-3,
  );
  return Math.max(1, fit.weights[0]!);
}

/**
 * Rows to train on: of each search the first places, all that was taken, and a few from further down,
 * so that what is never shown is not taken for good.
 */
export function rankingRows(
  examples: readonly SearchExample[],
  {
    describedBy,
    scale,
    before,
    seed,
  }: {
    readonly describedBy: keyof typeof rowFeatures;
    readonly scale: number;
    /** What the rows start from beside the default score. */
    readonly before: LearnedModel | undefined;
    readonly seed: number;
  },
): RankingRows {
  const random = seededRandom(seed, "learned-ranking/candidates");
  const F = rowFeatures[describedBy].length;
  const chosen = examples.map(({ grades }) => {
    const places = Array.from(grades, (_, place) => place);
    const rest = random.shuffle(
      places.filter((place) => place >= trainedPlaces && grades[place] === 0),
    );
    const drawn = new Set(rest.slice(0, trainedDraws));
    return places.filter(
      (place) => place < trainedPlaces || grades[place]! > 0 || drawn.has(place),
    );
  });
  const count = chosen.reduce((sum, places) => sum + places.length, 0);
  const offsets = new Int32Array(examples.length + 1);
  const rows = {
    features: new Float32Array(count * F),
    grades: new Uint8Array(count),
    weights: new Float32Array(count),
    margins: new Float64Array(count),
  };
  let at = 0;
  examples.forEach(({ features, taste, grades, weights, candidates }, e) => {
    const own = describedBy === "items" ? features : taste;
    for (const place of chosen[e]!) {
      // A person without a past is described by nothing.
      if (own === undefined) rows.features.fill(NaN, at * F, (at + 1) * F);
      else rows.features.set(own.subarray(place * F, (place + 1) * F), at * F);
      rows.grades[at] = grades[place]!;
      rows.weights[at] = weights[place]!;
      rows.margins[at] =
        scale * candidates[place]!.score +
        (before?.forest.score(features, place * searchFeatures.length) ?? 0);
      at++;
    }
    offsets[e + 1] = at;
  });
  return { ...rows, offsets };
}
