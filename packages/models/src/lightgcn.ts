import { setImmediate } from "node:timers/promises";
import { type History, TrainingError, type VectorScorer } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { KernelMemory, ScoreProduct, seededRandom } from "@magpie/numerics";
import { adamStep } from "@magpie/tensor";
import { interactionMatrix } from "./interaction-matrix.ts";
import { LightGcnObjective, type PairBatch, userItemGraph } from "./lightgcn-objective.ts";
import { strength } from "./linear-item-model.ts";
import type {
  CurvePoint,
  Model,
  TrainedModel,
  TrainingContext,
  TrainingCost,
  TrainingData,
} from "./model.ts";
import { readModel, writeModel } from "./model-files.ts";
import { startCost } from "./training-cost.ts";

export interface LightGcnConfig {
  /** Numbers in each vector, a multiple of 16. */
  readonly width: number;
  /** K: how many steps along the graph a vector sees. */
  readonly layers: number;
  /** Items that each taken item is compared with, drawn uniformly. */
  readonly negatives: number;
  /** Scores are cosines, so that popularity cannot hide in a vector's length. */
  readonly cosine: boolean;
  /** Scores are divided by it in the loss: about 0.1 to 0.2 for cosines, 1 for inner products. */
  readonly temperature: number;
  /** How strongly vectors are drawn towards 0. */
  readonly decay: number;
  readonly learningRate: number;
  /** Pairs of one step; vectors are passed along the graph once a step. */
  readonly batch: number;
  readonly epochs: number;
  /** Epochs between two looks at validation. */
  readonly validateEvery: number;
  /** Cases of validation that are asked at each look, evenly spread. */
  readonly validationCases: number;
  /** Looks without a better one after which training stops. */
  readonly patience: number;
  /** Share of a user's neighbourhood that is friends, where `TrainingData.friends` knows of any; in [0, 1). */
  readonly friendWeight: number;
}

const kind = "lightgcn";
const name = "LightGCN";
const format = 1;
/** Pasts that are scored together. */
const block = 64;

/**
 * Vectors of users and items, each the mean of what it hears from its neighbourhood in the graph of
 * interactions: itself, its neighbours, their neighbours, up to `layers` steps (see
 * `LightGcnObjective`). Friends, where they are known, are neighbours too.
 *
 * Differs from the paper in two ways. The default loss is a softmax among `negatives` over cosines,
 * which needs tens of epochs where BPR needs hundreds; `{ negatives: 1, cosine: false, temperature: 1 }`
 * is the paper's BPR. And a user's vector is worked out from the past that is asked about, so that
 * pasts that grew since training, and strangers, are answered:
 *
 *     F_u = own_u + share_u / √d_past · Σ_{i in past} r_i · given_i
 *
 * given_i holds what item i says over all layers, own_u the user's learnt vector and friends (zero for
 * strangers). For a past as it was in training this is exactly the vector that was trained.
 *
 * @see He et al. (2020), "LightGCN: Simplifying and powering graph convolution network for recommendation"
 * @see Wu et al. (2022), "On the effectiveness of sampled softmax loss for item recommendation"
 * @see Liao et al. (2022), "SocialLGN: Light graph convolution network for social recommendation"
 */
export const lightGcn: Model<LightGcnConfig> = {
  kind,
  isSeeded: true,
  // Temperatures of .1, .15 and .2 give validation of lastfm-social NDCG@20 .1303, .1497 and .1570 (one seed).
  defaults: {
    width: 64,
    layers: 2,
    negatives: 32,
    cosine: true,
    temperature: 0.2,
    decay: 0,
    learningRate: 0.01,
    batch: 4_096,
    epochs: 60,
    validateEvery: 2,
    validationCases: 5_000,
    patience: 4,
    friendWeight: 0,
  },

  expectedBytes({ train, friends }, config) {
    const nodes = train.userCount + train.itemCount + 1;
    const entries = 2 * train.items.length + (friends?.indices.length ?? 0);
    return (
      32 * entries +
      LightGcnObjective.bytes(nodes, entries, config.width) +
      6 * 4 * nodes * config.width
    );
  },

  async train(data, config, context) {
    check(config);
    context.signal.throwIfAborted();
    const readCost = startCost();
    const trainer = new Trainer(data, config, context);
    const { vectors, curve } = await trainer.run();
    return new LightGcnModel(config, vectors, curve, readCost());
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const array = (key: keyof LightGcnVectors) => parameters[key] as Float32Array;
    return new LightGcnModel(
      card.config as LightGcnConfig,
      {
        itemVectors: array("itemVectors"),
        given: array("given"),
        own: array("own"),
        shares: array("shares"),
      },
      card.curve ?? [],
      card.cost,
    );
  },
};

