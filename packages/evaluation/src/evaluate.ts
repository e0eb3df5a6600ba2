import type { HeldOut, Sequences } from "@magpie/data";
import type { History, Scorer, WorkContext } from "@magpie/domain";
import { TopKSelector } from "@magpie/numerics";
import { EvaluationError } from "./errors.ts";
import { coverage, gini, novelty } from "./list-metrics.ts";
import { idealDcg } from "./ranking-metrics.ts";
import { expectedDcg, expectedFirst, expectedHits, type TieGroup } from "./tied-ranks.ts";

/** Metrics of each case, averaged over cases. */
export const caseMetrics = ["recall", "ndcg", "mrr", "hitRate"] as const;
/** Metrics of all lists together. */
export const listMetrics = ["coverage", "gini", "novelty"] as const;

export type MetricName = (typeof caseMetrics)[number] | (typeof listMetrics)[number];

/** A metric with its cutoff, as it stands in tables and files: `ndcgAt10`. */
export type MetricAt = `${MetricName}At${number}`;

/**
 * Whether items of a user's past compete in that user's ranking. "keep": they do, as in the
 * published sequence benchmarks and in shops where people buy again. "remove": they do not, and
 * targets that the user already had are not asked for; cases left without a target are skipped.
 */
export type SeenItems = "keep" | "remove";

export interface EvaluationOptions {
  /** Default: 5, 10, 20. */
  readonly cutoffs?: readonly number[];
  /** Default: "keep". */
  readonly seenItems?: SeenItems;
  /** Default: all; "novelty" only where `train` is given. Early stopping asks for ["ndcg"]. */
  readonly metrics?: readonly MetricName[];
  /** Training data, from which novelty takes how well known each item is. */
  readonly train?: Sequences;
  /** Asks only about so many cases, evenly spread over all. Default: all. */
  readonly maxCases?: number;
  /** Cases scored at once. Default: as many as keep the block's scores within 32 MiB, at most 256. */
  readonly blockCases?: number;
  readonly work?: WorkContext;
}

/** What was measured, with the rules under which it was. */
export interface Evaluation {
  readonly scorer: string;
  /** Cases that were asked about. */
  readonly cases: number;
  /** Cases without a target under the seen-item rule. */
  readonly skippedCases: number;
  readonly itemCount: number;
  readonly seenItems: SeenItems;
  /** Equal scores count by their expected rank in random order. */
  readonly ties: "expected";
  readonly cutoffs: readonly number[];
  readonly metrics: Readonly<Record<MetricAt, number>>;
  /** Per case, in order of the held-out data: for paired comparisons. Metrics of lists have none. */
  readonly perCase: Readonly<Record<MetricAt, Float64Array>>;
  readonly wallSeconds: number;
}

const maxBlockScores = (32 * 1024 * 1024) / Float32Array.BYTES_PER_ELEMENT;

/**
 * Ranks **all** items for every held-out case and measures where the targets stand. Nothing is
 * sampled: metrics over sampled items do not keep the order of models.
 *
 * Scores are made in blocks of cases and each row is reduced to its best items at once, so memory
 * is one block whatever the number of users:
 *
 *     cases ─▶ block of B histories ─▶ scoreAll [B, items + 1] ─▶ top K a row ─▶ sums
 *
 * Where each case has one target, nothing is removed and no metric of lists is wanted, a scorer that can
 * `countAbove` does that instead.
 *
 * @throws {EvaluationError} `NO_CASES` when nothing is held out, `ITEM_OUT_OF_RANGE` when a target
 *   is no item of the scorer, `SCORES_NOT_NUMBERS` when the scorer gives a target NaN
 * @see Krichene & Rendle (2020), "On sampled metrics for item recommendation"
 */
