import { TrainingError } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import {
  binaryCrossEntropy,
  compileInference,
  compileTraining,
  fullSoftmax,
  Graph,
  logSumExpOfProducts,
  parameterSlots,
  sampledSoftmax,
  sizeOf,
  type CompiledGraph,
  type ParameterSlot,
  type Shape,
  type Tensor,
  type TrainingGraph,
} from "@magpie/tensor";

/**
 * SASRec: a transformer over a shopper's past that predicts the next item.
 *
 *     items, positions ─▶ embed ─▶ block × n ─▶ norm ─▶ h [D]       score(item) = h · item's embedding
 *                                   │
 *                     x + attention(norm(x)), then x + feedForward(norm(x)); a place sees only its past
 *
 * @see Kang & McAuley (2018), "Self-attentive sequential recommendation"; Klenitskiy & Vasilev
 *      (2023), "Turning dross into gold loss: is BERT4Rec really better than SASRec?" for the softmax
 *
 * Differences from the paper: softmax losses, normalisation before each layer (steadier training), and a
 * learned shift for items that the past holds already (`ownPast` below).
 */
export interface SasRecConfig {
  /** D: numbers per item and per position. A multiple of 4 and of `heads`. */
  readonly width: number;
  readonly blocks: number;
  readonly heads: number;
  /** Width of the hidden layer in each block. */
  readonly feedForward: number;
  readonly activation: "relu" | "gelu" | "silu";
  /** Newest items of a past that the model looks at. */
  readonly historyLimit: number;
  /** Share of values dropped in training, after embeddings, attention and each layer. */
  readonly dropout: number;
  /** One table for items as input and as output (true), or one for each. */
  readonly tied: boolean;
  readonly loss:
    | SampledSoftmaxLoss
    /** Over the whole catalogue: exact, and slow beyond some ten thousand items. */
    | { readonly kind: "full-softmax" }
    /** The paper's loss: one uniform negative per position. */
    | { readonly kind: "bce" };
  /** Rows of `historyLimit` positions in a batch; short pasts share a row. */
  readonly batchRows: number;
  readonly epochs: number;
  readonly learningRate: number;
  /** Adam's second-moment decay. */
  readonly beta2: number;
  /** Decoupled, on all weights (AdamW). */
  readonly weightDecay: number;
  /**
   * Share of the average of weights over epochs that the next epoch keeps (less in the first ones); the
   * average is what is measured and served. 0: the weights themselves.
   */
  readonly averaging: number;
  /** Standard deviation of fresh embeddings. */
  readonly embeddingDeviation: number;
  /** Epochs between measurements on validation. */
  readonly validateEvery: number;
  /** Stop after so many measurements without a better NDCG@10. */
  readonly patience: number;
  /** Ask about at most so many validation cases at each measurement. */
  readonly validationCases: number;
}

interface SampledSoftmaxLoss {
  readonly kind: "sampled-softmax";
  /** Drawn anew for each batch, shared by its examples. */
  readonly negatives: number;
  /** Share of negatives drawn uniformly; the others follow popularity. */
  readonly uniformShare: number;
  /**
   * Correct for how likely each negative was drawn: "none", "negatives" (the sum over negatives then
   * estimates the sum over the catalogue) or "all" (the target too, as if it had been drawn).
   */
  readonly logQ: "none" | "negatives" | "all";
  /**
   * Count each position's own past item by item, and learn one number, the repeat bias, that is added to
   * the logits of these items. With one table for input and output an item is most like itself, so what a
   * shopper already has would rank first; the bias says how likely it is wanted again, and embeddings need
   * not be bent to say so.
   */
  readonly ownPast: boolean;
}

/** The recipe; how its numbers were found is in `bench/results/sasrec-recipe-amazon-beauty.md`. */
export const sasRecDefaults: SasRecConfig = {
  width: 64,
  blocks: 1,
  heads: 1,
  feedForward: 256,
  activation: "gelu",
  historyLimit: 50,
  dropout: 0.4,
  tied: true,
  loss: {
    kind: "sampled-softmax",
    negatives: 512,
    uniformShare: 1,
    logQ: "negatives",
    ownPast: true,
  },
  batchRows: 16,
  epochs: 200,
  learningRate: 1e-3,
  beta2: 0.98,
  weightDecay: 0,
  averaging: 0.9,
  embeddingDeviation: 0.02,
  validateEvery: 5,
  patience: 5,
  validationCases: 25_000,
};

