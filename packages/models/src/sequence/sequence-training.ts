import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { HeldOut, Sequences } from "@magpie/data";
import type { CsrMatrix } from "@magpie/numerics";
import { TrainingError, type Progress, type Scorer } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { readParameterFile, writeParameterFile, type StoredTensor } from "@magpie/tensor";
import type { HelperRequest } from "../data-parallel/helper-messages.ts";
import { HelperProcesses, type HelperEvents } from "../data-parallel/helper-processes.ts";
import { sharedEpoch, startVelocity, type ParallelSettings } from "../data-parallel/meetings.ts";
import type { CurvePoint } from "../model.ts";
import { SequenceEncoder, type SequenceWeights } from "./sequence-encoder.ts";
import { SequenceTrainer } from "./sequence-trainer.ts";
import type { SequenceConfig } from "./sequence-config.ts";

/** What the training thread is given. All of it can be sent to a worker. */
export interface SequenceTrainingRequest {
  /** Of the model, for messages: "sasrec". */
  readonly kind: string;
  readonly config: SequenceConfig;
  readonly train: Sequences;
  readonly itemFeatures: CsrMatrix | undefined;
  readonly itemTexts?: Float32Array | undefined;
  readonly validation: HeldOut | undefined;
  readonly seed: number;
  readonly threads: number;
  readonly checkpointDir: string | undefined;
  readonly budgetSeconds: number | undefined;
  /** Absent, or with one worker: this process trains alone. */
  readonly parallel?: ParallelSettings | undefined;
}

export interface SequenceTrainingResult {
  readonly dense: Float32Array<ArrayBuffer>;
  readonly inputItems: Float32Array<ArrayBuffer>;
  /** Absent when tied. */
  readonly outputItems: Float32Array<ArrayBuffer> | undefined;
  readonly curve: readonly CurvePoint[];
}

export interface SequenceTrainingHost {
  onProgress(progress: Progress): void;
  isStopped(): boolean;
  /** Hears of processes that train along. */
  readonly helpers?: HelperEvents;
}

/** Everything a run knows between two epochs, besides the arrays. */
interface RunState {
  epoch: number;
  step: number;
  seconds: number;
  bestNdcg: number;
  /** Measurements since the best. */
  worse: number;
  curve: CurvePoint[];
}

/** Thrown when the host asks to stop; the checkpoint of the last epoch stays. */
export class TrainingStopped extends Error {}

const progressEveryMs = 500;
const checkpointEverySeconds = 10;

/**
 * Trains until validation has stopped improving, the epochs are used up or the time is: then gives the
 * best weights by validation NDCG@10, or the last ones when there is no validation.
 *
 * @throws {TrainingError} `NO_TRAINING_EXAMPLES` when no user has two items, `TRAINING_DIVERGED` when
 *   the loss is no longer a number
 */
export async function trainSequenceModel(
  request: SequenceTrainingRequest,
  host: SequenceTrainingHost,
): Promise<SequenceTrainingResult> {
  const { config, train, itemFeatures, itemTexts, seed, threads, parallel } = request;
  const workers = parallel?.workers ?? 1;
  // The members' parts of a batch are together as large as the recipe says.
  const batchRows = Math.max(1, Math.round(config.batchRows / workers));
  const own = { ...config, batchRows };
  const data = { sequences: train, itemFeatures, itemTexts };
  const trainer = await SequenceTrainer.open(own, data, { seed, threads });
  const average = copyOf(trainer.weights());
  const encoder = new SequenceEncoder(config, average, { threads });
  const team =
    parallel === undefined || workers === 1
      ? undefined
      : new Team(trainer, { config: own, data, seed, settings: parallel }, host.helpers);
  try {
    return await runTraining(request, host, { trainer, encoder, average, team });
  } finally {
    await team?.close();
    await encoder.dispose();
    await trainer.dispose();
  }
}

