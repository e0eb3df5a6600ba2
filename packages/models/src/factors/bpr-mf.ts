import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { FactorModel, type FoldIn } from "./factor-model.ts";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import type { CurvePoint, Model } from "../model.ts";
import { startCost, uncollectedBytes } from "../training-cost.ts";

export interface BprMfConfig {
  /** Numbers in each vector. */
  readonly width: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** How strongly vectors are drawn towards 0 at each step. */
  readonly decay: number;
  /** How a past becomes a vector at scoring; see `FoldIn`. */
  readonly foldIn: FoldIn;
}

const kind = "bpr-mf";
const name = "BPR-MF";

/**
 * Matrix factorisation learnt from pairs: what a user took should score above what was not taken.
 *
 *     minimise Σ_(u, i taken, j not taken)  -log σ(p_u · q_i - p_u · q_j) + decay/2 (‖p_u‖² + ‖q_i‖² + ‖q_j‖²)
 *
 * by stochastic gradient descent, one uniform negative a step. Differs from the paper in scoring: a
 * past's vector is folded in (see `FactorModel`) rather than looked up, so that strangers are answered.
 *
 * @see Rendle et al. (2009), "BPR: Bayesian personalized ranking from implicit feedback"
 */
export const bprMf: Model<BprMfConfig> = {
  kind,
  isSeeded: true,
  defaults: {
    width: 64,
    epochs: 40,
    learningRate: 0.05,
    decay: 0.005,
    foldIn: { unobserved: 0.05, ridge: 1 },
  },

  expectedBytes({ train }, config) {
    const { userCount, itemCount, items } = train;
    const vectors = 4 * (config.width + 1) * (userCount + itemCount);
    return 20 * items.length + vectors + uncollectedBytes / 2;
  },

  async train({ train }, config, context) {
    const { width, learningRate, decay } = config;
    if (!(width >= 1 && learningRate > 0 && decay >= 0 && config.foldIn.ridge > 0)) {
      throw new TrainingError(
        "BAD_CONFIG",
        `width ${width}, learningRate ${learningRate}, decay ${decay}, ridge ${config.foldIn.ridge}: all must be positive, decay may be 0.`,
        "Start from the defaults of bpr-mf.",
      );
    }
    context.signal.throwIfAborted();
    const readCost = startCost();
    const { rows, columns, offsets, indices } = interactionMatrix(train, 0);
    const random = seededRandom(context.seed, "bpr-mf");
    const initial = (count: number) =>
      Float32Array.from({ length: count * width }, () => random.normal() / width);
    const [users, items] = [initial(rows), initial(columns)];
    items.fill(0, 0, width);
    const userOf = new Int32Array(indices.length);
    for (let user = 0; user < rows; user++) userOf.fill(user, offsets[user]!, offsets[user + 1]!);
    const order = Int32Array.from(indices.keys());
    const curve: CurvePoint[] = [];
    const started = performance.now();
    for (let epoch = 1; epoch <= config.epochs; epoch++) {
      random.shuffle(order);
      let loss = 0;
      for (let step = 0; step < order.length; step++) {
        const user = userOf[order[step]!]!;
        const taken = indices.subarray(offsets[user], offsets[user + 1]);
        if (taken.length >= train.itemCount) continue; // nothing is left that was not taken
        let negative = 1 + random.int(train.itemCount);
        while (includes(taken, negative)) negative = 1 + random.int(train.itemCount);
        const at = { user: user * width, positive: indices[order[step]!]! * width };
        loss += learn(users, items, at.user, at.positive, negative * width, config);
        if (step % 65_536 === 0) {
          await setImmediate();
          context.signal.throwIfAborted();
        }
      }
      const seconds = (performance.now() - started) / 1_000;
      const mean = loss / Math.max(1, order.length);
      curve.push({ epoch, step: epoch * order.length, seconds, loss: mean });
      context.onProgress({
        stage: `${kind}/train`,
        done: epoch,
        total: config.epochs,
        unit: "epochs",
        metrics: { loss: mean },
      });
    }
    const about = { kind, name, config };
    return new FactorModel(about, config.foldIn, items, width, curve, readCost());
  },

  load: (directory) =>
    FactorModel.load<BprMfConfig>(directory, kind, name, (config) => config.foldIn),
};

/** One step of gradient descent on one triple; gives its loss. */
function learn(
  users: Float32Array,
  items: Float32Array,
  user: number,
  positive: number,
  negative: number,
  { width, learningRate, decay }: BprMfConfig,
): number {
  let margin = 0;
  for (let d = 0; d < width; d++) {
    margin += users[user + d]! * (items[positive + d]! - items[negative + d]!);
  }
  const slope = 1 / (1 + Math.exp(margin)); // -d loss / d margin
  for (let d = 0; d < width; d++) {
    const p = users[user + d]!;
    const i = items[positive + d]!;
    const j = items[negative + d]!;
    users[user + d] = p + learningRate * (slope * (i - j) - decay * p);
    items[positive + d] = i + learningRate * (slope * p - decay * i);
    items[negative + d] = j - learningRate * (slope * p + decay * j);
  }
  return margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
}

/** Binary search among ascending numbers. */
function includes(sorted: Int32Array, value: number): boolean {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === value;
}
