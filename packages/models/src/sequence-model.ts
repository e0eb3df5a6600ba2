import type { HeldOut, Sequences } from "@magpie/data";
import {
  TrainingError,
  type ErrorKind,
  type History,
  type Progress,
  type VectorScorer,
} from "@magpie/domain";
import { readModel, writeModel } from "./model-files.ts";
import type {
  CurvePoint,
  HistoryEffect,
  HistoryExplainer,
  Model,
  TrainedModel,
  TrainingContext,
  TrainingCost,
} from "./model.ts";
import { SequenceEncoder, type SequenceWeights } from "./sequence-encoder.ts";
import { expectedTrainingBytes } from "./sequence-trainer.ts";
import type { SequenceTrainingRequest, SequenceTrainingResult } from "./sequence-training.ts";
import {
  checkSasRecConfig,
  parameterCountOf,
  repeatBiasOf,
  sasRecDefaults,
  type SasRecConfig,
} from "./sasrec.ts";
import { startCost } from "./training-cost.ts";
import { endOfThread, startTrainingThread } from "./training-thread.ts";

/** What the training thread tells the main one. */
export type SequenceWorkerMessage =
  | { readonly type: "progress"; readonly progress: Progress }
  | { readonly type: "done"; readonly result: SequenceTrainingResult }
  | { readonly type: "stopped" }
  | {
      readonly type: "failed";
      readonly error: {
        readonly code: string;
        readonly message: string;
        readonly hint: string;
        readonly kind: ErrorKind;
      };
    };

/** Newest history items that `explain` leaves out one by one. */
const explainedItems = 10;

const kind = "sasrec";
const format = 2;

/** A trained SASRec: encodes a past on request, so a shopper's newest event counts at once. */
export class SequenceModel implements TrainedModel, VectorScorer, HistoryExplainer {
  readonly kind = kind;
  readonly name = "SASRec";
  readonly config: SasRecConfig;
  readonly itemCount: number;
  readonly width: number;
  readonly itemVectors: Float32Array;
  readonly repeatBias: number;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly #weights: SequenceWeights;
  readonly #encoder: SequenceEncoder;

  constructor(
    config: SasRecConfig,
    weights: SequenceWeights,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    this.config = config;
    this.width = config.width;
    this.itemVectors = weights.outputItems;
    this.itemCount = weights.outputItems.length / config.width - 1;
    this.repeatBias = repeatBiasOf(config, weights.dense);
    this.curve = curve;
    this.cost = cost;
    this.#weights = weights;
    this.#encoder = new SequenceEncoder(config, weights);
  }

  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    return this.#encoder.encode(histories, out);
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    return this.#encoder.score(histories, out);
  }

  /**
   * Leaves the newest items of the past (at most 10) out, one at a time, and measures how the scores
   * change: all pasts are encoded in one batch. Older items have no entry, and an item that came after
   * the training has no effects.
   */
  async explain(history: History, items: Int32Array): Promise<HistoryEffect[][]> {
    const length = history.items.length;
    const places = Array.from(
      { length: Math.min(length, explainedItems) },
      (_, i) => length - 1 - i,
    );
    const without = places.map((place) => ({
      ...history,
      items: history.items.filter((_, other) => other !== place),
    }));
    const users = new Float32Array((places.length + 1) * this.width);
    await this.encode([history, ...without], users);
    const score = (user: number, item: number): number => {
      let sum = 0;
      for (let d = 0; d < this.width; d++) {
        sum += users[user * this.width + d]! * this.itemVectors[item * this.width + d]!;
      }
      return sum;
    };
    return Array.from(items, (item) => {
      if (!(item > 0 && item <= this.itemCount)) return [];
      const repeats = ({ items }: History): number =>
        items.subarray(-this.config.historyLimit).includes(item) ? this.repeatBias : 0;
      const whole = score(0, item) + repeats(history);
      return places
        .map((position, i) => ({
          position,
          effect: whole - score(i + 1, item) - repeats(without[i]!),
        }))
        .sort((a, b) => b.effect - a.effect);
    });
  }

  /** Opens what single requests and explanations need, so that the first does not wait for it. */
  warmUp(): Promise<void> {
    return this.#encoder.warmUp();
  }

  save(directory: string): Promise<void> {
    const { config, cost, curve, itemCount } = this;
    const { dense, inputItems, outputItems } = this.#weights;
    return writeModel(
      directory,
      { kind, format, itemCount, config, cost, curve },
      { dense, inputItems, ...(outputItems !== inputItems && { outputItems }) },
    );
  }

  dispose(): Promise<void> {
    return this.#encoder.dispose();
  }
}