/** What a run works on. */
interface Parts {
  readonly trainer: SequenceTrainer;
  /** Encodes with `average`. */
  readonly encoder: SequenceEncoder;
  /** Moving average of the trainer's weights: what is measured and kept. */
  readonly average: Weights;
  /** Those who train along. */
  readonly team: Team | undefined;
}

async function runTraining(
  request: SequenceTrainingRequest,
  host: SequenceTrainingHost,
  { trainer, encoder, average, team }: Parts,
): Promise<SequenceTrainingResult> {
  const { config, train, validation, budgetSeconds = Infinity } = request;
  if (trainer.spanCount === 0) {
    throw new TrainingError(
      "NO_TRAINING_EXAMPLES",
      `None of the ${train.userCount} users has two items in a row to learn from.`,
      "Import more events, or train a model that needs no order, such as popularity.",
    );
  }
  const scorer = validationScorer(encoder, train.itemCount);
  const checkpoint = request.checkpointDir ? new Checkpoint(request, trainer, average) : undefined;
  const state: RunState = (await checkpoint?.restore(host)) ?? {
    epoch: 0,
    step: 0,
    seconds: 0,
    bestNdcg: -1,
    worse: 0,
    curve: [],
  };
  const best = checkpoint?.best ?? copyOf(average);

  const started = performance.now() - state.seconds * 1_000;
  const seconds = (): number => (performance.now() - started) / 1_000;
  let savedAt = state.seconds;
  const isDone = (): boolean =>
    state.epoch >= config.epochs || state.worse >= config.patience || seconds() >= budgetSeconds;

  const perEpoch = trainer.stepsPerEpoch / (request.parallel?.workers ?? 1);
  const plan: Plan = {
    kind: request.kind,
    epochs: config.epochs,
    steps: Math.ceil(config.epochs * perEpoch),
  };
  while (!isDone()) {
    const epoch = state.epoch + 1;
    const stepsOfEpoch = team?.epoch(epoch) ?? trainer.epoch(epoch);
    const { loss } = await runEpoch(plan, epoch, stepsOfEpoch, state, host);
    state.epoch = epoch;
    state.step = trainer.optimizer.steps;
    averageInto(average, trainer.weights(), Math.min(config.averaging, (epoch - 1) / (epoch + 3)));
    const isDue =
      validation !== undefined &&
      (epoch % config.validateEvery === 0 || epoch === config.epochs || seconds() >= budgetSeconds);
    let ndcgAt10: number | undefined;
    if (isDue) {
      const { metrics } = await evaluate(scorer, validation, {
        cutoffs: [10],
        metrics: ["ndcg"],
        maxCases: config.validationCases,
      });
      ndcgAt10 = metrics["ndcgAt10"]!;
      if (ndcgAt10 > state.bestNdcg) {
        state.bestNdcg = ndcgAt10;
        state.worse = 0;
        copyInto(best, average);
      } else {
        state.worse++;
      }
    }
    state.seconds = seconds();
    const { step } = state;
    const measured = ndcgAt10 === undefined ? {} : { ndcgAt10 };
    state.curve.push({ epoch, step, seconds: state.seconds, loss, ...measured });
    const metrics = { loss, ...measured, ...team?.metrics };
    host.onProgress(progressOf(plan, state, metrics));
    if (checkpoint && (isDone() || state.seconds - savedAt >= checkpointEverySeconds)) {
      await checkpoint.write(state, best);
      savedAt = state.seconds;
    }
  }

  const chosen = validation === undefined ? average : best;
  return {
    dense: chosen.dense,
    inputItems: chosen.inputItems,
    outputItems: config.tied ? undefined : chosen.outputItems,
    curve: state.curve,
  };
}

