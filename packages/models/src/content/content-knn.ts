import { type History, TrainingError } from "@magpie/domain";
import type { CsrMatrix } from "@magpie/numerics";
import { FeatureLikeness, unitRows } from "./feature-likeness.ts";
import { checkRecency, type LinearConfig } from "../linear/linear-item-model.ts";
import type { CurvePoint, Model, TrainedModel, TrainingCost, TrainingData } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost } from "../training-cost.ts";

/** How much a past item counts for each newer one after it. */
export type ContentKnnConfig = LinearConfig;

const kind = "content-knn";
const name = "content-kNN";
const format = 1;

/**
 * Items are alike when the same is said of them. Nothing is learnt:
 *
 *     score(j) = Σ_p recency^age(p) · x_item(p) · x_j        x: features of length 1, so products are cosines
 *
 * It knows an item from its first minute, and is what models that learn from content must beat.
 *
 * @see Lops, de Gemmis, Semeraro (2011), "Content-based recommender systems: state of the art and trends"
 */
export const contentKnn: Model<ContentKnnConfig> = {
  kind,
  isSeeded: false,
  defaults: { recency: 0.8 },
  space: { settings: { recency: { from: 0.3, to: 1, scale: "linear" } } },

  expectedBytes({ itemFeatures, train }) {
    return 16 * (itemFeatures?.indices.length ?? 0) + 16 * train.itemCount;
  },

  train(data, config, context) {
    checkRecency(config);
    context.signal.throwIfAborted();
    const readCost = startCost();
    return Promise.resolve(new ContentKnnModel(config, featuresOf(data), readCost()));
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const { offsets, indices, values } = parameters as {
      readonly [field: string]: Float32Array | Int32Array;
    };
    const features: CsrMatrix = {
      rows: card.itemCount + 1,
      columns: (card as unknown as { readonly features: number }).features,
      offsets: offsets as Int32Array,
      indices: indices as Int32Array,
      values: values as Float32Array,
    };
    return new ContentKnnModel(card.config as ContentKnnConfig, features, card.cost);
  },
};

function featuresOf({ itemFeatures, train }: TrainingData): CsrMatrix {
  if (itemFeatures !== undefined && itemFeatures.rows === train.itemCount + 1) {
    return unitRows(itemFeatures);
  }
  throw new TrainingError(
    "NEEDS_ITEM_FEATURES",
    `content-knn compares items by their features; there are ${itemFeatures?.rows ?? 0} rows of them for ${train.itemCount} items and row 0.`,
    "Give { itemFeatures } with the training data.",
  );
}

/** Cosines of features, summed over a past. */
class ContentKnnModel implements TrainedModel {
  readonly kind = kind;
  readonly name = name;
  readonly itemCount: number;
  readonly config: ContentKnnConfig;
  readonly curve: readonly CurvePoint[] = [];
  readonly cost: TrainingCost;
  readonly #likeness: FeatureLikeness;

  constructor(config: ContentKnnConfig, features: CsrMatrix, cost: TrainingCost) {
    this.config = config;
    this.cost = cost;
    this.itemCount = features.rows - 1;
    this.#likeness = new FeatureLikeness(features);
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const size = this.itemCount + 1;
    histories.forEach(({ items }, b) => {
      const row = out.subarray(b * size, (b + 1) * size).fill(0);
      const counts = new Map<number, number>();
      for (let p = items.length - 1, weight = 1; p >= 0; p--, weight *= this.config.recency) {
        counts.set(items[p]!, (counts.get(items[p]!) ?? 0) + weight);
      }
      this.#likeness.addTo(row, counts);
      row[0] = -Infinity;
    });
    return Promise.resolve();
  }

  save(directory: string): Promise<void> {
    const { itemCount, config, cost } = this;
    const { offsets, indices, values, columns: features } = this.#likeness.features;
    const card = { kind, format, itemCount, config, cost, features };
    return writeModel(directory, card, { offsets, indices, values });
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}
