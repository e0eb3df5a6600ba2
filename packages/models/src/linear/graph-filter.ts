import { setImmediate } from "node:timers/promises";
import { type History, TrainingError } from "@magpie/domain";
import {
  type CsrMatrix,
  type DenseBlock,
  type PlacedMatrix,
  ScoreProduct,
  SparseProducts,
  transpose,
  truncatedSvd,
  truncatedSvdBytes,
} from "@magpie/numerics";
import { interactionMatrix, interactionMatrixBytes } from "./interaction-matrix.ts";
import { checkRecency, type LinearConfig, pastFactors } from "./linear-item-model.ts";
import type { CurvePoint, Model, TrainedModel, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { startCost } from "../training-cost.ts";

export interface GraphFilterConfig extends LinearConfig {
  /** Singular directions of the ideal low-pass filter; at most the number of items and users. */
  readonly rank: number;
  /** β: how much the ideal filter counts beside the linear one; 0 leaves it out. */
  readonly idealWeight: number;
  /** T: how long the result is sharpened; 0: not at all, which is GF-CF. */
  readonly sharpening: number;
}

const kind = "graph-filter";
const name = "graph filter";
const format = 1;
/** Pasts that are filtered together: the width of the dense blocks. */
const lanes = 16;

/**
 * Scores as a signal on the graph of users and items, smoothed and then sharpened; nothing is learnt
 * but the graph's leading singular vectors.
 *
 *     R̃ = D_u^-½ R D_i^-½        P = R̃ᵀ R̃        V: leading right singular vectors of R̃
 *     blurred    y = x P + β · x D_i^-½ V Vᵀ D_i^½
 *     sharpened  dz/dt = -z P from z(0) = y to t = T, in one Runge-Kutta step of order 4:
 *
 *     z(T) = y - T P (y - T/2 P (y - T/3 P (y - T/4 P y)))
 *
 * x is the user's past. With T = 0 that is GF-CF; with T > 0, BSPM with early merge.
 *
 * @see Shen et al. (2021), "How powerful is graph convolution for recommendation?" (GF-CF)
 * @see Choi et al. (2023), "Blurring-sharpening process models for collaborative filtering" (BSPM)
 */
export const graphFilter: Model<GraphFilterConfig> = {
  kind,
  isSeeded: true,
  defaults: { rank: 256, idealWeight: 0.3, sharpening: 2.5, recency: 1 },

  expectedBytes({ train }, config) {
    const { userCount, itemCount, items } = train;
    const matrix = interactionMatrixBytes(train);
    const rank = Math.min(config.rank, itemCount + 1, userCount);
    const svd =
      config.idealWeight === 0
        ? 0
        : truncatedSvdBytes(userCount, itemCount + 1, items.length, rank);
    return 3 * matrix + svd + 8 * itemCount * rank + 4 * lanes * (userCount + 4 * itemCount);
  },

  async train({ train }, config, context) {
    checkRecency(config);
    if (!(config.idealWeight >= 0 && config.sharpening >= 0 && config.rank >= 1)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `rank ${config.rank}, idealWeight ${config.idealWeight}, sharpening ${config.sharpening}: rank must be at least 1, the others not negative.`,
        "Start from the defaults: 256, 0.3 and 2.5.",
      );
    }
    context.signal.throwIfAborted();
    const readCost = startCost();
    const { matrix, itemRoots } = normalised(interactionMatrix(train, 0));
    let directions: Float32Array = new Float32Array(0);
    if (config.idealWeight > 0) {
      const found = await truncatedSvd(matrix, config.rank, {
        seed: context.seed,
        afterPass(done, total) {
          context.signal.throwIfAborted();
          context.onProgress({ stage: `${kind}/train`, done, total, unit: "passes" });
        },
      });
      directions = found.vectors;
    }
    return new GraphFilterModel(config, matrix, itemRoots, directions, readCost());
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const offsets = parameters["offsets"] as Int32Array;
    const matrix: CsrMatrix = {
      rows: offsets.length - 1,
      columns: card.itemCount + 1,
      offsets,
      indices: parameters["indices"] as Int32Array,
      values: parameters["values"] as Float32Array,
    };
    return new GraphFilterModel(
      card.config as GraphFilterConfig,
      matrix,
      parameters["itemRoots"] as Float32Array,
      (parameters["directions"] ?? new Float32Array(0)) as Float32Array,
      card.cost,
    );
  },
};

/** R̃ and the square roots of the items' degrees; items without users have root 0. */
function normalised(matrix: CsrMatrix): { matrix: CsrMatrix; itemRoots: Float32Array } {
  const { rows, columns, offsets, indices, values } = matrix;
  const itemRoots = new Float32Array(columns);
  for (let p = 0; p < indices.length; p++) itemRoots[indices[p]!]! += values[p]!;
  for (let i = 0; i < columns; i++) itemRoots[i] = Math.sqrt(itemRoots[i]!);
  const scaled = new Float32Array(values.length);
  for (let user = 0; user < rows; user++) {
    let degree = 0;
    for (let p = offsets[user]!; p < offsets[user + 1]!; p++) degree += values[p]!;
    const root = Math.sqrt(degree);
    for (let p = offsets[user]!; p < offsets[user + 1]!; p++) {
      scaled[p] = values[p]! / (root * itemRoots[indices[p]!]!);
    }
  }
  return { matrix: { ...matrix, values: scaled }, itemRoots };
}

