import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { transpose } from "@magpie/numerics";
import {
  itemNeighbourhoods,
  type Neighbourhood,
  neighbourhoodBytes,
} from "../memory/item-neighbourhoods.ts";
import { checkRecency, type LinearConfig, LinearItemModel } from "./linear-item-model.ts";
import type { Model } from "../model.ts";
import { NeighbourLists } from "../memory/neighbour-lists.ts";
import { startCost } from "../training-cost.ts";

export interface SlimConfig extends LinearConfig {
  /** How many of the most similar items may explain an item. */
  readonly candidates: number;
  /** λ₁: what it costs to use an item at all; larger gives fewer weights. */
  readonly lasso: number;
  /** λ₂: how strongly weights are drawn towards 0. */
  readonly ridge: number;
}

const kind = "slim";
const name = "SLIM";

/** Coordinate descent ends when no weight moves by more, or after so many rounds. */
const tolerance = 1e-4;
const maxRounds = 50;

/**
 * Each item is predicted from few others, by weights that are not negative:
 *
 *     minimise ½ ‖x_j - X w‖² + λ₂/2 ‖w‖² + λ₁ ‖w‖₁     w ≥ 0, w_j = 0, w_i = 0 for other than the candidates
 *
 * by coordinate descent on the inner products of the items' columns, so a round costs nothing that
 * grows with the number of users. As in fsSLIM, the candidates are the most similar items.
 *
 * @see Ning & Karypis (2011), "SLIM: Sparse linear methods for top-N recommender systems"
 * @see Friedman, Hastie & Tibshirani (2010), "Regularization paths for generalized linear models via
 *   coordinate descent" (covariance updates)
 */
export const slim: Model<SlimConfig> = {
  kind,
  isSeeded: false,
  defaults: { candidates: 200, lasso: 1, ridge: 50, recency: 0.65 },

  space: {
    settings: {
      lasso: { from: 0.1, to: 10, scale: "log" },
      ridge: { from: 5, to: 500, scale: "log" },
      recency: { from: 0.3, to: 1, scale: "linear" },
    },
  },

  expectedBytes({ train }, config) {
    return neighbourhoodBytes(train, config.candidates);
  },

  async train({ train }, config, context) {
    checkRecency(config);
    if (!(config.lasso >= 0 && config.ridge > 0 && config.candidates >= 1)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `lasso ${config.lasso}, ridge ${config.ridge}, candidates ${config.candidates}: ridge must be positive, lasso not negative, candidates at least 1.`,
        "Start from the defaults: 1, 50 and 200.",
      );
    }
    const readCost = startCost();
    const size = train.itemCount + 1;
    const kept = new NeighbourLists(size, config.candidates);
    for (const neighbourhood of itemNeighbourhoods(train, config.candidates, 0)) {
      const { target, candidates } = neighbourhood;
      const weights = descend(neighbourhood, config);
      kept.add(
        target,
        candidates,
        weights.map((weight) => (weight > 0 ? weight : -Infinity)),
        weights,
      );
      if (target % 256 === 0) {
        context.onProgress({ stage: `${kind}/train`, done: target, total: size, unit: "items" });
        await setImmediate();
        context.signal.throwIfAborted();
      }
    }
    return new LinearItemModel(kind, name, config, transpose(kept.matrix()), readCost());
  },

  load: (directory) => LinearItemModel.load(directory, kind, name),
};

/** The weights of one item's candidates. */
function descend({ gram, products }: Neighbourhood, { lasso, ridge }: SlimConfig): Float32Array {
  const n = products.length;
  const weights = new Float32Array(n);
  const residual = products.slice(); // x_i · (x_j - X w) for each candidate i
  for (let round = 0; round < maxRounds; round++) {
    let moved = 0;
    for (let i = 0; i < n; i++) {
      const before = weights[i]!;
      const own = gram[i * n + i]!;
      const after = Math.max(0, residual[i]! + own * before - lasso) / (own + ridge);
      weights[i] = after;
      const change = weights[i]! - before;
      if (change === 0) continue;
      moved = Math.max(moved, Math.abs(change));
      for (let k = 0; k < n; k++) residual[k]! -= change * gram[i * n + k]!;
    }
    if (moved < tolerance) break;
  }
  return weights;
}
