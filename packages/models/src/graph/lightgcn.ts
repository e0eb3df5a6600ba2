import { TrainingError } from "@magpie/domain";
import {
  checkSchedule,
  type GraphObjective,
  type GraphSchedule,
  startSpread,
  pairsOf,
  trainerBytes,
  trainGraphVectors,
} from "./graph-trainer.ts";
import { type GraphModelName, GraphVectorModel, vectorsOfSums } from "./graph-vectors.ts";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import { LightGcnObjective } from "./lightgcn-objective.ts";
import type { Model } from "../model.ts";
import { BprLoss, type PairLoss, SharedSoftmax } from "./pair-losses.ts";
import { spectralStart } from "./spectral-start.ts";
import { type UserItemGraph, userItemGraph } from "./user-item-graph.ts";

export interface LightGcnConfig extends GraphSchedule {
  /** K: how many steps along the graph a vector sees. */
  readonly layers: number;
  readonly loss:
    | {
        /** Cross-entropy of the taken item over cosines; see `SharedSoftmax`. */
        readonly kind: "softmax";
        /** Items that a pair is compared with, drawn uniformly and shared by 512 pairs. */
        readonly negatives: number;
        /** Cosines are divided by it: about 0.1 to 0.2. */
        readonly temperature: number;
        /**
         * Vectors have no length while they are learnt; the graph gives them one all the same, longer where many
         * meet. Scores are cosines times the item's length to this power: 0 leaves it out, 1 is an inner product.
         */
        readonly lengthPower: number;
      }
    /** The paper's: one item not taken for each pair, inner products. */
    | { readonly kind: "bpr" };
  /** What vectors are before the first step: chance, or see `spectralStart`. */
  readonly start: "random" | "spectral";
  /** How strongly vectors are drawn towards 0. */
  readonly decay: number;
  /** Share of a user's neighbourhood that is friends, where `TrainingData.friends` knows of any; in [0, 1). */
  readonly friendWeight: number;
}

const kind = "lightgcn";

/**
 * Vectors of users and items, each the mean of what it hears from its neighbourhood in the graph of
 * interactions: itself, its neighbours, their neighbours, up to `layers` steps (see
 * `LightGcnObjective`). Friends, where they are known, are neighbours too.
 *
 * Differs from the paper in two ways. The default loss is a softmax over cosines, which needs tens of
 * epochs where BPR needs hundreds, and what the graph makes long scores a little more (`lengthPower`); `{ loss: { kind: "bpr" } }` is the paper's. And a user's vector is
 * worked out from the past that is asked about (see `GraphVectorModel`): given_i holds what item i says
 * over all layers, own_u the user's learnt vector and friends.
 *
 * @see He et al. (2020), "LightGCN: Simplifying and powering graph convolution network for recommendation"
 * @see Wu et al. (2022), "On the effectiveness of sampled softmax loss for item recommendation"
 * @see Liao et al. (2022), "SocialLGN: Light graph convolution network for social recommendation"
 */
export const lightGcn: Model<LightGcnConfig> = {
  kind,
  isSeeded: true,
  // Width, negatives, temperature, power, rate and epochs were picked on Gowalla's validation (bench/gowalla-graph).
  defaults: {
    width: 128,
    layers: 2,
    loss: { kind: "softmax", negatives: 2_048, temperature: 0.1, lengthPower: 0.2 },
    start: "spectral",
    decay: 0,
    learningRate: 0.02,
    batch: 8_192,
    epochs: 20,
    validateEvery: 2,
    validationCases: 5_000,
    patience: 4,
    friendWeight: 0,
  },

  expectedBytes({ train, friends, validation }, config) {
    const nodes = train.userCount + train.itemCount + 1;
    const entries = 2 * train.items.length + (friends?.indices.length ?? 0);
    const { loss, width } = config;
    return (
      32 * entries +
      LightGcnObjective.bytes(nodes, entries, width) +
      (loss.kind === "softmax" ? SharedSoftmax.bytes(width, loss.negatives) : 0) +
      trainerBytes(nodes, width, validation !== undefined)
    );
  },

  async train(data, config, context) {
    check(config);
    context.signal.throwIfAborted();
    const { width, layers, loss } = config;
    const graph = userItemGraph(
      interactionMatrix(data.train, 0),
      data.friends,
      config.friendWeight,
    );
    const pairLoss =
      loss.kind === "bpr"
        ? new BprLoss(width, 1 / (layers + 1))
        : await SharedSoftmax.open(width, pairsOf(data, config), loss, context.threads);
    const objective = new LightGcnObjective(graph, width, config, pairLoss);
    const start =
      config.start === "spectral"
        ? await spectralStart(graph.taste, width, startSpread, context)
        : undefined;
    return trainGraphVectors(
      nameOf(config),
      { ...learnt(objective, pairLoss, graph, config), ...(start && { start }) },
      data,
      context,
    );
  },

  load: (directory) => GraphVectorModel.load(directory, kind, nameOf),
};

const nameOf = (config: LightGcnConfig): GraphModelName<LightGcnConfig> => ({
  kind,
  name: config.friendWeight > 0 ? "LightGCN with friends" : "LightGCN",
  config,
  ...(config.loss.kind === "softmax" && { lengthPower: config.loss.lengthPower }),
});

function check(config: LightGcnConfig): void {
  checkSchedule(kind, config);
  const { layers, loss, decay, friendWeight } = config;
  const isLoss =
    loss.kind === "bpr" ||
    (loss.negatives >= 1 && loss.temperature > 0 && Number.isFinite(loss.lengthPower));
  if (isLoss && Number.isInteger(layers) && layers >= 1 && decay >= 0) {
    if (friendWeight >= 0 && friendWeight < 1) return;
  }
  throw new TrainingError(
    "BAD_CONFIG",
    `layers ${layers}, loss ${JSON.stringify(loss)}, decay ${decay}, friendWeight ${friendWeight}: layers must be at least 1, negatives and temperature positive, lengthPower a number, decay not negative, friendWeight in [0, 1).`,
    "Start from the defaults of lightgcn.",
  );
}

function learnt(
  objective: LightGcnObjective,
  loss: PairLoss,
  graph: UserItemGraph,
  config: LightGcnConfig,
): GraphObjective {
  return {
    othersOf: (pairs) => loss.othersOf(pairs),
    measure: (table, batch, gradient) => objective.measure(table, batch, gradient),
    vectors(table) {
      const { width, layers } = config;
      const scale = 1 / (layers + 1);
      const own = table.slice(0, graph.userCount * width).map((value) => value * scale);
      return vectorsOfSums(graph, objective.layerSums(table), own, width, scale);
    },
    dispose: () => loss.dispose(),
  };
}
