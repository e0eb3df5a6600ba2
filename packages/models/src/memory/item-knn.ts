import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { productRows, transpose } from "@magpie/numerics";
import { interactionMatrix, interactionMatrixBytes } from "../linear/interaction-matrix.ts";
import { checkRecency, type LinearConfig, LinearItemModel } from "../linear/linear-item-model.ts";
import type { Model } from "../model.ts";
import { NeighbourLists } from "./neighbour-lists.ts";
import { startCost } from "../training-cost.ts";

export interface ItemKnnConfig extends LinearConfig {
  /** Neighbours kept for each item. */
  readonly neighbours: number;
  /** Added below the fraction: draws similarities that few users vouch for towards 0. */
  readonly shrinkage: number;
  /**
   * How much users with long histories are held back: a user's row is divided by its length to this
   * power. 0: all pairs of items count alike.
   */
  readonly userDamping: number;
}

const kind = "item-knn";
const name = "item-kNN";

/**
 * Items are alike when the same users took both: cosine of the users' columns, shrunk.
 *
 *     W[i, j] = (x_i · x_j) / (‖x_i‖ ‖x_j‖ + shrinkage),   the `neighbours` largest j of each i
 *
 * The items × items product is walked row by row and cut at once, so memory is
 * items × neighbours, whatever the number of items.
 *
 * @see Aiolli (2013), "Efficient top-N recommendation for very large scale binary rated datasets"
 */
export const itemKnn: Model<ItemKnnConfig> = {
  kind,
  isSeeded: false,
  // Picked on the validation parts of amazon-beauty, amazon-sports and lastfm-s3rec, leave-one-out
  // (bench/linear-recipe): NDCG@10 .0455, .0284, .0305, against .0299, .0145, .0290 without shrinkage
  // and recency. No combination is best on all three.
  defaults: { neighbours: 200, shrinkage: 20, userDamping: 0, recency: 0.65 },

  space: {
    settings: {
      neighbours: { oneOf: [50, 100, 200, 400] },
      shrinkage: { from: 1, to: 200, scale: "log" },
      userDamping: { from: 0, to: 1, scale: "linear" },
      recency: { from: 0.3, to: 1, scale: "linear" },
    },
  },

  expectedBytes({ train }, config) {
    const matrix = interactionMatrixBytes(train);
    const kept = NeighbourLists.bytes(train.itemCount, config.neighbours);
    return 2 * matrix + 2 * kept + 24 * train.itemCount;
  },

  async train({ train }, config, context) {
    checkRecency(config);
    if (!(Number.isInteger(config.neighbours) && config.neighbours >= 1)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `neighbours is ${config.neighbours}; it must be a whole number from 1.`,
        "200 is a good start; more costs memory and seldom helps.",
      );
    }
    const readCost = startCost();
    const byUser = interactionMatrix(train, config.userDamping);
    const byItem = transpose(byUser);
    const { rows: size, offsets, values } = byItem;
    const norms = new Float64Array(size);
    for (let item = 0; item < size; item++) {
      let squares = 0;
      for (let p = offsets[item]!; p < offsets[item + 1]!; p++) squares += values[p]! ** 2;
      norms[item] = Math.sqrt(squares);
    }
    const kept = new NeighbourLists(size, config.neighbours);
    for (const { row, indices, values: products } of productRows(byItem, byUser)) {
      products.forEach((product, n) => {
        const other = indices[n]!;
        products[n] =
          other === row ? -Infinity : product / (norms[row]! * norms[other]! + config.shrinkage);
      });
      kept.add(row, indices, products);
      if (row % 1_024 === 0) {
        context.onProgress({ stage: `${kind}/train`, done: row, total: size, unit: "items" });
        await setImmediate();
        context.signal.throwIfAborted();
      }
    }
    return new LinearItemModel(kind, name, config, kept.matrix(), readCost());
  },

  load: (directory) => LinearItemModel.load(directory, kind, name),
};