/** @throws {TrainingError} `BAD_CONFIG` naming the field that cannot be */
export function checkSasRecConfig(config: SasRecConfig): void {
  const { width, heads, dropout, loss } = config;
  const fail = (field: string, expected: string, found: unknown): never => {
    throw new TrainingError(
      "BAD_CONFIG",
      `SASRec's ${field} must be ${expected}, not ${String(found)}.`,
      `Leave ${field} out to use the default, or choose another value.`,
    );
  };
  const counts = ["width", "heads", "feedForward", "historyLimit", "batchRows", "epochs"] as const;
  for (const field of [...counts, "validateEvery", "patience", "validationCases"] as const) {
    if (!(Number.isInteger(config[field]) && config[field] >= 1)) {
      fail(field, "a whole number from 1", config[field]);
    }
  }
  if (!(Number.isInteger(config.blocks) && config.blocks >= 0)) {
    fail("blocks", "a whole number from 0", config.blocks);
  }
  if (width % 4 !== 0 || width % heads !== 0) {
    fail("width", `a multiple of 4 and of its ${heads} heads`, width);
  }
  if (!(dropout >= 0 && dropout < 1)) fail("dropout", "at least 0 and below 1", dropout);
  for (const field of ["learningRate", "embeddingDeviation"] as const) {
    if (!(config[field] > 0)) fail(field, "above 0", config[field]);
  }
  if (!(config.averaging >= 0 && config.averaging < 1)) {
    fail("averaging", "at least 0 and below 1", config.averaging);
  }
  if (!(config.beta2 > 0 && config.beta2 < 1)) fail("beta2", "between 0 and 1", config.beta2);
  if (!(config.weightDecay >= 0)) fail("weightDecay", "at least 0", config.weightDecay);
  if (loss.kind !== "sampled-softmax") return;
  if (!(Number.isInteger(loss.negatives) && loss.negatives >= 1)) {
    fail("loss.negatives", "a whole number from 1", loss.negatives);
  }
  if (!(loss.uniformShare >= 0 && loss.uniformShare <= 1)) {
    fail("loss.uniformShare", "from 0 to 1", loss.uniformShare);
  }
}

/** Adam moves every weight by about the learning rate; the repeat bias has further to go than others. */
const repeatScale = 8;

/** How a graph gets its dropout masks; absent in a graph for encoding. */
type DropoutMask = (name: string, shape: Shape) => Tensor;

/**
 * The transformer: [R · T, D] item rows → [R · T, D] states.
 *
 * @param items      rows of the item table, in order of the positions
 * @param positions  [R · T] int32: 0 for the newest item of a past
 * @param mask       [R, 1, T, T] or [T, T]: 0 where a place may look, -1e9 where not
 */