function check(config: LightGcnConfig): void {
  const { width, layers, negatives, temperature, learningRate, batch, friendWeight } = config;
  const positive = [negatives, temperature, learningRate, batch].every((value) => value > 0);
  const isSound =
    positive && width > 0 && width % 16 === 0 && Number.isInteger(layers) && layers >= 1;
  if (isSound && config.decay >= 0 && friendWeight >= 0 && friendWeight < 1) return;
  throw new TrainingError(
    "BAD_CONFIG",
    `width ${width}, layers ${layers}, negatives ${negatives}, temperature ${temperature}, learningRate ${learningRate}, batch ${batch}, decay ${config.decay}, friendWeight ${friendWeight}: width must be a multiple of 16, layers at least 1, friendWeight in [0, 1), the others positive; decay may be 0.`,
    "Start from the defaults of lightgcn.",
  );
}

/** What scoring needs of a training. */
interface LightGcnVectors {
  /** [itemCount + 1, width] F_i, at length 1 where scores are cosines; row 0 is zero */
  readonly itemVectors: Float32Array;
  /** [itemCount + 1, width] */
  readonly given: Float32Array;
  /** [userCount, width] */
  readonly own: Float32Array;
  /** [userCount] */
  readonly shares: Float32Array;
}

class Trainer {
  readonly #data: TrainingData;
  readonly #config: LightGcnConfig;
  readonly #context: TrainingContext;
  readonly #graph: ReturnType<typeof userItemGraph>;
  readonly #objective: LightGcnObjective;
  readonly #kernels: KernelMemory;
  readonly #table: Float32Array;
  readonly #users: Int32Array;
  readonly #started = performance.now();

  constructor(data: TrainingData, config: LightGcnConfig, context: TrainingContext) {
    const { train, friends } = data;
    this.#data = data;
    this.#config = config;
    this.#context = context;
    this.#graph = userItemGraph(interactionMatrix(train, 0), friends, config.friendWeight);
    this.#objective = new LightGcnObjective(this.#graph, config.width, config);
    const size = this.#objective.nodes * config.width;
    this.#kernels = new KernelMemory(4 * KernelMemory.bytesFor(size));
    this.#table = this.#kernels.float32(size);
    const random = seededRandom(context.seed, `${kind}/vectors`);
    const padding = train.userCount * config.width;
    for (let d = 0; d < size; d++) {
      const value = 0.1 * random.normal();
      this.#table[d] = d >= padding && d < padding + config.width ? 0 : value;
    }
    this.#users = new Int32Array(train.items.length);
    for (let user = 0; user < train.userCount; user++) {
      this.#users.fill(user, train.offsets[user]!, train.offsets[user + 1]!);
    }
  }