export async function evaluate(
  scorer: Scorer,
  heldOut: HeldOut,
  options: EvaluationOptions = {},
): Promise<Evaluation> {
  const started = performance.now();
  const { seenItems = "keep", work } = options;
  const cutoffs = [...(options.cutoffs ?? [5, 10, 20])].sort((a, b) => a - b);
  const wanted = new Set<MetricName>(
    options.metrics ?? [
      ...caseMetrics,
      ...listMetrics.filter((name) => name !== "novelty" || options.train !== undefined),
    ],
  );
  if (wanted.has("novelty") && options.train === undefined) {
    throw new EvaluationError(
      "NOVELTY_NEEDS_TRAIN",
      "Novelty was asked for without the training data it is measured against.",
      "Pass { train }, or leave novelty out of { metrics }.",
    );
  }
  const { asked, skipped } = casesOf(scorer, heldOut, seenItems, options.maxCases);

  const width = scorer.itemCount + 1;
  const blockCases =
    options.blockCases ?? Math.max(1, Math.min(256, Math.floor(maxBlockScores / width)));
  const tally = new Tally(cutoffs, wanted, asked.length, scorer.itemCount);
  const isCounted =
    scorer.countAbove !== undefined &&
    seenItems === "keep" &&
    !tally.needsLists &&
    asked.every(({ targets }) => targets.length === 1);
  const scores = new Float32Array(isCounted ? 0 : Math.min(blockCases, asked.length) * width);
  const selector = new TopKSelector(cutoffs.at(-1)!);

  for (let start = 0; start < asked.length; start += blockCases) {
    work?.signal.throwIfAborted();
    const block = asked.slice(start, start + blockCases);
    const pasts = block.map((one) => one.past);
    if (isCounted) {
      const targets = Int32Array.from(block, (one) => one.targets[0]!);
      const [above, alike] = [new Int32Array(block.length), new Int32Array(block.length)];
      await scorer.countAbove!(pasts, targets, above, alike);
      targets.forEach((target, b) => {
        if (alike[b] === 0) throw notANumber(scorer, target, start + b);
        tally.addPlace(start + b, above[b]!, alike[b]!);
      });
    } else {
      await scorer.scoreAll(pasts, scores.subarray(0, block.length * width));
      block.forEach((one, b) => {
        const row = scores.subarray(b * width, (b + 1) * width);
        if (seenItems === "remove") for (const item of one.past.items) row[item] = -Infinity;
        for (const target of one.targets) {
          if (Number.isNaN(row[target]!)) throw notANumber(scorer, target, start + b);
        }
        tally.add(start + b, row, one.targets, selector);
      });
    }
    work?.onProgress({
      stage: `evaluate/${scorer.name}`,
      done: start + block.length,
      total: asked.length,
      unit: "cases",
    });
  }
  return {
    scorer: scorer.name,
    cases: asked.length,
    skippedCases: skipped,
    itemCount: scorer.itemCount,
    seenItems,
    ties: "expected",
    cutoffs,
    ...tally.result(options.train),
    wallSeconds: (performance.now() - started) / 1_000,
  };
}

function notANumber({ name }: Scorer, item: number, place: number): EvaluationError {
  return new EvaluationError(
    "SCORES_NOT_NUMBERS",
    `"${name}" gives item ${item} the score NaN for case ${place}.`,
    "The model has probably diverged: lower its learning rate, or look at its loss curve.",
  );
}

interface Case {
  readonly past: History;
  /** Each once. */
  readonly targets: readonly number[];
}

function casesOf(
  scorer: Scorer,
  { pasts, targets, targetOffsets }: HeldOut,
  seenItems: SeenItems,
  maxCases = Infinity,
): { asked: Case[]; skipped: number } {
  const step = Math.max(1, pasts.length / maxCases);
  const asked: Case[] = [];
  let skipped = 0;
  for (let place = 0; Math.floor(place) < pasts.length; place += step) {
    const i = Math.floor(place);
    const past = pasts[i]!;
    const own = new Set(targets.subarray(targetOffsets[i]!, targetOffsets[i + 1]!));
    for (const item of own) {
      if (item >= 1 && item <= scorer.itemCount) continue;
      throw new EvaluationError(
        "ITEM_OUT_OF_RANGE",
        `Case ${i} asks for item ${item}; "${scorer.name}" knows the items 1 to ${scorer.itemCount}.`,
        "Evaluate a model on the split of the data that it was trained on.",
      );
    }
    if (seenItems === "remove") for (const item of past.items) own.delete(item);
    if (own.size === 0) skipped++;
    else asked.push({ past, targets: [...own] });
  }
  if (asked.length === 0) {
    throw new EvaluationError(
      "NO_CASES",
      `None of ${pasts.length} cases holds an item out${skipped > 0 ? " that the user had not seen" : ""}.`,
      "Choose another split, or keep seen items in the ranking.",
    );
  }
  return { asked, skipped };
}

/** Sums over cases, and what is listed to whom. */
class Tally {
  /** Whether a wanted metric asks what is listed, not only where targets stand. */
  readonly needsLists: boolean;
  readonly #cutoffs: readonly number[];
  readonly #wanted: ReadonlySet<MetricName>;
  readonly #perCase = new Map<MetricAt, Float64Array>();
  /** Per cutoff: how often each item was listed. Empty unless a metric of lists is wanted. */
  readonly #exposures: readonly Float64Array[];

