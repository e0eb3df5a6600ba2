import { setImmediate } from "node:timers/promises";
import type { HeldOut } from "@magpie/data";
import { TrainingError } from "@magpie/domain";
import { type AdamState, KernelMemory, type Random, seededRandom } from "@magpie/numerics";
import { adamDefaults, adamStep } from "@magpie/tensor";
import { type EpochSchedule, freshRun, learnInEpochs, ndcgOnValidation } from "../epoch-loop.ts";
import {
  type GraphModelName,
  GraphVectorModel,
  type GraphVectors,
  itemMapOf,
} from "./graph-vectors.ts";
import type { CurvePoint, TrainingContext, TrainingCost, TrainingData } from "../model.ts";
import type { PairBatch } from "./pair-losses.ts";
import { TrainingCheckpoint } from "../training-checkpoint.ts";
import { startCost, uncollectedBytes } from "../training-cost.ts";

/** How long and in what steps a table of vectors is learnt. */
export interface GraphSchedule extends EpochSchedule {
  /** Numbers in each vector, a multiple of 16. */
  readonly width: number;
  /** Of the first step; it falls in a line to nearly nothing at the last of all epochs. */
  readonly learningRate: number;
  /** Pairs of one step. */
  readonly batch: number;
}

/** What is learnt: a loss over one table of vectors for users, padding and items, in that order. */
export interface GraphObjective {
  /** The table to start from; absent: random numbers. */
  readonly start?: Float32Array;
  /** Told before an epoch's first step, with the epoch's own chance. */
  beginEpoch?(random: Random): void;
  /** How many items not taken a step of `pairs` pairs draws, all alike. */
  othersOf(pairs: number): number;
  /** Fills the gradient by the table; gives the mean loss of the pairs. */
  measure(table: Float32Array, batch: PairBatch, gradient: Float32Array): Promise<number>;
  /** What scoring needs of the table: of arrays of its own. */
  vectors(table: Float32Array): GraphVectors;
  dispose(): Promise<void>;
}

/** @throws {TrainingError} `BAD_CONFIG` on a schedule that cannot be run */
export function checkSchedule(kind: string, schedule: GraphSchedule): void {
  const { width, learningRate, batch, epochs, validateEvery, patience } = schedule;
  const counts = [batch, validateEvery, patience, schedule.validationCases];
  const isSound =
    counts.every((value) => Number.isInteger(value) && value >= 1) && learningRate > 0;
  if (isSound && Number.isInteger(epochs) && epochs >= 0 && width > 0 && width % 16 === 0) return;
  throw new TrainingError(
    "BAD_CONFIG",
    `width ${width}, learningRate ${learningRate}, batch ${batch}, epochs ${epochs}, validateEvery ${validateEvery}, patience ${patience}: width must be a multiple of 16, the others positive whole numbers; learningRate may be a fraction, epochs 0.`,
    `Start from the defaults of ${kind}.`,
  );
}

/** Scores of a block of validation cases, and the items laid out for them. */
const validationBytes = 36 * 2 ** 20;

/** Memory of the table, its optimiser, the best table so far and a model for validation. */
export function trainerBytes(nodes: number, width: number, withValidation: boolean): number {
  return 7 * 4 * nodes * width + uncollectedBytes + (withValidation ? validationBytes : 0);
}

/** Pairs of the largest step. */
export function pairsOf({ train }: TrainingData, { batch }: GraphSchedule): number {
  return Math.min(batch, train.items.length);
}

/** Deviation of the numbers that a table starts from. */
export const startSpread = 0.1;

/**
 * Learns a table of vectors by Adam over all pairs of users and what they took, until validation has
 * stopped rising, the epochs are used up or the time is; gives the model of the best look, or of the
 * last epoch where there is no validation.
 *
 * What an epoch draws depends on seed and epoch alone, so that a run that goes on from its checkpoint
 * ends as if it had not been stopped. Items not taken are drawn uniformly from all.
 *
 * @throws {TrainingError} `TRAINING_DIVERGED` when the loss is no longer a number
 */
export async function trainGraphVectors(
  about: GraphModelName<GraphSchedule>,
  objective: GraphObjective,
  data: TrainingData,
  context: TrainingContext,
): Promise<GraphVectorModel> {
  const readCost = startCost();
  const trainer = new GraphTrainer(about, objective, data, context);
  try {
    const { vectors, curve } = await trainer.run();
    const { width } = about.config;
    const itemMap = itemMapOf(vectors, data.train, width);
    return GraphVectorModel.learnt(about, vectors, itemMap, width, curve, readCost());
  } finally {
    await objective.dispose();
  }
}

class GraphTrainer {
  readonly #about: GraphModelName<GraphSchedule>;
  readonly #objective: GraphObjective;
  readonly #data: TrainingData;
  readonly #context: TrainingContext;
  readonly #kernels: KernelMemory;
  readonly #arrays: AdamState;
  readonly #users: Int32Array;
  readonly #order: Int32Array;
  /** The table of the best look; absent where nothing is held out. */
  readonly #best: Float32Array | undefined;
  /** Of Adam, so far. */
  #steps = 0;

