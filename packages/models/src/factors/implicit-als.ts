import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { type CsrMatrix, seededRandom, transpose } from "@magpie/numerics";
import { FactorModel, type FoldIn, gramOf, solveVector } from "./factor-model.ts";
import { interactionMatrix, interactionMatrixBytes } from "../linear/interaction-matrix.ts";
import type { Model } from "../model.ts";
import { startCost, uncollectedBytes } from "../training-cost.ts";

export interface ImplicitAlsConfig {
  /** Numbers in each vector. */
  readonly width: number;
  readonly epochs: number;
  /** Weight of every pair that was not observed, whose score should be 0. */
  readonly unobserved: number;
  /** How strongly vectors are drawn towards 0. */
  readonly ridge: number;
}

const kind = "implicit-als";
const name = "implicit ALS";

/**
 * Matrix factorisation of all pairs, the many unobserved ones counting little:
 *
 *     minimise Σ_{observed} strength (1 - p_u · q_i)² + unobserved Σ_{all u, i} (p_u · q_i)² + ridge (‖P‖² + ‖Q‖²)
 *
 * With one side fixed, each vector of the other is a small least-squares problem, solved exactly; the
 * sum over all pairs is one Gram matrix for all of them.
 *
 * @see Hu, Koren & Volinsky (2008), "Collaborative filtering for implicit feedback datasets"
 * @see Rendle et al. (2022), "Revisiting the performance of iALS on item recommendation benchmarks"
 */
export const implicitAls: Model<ImplicitAlsConfig> = {
  kind,
  isSeeded: true,
  defaults: { width: 64, epochs: 12, unobserved: 0.05, ridge: 1 },

  space: {
    settings: {
      width: { oneOf: [32, 64, 128] },
      epochs: { from: 5, to: 25, scale: "linear", isWhole: true },
      unobserved: { from: 0.005, to: 0.5, scale: "log" },
      ridge: { from: 0.1, to: 10, scale: "log" },
    },
  },

  expectedBytes({ train }, config) {
    const { userCount, itemCount } = train;
    const matrix = 2 * interactionMatrixBytes(train);
    const vectors = 4 * config.width * (userCount + itemCount);
    return matrix + vectors + 24 * config.width ** 2 + uncollectedBytes / 2;
  },

  async train({ train }, config, context) {
    if (!(config.width >= 1 && config.ridge > 0 && config.unobserved >= 0)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `width ${config.width}, ridge ${config.ridge}, unobserved ${config.unobserved}: width and ridge must be positive, unobserved not negative.`,
        "Start from the defaults: 64, 1 and 0.05.",
      );
    }
    const readCost = startCost();
    const byUser = interactionMatrix(train, 0);
    const byItem = transpose(byUser);
    const users = new Float32Array(byUser.rows * config.width);
    const random = seededRandom(context.seed, "implicit-als");
    const items = Float32Array.from(
      { length: byItem.rows * config.width },
      () => (0.1 * random.normal()) / Math.sqrt(config.width),
    );
    items.fill(0, 0, config.width);
    for (let epoch = 1; epoch <= config.epochs; epoch++) {
      for (const side of [
        { matrix: byUser, fixed: items, solved: users },
        { matrix: byItem, fixed: users, solved: items },
      ]) {
        context.signal.throwIfAborted();
        await halfStep(side.matrix, side.fixed, side.solved, config, context.signal);
      }
      context.onProgress({
        stage: `${kind}/train`,
        done: epoch,
        total: config.epochs,
        unit: "epochs",
      });
    }
    const about = { kind, name, config };
    return new FactorModel(about, config, items, config.width, [], readCost());
  },

  load: (directory) =>
    FactorModel.load<ImplicitAlsConfig>(directory, kind, name, (config): FoldIn => config),
};

/** Solves the vectors of all rows of `matrix`, the vectors of its columns being fixed. */
async function halfStep(
  matrix: CsrMatrix,
  fixed: Float32Array,
  solved: Float32Array,
  config: ImplicitAlsConfig,
  signal: AbortSignal,
): Promise<void> {
  const { width } = config;
  const gram = gramOf(fixed, width);
  const system = new Float64Array(width * width);
  const right = new Float64Array(width);
  for (let row = 0; row < matrix.rows; row++) {
    const [from, to] = [matrix.offsets[row]!, matrix.offsets[row + 1]!];
    const columns = matrix.indices.subarray(from, to);
    const observed = matrix.values.subarray(from, to);
    solveVector(fixed, width, gram, columns, observed, config, system, right);
    solved.set(right, row * width);
    if (row % 1_024 === 0) {
      await setImmediate();
      signal.throwIfAborted();
    }
  }
}
