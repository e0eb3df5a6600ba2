import { type History, type ItemIndex, TrainingError } from "@magpie/domain";
import { type CsrMatrix, topK } from "@magpie/numerics";
import type {
  CurvePoint,
  HistoryEffect,
  HistoryExplainer,
  ItemSimilarity,
  TrainedModel,
  TrainingCost,
} from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";

/** What every linear item-to-item model is told, beside how it finds its weights. */
export interface LinearConfig {
  /**
   * How much an interaction counts at scoring for each newer moment after it, in (0, 1]; 1: order
   * does not matter. Items of one moment (an order, a basket) count alike; without times, every item
   * is a moment of its own.
   */
  readonly recency: number;
}

/**
 * A model whose score is a sum over the user's past: item-kNN and EASE differ only in how they find
 * the weights.
 *
 *     score(j) = Σ_p  recency^age(p) · strength(p) · W[item(p), j]      age: newer moments in the past
 *
 * Strength is log2(1 + feedback weight): 1 for a weight of 1, and a purchase of weight 5 counts 2.6
 * times, not five times, a view.
 *
 * An item that no past item points to scores 0, and so does everything for a stranger: put
 * popularity behind it.
 */
export class LinearItemModel implements TrainedModel, ItemSimilarity, HistoryExplainer {
  readonly kind: string;
  readonly name: string;
  readonly itemCount: number;
  readonly curve: readonly CurvePoint[] = [];
  readonly config: LinearConfig;
  readonly cost: TrainingCost;
  /** W: [itemCount + 1, itemCount + 1], row = past item, column = scored item. */
  readonly weights: CsrMatrix;

  constructor(
    kind: string,
    name: string,
    config: LinearConfig,
    weights: CsrMatrix,
    cost: TrainingCost,
  ) {
    this.kind = kind;
    this.name = name;
    this.config = config;
    this.weights = weights;
    this.cost = cost;
    this.itemCount = weights.rows - 1;
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const { offsets, indices, values } = this.weights;
    const width = this.itemCount + 1;
    histories.forEach((history, b) => {
      const row = out.subarray(b * width, (b + 1) * width).fill(0);
      const factors = pastFactors(history, this.config.recency);
      history.items.forEach((item, p) => {
        const factor = factors[p]!;
        for (let q = offsets[item]!; q < offsets[item + 1]!; q++) {
          row[indices[q]!]! += factor * values[q]!;
        }
      });
      row[0] = -Infinity;
    });
    return Promise.resolve();
  }

  similar(item: ItemIndex, limit: number): { items: Int32Array; scores: Float32Array } {
    const [from, to] = [this.weights.offsets[item]!, this.weights.offsets[item + 1]!];
    const indices = this.weights.indices.subarray(from, to);
    // A negative weight says "instead of", not "like".
    const positive = this.weights.values.subarray(from, to).map((w) => (w > 0 ? w : -Infinity));
    const top = topK(positive, limit);
    return { items: top.indices.map((q) => indices[q]!), scores: top.scores };
  }

  /** The terms of the sum, which add up to the score. */
  explain(history: History, items: Int32Array): Promise<HistoryEffect[][]> {
    const factors = pastFactors(history, this.config.recency);
    return Promise.resolve(
      Array.from(items, (candidate) =>
        Array.from(history.items, (item, position) => ({
          position,
          effect: factors[position]! * this.#weight(item, candidate),
        })).sort((a, b) => b.effect - a.effect),
      ),
    );
  }

  save(directory: string): Promise<void> {
    const { kind, itemCount, config, cost, name } = this;
    const { offsets, indices, values } = this.weights;
    const card = { kind, format, itemCount, config, cost, name };
    return writeModel(directory, card, { offsets, indices, values });
  }

  static async load(directory: string, kind: string, name: string): Promise<LinearItemModel> {
    const { card, parameters } = await readModel(directory, kind, format);
    const size = card.itemCount + 1;
    const weights: CsrMatrix = {
      rows: size,
      columns: size,
      offsets: parameters["offsets"] as Int32Array,
      indices: parameters["indices"] as Int32Array,
      values: parameters["values"] as Float32Array,
    };
    return new LinearItemModel(kind, name, card.config as LinearConfig, weights, card.cost);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }

  #weight(item: number, candidate: number): number {
    const { offsets, indices, values } = this.weights;
    let low = offsets[item]!;
    let high = offsets[item + 1]!;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (indices[middle]! < candidate) low = middle + 1;
      else high = middle;
    }
    return low < offsets[item + 1]! && indices[low] === candidate ? values[low]! : 0;
  }
}

const format = 1;

/** @throws {TrainingError} `BAD_CONFIG` when recency is not in (0, 1] */
export function checkRecency({ recency }: LinearConfig): void {
  if (recency > 0 && recency <= 1) return;
  throw new TrainingError(
    "BAD_CONFIG",
    `recency is ${recency}; it must be above 0 and at most 1.`,
    "1 makes order not matter; with 0.5 each newer item counts twice the one before.",
  );
}

/** How much each item of a past counts: strength, fading by `recency` for each newer moment. */
export function pastFactors(
  { items, timestampsMs, weights }: History,
  recency: number,
): Float64Array {
  const factors = new Float64Array(items.length);
  let fading = 1;
  for (let p = items.length - 1; p >= 0; p--) {
    const isLast = p === items.length - 1;
    const isOlder = timestampsMs === undefined || timestampsMs[p]! < timestampsMs[p + 1]!;
    if (!isLast && isOlder) fading *= recency;
    factors[p] = fading * strength(weights?.[p] ?? 1);
  }
  return factors;
}

/** What a feedback weight counts in linear models; the same in training and at scoring. */
export function strength(feedbackWeight: number): number {
  return Math.log2(1 + feedbackWeight);
}