async function runEpoch(
  plan: Plan,
  epoch: number,
  stepsOfEpoch: ReturnType<SequenceTrainer["epoch"]>,
  state: RunState,
  host: SequenceTrainingHost,
): Promise<{ loss: number }> {
  let [lossSum, targetCount, steps] = [0, 0, 0];
  let toldAt = performance.now();
  for await (const { loss, targets } of stepsOfEpoch) {
    steps++;
    lossSum += loss * targets;
    targetCount += targets;
    if (!Number.isFinite(loss)) {
      throw new TrainingError(
        "TRAINING_DIVERGED",
        `The loss became ${loss} in step ${state.step + steps} (epoch ${epoch}).`,
        "Lower the learning rate; a tenth of it is a good next try.",
      );
    }
    if (host.isStopped()) throw new TrainingStopped();
    if (performance.now() - toldAt > progressEveryMs) {
      toldAt = performance.now();
      const metrics = { loss: lossSum / targetCount };
      const reached = { ...state, step: state.step + steps };
      host.onProgress(progressOf(plan, reached, metrics));
    }
  }
  return { loss: lossSum / targetCount };
}

/** The processes that train along, as a run sees them: they take part in each of its epochs. */
class Team {
  readonly #trainer: SequenceTrainer;
  readonly #settings: ParallelSettings;
  readonly #helpers: HelperProcesses;
  readonly #velocity: Float32Array[];

  constructor(trainer: SequenceTrainer, request: HelperRequest, events: HelperEvents | undefined) {
    this.#trainer = trainer;
    this.#settings = request.settings;
    this.#helpers = new HelperProcesses(request, events);
    this.#velocity = startVelocity(trainer, request.settings);
  }

  get metrics(): Readonly<Record<string, number>> {
    const { count, bytesExchanged, rounds } = this.#helpers;
    return { helpers: count, bytesExchanged, rounds };
  }

  /** This process's part of an epoch; at its end the trainer holds what all have learnt. */
  async *epoch(epoch: number): ReturnType<SequenceTrainer["epoch"]> {
    const trainer = this.#trainer;
    const velocity = this.#velocity;
    const place = await this.#helpers.beginEpoch({
      epoch,
      steps: trainer.optimizer.steps,
      arrays: trainer.arrays,
      velocity,
    });
    const start = { ...place, epoch, velocity };
    yield* sharedEpoch(trainer, start, this.#settings, (part) => this.#helpers.average(part));
  }

  close(): Promise<void> {
    return this.#helpers.close();
  }
}

/** What a run's progress is told against. */
interface Plan {
  readonly kind: string;
  readonly epochs: number;
  /** Of all epochs, about. */
  readonly steps: number;
}

function progressOf(
  { kind, epochs, steps }: Plan,
  state: RunState,
  metrics: Readonly<Record<string, number>>,
): Progress {
  const best = state.bestNdcg < 0 ? "" : `, best validation NDCG@10 ${state.bestNdcg.toFixed(4)}`;
  return {
    stage: `${kind}/train`,
    done: state.step,
    total: Math.max(state.step, steps),
    unit: "steps",
    message: `epoch ${Math.min(epochs, state.epoch + 1)} of at most ${epochs}${best}`,
    metrics,
  };
}

interface Weights {
  readonly dense: Float32Array<ArrayBuffer>;
  readonly inputItems: Float32Array<ArrayBuffer>;
  readonly outputItems: Float32Array<ArrayBuffer>;
}

function copyOf({ dense, inputItems, outputItems }: SequenceWeights): Weights {
  const input = inputItems.slice();
  const output = outputItems === inputItems ? input : outputItems.slice();
  return { dense: dense.slice(), inputItems: input, outputItems: output };
}

/** average ← kept · average + (1 - kept) · weights */
function averageInto(average: Weights, weights: SequenceWeights, kept: number): void {
  const mix = (to: Float32Array, from: Float32Array): void => {
    for (let i = 0; i < to.length; i++) to[i] = kept * to[i]! + (1 - kept) * from[i]!;
  };
  mix(average.dense, weights.dense);
  mix(average.inputItems, weights.inputItems);
  if (average.outputItems !== average.inputItems) mix(average.outputItems, weights.outputItems);
}

function copyInto(to: Weights, from: Weights): void {
  to.dense.set(from.dense);
  to.inputItems.set(from.inputItems);
  to.outputItems.set(from.outputItems);
}