function transformer(
  g: Graph,
  config: SasRecConfig,
  rows: number,
  length: number,
  { items, positions, mask }: { items: Tensor; positions: Tensor; mask: Tensor },
  dropoutMask?: DropoutMask,
): Tensor {
  const { width: D, heads: H, feedForward: F } = config;
  const [R, T] = [rows, length];
  const drop = (x: Tensor, name: string): Tensor =>
    dropoutMask ? x.dropout(dropoutMask(name, x.shape)) : x;
  const norm = (x: Tensor, name: string): Tensor =>
    x.layerNorm(g.parameter(`${name}.gain`, [D]), g.parameter(`${name}.bias`, [D]));
  const linear = (x: Tensor, name: string, from: number, to: number): Tensor =>
    x.linear(g.parameter(`${name}.weight`, [from, to]), g.parameter(`${name}.bias`, [to]));
  /** [R · T, D] ⇄ [R, H, T, D / H] */
  const split = (x: Tensor): Tensor =>
    H === 1 ? x.reshape([R, 1, T, D]) : x.reshape([R, T, H, D / H]).transpose([0, 2, 1, 3]);
  const merge = (x: Tensor): Tensor =>
    (H === 1 ? x : x.transpose([0, 2, 1, 3])).reshape([R * T, D]);

  const places = g.parameter("positionEmbeddings", [config.historyLimit, D]).lookup(positions);
  // Scaled on the way in only: as outputs they stay small, and the softmax mild.
  let x = drop(items.mul(Math.sqrt(D)).add(places), "embedding"); // [R · T, D]

  for (let b = 0; b < config.blocks; b++) {
    const name = `block${b}`;
    const y = norm(x, `${name}.attention.norm`);
    const query = split(linear(y, `${name}.attention.query`, D, D));
    const key = split(linear(y, `${name}.attention.key`, D, D));
    const value = split(linear(y, `${name}.attention.value`, D, D));
    const scores = query
      .matmul(key, { transposeRight: true, scale: 1 / Math.sqrt(D / H) }) // [R, H, T, T]
      .add(mask);
    const attention = drop(scores.softmax(), `${name}.attention`);
    const mixed = linear(merge(attention.matmul(value)), `${name}.attention.output`, D, D);
    x = x.add(drop(mixed, `${name}.attention.output`));

    const hidden = linear(norm(x, `${name}.feedForward.norm`), `${name}.feedForward.in`, D, F);
    const active = hidden[config.activation]();
    x = x.add(drop(linear(active, `${name}.feedForward.out`, F, D), `${name}.feedForward`));
  }
  return norm(x, "norm");
}

/** 0 on and below the diagonal, -1e9 above: [T, T]. */
function causalMask(g: Graph, T: number): Tensor {
  const values = Array.from({ length: T * T }, (_, i) => (i % T <= Math.floor(i / T) ? 0 : -1e9));
  return g.constant(values, [T, T]);
}

/**
 * Forward and backward of one batch (see `SequenceBatch`). Inputs: `items`, `targets` and, for losses
 * that have them, `negatives` (rows of the item tables), and arrays of the batch. With full softmax,
 * `catalog` is the whole output table.
 */
export function trainingGraph(
  config: SasRecConfig,
  shape: { readonly rows: number; readonly length: number; readonly itemCount: number },
  type: "float32" | "float64" = "float32",
): TrainingGraph {
  const { rows: R, length: T, itemCount } = shape;
  const { width: D, dropout, loss } = config;
  const g = new Graph({ type });
  const n = R * T;

  const segments = g.input("segments", [R, T], "int32");
  const sameSegment = segments.reshape([R, 1, T, 1]).equal(segments.reshape([R, 1, 1, T]));
  const mask = sameSegment.where(causalMask(g, T), -1e9); // [R, 1, T, T]
  const items = g.rows("items", [n, D]);
  const hidden = transformer(
    g,
    config,
    R,
    T,
    {
      items,
      positions: g.input("positions", [n], "int32"),
      mask,
    },
    dropout > 0 ? (name, shape) => g.noise(`${name}.dropout`, shape, dropout) : undefined,
  );

  /** [R, T, T] bool: items that are later, of another past, the target, or counted already. */
  const pastExcluded = (): Tensor => {
    const itemIds = g.input("itemIds", [R, 1, T], "int32");
    const isTarget = g.input("targetIds", [R, T, 1], "int32").equal(itemIds);
    const isDuplicate = g.input("duplicates", [R, 1, T], "bool");
    return mask.reshape([R, T, T]).less(-1).or(isTarget).or(isDuplicate);
  };
  const targets = g.rows("targets", [n, D]);
  const weights = g.input("weights", [n, 1]);
  switch (loss.kind) {
    case "sampled-softmax": {
      const K = loss.negatives;
      const offsets = loss.logQ === "all" ? [g.input("targetOffsets", [n, 1])] : [];
      const others: Tensor[] = [];
      if (loss.ownPast) {
        const bias = g.parameter("repeatBias", [1]).mul(repeatScale);
        const outputs = config.tied ? items : g.rows("pastOutputs", [n, D]);
        const past = logSumExpOfProducts(
          hidden.reshape([R, T, D]),
          outputs.reshape([R, T, D]),
          undefined,
          pastExcluded(),
        );
        others.push(past.reshape([n, 1]).add(bias));
        offsets.push(g.input("repeats", [n, 1]).mul(bias));
      }
      const total = sampledSoftmax(hidden, {
        targets,
        weights,
        negatives: g.rows("negatives", [K, D]),
        offset: g.input("negativeOffsets", [K]),
        excluded: g.input("excluded", [n, K], "bool"),
        ...(others.length > 0 && { others: others[0]! }),
        ...(offsets.length > 0 && { targetOffset: offsets.reduce((a, b) => a.add(b)) }),
      });
      return compileTraining(g, total);
    }
    case "full-softmax": {
      const padding = g.constant([-1e9, ...Array<number>(itemCount).fill(0)], [itemCount + 1]);
      const catalog = g.rows("catalog", [itemCount + 1, D]);
      return compileTraining(g, fullSoftmax(hidden, catalog, padding, targets, weights));
    }
    case "bce": {
      const score = (rows: Tensor): Tensor => hidden.mul(rows).sum([-1], true);
      const ones = g.constant([1], [1, 1]);
      const zeros = g.constant([0], [1, 1]);
      const positive = binaryCrossEntropy(score(targets), ones, weights);
      const negative = binaryCrossEntropy(score(g.rows("negatives", [n, D])), zeros, weights);
      return compileTraining(g, positive.add(negative));
    }
    default:
      return loss satisfies never;
  }
}