class GraphFilterModel implements TrainedModel {
  readonly kind = kind;
  readonly name = name;
  readonly itemCount: number;
  readonly config: GraphFilterConfig;
  readonly curve: readonly CurvePoint[] = [];
  readonly cost: TrainingCost;
  readonly #matrix: CsrMatrix;
  readonly #itemRoots: Float32Array;
  /** V: [itemCount + 1, rank]; empty without the ideal filter. */
  readonly #directions: Float32Array;
  #filter: Filter | undefined;

  constructor(
    config: GraphFilterConfig,
    matrix: CsrMatrix,
    itemRoots: Float32Array,
    directions: Float32Array,
    cost: TrainingCost,
  ) {
    this.config = config;
    this.cost = cost;
    this.itemCount = matrix.columns - 1;
    this.#matrix = matrix;
    this.#itemRoots = itemRoots;
    this.#directions = directions;
  }

  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    this.#filter ??= new Filter(this.config, this.#matrix, this.#itemRoots, this.#directions);
    const width = this.itemCount + 1;
    for (let first = 0; first < histories.length; first += lanes) {
      const block = histories.slice(first, first + lanes);
      this.#filter.apply(block, out.subarray(first * width, (first + block.length) * width));
      await setImmediate();
    }
  }

  save(directory: string): Promise<void> {
    const { itemCount, config, cost } = this;
    const { offsets, indices, values } = this.#matrix;
    const directions = this.#directions;
    return writeModel(
      directory,
      { kind, format, itemCount, config, cost },
      {
        offsets,
        indices,
        values,
        itemRoots: this.#itemRoots,
        ...(directions.length > 0 && { directions }),
      },
    );
  }

  dispose(): Promise<void> {
    this.#filter = undefined;
    return Promise.resolve();
  }
}

/** The filter laid out for blocks of pasts. */
class Filter {
  readonly #config: GraphFilterConfig;
  readonly #products: SparseProducts;
  readonly #toUsers: PlacedMatrix;
  readonly #toItems: PlacedMatrix;
  readonly #users: DenseBlock;
  readonly #past: DenseBlock;
  readonly #blurred: DenseBlock;
  readonly #itemRoots: Float32Array;
  readonly #directions: Float32Array;
  readonly #ideal: { readonly product: ScoreProduct; readonly scores: Float32Array } | undefined;

  constructor(
    config: GraphFilterConfig,
    matrix: CsrMatrix,
    itemRoots: Float32Array,
    directions: Float32Array,
  ) {
    const { rows, columns, values } = matrix;
    this.#config = config;
    this.#itemRoots = itemRoots;
    this.#directions = directions;
    const bytes =
      SparseProducts.matrixBytes(rows, values.length) +
      SparseProducts.matrixBytes(columns, values.length) +
      SparseProducts.blockBytes(rows, lanes) +
      2 * SparseProducts.blockBytes(columns, lanes);
    this.#products = new SparseProducts(lanes, bytes);
    this.#toUsers = this.#products.place(matrix);
    this.#toItems = this.#products.place(transpose(matrix));
    this.#users = this.#products.block(rows);
    this.#past = this.#products.block(columns);
    this.#blurred = this.#products.block(columns);
    if (directions.length > 0) {
      const rank = directions.length / columns;
      const table = directions.map((value, at) => value * itemRoots[Math.floor(at / rank)]!);
      this.#ideal = {
        product: new ScoreProduct(table, rank, lanes),
        scores: new Float32Array(lanes * columns),
      };
    }
  }

  /** @param out  [histories, items + 1] */
  apply(histories: readonly History[], out: Float32Array): void {
    const width = this.#itemRoots.length;
    const past = this.#past.values.fill(0);
    const factors = histories.map((history) => pastFactors(history, this.#config.recency));
    histories.forEach((history, b) =>
      history.items.forEach((item, p) => (past[item * lanes + b]! += factors[b]![p]!)),
    );
    this.#products.multiply(this.#toUsers, this.#past, this.#users);
    this.#products.multiply(this.#toItems, this.#users, this.#blurred);
    this.#addIdeal(histories, factors);
    const sharpened = this.#sharpen();
    for (let b = 0; b < histories.length; b++) {
      const row = out.subarray(b * width, (b + 1) * width);
      for (let item = 1; item < width; item++) row[item] = sharpened[item * lanes + b]!;
      row[0] = -Infinity;
    }
  }

  #addIdeal(histories: readonly History[], factors: readonly Float64Array[]): void {
    if (this.#ideal === undefined) return;
    const { product, scores } = this.#ideal;
    const { width: rank, rows: columns } = product;
    const queries = new Float32Array(histories.length * rank);
    histories.forEach(({ items }, b) => {
      items.forEach((item, p) => {
        const root = this.#itemRoots[item]!;
        if (root === 0) return;
        const factor = (this.#config.idealWeight * factors[b]![p]!) / root;
        for (let r = 0; r < rank; r++) {
          queries[b * rank + r]! += factor * this.#directions[item * rank + r]!;
        }
      });
    });
    product.multiply(queries, scores);
    const blurred = this.#blurred.values;
    for (let item = 0; item < columns; item++) {
      for (let b = 0; b < histories.length; b++) {
        blurred[item * lanes + b]! += scores[b * columns + item]!;
      }
    }
  }

  /** Horner's rule from the innermost bracket; the past's block is free by now. */
  #sharpen(): Float32Array {
    const { sharpening } = this.#config;
    if (sharpening === 0) return this.#blurred.values;
    let inner = this.#blurred;
    for (let order = 4; order >= 1; order--) {
      this.#products.multiply(this.#toUsers, inner, this.#users);
      this.#products.multiply(this.#toItems, this.#users, this.#past, {
        scale: -sharpening / order,
        base: this.#blurred,
      });
      inner = this.#past;
    }
    return inner.values;
  }
}
