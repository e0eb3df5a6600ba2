import type { CurvePoint, Model, TrainedModel, TrainingCost } from "../model.ts";
import { FeatureSums } from "./feature-sums.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost } from "../training-cost.ts";
import { TowerEncoder, TowerScorer } from "./two-tower-encoder.ts";
import { featuresOf, TwoTowerTrainer } from "./two-tower-trainer.ts";
import { checkTwoTower, type TwoTowerConfig } from "./two-tower.ts";

const kind = "two-tower";
const format = 1;

/**
 * Users and items as vectors that meet: the item tower reads what is said of an item (words,
 * categories, brand, price, content vectors) and its own embedding, the user tower pools the item
 * vectors of a past. Neither needs to have seen the item or the user in training.
 *
 *     item  ─▶ Σ features, own ─▶ unit, + MLP ─▶ unit ─┐
 *                                                      ├─▶ cosine + λ · likeness of features
 *     past  ─▶ item vectors ─▶ attention ─▶ + MLP ─▶ unit ─┘
 *
 * Trained by a softmax among the batch's own targets and drawn items, corrected for how often each is
 * drawn. Differs from Yi et al. (2019): frequencies are counted rather than estimated from a stream, and the
 * target itself is not corrected, which makes the sum over negatives an unbiased estimate of the sum over
 * the catalogue.
 *
 * @see Yi et al. (2019), "Sampling-bias-corrected neural modeling for large corpus item recommendations"
 * @see Volkovs, Yu, Poutanen (2017), "DropoutNet: Addressing cold start in recommender systems", for
 *   leaving an item's own embedding out
 */
export const twoTower: Model<TwoTowerConfig> = {
  kind,
  isSeeded: true,
  // Picked for items that nobody has taken yet, on validation of amazon-beauty (one seed): with logQ 1 and
  // embeddings of items' own they are thought less of than items that training knew, and Recall@10 among
  // cold items was .193; with logQ 0 it was .218. Other models of a blend know what is popular.
  defaults: {
    width: 64,
    hidden: 128,
    historyLimit: 20,
    idDropout: 1,
    featureDropout: 0.3,
    dropout: 0.2,
    temperature: 0.1,
    negatives: 256,
    likeness: null,
    logQ: 0,
    batchRows: 20,
    learningRate: 0.002,
    weightDecay: 0,
    epochs: 16,
    validateEvery: 1,
    patience: 3,
    validationCases: 1_000,
  },
  space: {
    settings: {
      temperature: { from: 0.05, to: 0.2, scale: "log" },
      idDropout: { from: 0.2, to: 0.9, scale: "linear" },
      logQ: { from: 0, to: 1, scale: "linear" },
      learningRate: { from: 5e-4, to: 5e-3, scale: "log" },
    },
  },

  expectedBytes(data, config) {
    const features = featuresOf(data);
    const { width, hidden, batchRows, historyLimit, negatives } = config;
    const n = batchRows * historyLimit;
    const all = 2 * n + negatives;
    const tables = features.columns + features.rows;
    const activations = 12 * all * (width + hidden) + 3 * n * (n + negatives);
    return (
      baseBytes +
      FeatureSums.bytesFor(features, width) +
      4 * (activations + 3 * tables * width + 2 * features.rows * width)
    );
  },

  async train(data, config, context) {
    checkTwoTower(config);
    context.signal.throwIfAborted();
    const readCost = startCost();
    const trainer = await TwoTowerTrainer.open(data, config, context);
    const { weights, curve } = await trainer.run();
    const encoder = new TowerEncoder(config, weights, data.content?.width ?? 0);
    const itemVectors = await encoder.items(data.content);
    return new TwoTowerModel(encoder, itemVectors, curve, readCost());
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const { dense, embeddings, itemVectors, values } = parameters as Record<string, Float32Array>;
    const { offsets, indices } = parameters as Record<string, Int32Array>;
    const config = card.config as TwoTowerConfig;
    const {
      contentWidth,
      features: columns,
      likenessShare,
    } = card as unknown as {
      readonly contentWidth: number;
      readonly likenessShare: number;
      readonly features: number;
    };
    const rows = card.itemCount + 1;
    const features = { rows, columns, offsets: offsets!, indices: indices!, values: values! };
    const weights = { dense: dense!, embeddings: embeddings!, features, likenessShare };
    const encoder = new TowerEncoder(config, weights, contentWidth);
    return new TwoTowerModel(encoder, itemVectors!, card.curve ?? [], card.cost);
  },
};

/** The engine's library, its sessions, and the heap of a thread that is busy. */
const baseBytes = 88 * 2 ** 20;

/** A trained two-tower model. `encoder` gives vectors of items that come later. */
export class TwoTowerModel extends TowerScorer implements TrainedModel {
  readonly kind = kind;
  readonly config: TwoTowerConfig;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;

  constructor(
    encoder: TowerEncoder,
    itemVectors: Float32Array,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    super(encoder, itemVectors);
    this.config = encoder.config;
    this.curve = curve;
    this.cost = cost;
  }

  save(directory: string): Promise<void> {
    const { config, cost, itemCount, curve, itemVectors } = this;
    const { weights, contentWidth, likenessShare } = this.encoder;
    const { dense, embeddings, features } = weights;
    const { columns, offsets, indices, values } = features;
    const about = { contentWidth, features: columns, likenessShare };
    const card = { kind, format, itemCount, config, cost, curve, ...about };
    const arrays = { dense, embeddings, itemVectors, offsets, indices, values };
    return writeModel(directory, card, arrays);
  }

  async dispose(): Promise<void> {
    await this.encoder.dispose();
  }
}