function validationScorer(encoder: SequenceEncoder, itemCount: number): Scorer {
  return {
    name: "validation",
    itemCount,
    scoreAll: (histories, out) => encoder.score(histories, out),
    countAbove: (histories, items, above, alike) =>
      encoder.countAbove(histories, items, above, alike),
  };
}

/**
 * A run's state on disk: weights, the optimiser's moments, averages, the best so far, the curve. Together
 * with seed and epoch number that is all the next epoch depends on.
 */
class Checkpoint {
  /** Best weights so far, once restored. */
  best: Weights | undefined;
  readonly #kind: string;
  readonly #folder: string;
  readonly #trainer: SequenceTrainer;
  readonly #average: Weights;
  /** Runs with another recipe, seed or data do not go on from this one. */
  readonly #run: string;

  constructor(
    { kind, checkpointDir, config, seed, train }: SequenceTrainingRequest,
    trainer: SequenceTrainer,
    average: Weights,
  ) {
    this.#kind = kind;
    this.#average = average;
    this.#folder = checkpointDir!;
    this.#trainer = trainer;
    // When to stop and how often to look do not change what an epoch does.
    const recipe = {
      ...config,
      epochs: undefined,
      patience: undefined,
      validateEvery: undefined,
      validationCases: undefined,
    };
    const { userCount, itemCount, items } = train;
    // Order-dependent sum of the items: tells data sets of equal size apart.
    const fingerprint = items.reduce((sum, item) => (Math.imul(sum, 31) + item) | 0, 0);
    this.#run = JSON.stringify({ recipe, seed, userCount, itemCount, fingerprint });
  }

  get #path(): string {
    return join(this.#folder, "checkpoint.safetensors");
  }

  async write(state: RunState, best: Weights): Promise<void> {
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, values] of Object.entries(this.#arrays(best))) {
      tensors[name] = { shape: [values.length], values };
    }
    const metadata = { run: this.#run, state: JSON.stringify(state) };
    await mkdir(this.#folder, { recursive: true });
    await writeParameterFile(this.#path, { tensors, metadata });
  }

  /** The state to go on from, arrays filled in; undefined when there is none of this run. */
  async restore(host: SequenceTrainingHost): Promise<RunState | undefined> {
    const file = await readParameterFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    if (file.metadata["run"] !== this.#run) {
      host.onProgress({
        stage: `${this.#kind}/train`,
        done: 0,
        unit: "steps",
        message: `The checkpoint in ${this.#folder} is of another recipe, seed or data: training starts anew.`,
      });
      return undefined;
    }
    const state = JSON.parse(file.metadata["state"]!) as RunState;
    this.best = copyOf(this.#trainer.weights());
    for (const [name, values] of Object.entries(this.#arrays(this.best))) {
      values.set(file.tensors[name]!.values);
    }
    const { optimizer, inputTable, outputTable } = this.#trainer;
    optimizer.resume(state.step);
    inputTable.resume(state.step);
    outputTable.resume(state.step);
    return state;
  }

  #arrays(best: Weights): Record<string, Float32Array> {
    const { dense, optimizer, inputTable, outputTable, config } = this.#trainer;
    const table = (name: string, { weights, state }: SequenceTrainer["inputTable"]) => ({
      [name]: weights,
      [`${name}.mean`]: state.mean,
      [`${name}.square`]: state.square,
    });
    return {
      dense: dense.weights,
      "dense.mean": optimizer.state.mean,
      "dense.square": optimizer.state.square,
      ...table("inputItems", inputTable),
      "average.dense": this.#average.dense,
      "average.inputItems": this.#average.inputItems,
      "best.dense": best.dense,
      "best.inputItems": best.inputItems,
      ...(!config.tied && {
        ...table("outputItems", outputTable),
        "average.outputItems": this.#average.outputItems,
        "best.outputItems": best.outputItems,
      }),
    };
  }
}
