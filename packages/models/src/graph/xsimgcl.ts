import { TrainingError } from "@magpie/domain";
import {
  checkSchedule,
  type GraphSchedule,
  startSpread,
  pairsOf,
  trainerBytes,
  trainGraphVectors,
} from "./graph-trainer.ts";
import { type GraphModelName, GraphVectorModel, vectorsOfSums } from "./graph-vectors.ts";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import type { Model } from "../model.ts";
import { SharedSoftmax } from "./pair-losses.ts";
import { spectralStart } from "./spectral-start.ts";
import { userItemGraph } from "./user-item-graph.ts";
import { XSimGclObjective, type XSimGclShape } from "./xsimgcl-objective.ts";

export interface XSimGclConfig extends GraphSchedule, XSimGclShape {
  /** Items that a pair is compared with, drawn uniformly; see `SharedSoftmax`. */
  readonly negatives: number;
  /** Cosines of pairs are divided by it. */
  readonly temperature: number;
  /** Share of a user's neighbourhood that is friends, where `TrainingData.friends` knows of any; in [0, 1). */
  readonly friendWeight: number;
}

const kind = "xsimgcl";

/**
 * LightGCN with contrast: vectors are blurred on their way along the graph, and spread out by having to
 * be told from one another (see `XSimGclObjective`). A user is the sum of what neighbours say and nothing
 * beside, so strangers are answered as well as users known from training. Friends, where they are known,
 * are neighbours too.
 *
 * Differs from the paper in the loss of pairs, a softmax over cosines where the paper has BPR, and in
 * where it starts, as LightGCN here does.
 *
 * @see Yu et al. (2022), "XSimGCL: Towards extremely simple graph contrastive learning for recommendation"
 */
export const xSimGcl: Model<XSimGclConfig> = {
  kind,
  isSeeded: true,
  // On lastfm-social's validation (bench/lastfm-social, seed 1) NDCG@20 was .149 with these layers, contrast and
  // noise, .129 with two layers and the paper's weight of contrast, .2; without contrast .145 (two layers), .149
  // (three), .144 (four).
  defaults: {
    width: 64,
    layers: 3,
    contrastLayer: 1,
    contrastWeight: 0.005,
    contrastTemperature: 0.2,
    noise: 0.05,
    negatives: 512,
    temperature: 0.2,
    decay: 0,
    learningRate: 0.01,
    batch: 8_192,
    epochs: 15,
    validateEvery: 3,
    validationCases: 5_000,
    patience: 4,
    friendWeight: 0,
  },

  expectedBytes({ train, friends, validation }, config) {
    const nodes = train.userCount + train.itemCount + 1;
    const entries = 2 * train.items.length + (friends?.indices.length ?? 0);
    const { width, negatives } = config;
    return (
      32 * entries +
      XSimGclObjective.bytes(nodes, entries, width) +
      SharedSoftmax.bytes(width, negatives) +
      trainerBytes(nodes, width, validation !== undefined)
    );
  },

  async train(data, config, context) {
    check(config);
    context.signal.throwIfAborted();
    const { width, layers, friendWeight } = config;
    const graph = userItemGraph(interactionMatrix(data.train, 0), data.friends, friendWeight);
    const start = await spectralStart(graph.taste, width, startSpread, context);
    const pairs = await SharedSoftmax.open(width, pairsOf(data, config), config, context.threads);
    const objective = await XSimGclObjective.open(graph, width, config, pairs, context.threads);
    return trainGraphVectors(
      nameOf(config),
      {
        start,
        beginEpoch: (random) => objective.beginEpoch(random),
        othersOf: (count) => objective.othersOf(count),
        measure: (table, batch, gradient) => objective.measure(table, batch, gradient),
        vectors(table) {
          const own = new Float32Array(graph.userCount * width);
          return vectorsOfSums(graph, objective.layerSums(table), own, width, 1 / layers);
        },
        dispose: () => objective.dispose(),
      },
      data,
      context,
    );
  },

  load: (directory) => GraphVectorModel.load(directory, kind, nameOf),
};

const nameOf = (config: XSimGclConfig): GraphModelName<XSimGclConfig> => ({
  kind,
  name: config.friendWeight > 0 ? "XSimGCL with friends" : "XSimGCL",
  config,
  lengthPower: 0,
});

function check(config: XSimGclConfig): void {
  checkSchedule(kind, config);
  const { layers, contrastLayer, contrastWeight, contrastTemperature, noise } = config;
  const { negatives, temperature, decay, friendWeight } = config;
  const areLayers =
    [layers, contrastLayer, negatives].every((n) => Number.isInteger(n) && n >= 1) &&
    contrastLayer <= layers;
  const areSizes = [contrastWeight, noise, decay, friendWeight].every((value) => value >= 0);
  if (areLayers && areSizes && friendWeight < 1 && temperature > 0 && contrastTemperature > 0) {
    return;
  }
  throw new TrainingError(
    "BAD_CONFIG",
    `layers ${layers}, contrastLayer ${contrastLayer}, contrastWeight ${contrastWeight}, contrastTemperature ${contrastTemperature}, noise ${noise}, negatives ${negatives}, temperature ${temperature}, decay ${decay}, friendWeight ${friendWeight}: layers and negatives must be whole numbers from 1, contrastLayer one of the layers, temperatures positive, friendWeight in [0, 1), the others not negative.`,
    "Start from the defaults of xsimgcl.",
  );
}