/**
 * Encodes pasts: `items` [B · T, D] rows with `positions` [B · T], `last` [B] place of each past's newest
 * item in them → `user` [B, D]. A past stands at the start of its row; what follows it is never looked at.
 */
export function encodingGraph(config: SasRecConfig, batch: number, length: number): CompiledGraph {
  const g = new Graph();
  const hidden = transformer(g, config, batch, length, {
    items: g.rows("items", [batch * length, config.width]),
    positions: g.input("positions", [batch * length], "int32"),
    mask: causalMask(g, length),
  });
  return compileInference(g, { user: hidden.lookup(g.input("last", [batch], "int32")) });
}

/** [B, D] users, [items + 1, D] items → [B, items + 1] scores. */
export function scoringGraph(width: number, batch: number, rows: number): CompiledGraph {
  const g = new Graph();
  const scores = g
    .input("users", [batch, width])
    .matmul(g.input("items", [rows, width]), { transposeRight: true });
  return compileInference(g, { scores });
}

/** The dense weights and their places in the flat vector. */
export function parametersOf(config: SasRecConfig): readonly ParameterSlot[] {
  const g = new Graph();
  const ids = g.input("ids", [1], "int32");
  const items = g.rows("items", [1, config.width]);
  transformer(g, config, 1, 1, { items, positions: ids, mask: causalMask(g, 1) });
  if (learnsRepeats(config)) g.parameter("repeatBias", [1]);
  return parameterSlots(g);
}

/** What is added to the scores of items that the past holds already: see `SampledSoftmaxLoss.ownPast`. */
export function repeatBiasOf(config: SasRecConfig, dense: Float32Array): number {
  const slot = parametersOf(config).find(({ name }) => name === "repeatBias");
  return slot === undefined ? 0 : repeatScale * dense[slot.offset]!;
}

function learnsRepeats({ loss }: SasRecConfig): boolean {
  return loss.kind === "sampled-softmax" && loss.ownPast;
}

/** Number of dense weights. */
export function parameterCountOf(config: SasRecConfig): number {
  return parametersOf(config).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/**
 * Fresh weights: matrices normal with variance 2 / (in + out) (Glorot), gains 1, biases 0, embeddings
 * normal with the configured deviation and row 0 (padding) zero.
 */
export function initialise(
  config: SasRecConfig,
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
    if (name === "positionEmbeddings") fill(values, config.embeddingDeviation);
    else if (name.endsWith(".gain")) values.fill(1);
    else if (name.endsWith(".bias") || name === "repeatBias") values.fill(0);
    else fill(values, Math.sqrt(2 / (rows + columns)));
  }
  for (const table of tables) fill(table.subarray(config.width), config.embeddingDeviation);
}