  constructor(
    about: GraphModelName<GraphSchedule>,
    objective: GraphObjective,
    data: TrainingData,
    context: TrainingContext,
  ) {
    const { train } = data;
    const { width } = about.config;
    this.#about = about;
    this.#objective = objective;
    this.#data = data;
    this.#context = context;
    const size = (train.userCount + train.itemCount + 1) * width;
    this.#kernels = new KernelMemory(4 * KernelMemory.bytesFor(size));
    const array = () => this.#kernels.float32(size);
    this.#arrays = { weights: array(), mean: array(), square: array(), gradient: array() };
    const random = seededRandom(context.seed, `${about.kind}/vectors`);
    const padding = train.userCount * width;
    for (let d = 0; d < size; d++) this.#arrays.weights[d] = startSpread * random.normal();
    this.#arrays.weights.fill(0, padding, padding + width);
    if (objective.start !== undefined) this.#arrays.weights.set(objective.start);
    this.#users = new Int32Array(train.items.length);
    for (let user = 0; user < train.userCount; user++) {
      this.#users.fill(user, train.offsets[user]!, train.offsets[user + 1]!);
    }
    this.#order = new Int32Array(train.items.length);
    this.#best = data.validation && this.#arrays.weights.slice();
  }

  async run(): Promise<{ vectors: GraphVectors; curve: readonly CurvePoint[] }> {
    const { kind, config } = this.#about;
    const { onProgress, checkpointDir, seed } = this.#context;
    const { train, validation } = this.#data;
    const checkpoint =
      checkpointDir === undefined
        ? undefined
        : new TrainingCheckpoint(checkpointDir, { kind, config, seed, train });
    const { gradient: _, ...kept } = this.#arrays;
    const arrays = { ...kept, ...(this.#best !== undefined && { best: this.#best }) };
    const state = (await checkpoint?.restore(arrays, this.#context)) ?? freshRun();
    this.#steps = state.step;
    const curve = await learnInEpochs(
      {
        learn: async (epoch) => ({ loss: await this.#runEpoch(epoch), step: this.#steps }),
        look: validation && (() => this.#validate(validation)),
        keep: () => this.#best!.set(this.#arrays.weights),
        onEpoch: ({ epoch }, metrics) =>
          onProgress({
            stage: `${kind}/train`,
            done: epoch,
            total: config.epochs,
            unit: "epochs",
            metrics,
          }),
        save: checkpoint && ((reached) => checkpoint.write(reached, arrays)),
      },
      config,
      this.#context,
      state,
    );
    return { vectors: this.#objective.vectors(this.#best ?? this.#arrays.weights), curve };
  }

  async #runEpoch(epoch: number): Promise<number> {
    const { kind, config } = this.#about;
    const { signal, seed } = this.#context;
    const { weights, gradient } = this.#arrays;
    const { batch, learningRate } = config;
    const random = seededRandom(seed, `${kind}/epoch/${epoch}`);
    this.#objective.beginEpoch?.(seededRandom(seed, `${kind}/noise/${epoch}`));
    const order = this.#order;
    order.forEach((_, place) => (order[place] = place));
    random.shuffle(order);
    let loss = 0;
    for (let first = 0; first < order.length; first += batch) {
      signal.throwIfAborted();
      const pairs = this.#pairs(order.subarray(first, first + batch), random);
      loss += (await this.#objective.measure(weights, pairs, gradient)) * pairs.users.length;
      const left = 1 - (epoch - 1 + first / order.length) / config.epochs;
      const adam = { ...adamDefaults, learningRate: learningRate * left };
      this.#kernels.adam(this.#arrays, adamStep(adam, ++this.#steps));
      await setImmediate();
    }
    return loss / Math.max(1, order.length);
  }

  #pairs(places: Int32Array, random: Random): PairBatch {
    const { items, itemCount, userCount } = this.#data.train;
    return {
      users: places.map((place) => this.#users[place]!),
      taken: places.map((place) => userCount + items[place]!),
      others: Int32Array.from({ length: this.#objective.othersOf(places.length) }, () => {
        return userCount + 1 + random.int(itemCount);
      }),
    };
  }

  async #validate(validation: HeldOut): Promise<number> {
    const vectors = this.#objective.vectors(this.#arrays.weights);
    const { config } = this.#about;
    const scorer = GraphVectorModel.learnt(this.#about, vectors, noMap, config.width, [], noCost);
    const { signal } = this.#context;
    const ndcg = await ndcgOnValidation(scorer, validation, config, {
      seenItems: "remove",
      signal,
    });
    await scorer.dispose();
    return ndcg;
  }
}

/** Validation asks about no items that came later. */
const noMap = new Float32Array(0);
const noCost: TrainingCost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };
