import type { Sequences } from "@magpie/data";
import { type History, TrainingError } from "@magpie/domain";
import type { CurvePoint, Model, TrainedModel, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost } from "../training-cost.ts";

export interface PopularityConfig {
  /**
   * Only events of so many days before the newest training event count; null: all of them.
   */
  readonly windowDays: number | null;
  /** An event loses half its weight in so many days; null: it keeps it for ever. */
  readonly halfLifeDays: number | null;
}

/**
 * The same ranking for everybody: what others took most.
 *
 *     score(i) = Σ_{events of i in the window} weight · 2^(-age in days / half-life)
 *
 * Age counts from the newest training event, so that a ranking does not fade while nobody trains.
 * Every table needs this line: models that do not beat it have learnt nothing of the person.
 */
export class PopularityModel implements TrainedModel {
  readonly name: string;
  readonly itemCount: number;
  readonly curve: readonly CurvePoint[] = [];
  readonly kind: string;
  readonly config: PopularityConfig;
  readonly cost: TrainingCost;
  /** [itemCount + 1], not negative; row 0 is -Infinity. */
  readonly scores: Float32Array;

  constructor(kind: string, config: PopularityConfig, scores: Float32Array, cost: TrainingCost) {
    this.kind = kind;
    this.config = config;
    this.scores = scores;
    this.cost = cost;
    this.itemCount = scores.length - 1;
    const { windowDays, halfLifeDays } = config;
    this.name = [
      windowDays === null ? "popularity, all time" : `popularity, last ${windowDays} days`,
      ...(halfLifeDays === null ? [] : [`half-life ${halfLifeDays} days`]),
    ].join(", ");
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    histories.forEach((_, b) => out.set(this.scores, b * this.scores.length));
    return Promise.resolve();
  }

  save(directory: string): Promise<void> {
    const { kind, itemCount, config, cost, scores } = this;
    return writeModel(directory, { kind, format, itemCount, config, cost }, { scores });
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

const format = 1;

function popularityModel(kind: string, defaults: PopularityConfig): Model<PopularityConfig> {
  return {
    kind,
    isSeeded: false,
    defaults,
    expectedBytes: ({ train }) => (train.itemCount + 1) * (8 + 4),
    train({ train }, config) {
      const readCost = startCost();
      const scores = decayedCounts(train, config);
      return Promise.resolve(new PopularityModel(kind, config, scores, readCost()));
    },
    async load(directory) {
      const { card, parameters } = await readModel(directory, kind, format);
      const scores = parameters["scores"] as Float32Array;
      return new PopularityModel(kind, card.config as PopularityConfig, scores, card.cost);
    },
  };
}

/** Popularity over the whole training data, whether it has times or not. */
export const popularity = popularityModel("popularity", { windowDays: null, halfLifeDays: null });

/** What is in fashion: the last four weeks, the newest week counting most. Needs times. */
export const recentPopularity = popularityModel("popularity-recent", {
  windowDays: 28,
  halfLifeDays: 7,
});

const dayMs = 24 * 60 * 60 * 1_000;

function decayedCounts(train: Sequences, config: PopularityConfig): Float32Array {
  const { windowDays, halfLifeDays } = config;
  const { items, timestampsMs, weights, itemCount } = train;
  for (const [field, days] of Object.entries({ windowDays, halfLifeDays })) {
    if (days === null || days > 0) continue;
    throw new TrainingError(
      "BAD_CONFIG",
      `${field} is ${days}; it must be positive, or null for "all time".`,
      "Correct the configuration of the popularity model.",
    );
  }
  const counts = new Float64Array(itemCount + 1);
  if (windowDays === null && halfLifeDays === null) {
    items.forEach((item, e) => (counts[item]! += weights?.[e] ?? 1));
  } else {
    if (timestampsMs === undefined) {
      throw new TrainingError(
        "NO_TIMES",
        "Popularity of the last days needs a time for every interaction; this data has only an order.",
        'Use "popularity" (all time) for it.',
      );
    }
    const newest = timestampsMs.reduce((latest, time) => Math.max(latest, time), -Infinity);
    items.forEach((item, e) => {
      const days = (newest - timestampsMs[e]!) / dayMs;
      if (windowDays !== null && days >= windowDays) return;
      const decay = halfLifeDays === null ? 1 : 2 ** (-days / halfLifeDays);
      counts[item]! += (weights?.[e] ?? 1) * decay;
    });
  }
  const scores = Float32Array.from(counts);
  scores[0] = -Infinity;
  return scores;
}
