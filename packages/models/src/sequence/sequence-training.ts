import type { HeldOut, Sequences } from "@magpie/data";
import type { CsrMatrix } from "@magpie/numerics";
import { TrainingError, type Progress, type Scorer } from "@magpie/domain";
import type { HelperRequest } from "../data-parallel/helper-messages.ts";
import { HelperProcesses, type HelperEvents } from "../data-parallel/helper-processes.ts";
import { sharedEpoch, startVelocity, type ParallelSettings } from "../data-parallel/meetings.ts";
import {
  checkLoss,
  freshRun,
  learnInEpochs,
  ndcgOnValidation,
  type RunState,
} from "../epoch-loop.ts";
import type { CurvePoint } from "../model.ts";
import { type RunArrays, TrainingCheckpoint } from "../training-checkpoint.ts";
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

/** Thrown when the host asks to stop; the checkpoint of the last epoch stays. */
export class TrainingStopped extends Error {}

const progressEveryMs = 500;

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
  const { kind, config, train, validation, seed, checkpointDir } = request;
  if (trainer.spanCount === 0) {
    throw new TrainingError(
      "NO_TRAINING_EXAMPLES",
      `None of the ${train.userCount} users has two items in a row to learn from.`,
      "Import more events, or train a model that needs no order, such as popularity.",
    );
  }
  const best = copyOf(average);
  const arrays = arraysOf(trainer, average, best);
  // How many epochs are planned does not change what one does.
  const identity = { kind, config: { ...config, epochs: 0 }, seed, train };
  const checkpoint =
    checkpointDir === undefined ? undefined : new TrainingCheckpoint(checkpointDir, identity);
  const state = (await checkpoint?.restore(arrays, host)) ?? freshRun();
  if (state.epoch > 0) trainer.resumeAt(state.step);

  const perEpoch = trainer.stepsPerEpoch / (request.parallel?.workers ?? 1);
  const plan: Plan = { kind, epochs: config.epochs, steps: Math.ceil(config.epochs * perEpoch) };
  const scorer = validationScorer(encoder, train.itemCount);
  const curve = await learnInEpochs(
    {
      async learn(epoch) {
        const steps = team?.epoch(epoch) ?? trainer.epoch(epoch);
        const loss = await runEpoch(plan, epoch, steps, state, host);
        const kept = Math.min(config.averaging, (epoch - 1) / (epoch + 3));
        averageInto(average, trainer.weights(), kept);
        return { loss, step: trainer.optimizer.steps };
      },
      look:
        validation && (() => ndcgOnValidation(scorer, validation, config, { seenItems: "keep" })),
      keep: () => copyInto(best, average),
      onEpoch: (reached, measured) =>
        host.onProgress(progressOf(plan, reached, { ...measured, ...team?.metrics })),
      save: checkpoint && ((reached) => checkpoint.write(reached, arrays)),
    },
    config,
    request,
    state,
  );

  const chosen = validation === undefined ? average : best;
  return {
    dense: chosen.dense,
    inputItems: chosen.inputItems,
    outputItems: config.tied ? undefined : chosen.outputItems,
    curve,
  };
}

/** One epoch; gives its mean loss by target. */
async function runEpoch(
  plan: Plan,
  epoch: number,
  stepsOfEpoch: ReturnType<SequenceTrainer["epoch"]>,
  state: Readonly<RunState>,
  host: SequenceTrainingHost,
): Promise<number> {
  let [lossSum, targetCount, steps] = [0, 0, 0];
  let toldAt = performance.now();
  for await (const { loss, targets } of stepsOfEpoch) {
    steps++;
    lossSum += loss * targets;
    targetCount += targets;
    checkLoss(loss, epoch);
    if (host.isStopped()) throw new TrainingStopped();
    if (performance.now() - toldAt > progressEveryMs) {
      toldAt = performance.now();
      const metrics = { loss: lossSum / targetCount };
      const reached = { ...state, step: state.step + steps };
      host.onProgress(progressOf(plan, reached, metrics));
    }
  }
  return lossSum / targetCount;
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
  state: Readonly<RunState>,
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

/** All that a run goes on from, by the names under which a checkpoint keeps it. */
function arraysOf(trainer: SequenceTrainer, average: Weights, best: Weights): RunArrays {
  const { dense, optimizer, inputTable, outputTable, config } = trainer;
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
    "average.dense": average.dense,
    "average.inputItems": average.inputItems,
    "best.dense": best.dense,
    "best.inputItems": best.inputItems,
    ...(!config.tied && {
      ...table("outputItems", outputTable),
      "average.outputItems": average.outputItems,
      "best.outputItems": best.outputItems,
    }),
  };
}