/** SASRec: see `SasRecConfig` for the network and its recipe. */
export const sasRec: Model<SasRecConfig> = {
  kind,
  isSeeded: true,
  defaults: sasRecDefaults,
  space: {
    settings: {
      width: { oneOf: [32, 64, 128] },
      blocks: { oneOf: [1, 2] },
      dropout: { from: 0.1, to: 0.6, scale: "linear" },
      learningRate: { from: 3e-4, to: 3e-3, scale: "log" },
      weightDecay: { oneOf: [0, 1e-3, 1e-2, 1e-1] },
      historyLimit: { oneOf: [20, 50, 100] },
    },
    effort: "epochs",
  },

  expectedBytes({ train, validation }, config) {
    return expectedTrainingBytes(config, train.itemCount, validation !== undefined);
  },

  async train({ train, validation }, config, context) {
    checkSasRecConfig(config);
    const readCost = startCost();
    const expected = expectedTrainingBytes(config, train.itemCount, validation !== undefined);
    context.onProgress({
      stage: "sasrec/train",
      done: 0,
      unit: "steps",
      message: `training will take about ${Math.ceil(expected / 2 ** 20)} MiB`,
    });
    const result = await trainInWorker(
      {
        config,
        train,
        validation: validation && packed(validation),
        seed: context.seed,
        threads: context.threads ?? 1,
        checkpointDir: context.checkpointDir,
        budgetSeconds: context.budgetSeconds,
      },
      context,
    );
    const { dense, inputItems, outputItems = inputItems, curve } = result;
    return new SequenceModel(config, { dense, inputItems, outputItems }, curve, readCost());
  },

  async load(directory) {
    const { card, parameters } = await readModel(directory, kind, format);
    const config = card.config as SasRecConfig;
    checkSasRecConfig(config);
    const sizes = {
      dense: parameterCountOf(config),
      inputItems: (card.itemCount + 1) * config.width,
      outputItems: (card.itemCount + 1) * config.width,
    };
    const { dense, inputItems, outputItems = inputItems } = parameters;
    for (const [name, values] of Object.entries({ dense, inputItems, outputItems })) {
      const expected = sizes[name as keyof typeof sizes];
      if (values instanceof Float32Array && values.length >= expected) continue;
      throw new TrainingError(
        "BAD_PARAMETER_FILE",
        `${directory} should hold ${expected} numbers named "${name}" for its ${card.itemCount} items, but has ${values?.length ?? "none"}.`,
        "Train again, or restore the folder from a copy.",
      );
    }
    const weights = { dense, inputItems, outputItems } as SequenceWeights;
    return new SequenceModel(config, weights, card.curve ?? [], card.cost);
  },
};

/** Times and weights are not read by SASRec; pasts are views into shared arrays: send neither. */
function packed({ pasts, targets, targetOffsets }: HeldOut): HeldOut {
  const total = pasts.reduce((sum, { items }) => sum + items.length, 0);
  const all = new Int32Array(total);
  let at = 0;
  return {
    targets,
    targetOffsets,
    pasts: pasts.map(({ userIndex, items }) => {
      all.set(items, at);
      at += items.length;
      return { userIndex, items: all.subarray(at - items.length, at) };
    }),
  };
}

function trainInWorker(
  request: SequenceTrainingRequest,
  { signal, onProgress }: TrainingContext,
): Promise<SequenceTrainingResult> {
  signal.throwIfAborted();
  const { userCount, itemCount, offsets, items } = request.train;
  const train: Sequences = { userCount, itemCount, offsets, items };
  // Shared memory rather than a message: the thread is busy in a step, and looks after each.
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = startTrainingThread(new URL("./sequence.worker.ts", import.meta.url), {
    workerData: { request: { ...request, train }, stop },
  });
  const onAbort = (): void => void Atomics.store(stop, 0, 1);
  signal.addEventListener("abort", onAbort, { once: true });

  return new Promise<SequenceTrainingResult>((resolve, reject) => {
    worker.on("message", (message: SequenceWorkerMessage) => {
      switch (message.type) {
        case "progress":
          onProgress(message.progress);
          break;
        case "done":
          resolve(message.result);
          break;
        case "stopped":
          reject(signal.reason as Error);
          break;
        case "failed": {
          const { code, message: text, hint, kind } = message.error;
          reject(new TrainingError(code, text, hint, { kind }));
          break;
        }
        default:
          message satisfies never;
      }
    });
    worker.on("error", reject);
    worker.on("exit", (code) => reject(new Error(`internal: training thread ended with ${code}`)));
  }).finally(async () => {
    signal.removeEventListener("abort", onAbort);
    await endOfThread(worker);
  });
}
