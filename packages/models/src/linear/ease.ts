import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import {
  type CsrMatrix,
  factorCholesky,
  productRows,
  solveCholesky,
  SpdMatrix,
  transpose,
} from "@magpie/numerics";
import { interactionMatrix, interactionMatrixBytes } from "./interaction-matrix.ts";
import { itemNeighbourhoods, neighbourhoodBytes } from "../memory/item-neighbourhoods.ts";
import { checkRecency, type LinearConfig, LinearItemModel } from "./linear-item-model.ts";
import type { Model, TrainingContext, TrainingData } from "../model.ts";
import { NeighbourLists } from "../memory/neighbour-lists.ts";
import { startCost } from "../training-cost.ts";

export interface EaseConfig extends LinearConfig {
  /** λ: how strongly weights are drawn towards 0. Larger for sparser data. */
  readonly ridge: number;
  /** See `ItemKnnConfig.userDamping`. */
  readonly userDamping: number;
  /** Weights kept for each scored item, largest magnitude first. */
  readonly neighbours: number;
  /** Up to so many items the closed form is used, in items² single-precision memory. */
  readonly denseLimit: number;
  /** Beyond it: how many of the most similar items may explain an item. */
  readonly candidates: number;
}

const kind = "ease";
const name = "EASE";

/**
 * Each item is predicted from all others by ridge regression, all at once:
 *
 *     minimise ‖X - X B‖² + λ ‖B‖²  with diag(B) = 0
 *     P = (Xᵀ X + λ I)⁻¹            B[i, j] = -P[i, j] / P[j, j]  for i ≠ j
 *
 * The inverse needs items² memory for the time of the training (0.6 GB at 12,000 items, 1.6 GB at
 * 20,000); what is kept and served is the `neighbours` largest weights of each item.
 *
 * Beyond `denseLimit` items, each column of B is the same regression restricted to the items most
 * similar to j (shrunk cosine, as in item-kNN): a small system for each item, memory that grows with
 * the pairs of items that share a user, the same meaning of λ. It is an approximation because items
 * outside that neighbourhood are held at weight 0.
 *
 * @see Steck (2019), "Embarrassingly shallow autoencoders for sparse data"
 */
export const ease: Model<EaseConfig> = {
  kind,
  isSeeded: false,
  // Picked on the validation parts of amazon-beauty, amazon-sports and lastfm-s3rec, leave-one-out
  // (bench/linear-recipe):
  // NDCG@10 .0470, .0311, .0279, flat between ridges of 200 and 500. The restricted form gives the
  // same on all three (.0471, .0311, .0297), so `candidates` loses nothing there.
  defaults: {
    ridge: 200,
    userDamping: 0,
    neighbours: 200,
    denseLimit: 20_000,
    candidates: 200,
    recency: 0.65,
  },

  space: {
    settings: {
      ridge: { from: 20, to: 2_000, scale: "log" },
      // Beyond a half, all recipes of a search on amazon-beauty were among the worst (bench/results/tune.md).
      userDamping: { from: 0, to: 0.5, scale: "linear" },
      recency: { from: 0.3, to: 1, scale: "linear" },
    },
  },

  expectedBytes({ train }, config) {
    const { itemCount } = train;
    if (itemCount > config.denseLimit) return neighbourhoodBytes(train, config.neighbours);
    const matrix = 2 * interactionMatrixBytes(train);
    const kept = 2 * NeighbourLists.bytes(itemCount, config.neighbours);
    return matrix + kept + SpdMatrix.bytes(itemCount);
  },

  async train(data, config, context) {
    checkRecency(config);
    if (!(config.ridge > 0)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `ridge is ${config.ridge}; it must be positive.`,
        "Start from 200; sparse data wants more.",
      );
    }
    const readCost = startCost();
    const isDense = data.train.itemCount <= config.denseLimit;
    const byTarget = await (isDense ? closedForm : restricted)(data, config, context);
    return new LinearItemModel(kind, name, config, transpose(byTarget), readCost());
  },

  load: (directory) => LinearItemModel.load(directory, kind, name),
};

/** B by its columns: row j of the answer holds the weights that score item j. */
async function closedForm(
  { train }: TrainingData,
  config: EaseConfig,
  { onProgress, signal }: TrainingContext,
): Promise<CsrMatrix> {
  const byUser = interactionMatrix(train, config.userDamping);
  const { itemCount: n } = train;
  // Row and column 0, the padding item, are left out.
  const gram = new SpdMatrix(n);
  const { stride, values } = gram;
  for (const { row, indices, values: products } of productRows(transpose(byUser), byUser)) {
    indices.forEach((other, p) => {
      if (other <= row) values[(row - 1) * stride + other - 1] = products[p]!;
    });
  }
  for (let i = 0; i < n; i++) values[i * stride + i]! += config.ridge;
  await gram.invert(async (done, total) => {
    onProgress({ stage: `${kind}/train`, done, total, unit: "panels" });
    await setImmediate();
    signal.throwIfAborted();
  });
  const kept = new NeighbourLists(n + 1, config.neighbours);
  const columns = Int32Array.from({ length: n }, (_, i) => i + 1);
  const weights = new Float32Array(n);
  for (let j = 0; j < n; j++) {
    const row = values.subarray(j * stride, j * stride + n); // symmetric: P[j, :] is P[:, j]
    const scale = -1 / row[j]!;
    for (let i = 0; i < n; i++) weights[i] = row[i]! * scale;
    weights[j] = 0;
    kept.add(j + 1, columns, magnitudes(weights), weights);
  }
  return kept.matrix();
}

/** -Infinity for weights that say nothing. */
function magnitudes(weights: Float32Array): Float32Array {
  return weights.map((weight) => (weight === 0 ? -Infinity : Math.abs(weight)));
}

/** The columns of B, each from the items most similar to its own. */
async function restricted(
  { train }: TrainingData,
  config: EaseConfig,
  { onProgress, signal }: TrainingContext,
): Promise<CsrMatrix> {
  const size = train.itemCount + 1;
  const kept = new NeighbourLists(size, config.neighbours);
  for (const one of itemNeighbourhoods(train, config.candidates, config.userDamping)) {
    const { target, candidates, gram: system, products: weights } = one;
    const n = candidates.length;
    for (let i = 0; i < n; i++) system[i * n + i]! += config.ridge;
    factorCholesky(system, n);
    solveCholesky(system, n, weights);
    const single = Float32Array.from(weights);
    kept.add(target, candidates, magnitudes(single), single);
    if (target % 256 === 0) {
      onProgress({ stage: `${kind}/train`, done: target, total: size, unit: "items" });
      await setImmediate();
      signal.throwIfAborted();
    }
  }
  return kept.matrix();
}
