import { seededRandom } from "@magpie/numerics";
import {
  compileInference,
  compileTraining,
  Graph,
  parameterSlots,
  sizeOf,
  type CompiledGraph,
  type ParameterSlot,
  type PortableOptions,
  type Tensor,
  type TrainingGraph,
} from "@magpie/tensor";
import { fuxi } from "./fuxi.ts";
import { gru } from "./gru4rec.ts";
import { hstu } from "./hstu.ts";
import { ligr } from "./ligr.ts";
import { transformer } from "./sasrec.ts";
import { learnsRepeats, type SequenceConfig } from "./sequence-config.ts";
import type { Pasts } from "./sequence-layers.ts";
import { itemRowsIn, textProjection, type ItemRows } from "./sequence-texts.ts";
import { nextItemLoss, repeatScale } from "./sequence-losses.ts";

/** The state after each place, [R · T, D], by the network that the recipe names. */
function statesOf(pasts: Pasts, config: SequenceConfig): Tensor {
  switch (config.network) {
    case "transformer":
      return transformer(pasts, config);
    case "ligr":
      return ligr(pasts, config);
    case "hstu":
      return hstu(pasts, config);
    case "fuxi":
      return fuxi(pasts, config);
    case "gru":
      return gru(pasts, config);
    default:
      return config satisfies never;
  }
}

/** Whether the network asks how much time lies between items. */
export function readsTimes(config: SequenceConfig): boolean {
  const biases = "timeBuckets" in config ? config.timeBuckets : 0;
  return biases > 0 || (config.pauseBuckets ?? 0) > 0;
}

/** 0 on and below the diagonal, -1e9 above: [T, T]. */
function causalMask(g: Graph, T: number): Tensor {
  const values = Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 0 : -1e9));
  return g.constant(values, [T, T]);
}

/** The place of inputs that a graph for `rows` × `length` places has. */
function pastsOf(g: Graph, itemRows: ItemRows, rows: number, length: number): Omit<Pasts, "mask"> {
  const n = rows * length;
  let gaps: Tensor | undefined;
  return {
    graph: g,
    rows,
    length,
    items: itemRows("items", n),
    positions: g.input("positions", [n], "int32"),
    timeGaps: () => (gaps ??= g.input("timeGaps", [n * length], "int32")),
    drop: (x) => x,
  };
}

/**
 * Forward and backward of one batch (see `SequenceBatch`). Inputs: `items` and what the loss needs (see
 * `nextItemLoss`), and arrays of the batch.
 */
export function trainingGraph(
  config: SequenceConfig,
  shape: { readonly rows: number; readonly length: number; readonly itemCount: number },
  type: "float32" | "float64" = "float32",
): TrainingGraph {
  const { rows: R, length: T } = shape;
  const { dropout } = config;
  const g = new Graph({ type });
  const itemRows = itemRowsIn(g, config);
  const segments = g.input("segments", [R, T], "int32");
  const sameSegment = segments.reshape([R, 1, T, 1]).equal(segments.reshape([R, 1, 1, T]));
  const mask = sameSegment.where(causalMask(g, T), -1e9); // [R, 1, T, T]
  const pasts: Pasts = {
    ...pastsOf(g, itemRows, R, T),
    mask,
    ...(dropout > 0 && {
      drop: (x: Tensor, name: string) => x.dropout(g.noise(`${name}.dropout`, x.shape, dropout)),
    }),
  };
  const hidden = statesOf(pasts, config);
  return compileTraining(
    g,
    nextItemLoss(g, config, { ...shape, hidden, mask, items: pasts.items, itemRows }),
  );
}

/**
 * Encodes pasts: `items` [B · T, D] rows with `positions` [B · T], `last` [B] place of each past's newest
 * item in them → `user` [B, D]. A past stands at the start of its row; what follows it is never looked at.
 */
export function encodingGraph(
  config: SequenceConfig,
  batch: number,
  length: number,
  options: Pick<PortableOptions, "int8" | "weights"> = {},
): CompiledGraph {
  const g = new Graph();
  // Rows that are read here are whole: texts are in them.
  const itemRows = itemRowsIn(g, { width: config.width });
  const pasts = { ...pastsOf(g, itemRows, batch, length), mask: causalMask(g, length) };
  const hidden = statesOf(pasts, config);
  const user = hidden.lookup(g.input("last", [batch], "int32"));
  return compileInference(g, { user }, options);
}

/** What a model is apart from its recipe. */
interface PortableWeights {
  /** As `parametersOf` lays them out. */
  readonly dense: Float32Array;
  /** [items + 1, D]: items as input. */
  readonly inputItems: Float32Array;
  /** [items + 1, D]: items as output; the same array when tied. */
  readonly outputItems: Float32Array;
}

/** Stands for the number of pasts while the graph is written; no other size is a multiple of it. */
const anyBatch = 1_000_003;

/**
 * The whole way from pasts to scores in one file, for any number of pasts:
 *
 *     history [batch, T] int64, oldest first, 0 after the newest ─▶ user [batch, D], scores [batch, items + 1]
 *
 * and `timeGaps` [batch, T, T] int64 where the network reads times. Scores hold the repeat bias on items of
 * the past; that of row 0 is -Infinity. A row of zeros has zeros for a user.
 */
export function portableGraph(
  config: SequenceConfig,
  { dense, inputItems, outputItems }: PortableWeights,
  options: Pick<PortableOptions, "int8" | "metadata">,
): CompiledGraph {
  const { width: D, historyLimit: T } = config;
  const B = anyBatch;
  const itemRows = outputItems.length / D;
  const g = new Graph({ fused: false });
  const inputTable = g.parameter("inputItems", [itemRows, D]);
  const outputTable = config.tied ? inputTable : g.parameter("outputItems", [itemRows, D]);
  const history = g.input("history", [B, T], "int64");

  const isPadding = history.equal(g.constant([0], [], "int64"));
  const newest = isPadding.where(0, 1).sum([-1], true).sub(1); // [B, 1]; -1: an empty past
  const places = g.constant(
    Array.from({ length: T }, (_, place) => place),
    [1, T],
  );
  const positions = newest
    .sub(places)
    .relu()
    .cast("int32")
    .reshape([B * T]);
  let gaps: Tensor | undefined;
  const states = statesOf(
    {
      graph: g,
      rows: B,
      length: T,
      items: inputTable.lookup(history.reshape([B * T])),
      positions,
      mask: causalMask(g, T),
      timeGaps: () => (gaps ??= g.input("timeGaps", [B, T, T], "int64").reshape([B * T * T])),
      drop: (x) => x,
    },
    config,
  );
  // The state of the newest place, as a product: one 1 in each row, none for an empty past.
  const isNewest = places.equal(newest).cast("float32").reshape([B, 1, T]);
  const user = isNewest.matmul(states.reshape([B, T, D])).reshape([B, D]);

  const padding = g.constant(
    Array.from({ length: itemRows }, (_, row) => (row === 0 ? -Infinity : 0)),
    [itemRows],
  );
  const products = user.matmul(outputTable, { transposeRight: true }).add(padding);
  const bias = repeatBiasOf(config, dense);
  const axis = { axis: { int: 1 } };
  // An item that occurs twice is written twice, with the same number.
  const repeated = g.node("GatherElements", [products, history], [B, T], axis).add(bias);
  const scores =
    bias === 0
      ? products
      : g.node("ScatterElements", [products, history, repeated], [B, itemRows], axis);

  const weights: Record<string, Float32Array> = {
    inputItems,
    ...(!config.tied && { outputItems }),
  };
  for (const { name, shape, offset } of parametersOf(config)) {
    weights[name] = dense.subarray(offset, offset + sizeOf(shape));
  }
  const batch = { size: B, name: "batch" };
  return compileInference(g, { user, scores }, { ...options, weights, batch });
}

/** [B, D] users, [items + 1, D] items → [B, items + 1] scores. */
export function scoringGraph(width: number, batch: number, rows: number): CompiledGraph {
  const g = new Graph();
  const scores = g
    .input("users", [batch, width])
    .matmul(g.input("items", [rows, width]), { transposeRight: true });
  return compileInference(g, { scores });
}

/**
 * Where one item of each user stands among all, for measuring. Every number that leaves the engine is
 * copied, and each copy is garbage soon; counts are few.
 *
 *     users [B, D], items [N, D], targets [B, 1], bonus [B, 1], pasts [B, L]
 *       ─▶ score [B, 1] of the target, its bonus added
 *          above [B, 1] and alike [B, 1]: items with a higher, with an equal score
 *          pastScores [B, L] of the items of the past
 *
 * @param pastLength  L; 0: no pasts
 */
export function countingGraph(
  width: number,
  batch: number,
  items: number,
  pastLength: number,
): CompiledGraph {
  const g = new Graph();
  const axis = { axis: { int: 1 } };
  const scores = g
    .input("users", [batch, width])
    .matmul(g.input("items", [items, width]), { transposeRight: true });
  const targets = g.input("targets", [batch, 1], "int32");
  const score = g
    .node("GatherElements", [scores, targets], [batch, 1], axis)
    .add(g.input("bonus", [batch, 1]));
  const count = (isOne: Tensor): Tensor => isOne.cast("float32").sum([1], true);
  const counts = { score, above: count(score.less(scores)), alike: count(scores.equal(score)) };
  if (pastLength === 0) return compileInference(g, counts);
  const pasts = g.input("pasts", [batch, pastLength], "int32");
  const pastScores = g.node("GatherElements", [scores, pasts], [batch, pastLength], axis);
  return compileInference(g, { ...counts, pastScores });
}

/** The dense weights and their places in the flat vector. */
export function parametersOf(config: SequenceConfig): readonly ParameterSlot[] {
  const g = new Graph();
  statesOf({ ...pastsOf(g, itemRowsIn(g, config), 1, 1), mask: causalMask(g, 1) }, config);
  if (learnsRepeats(config)) g.parameter("repeatBias", [1]);
  return parameterSlots(g);
}

/** What is added to the scores of items that the past holds already: see `SharedNegatives.ownPast`. */
export function repeatBiasOf(config: SequenceConfig, dense: Float32Array): number {
  const slot = parametersOf(config).find(({ name }) => name === "repeatBias");
  return slot === undefined ? 0 : repeatScale * dense[slot.offset]!;
}

/** The projection of texts, [text width, D]; undefined where the model reads none. */
export function textProjectionOf(
  config: SequenceConfig,
  dense: Float32Array,
): Float32Array | undefined {
  const slot = parametersOf(config).find(({ name }) => name === textProjection);
  return slot && dense.subarray(slot.offset, slot.offset + sizeOf(slot.shape));
}

/** Number of dense weights. */
export function parameterCountOf(config: SequenceConfig): number {
  return parametersOf(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Fresh weights: matrices normal with variance 2 / (in + out) (Glorot), gains 1, biases 0, embeddings
 * normal with the configured deviation and row 0 (padding) zero.
 */
export function initialise(
  config: SequenceConfig,
  seed: number,
  dense: Float32Array,
  tables: readonly Float32Array[],
): void {
  const random = seededRandom(seed, "sasrec/initial-weights");
  const fill = (values: Float32Array, deviation: number): void => {
    for (let i = 0; i < values.length; i++) values[i] = deviation * random.normal();
  };
  for (const { name, shape, offset } of parametersOf(config)) {
    const [rows, columns = 1] = shape as readonly [number, number?];
    const values = dense.subarray(offset, offset + rows * columns);
    if (name.endsWith("Embeddings") || name === textProjection)
      fill(values, config.embeddingDeviation);
    else if (name.endsWith(".gain")) values.fill(1);
    else if (name.endsWith(".bias") || name === "repeatBias") values.fill(0);
    else fill(values, Math.sqrt(2 / (rows + columns)));
  }
  for (const table of tables) fill(table.subarray(config.width), config.embeddingDeviation);
}