  constructor(
    cutoffs: readonly number[],
    wanted: ReadonlySet<MetricName>,
    cases: number,
    itemCount: number,
  ) {
    this.#cutoffs = cutoffs;
    this.#wanted = wanted;
    for (const k of cutoffs) {
      for (const name of caseMetrics) {
        if (wanted.has(name)) this.#perCase.set(`${name}At${k}`, new Float64Array(cases));
      }
    }
    this.needsLists = listMetrics.some((name) => wanted.has(name));
    this.#exposures = this.needsLists ? cutoffs.map(() => new Float64Array(itemCount + 1)) : [];
  }

  add(index: number, row: Float32Array, targets: readonly number[], selector: TopKSelector): void {
    // Where nobody asks what is listed, a case without a hit needs no list, and most are such.
    if (!this.needsLists && isMissed(row, targets, selector.k)) return;
    const top = selector.select(row);
    this.#exposures.forEach((exposures, c) => {
      for (const item of top.indices.subarray(0, this.#cutoffs[c])) exposures[item]!++;
    });
    this.#measure(index, tieGroups(row, top.scores, targets, selector.k), targets.length);
  }

  /** A case of one target, by the number of items above it and of those that share its score. */
  addPlace(index: number, above: number, alike: number): void {
    if (above < this.#cutoffs.at(-1)!)
      this.#measure(index, [{ above, size: alike, relevant: 1 }], 1);
  }

  /** @param groups  best first; none where no target can be among the best */
  #measure(index: number, groups: readonly TieGroup[], targets: number): void {
    if (groups.length === 0) return;
    for (const k of this.#cutoffs) {
      const set = (name: MetricName, value: () => number): void => {
        const values = this.#perCase.get(`${name}At${k}`);
        if (values !== undefined) values[index] = value();
      };
      const sum = (of: (group: TieGroup, k: number) => number): number =>
        groups.reduce((total, group) => total + of(group, k), 0);
      set("recall", () => sum(expectedHits) / targets);
      set("ndcg", () => sum(expectedDcg) / idealDcg(targets, k));
      set("mrr", () => expectedFirst(groups[0]!, k).reciprocalRank);
      set("hitRate", () => expectedFirst(groups[0]!, k).hit);
    }
  }

  result(train: Sequences | undefined): Pick<Evaluation, "metrics" | "perCase"> {
    const metrics: Record<MetricAt, number> = {};
    for (const [name, values] of this.#perCase) {
      metrics[name] = values.reduce((sum, value) => sum + value, 0) / values.length;
    }
    this.#exposures.forEach((exposures, c) => {
      const k = this.#cutoffs[c]!;
      if (this.#wanted.has("coverage")) metrics[`coverageAt${k}`] = coverage(exposures);
      if (this.#wanted.has("gini")) metrics[`giniAt${k}`] = gini(exposures);
      if (this.#wanted.has("novelty") && train !== undefined) {
        metrics[`noveltyAt${k}`] = novelty(exposures, userCounts(train), train.userCount);
      }
    });
    return { metrics, perCase: Object.fromEntries(this.#perCase) };
  }
}

/** Whether `k` items or more stand above all targets; looks no further than that. */
function isMissed(row: Float32Array, targets: readonly number[], k: number): boolean {
  let best = -Infinity;
  for (const target of targets) best = Math.max(best, row[target]!);
  let above = 0;
  for (let i = 0; i < row.length; i++) {
    if (row[i]! > best && ++above === k) return true;
  }
  return false;
}

/**
 * The targets that can reach rank `k`, grouped by score, best first.
 *
 * @param top  the best min(k, items) scores of the row, best first
 */
function tieGroups(
  row: Float32Array,
  top: Float32Array,
  targets: readonly number[],
  k: number,
): TieGroup[] {
  const worst = top.length < k ? -Infinity : top[k - 1]!;
  const relevantByScore = new Map<number, number>();
  for (const target of targets) {
    const score = row[target]!;
    if (score === -Infinity || score < worst) continue;
    relevantByScore.set(score, (relevantByScore.get(score) ?? 0) + 1);
  }
  return [...relevantByScore]
    .sort(([a], [b]) => b - a)
    .map(([score, relevant]) => {
      const above = top.findIndex((other) => other <= score);
      // The best list holds every item above its last score, but not all that share that score.
      const size = countEqual(score > worst ? top : row, score);
      return { above, size, relevant };
    });
}

function countEqual(scores: Float32Array, score: number): number {
  let count = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i] === score) count++;
  return count;
}

/** [items + 1]: number of users with each item. */
function userCounts(sequences: Sequences): Int32Array {
  const counts = new Int32Array(sequences.itemCount + 1);
  for (let user = 0; user < sequences.userCount; user++) {
    const own = sequences.items.subarray(sequences.offsets[user]!, sequences.offsets[user + 1]!);
    for (const item of new Set(own)) counts[item]!++;
  }
  return counts;
}
