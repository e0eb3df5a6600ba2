import { TrainingError } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import {
  binaryCrossEntropy,
  compileInference,
  compileTraining,
  Graph,
  parameterSlots,
  Tensor,
  type CompiledGraph,
  type ParameterSlot,
  type TrainingGraph,
} from "@magpie/tensor";

/**
 * What stands between features and answers:
 *
 * - "logistic": nothing; every value of a category has a weight, every number one. The line to beat.
 * - "mlp": hidden layers.
 * - "dcn": products of features first (deep & cross network), then hidden layers.
 * - "mmoe": several small networks, of which each task draws its own mixture.
 */
export type RankingArchitecture = "logistic" | "mlp" | "dcn" | "mmoe";

export interface RankingNetworkConfig {
  readonly architecture: RankingArchitecture;
  /** Numbers that stand for a value of a category; a multiple of 4. */
  readonly embedding: number;
  /** Widths of the hidden layers. */
  readonly hidden: readonly number[];
  /** Layers of products, of "dcn". */
  readonly crossLayers: number;
  /** Small networks, of "mmoe". */
  readonly experts: number;
  /** Width of each task's own hidden layer, of "mmoe". */
  readonly towerWidth: number;
  readonly dropout: number;
  /**
   * Whether the place in a list has a say of its own while learning, which is left out of ranking: so
   * that items are not thought good because they were shown first.
   */
  readonly debiasing: boolean;
  /** Chance that a place is not told in a training example, so that the rest must explain it too. */
  readonly positionDropout: number;
  readonly batch: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly epochs: number;
  /** Epochs without a better validation loss after which training stops. */
  readonly patience: number;
}

/** Sizes of what a network reads and answers. */
export interface RankingShape {
  /** Numbers of an example. */
  readonly numbers: number;
  /** Categories of an example, one code each. */
  readonly fields: number;
  readonly tasks: number;
  /** Places in lists, from 1; larger ones count as the last. Place 0: not told. */
  readonly positions: number;
}

/** @throws {TrainingError} `BAD_CONFIG` naming the field */
export function checkRankingNetwork(config: RankingNetworkConfig): void {
  const fail = (field: keyof RankingNetworkConfig, expected: string): never => {
    throw new TrainingError(
      "BAD_CONFIG",
      `${field} is ${JSON.stringify(config[field])}; it must be ${expected}.`,
      "Start from the defaults of the ranking network.",
    );
  };
  const isWhole = (value: number): boolean => Number.isInteger(value) && value >= 1;
  for (const field of ["crossLayers", "experts", "towerWidth", "batch", "epochs"] as const) {
    if (!isWhole(config[field])) fail(field, "a whole number from 1");
  }
  if (!isWhole(config.embedding) || config.embedding % 4 !== 0) {
    fail("embedding", "a multiple of 4");
  }
  if (config.hidden.length === 0 || !config.hidden.every(isWhole)) {
    fail("hidden", "one or more whole numbers from 1");
  }
  for (const field of ["dropout", "positionDropout"] as const) {
    if (!(config[field] >= 0 && config[field] < 1)) fail(field, "at least 0 and below 1");
  }
  if (!(config.learningRate > 0)) fail("learningRate", "positive");
  if (!(config.weightDecay >= 0)) fail("weightDecay", "at least 0");
}

type Drop = (x: Tensor, name: string) => Tensor;
const noDrop: Drop = (x) => x;

function layer(g: Graph, x: Tensor, name: string, width: number): Tensor {
  const from = x.shape[1]!;
  return x.linear(
    g.parameter(`${name}.weight`, [from, width]),
    g.parameter(`${name}.bias`, [width]),
  );
}

function hiddenLayers(
  g: Graph,
  x: Tensor,
  name: string,
  widths: readonly number[],
  drop: Drop,
): Tensor {
  return widths.reduce(
    (h, width, depth) => drop(layer(g, h, `${name}.${depth}`, width).relu(), `${name}.${depth}`),
    x,
  );
}

/**
 * Products of features, one degree more with every layer:
 *
 *     x_(l+1) = x_0 ∘ (W_l x_l + b_l) + x_l
 *
 * @see Wang et al. (2021), "DCN V2: Improved deep & cross network and practical lessons for web-scale
 *   learning to rank systems"
 */
function crossLayers(g: Graph, x0: Tensor, count: number): Tensor {
  let x = x0;
  for (let l = 0; l < count; l++) x = x0.mul(layer(g, x, `cross.${l}`, x0.shape[1]!)).add(x);
  return x;
}

/**
 * Each task's own mixture of shared networks:
 *
 *     f_task = Σ_e softmax(x · G_task)_e · expert_e(x)      logit = tower_task(f_task)
 *
 * @see Ma et al. (2018), "Modeling task relationships in multi-task learning with multi-gate
 *   mixture-of-experts"
 */
