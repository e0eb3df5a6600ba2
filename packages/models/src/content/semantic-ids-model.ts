import type { History } from "@magpie/domain";
import type { CsrMatrix } from "@magpie/numerics";
import { FeatureLikeness } from "./feature-likeness.ts";
import { checkRecency, type LinearConfig } from "../linear/linear-item-model.ts";
import type { CurvePoint, Model, TrainedModel, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import {
  beginningsOf,
  semanticIds,
  type SemanticIdConfig,
  type SemanticIds,
} from "./semantic-ids.ts";
import { startCost } from "../training-cost.ts";

export type SemanticIdsConfig = SemanticIdConfig & LinearConfig;

const kind = "semantic-ids";
const name = "semantic ids";
const format = 1;

/**
 * Proposes items whose ids begin as those of the past do (see `semanticIds`):
 *
 *     score(j) = Σ_p recency^age(p) · log (items / items that begin as item(p) and j both do)
 *
 * Items of equal score stand in order of how often they were taken. As a channel of its own it is judged
 * by the hits that no other channel brings (`uniqueHits` of evaluation), chiefly among cold items.
 */
export const semanticIdsModel: Model<SemanticIdsConfig> = {
  kind,
  isSeeded: true,
  // More behaviour and finer codes find more among items that are known and less among cold ones: on amazon-beauty
  // (a tenth of the items cold) these find 7.6 % of the cold targets among 100 on validation.
  defaults: {
    levels: 3,
    codes: 32,
    contentWidth: 128,
    behaviourWidth: 64,
    behaviourShare: 0.2,
    recency: 0.8,
  },

  expectedBytes({ train, itemFeatures }, { contentWidth, behaviourWidth }) {
    const numbers = 6 * (train.itemCount + train.userCount) * (contentWidth + behaviourWidth);
    return 4 * numbers + 32 * (train.items.length + (itemFeatures?.indices.length ?? 0));
  },

  async train(data, config, context) {
    checkRecency(config);
    context.signal.throwIfAborted();
    const readCost = startCost();
    const ids = await semanticIds(data, config, context.seed);
    const { items, itemCount } = data.train;
    const counts = new Float32Array(itemCount + 1);
    for (const item of items) counts[item]!++;
    const most = counts.reduce((a, b) => Math.max(a, b), 1);
    const fame = counts.map((count) => Math.log1p(count) / Math.log1p(most));
    return new SemanticIdsModel(config, ids, fame, readCost());
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const config = card.config as SemanticIdsConfig;
    const { ids, fame } = parameters as { readonly ids: Int32Array; readonly fame: Float32Array };
    return new SemanticIdsModel(config, { levels: config.levels, ids }, fame, card.cost);
  },
};

/** What fame may add: less than any common beginning tells. */
const fameShare = 1e-3;

/** Items by their ids. */
export class SemanticIdsModel implements TrainedModel {
  readonly kind = kind;
  readonly name = name;
  readonly itemCount: number;
  readonly config: SemanticIdsConfig;
  readonly curve: readonly CurvePoint[] = [];
  readonly cost: TrainingCost;
  readonly ids: SemanticIds;
  /** The ids as features, for models that read `itemFeatures`. */
  readonly beginnings: CsrMatrix;
  /** [itemCount + 1] in [0, 1] */
  readonly #fame: Float32Array;
  readonly #likeness: FeatureLikeness;

  constructor(config: SemanticIdsConfig, ids: SemanticIds, fame: Float32Array, cost: TrainingCost) {
    this.config = config;
    this.ids = ids;
    this.cost = cost;
    this.itemCount = fame.length - 1;
    this.beginnings = beginningsOf(ids);
    this.#fame = fame;
    this.#likeness = new FeatureLikeness(this.beginnings);
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const size = this.itemCount + 1;
    histories.forEach(({ items }, b) => {
      const row = out.subarray(b * size, (b + 1) * size);
      for (let item = 1; item < size; item++) row[item] = fameShare * this.#fame[item]!;
      const weights = new Map<number, number>();
      for (let p = items.length - 1, weight = 1; p >= 0; p--, weight *= this.config.recency) {
        weights.set(items[p]!, (weights.get(items[p]!) ?? 0) + weight);
      }
      this.#likeness.addTo(row, weights);
      row[0] = -Infinity;
    });
    return Promise.resolve();
  }

  save(directory: string): Promise<void> {
    const { config, cost, itemCount } = this;
    const card = { kind, format, itemCount, config, cost };
    return writeModel(directory, card, { ids: this.ids.ids, fame: this.#fame });
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
