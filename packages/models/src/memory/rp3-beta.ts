import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { type CsrMatrix, productRows, transpose } from "@magpie/numerics";
import { interactionMatrix, interactionMatrixBytes } from "../linear/interaction-matrix.ts";
import { checkRecency, type LinearConfig, LinearItemModel } from "../linear/linear-item-model.ts";
import type { Model } from "../model.ts";
import { NeighbourLists } from "./neighbour-lists.ts";
import { startCost } from "../training-cost.ts";

export interface Rp3BetaConfig extends LinearConfig {
  /** Neighbours kept for each item. */
  readonly neighbours: number;
  /** α: power of each step's probability; below 1 it evens out steps from busy users and items. */
  readonly alpha: number;
  /** β: how much popular items are held back. */
  readonly beta: number;
}

const kind = "rp3-beta";
const name = "RP3beta";

/**
 * A walk of three steps from the user: to an item of the past, to another of its users, to one of
 * that user's items; popular ends are held back.
 *
 *     W[i, j] = Σ_u P(i → u)^α · P(u → j)^α / degree(j)^β       P(a → b) = weight(a, b) / Σ weight(a, ·)
 *
 * @see Paudel et al. (2017), "Updatable, accurate, diverse, and scalable recommendations for
 *   interactive applications"
 */
export const rp3Beta: Model<Rp3BetaConfig> = {
  kind,
  isSeeded: false,
  defaults: { neighbours: 200, alpha: 0.9, beta: 0.4, recency: 0.65 },

  space: {
    settings: {
      neighbours: { oneOf: [50, 100, 200, 400] },
      alpha: { from: 0.4, to: 1.6, scale: "linear" },
      beta: { from: 0, to: 1, scale: "linear" },
      recency: { from: 0.3, to: 1, scale: "linear" },
    },
  },

  expectedBytes({ train }, config) {
    const matrix = interactionMatrixBytes(train);
    const kept = NeighbourLists.bytes(train.itemCount, config.neighbours);
    return 3 * matrix + 2 * kept + 24 * train.itemCount;
  },

  async train({ train }, config, context) {
    checkRecency(config);
    if (!(config.alpha > 0 && config.beta >= 0 && config.neighbours >= 1)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `alpha ${config.alpha}, beta ${config.beta}, neighbours ${config.neighbours}: alpha must be positive, beta not negative, neighbours at least 1.`,
        "Start from the defaults: 0.9, 0.4 and 200.",
      );
    }
    const readCost = startCost();
    const byUser = interactionMatrix(train, 0);
    const byItem = transpose(byUser);
    const degrees = rowSums(byItem).map((degree) => degree ** config.beta);
    const kept = new NeighbourLists(byItem.rows, config.neighbours);
    const [out, back] = [steps(byItem, config.alpha), steps(byUser, config.alpha)];
    for (const { row, indices, values } of productRows(out, back)) {
      values.forEach((product, n) => {
        const other = indices[n]!;
        values[n] = other === row ? -Infinity : product / degrees[other]!;
      });
      kept.add(row, indices, values);
      if (row % 1_024 === 0) {
        context.onProgress({
          stage: `${kind}/train`,
          done: row,
          total: byItem.rows,
          unit: "items",
        });
        await setImmediate();
        context.signal.throwIfAborted();
      }
    }
    return new LinearItemModel(kind, name, config, kept.matrix(), readCost());
  },

  load: (directory) => LinearItemModel.load(directory, kind, name),
};

function rowSums({ rows, offsets, values }: CsrMatrix): Float64Array {
  const sums = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) sums[row]! += values[p]!;
  }
  return sums;
}

/** Each row's probabilities to the power of `alpha`. */
function steps(matrix: CsrMatrix, alpha: number): CsrMatrix {
  const sums = rowSums(matrix);
  const values = new Float32Array(matrix.values.length);
  for (let row = 0; row < matrix.rows; row++) {
    for (let p = matrix.offsets[row]!; p < matrix.offsets[row + 1]!; p++) {
      values[p] = (matrix.values[p]! / sums[row]!) ** alpha;
    }
  }
  return { ...matrix, values };
}