  async run(): Promise<{ vectors: LightGcnVectors; curve: readonly CurvePoint[] }> {
    const { epochs, validateEvery, patience, learningRate, batch } = this.#config;
    const { train, validation } = this.#data;
    const { signal, onProgress, seed, budgetSeconds = Infinity } = this.#context;
    const size = this.#table.length;
    const state = {
      weights: this.#table,
      mean: this.#kernels.float32(size),
      square: this.#kernels.float32(size),
      gradient: this.#kernels.float32(size),
    };
    const adam = { learningRate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
    const random = seededRandom(seed, `${kind}/batches`);
    const order = Int32Array.from(train.items.keys());
    const curve: CurvePoint[] = [];
    const best = { table: new Float32Array(0), ndcg: -Infinity, looksSince: 0 };
    let step = 0;
    for (let epoch = 1; epoch <= epochs; epoch++) {
      random.shuffle(order);
      let loss = 0;
      for (let first = 0; first < order.length; first += batch) {
        const pairs = this.#batch(order.subarray(first, first + batch), random.int);
        loss += this.#objective.measure(this.#table, pairs, state.gradient) * pairs.users.length;
        this.#kernels.adam(state, adamStep(adam, ++step));
        await setImmediate();
        signal.throwIfAborted();
      }
      const seconds = (performance.now() - this.#started) / 1_000;
      const isLast = epoch === epochs || seconds >= budgetSeconds;
      const point = { epoch, step, seconds, loss: loss / Math.max(1, order.length) };
      if (validation !== undefined && (epoch % validateEvery === 0 || isLast)) {
        const ndcgAt10 = await this.#validate();
        curve.push({ ...point, ndcgAt10 });
        best.looksSince++;
        if (ndcgAt10 > best.ndcg) {
          Object.assign(best, { table: this.#table.slice(), ndcg: ndcgAt10, looksSince: 0 });
        }
      } else {
        curve.push(point);
      }
      onProgress({
        stage: `${kind}/train`,
        done: epoch,
        total: epochs,
        unit: "epochs",
        metrics: { loss: point.loss },
      });
      if (isLast || best.looksSince >= patience) break;
    }
    return { vectors: this.#vectors(best.table.length > 0 ? best.table : this.#table), curve };
  }

  #batch(places: Int32Array, int: (bound: number) => number): PairBatch {
    const { items, itemCount } = this.#data.train;
    return {
      users: places.map((place) => this.#users[place]!),
      taken: places.map((place) => items[place]!),
      others: Int32Array.from({ length: places.length * this.#config.negatives }, () => {
        return 1 + int(itemCount);
      }),
    };
  }

  async #validate(): Promise<number> {
    const scorer = new LightGcnModel(this.#config, this.#vectors(this.#table), [], noCost);
    const { metrics } = await evaluate(scorer, this.#data.validation!, {
      cutoffs: [10],
      metrics: ["ndcg"],
      seenItems: "remove",
      maxCases: this.#config.validationCases,
      work: { signal: this.#context.signal, onProgress: () => undefined },
    });
    await scorer.dispose();
    return metrics.ndcgAt10!;
  }

  #vectors(table: Float32Array): LightGcnVectors {
    const { width, layers, cosine } = this.#config;
    const { userCount, adjacency, itemRoots, itemShares } = this.#graph;
    const { whole, inner } = this.#objective.layerSums(table);
    const scale = 1 / (layers + 1);
    const start = userCount * width;
    const itemVectors = whole.slice(start).map((value) => value * scale);
    if (cosine) toLengthOne(itemVectors, width);
    const given = inner.slice(start).map((value, at) => {
      const root = itemRoots[Math.floor(at / width)]!;
      return root === 0 ? 0 : (value * scale) / root;
    });
    const own = table.slice(0, start).map((value) => value * scale);
    for (let user = 0; user < userCount; user++) {
      for (let p = adjacency.offsets[user]!; p < adjacency.offsets[user + 1]!; p++) {
        const friend = adjacency.indices[p]!;
        if (friend >= userCount) break; // items follow users
        const factor = adjacency.values[p]! * scale;
        for (let d = 0; d < width; d++) {
          own[user * width + d]! += factor * inner[friend * width + d]!;
        }
      }
    }
    return { itemVectors, given, own, shares: itemShares };
  }
}

const noCost: TrainingCost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };

function toLengthOne(rows: Float32Array, width: number): void {
  for (let at = 0; at < rows.length; at += width) {
    let square = 0;
    for (let d = at; d < at + width; d++) square += rows[d]! * rows[d]!;
    if (square === 0) continue;
    const factor = 1 / Math.sqrt(square);
    for (let d = at; d < at + width; d++) rows[d]! *= factor;
  }
}

class LightGcnModel implements TrainedModel, VectorScorer {
  readonly kind = kind;
  readonly name: string;
  readonly itemCount: number;
  readonly width: number;
  readonly config: LightGcnConfig;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly itemVectors: Float32Array;
  readonly #vectors: LightGcnVectors;
  #product: ScoreProduct | undefined;

  constructor(
    config: LightGcnConfig,
    vectors: LightGcnVectors,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    this.config = config;
    this.name = config.friendWeight > 0 ? `${name} with friends` : name;
    this.width = config.width;
    this.itemVectors = vectors.itemVectors;
    this.itemCount = vectors.itemVectors.length / config.width - 1;
    this.curve = curve;
    this.cost = cost;
    this.#vectors = vectors;
  }

  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width } = this;
    const { own, given, shares } = this.#vectors;
    histories.forEach((history, b) => {
      const row = out.subarray(b * width, (b + 1) * width).fill(0);
      const { userIndex } = history;
      const strengths = strengthsOf(history);
      if (strengths.size === 0) return;
      const isKnown = userIndex >= 0 && userIndex < shares.length;
      if (isKnown) row.set(own.subarray(userIndex * width, (userIndex + 1) * width));
      let degree = 0;
      for (const value of strengths.values()) degree += value;
      const share = (isKnown ? shares[userIndex]! : 1) / Math.sqrt(degree);
      for (const [item, value] of strengths) {
        for (let d = 0; d < width; d++) row[d]! += share * value * given[item * width + d]!;
      }
      if (this.config.cosine) toLengthOne(row, width);
    });
    return Promise.resolve();
  }

  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    this.#product ??= new ScoreProduct(this.itemVectors, this.width, block);
    const size = this.itemCount + 1;
    for (let first = 0; first < histories.length; first += block) {
      const asked = histories.slice(first, first + block);
      const queries = new Float32Array(asked.length * this.width);
      await this.encode(asked, queries);
      this.#product.multiply(queries, out.subarray(first * size, (first + asked.length) * size));
    }
    for (let b = 0; b < histories.length; b++) out[b * size] = -Infinity;
  }

  save(directory: string): Promise<void> {
    const { itemCount, config, cost, curve } = this;
    return writeModel(
      directory,
      { kind, format, itemCount, config, cost, curve },
      { ...this.#vectors },
    );
  }

  dispose(): Promise<void> {
    this.#product = undefined;
    return Promise.resolve();
  }
}

/** How strongly each item of a past counts, as in training: weights summed, then flattened. */
function strengthsOf({ items, weights }: Pick<History, "items" | "weights">): Map<number, number> {
  const sums = new Map<number, number>();
  items.forEach((item, p) => sums.set(item, (sums.get(item) ?? 0) + (weights?.[p] ?? 1)));
  for (const [item, sum] of sums) sums.set(item, strength(sum));
  return sums;
}