function mixtures(
  g: Graph,
  x: Tensor,
  { experts, hidden, towerWidth }: RankingNetworkConfig,
  tasks: number,
  drop: Drop,
): Tensor[] {
  const made = Array.from({ length: experts }, (_, e) =>
    hiddenLayers(g, x, `expert.${e}`, hidden, drop),
  );
  return Array.from({ length: tasks }, (_, task) => {
    const gates = layer(g, x, `gate.${task}`, experts).softmax(); // [B, experts]
    const mixed = made
      .map((expert, e) => expert.mul(gates.slice(1, e, e + 1)))
      .reduce((sum, one) => sum.add(one));
    const tower = layer(g, mixed, `tower.${task}.0`, towerWidth).relu();
    return layer(g, tower, `tower.${task}.1`, 1);
  });
}

/** Logits of all tasks, [B, tasks], from numbers and the embeddings of categories. */
function network(
  g: Graph,
  config: RankingNetworkConfig,
  shape: RankingShape,
  batch: number,
  drop: Drop,
): Tensor {
  const { numbers, fields, tasks } = shape;
  const parts: Tensor[] = [];
  if (numbers > 0) parts.push(g.input("numbers", [batch, numbers]));
  if (fields > 0) {
    const rows = g.rows("categories", [batch * fields, config.embedding]);
    parts.push(rows.reshape([batch, fields * config.embedding]));
  }
  const x = Tensor.concat(parts, 1);
  switch (config.architecture) {
    case "logistic":
      return layer(g, x, "answers", tasks);
    case "mlp":
      return layer(g, hiddenLayers(g, x, "hidden", config.hidden, drop), "answers", tasks);
    case "dcn": {
      const crossed = crossLayers(g, x, config.crossLayers);
      return layer(g, hiddenLayers(g, crossed, "hidden", config.hidden, drop), "answers", tasks);
    }
    case "mmoe":
      return Tensor.concat(mixtures(g, x, config, tasks, drop), 1);
    default:
      return config.architecture satisfies never;
  }
}

/**
 * Forward and backward of one batch. Inputs: `numbers` [B, numbers], `categories` rows, `labels` and
 * `weights` [B, tasks] (a weight of 0 leaves a task of an example out), `positions` [B] codes.
 *
 * With debiasing, what the place in the list is worth is added to the logit of the first task, which is
 * the one that looking decides: a click. What comes after a click was looked at.
 *
 * @see Zhao et al. (2019), "Recommending what video to watch next: a multitask ranking system", 4.3
 */
export function rankingTraining(
  config: RankingNetworkConfig,
  shape: RankingShape,
  type: "float32" | "float64" = "float32",
): TrainingGraph {
  const { batch: B, dropout, debiasing } = config;
  const g = new Graph({ type });
  const drop: Drop = (x, name) =>
    dropout > 0 ? x.dropout(g.noise(`${name}.dropout`, x.shape, dropout)) : x;
  let logits = network(g, config, shape, B, drop);
  if (debiasing) {
    const places = g.parameter("positions", [shape.positions + 1, 1]);
    const seen = places.lookup(g.input("positionCodes", [B], "int32")); // [B, 1]
    const first = g.constant(
      Array.from({ length: shape.tasks }, (_, task) => Number(task === 0)),
      [1, shape.tasks],
    );
    logits = logits.add(seen.mul(first));
  }
  const labels = g.input("labels", [B, shape.tasks]);
  const weights = g.input("weights", [B, shape.tasks]);
  return compileTraining(g, binaryCrossEntropy(logits, labels, weights));
}

/** `logits` [B, tasks] without what the place in the list is worth. */
export function rankingInference(
  config: RankingNetworkConfig,
  shape: RankingShape,
  batch: number,
): CompiledGraph {
  const g = new Graph();
  return compileInference(g, { logits: network(g, config, shape, batch, noDrop) });
}

/** The dense weights, in the order in which the training graph declares them. */
export function rankingParameters(
  config: RankingNetworkConfig,
  shape: RankingShape,
): readonly ParameterSlot[] {
  const g = new Graph();
  network(g, config, shape, 1, noDrop);
  if (config.debiasing) g.parameter("positions", [shape.positions + 1, 1]);
  return parameterSlots(g);
}

/** Fresh weights: matrices normal with variance 2 / (in + out), biases and places 0. */
export function initialiseRanking(
  config: RankingNetworkConfig,
  shape: RankingShape,
  seed: number,
  dense: Float32Array,
): void {
  const random = seededRandom(seed, "ranking-network/initial-weights");
  for (const { name, shape: of, offset } of rankingParameters(config, shape)) {
    const [rows, columns = 1] = of as readonly [number, number?];
    const values = dense.subarray(offset, offset + rows * columns);
    const deviation = name.endsWith(".weight") ? Math.sqrt(2 / (rows + columns)) : 0;
    values.forEach((_, i) => (values[i] = deviation === 0 ? 0 : deviation * random.normal()));
  }
}
