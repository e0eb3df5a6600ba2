import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { type CsrMatrix, productRows, ScoreProduct } from "@magpie/numerics";
import { checkRecency, type LinearConfig, LinearItemModel } from "../linear/linear-item-model.ts";
import type { Model, TrainingData } from "../model.ts";
import { NeighbourLists } from "./neighbour-lists.ts";
import { startCost, uncollectedBytes } from "../training-cost.ts";
import {
  countTransitions,
  countTransitionsBytes,
  type TransitionReach,
} from "./transition-counts.ts";

export interface TransitionsConfig extends LinearConfig, TransitionReach {
  /** Power of an item's frequency by which it is divided as a follower. */
  readonly popularityDamping: number;
  /** What a path of two transitions counts beside a direct one; 0: direct ones only. */
  readonly secondHop: number;
  /** What similarity of content counts, where the data has content vectors. */
  readonly content: number;
  /** Followers kept for each item. */
  readonly neighbours: number;
}

const kind = "transitions";
const name = "transition graph";
/** Followers of an item that take part in a second hop. */
const hopFan = 50;
const contentBlock = 64;

/**
 * What follows what, counted: nothing is learnt.
 *
 *     A       = what follows what in sequences: see `countTransitions`
 *     T[i, j] = A[i, j] / (Σ_k A[i, k] · frequency(j)^popularityDamping)
 *     W       = T + secondHop · T² + content · max(0, cosine of content vectors)
 *
 * Rows of T are scaled to a largest entry of 1 first, so that the shares mean the same on all data.
 *
 * @see Sarwar et al. (2001), "Item-based collaborative filtering recommendation algorithms", for the
 *   graph without order; the heuristic with order is folklore that good baselines papers keep finding
 */
export const transitions: Model<TransitionsConfig> = {
  kind,
  isSeeded: false,
  defaults: {
    reach: 10,
    fading: 0.7,
    backward: 0.5,
    popularityDamping: 0.3,
    secondHop: 0.1,
    content: 0.3,
    neighbours: 200,
    recency: 0.65,
  },

  expectedBytes({ train, content }, config) {
    const kept = 2 * NeighbourLists.bytes(train.itemCount, config.neighbours);
    const vectors =
      content === undefined
        ? 0
        : ScoreProduct.bytes(train.itemCount + 1, content.width, contentBlock);
    return countTransitionsBytes(train, config.reach) + kept + vectors + uncollectedBytes;
  },

  async train(data, config, context) {
    checkRecency(config);
    if (!(config.reach >= 1 && config.fading > 0 && config.neighbours >= 1)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `reach ${config.reach}, fading ${config.fading}, neighbours ${config.neighbours}: all must be positive.`,
        "Start from the defaults: 10, 0.7 and 200.",
      );
    }
    const readCost = startCost();
    const direct = directTransitions(data, config);
    const size = direct.rows;
    const strongest = strongestOf(direct, hopFan);
    const alike = contentRows(data, config);
    const kept = new NeighbourLists(size, config.neighbours);
    const sums = new Float64Array(size);
    for (const { row, indices, values } of productRows(strongest, strongest)) {
      sums.fill(0);
      for (let p = direct.offsets[row]!; p < direct.offsets[row + 1]!; p++) {
        sums[direct.indices[p]!] = direct.values[p]!;
      }
      indices.forEach((other, n) => (sums[other]! += config.secondHop * values[n]!));
      const similar = alike?.(row);
      similar?.forEach((cosine, other) => {
        if (cosine > 0) sums[other]! += config.content * cosine;
      });
      sums[0] = 0;
      sums[row] = 0;
      const columns = Int32Array.from(sums.keys()).filter((other) => sums[other]! > 0);
      kept.add(
        row,
        columns,
        Float32Array.from(columns, (other) => sums[other]!),
      );
      if (row % 512 === 0) {
        context.onProgress({ stage: `${kind}/train`, done: row, total: size, unit: "items" });
        await setImmediate();
        context.signal.throwIfAborted();
      }
    }
    return new LinearItemModel(kind, name, config, kept.matrix(), readCost());
  },

  load: (directory) => LinearItemModel.load(directory, kind, name),
};

/** T, rows scaled to a largest entry of 1. */
function directTransitions({ train }: TrainingData, config: TransitionsConfig): CsrMatrix {
  const matrix = countTransitions(train, config);
  const frequency = new Float64Array(matrix.rows);
  for (const item of train.items) frequency[item]!++;
  for (let row = 0; row < matrix.rows; row++) {
    const own = matrix.values.subarray(matrix.offsets[row], matrix.offsets[row + 1]);
    const start = matrix.offsets[row]!;
    let most = 0;
    for (let p = 0; p < own.length; p++) {
      own[p]! /= frequency[matrix.indices[start + p]!]! ** config.popularityDamping;
      most = Math.max(most, own[p]!);
    }
    if (most > 0) for (let p = 0; p < own.length; p++) own[p]! /= most;
  }
  return matrix;
}

/** Each row's `limit` largest entries, divided by their sum: steps of a walk. */
function strongestOf(matrix: CsrMatrix, limit: number): CsrMatrix {
  const kept = new NeighbourLists(matrix.rows, limit);
  for (let row = 0; row < matrix.rows; row++) {
    const [start, end] = [matrix.offsets[row]!, matrix.offsets[row + 1]!];
    const own = matrix.values.slice(start, end);
    const sum = own.reduce((total, value) => total + value, 0);
    kept.add(
      row,
      matrix.indices.subarray(start, end),
      own,
      own.map((value) => value / sum),
    );
  }
  return kept.matrix();
}

/** Cosines of content vectors of a row, made in blocks of rows that are asked for in ascending order. */
function contentRows(
  { train, content }: TrainingData,
  config: TransitionsConfig,
): ((row: number) => Float32Array) | undefined {
  if (content === undefined || config.content === 0) return undefined;
  const { width, vectors } = content;
  const size = train.itemCount + 1;
  const unit = vectors.slice();
  for (let item = 0; item < size; item++) {
    const own = unit.subarray(item * width, (item + 1) * width);
    const norm = Math.hypot(...own);
    if (norm > 0) for (let d = 0; d < width; d++) own[d]! /= norm;
  }
  const product = new ScoreProduct(unit, width, contentBlock);
  const block = new Float32Array(contentBlock * size);
  let first = -Infinity;
  return (row) => {
    if (row < first || row >= first + contentBlock) {
      first = row;
      product.multiply(unit.subarray(row * width, (row + contentBlock) * width), block);
    }
    return block.subarray((row - first) * size, (row - first + 1) * size);
  };
}
