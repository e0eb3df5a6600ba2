import type { HeldOut } from "@magpie/data";
import {
  TrainingError,
  type ErrorKind,
  type History,
  type Progress,
  type VectorScorer,
} from "@magpie/domain";
import type { CompiledGraph, PortableOptions } from "@magpie/tensor";
import { checkParallelSettings } from "../data-parallel/meetings.ts";
import { readModel, writeModel } from "../model-files.ts";
import type {
  CurvePoint,
  HistoryEffect,
  HistoryExplainer,
  Model,
  TrainedModel,
  TrainingContext,
  TrainingData,
  TrainingCost,
} from "../model.ts";
import { SequenceEncoder, type SequenceWeights } from "./sequence-encoder.ts";
import { expectedTrainingBytes } from "./sequence-trainer.ts";
import type { SequenceTrainingRequest, SequenceTrainingResult } from "./sequence-training.ts";
import { fuxiDefaults, type FuxiConfig } from "./fuxi.ts";
import { gru4RecDefaults, type Gru4RecConfig } from "./gru4rec.ts";
import { hstuDefaults, type HstuConfig } from "./hstu.ts";
import { ligrDefaults, type LigrConfig } from "./ligr.ts";
import { sasRecDefaults, type SasRecConfig } from "./sasrec.ts";
import type { SearchSpace } from "../search-space.ts";
import { checkSequenceConfig, type SequenceConfig } from "./sequence-config.ts";
import { parameterCountOf, portableGraph, repeatBiasOf, readsTimes } from "./sequence-graphs.ts";
import { startCost } from "../training-cost.ts";
import { endOfThread, startTrainingThread } from "../training-thread.ts";

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

const format = 2;

/** Names of the models: a kind for commands and cards, a name for tables. */
const names: Readonly<Record<SequenceConfig["network"], { kind: string; name: string }>> = {
  transformer: { kind: "sasrec", name: "SASRec" },
  ligr: { kind: "esasrec", name: "eSASRec" },
  hstu: { kind: "hstu", name: "HSTU" },
  fuxi: { kind: "fuxi", name: "FuXi" },
  gru: { kind: "gru4rec", name: "GRU4Rec" },
};

/** A trained sequence model: encodes a past on request, so a shopper's newest event counts at once. */
export class SequenceModel implements TrainedModel, VectorScorer, HistoryExplainer {
  readonly kind: string;
  readonly name: string;
  readonly config: SequenceConfig;
  readonly itemCount: number;
  readonly width: number;
  readonly itemVectors: Float32Array;
  readonly repeatBias: number;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly weights: SequenceWeights;
  readonly #encoder: SequenceEncoder;

  constructor(
    config: SequenceConfig,
    weights: SequenceWeights,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    this.kind = names[config.network].kind;
    this.name = names[config.network].name;
    this.config = config;
    this.width = config.width;
    this.itemVectors = weights.outputItems;
    this.itemCount = weights.outputItems.length / config.width - 1;
    this.repeatBias = repeatBiasOf(config, weights.dense);
    this.curve = curve;
    this.cost = cost;
    this.weights = weights;
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
    const without = places.map((place) => {
      const stays = (_: number, other: number): boolean => other !== place;
      const { userIndex, items, timestampsMs } = history;
      return {
        userIndex,
        items: items.filter(stays),
        ...(timestampsMs && { timestampsMs: timestampsMs.filter(stays) }),
      };
    });
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

  /**
   * The model as one ONNX file, from pasts to scores: see `portableGraph`.
   *
   * @throws {TrainingError} `EXPORT_UNSUPPORTED` for GRU4Rec and FuXi, whose graphs hold the number of pasts
   */
  toOnnx(options: Pick<PortableOptions, "int8" | "metadata"> = {}): CompiledGraph {
    const { network } = this.config;
    if (network === "gru" || network === "fuxi") {
      throw new TrainingError(
        "EXPORT_UNSUPPORTED",
        `The graph of ${this.name} is written for a given number of pasts and cannot take any.`,
        "Export another sequence model, such as sasrec.",
      );
    }
    return portableGraph(this.config, this.weights, options);
  }

  save(directory: string): Promise<void> {
    const { kind, config, cost, curve, itemCount } = this;
    const { dense, inputItems, outputItems } = this.weights;
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

/** Settings that `tune` varies for every network. */
const sharedSpace = {
  width: { oneOf: [32, 64, 128] },
  blocks: { oneOf: [1, 2] },
  dropout: { from: 0.1, to: 0.6, scale: "linear" },
  learningRate: { from: 3e-4, to: 3e-3, scale: "log" },
  weightDecay: { oneOf: [0, 1e-3, 1e-2, 1e-1] },
  historyLimit: { oneOf: [20, 50, 100] },
  itemFeatures: { oneOf: [false, true] },
} as const satisfies SearchSpace["settings"];

/** SASRec: see `SasRecConfig` for the network and its recipe. */
export const sasRec: Model<SasRecConfig> = sequenceModel(sasRecDefaults);

/** eSASRec: see `LigrConfig`. */
export const eSasRec: Model<LigrConfig> = sequenceModel(ligrDefaults);

/** HSTU: see `HstuConfig`. */
export const hstuModel: Model<HstuConfig> = sequenceModel(hstuDefaults);

/** FuXi-α: see `FuxiConfig`. */
export const fuxiModel: Model<FuxiConfig> = sequenceModel(fuxiDefaults);

/** GRU4Rec: see `Gru4RecConfig`. */
export const gru4Rec: Model<Gru4RecConfig> = sequenceModel(gru4RecDefaults);

/** The model of a network: what it needs besides its recipe is the same for all. */
function sequenceModel<Config extends SequenceConfig>(defaults: Config): Model<Config> {
  const { kind, name } = names[defaults.network];
  return {
    kind,
    isSeeded: true,
    defaults,
    space: { settings: sharedSpace, effort: "epochs" },

    expectedBytes(data, config) {
      return expectedTrainingBytes(readable(config, data), data);
    },

    async train(data, wanted, context) {
      checkSequenceConfig(name, wanted);
      if (context.parallel !== undefined) checkParallelSettings(context.parallel);
      const readCost = startCost();
      const { train, validation, itemFeatures } = data;
      const config = readable(wanted, data);
      const expected = expectedTrainingBytes(config, data);
      context.onProgress({
        stage: `${kind}/train`,
        done: 0,
        unit: "steps",
        message: `training will take about ${Math.ceil(expected / 2 ** 20)} MiB`,
      });
      const withTimes = readsTimes(config);
      const { userCount, itemCount, offsets, items, timestampsMs } = train;
      const result = await trainInWorker(
        {
          kind,
          config,
          train: {
            userCount,
            itemCount,
            offsets,
            items,
            ...(withTimes && timestampsMs && { timestampsMs }),
          },
          itemFeatures: config.itemFeatures === true ? itemFeatures : undefined,
          validation: validation && packed(validation, withTimes),
          seed: context.seed,
          threads: context.threads ?? 1,
          checkpointDir: context.checkpointDir,
          budgetSeconds: context.budgetSeconds,
          parallel: context.parallel,
        },
        context,
      );
      const { dense, inputItems, outputItems = inputItems, curve } = result;
      return new SequenceModel(config, { dense, inputItems, outputItems }, curve, readCost());
    },

    async load(directory) {
      const { card, parameters } = await readModel(directory, kind, format);
      // Cards written before there were other networks do not name theirs.
      const config = { network: defaults.network, ...card.config } as Config;
      checkSequenceConfig(name, config);
      const sizes = {
        dense: parameterCountOf(config),
        inputItems: (card.itemCount + 1) * config.width,
        outputItems: (card.itemCount + 1) * config.width,
      };
      const { dense, inputItems, outputItems = inputItems } = parameters;
      for (const [part, values] of Object.entries({ dense, inputItems, outputItems })) {
        const expected = sizes[part as keyof typeof sizes];
        if (values instanceof Float32Array && values.length >= expected) continue;
        throw new TrainingError(
          "BAD_PARAMETER_FILE",
          `${directory} should hold ${expected} numbers named "${part}" for its ${card.itemCount} items, but has ${values?.length ?? "none"}.`,
          "Train again, or restore the folder from a copy.",
        );
      }
      const weights = { dense, inputItems, outputItems } as SequenceWeights;
      return new SequenceModel(config, weights, card.curve ?? [], card.cost);
    },
  };
}

/** The recipe without what the data does not tell: times, features of items. */
function readable<Config extends SequenceConfig>(
  config: Config,
  { train, itemFeatures }: TrainingData,
): Config {
  const isTimeless = train.timestampsMs === undefined && readsTimes(config);
  const isFeatureless = itemFeatures === undefined && config.itemFeatures === true;
  return {
    ...config,
    ...(isTimeless && "timeBuckets" in config && { timeBuckets: 0 }),
    ...(isTimeless && { pauseBuckets: 0 }),
    ...(isFeatureless && { itemFeatures: false }),
  };
}

/**
 * Held-out cases as the training thread asks them: shortest past first, so that those encoded together are
 * of like length and padding costs little (0.4 of the time on amazon-beauty). Pasts are views into arrays of
 * all users, weights are not read: neither is sent.
 */
function packed({ pasts, targets, targetOffsets }: HeldOut, withTimes: boolean): HeldOut {
  const lengthOf = (i: number): number => pasts[i]!.items.length;
  const order = Array.from(pasts, (_, i) => i).sort((a, b) => lengthOf(a) - lengthOf(b));
  const total = pasts.reduce((sum, { items }) => sum + items.length, 0);
  const all = new Int32Array(total);
  const allTimes = new Float64Array(withTimes ? total : 0);
  const ordered = new Int32Array(targets.length);
  const offsets = new Int32Array(targetOffsets.length);
  let at = 0;
  const views = order.map((i, place) => {
    const own = targets.subarray(targetOffsets[i]!, targetOffsets[i + 1]!);
    ordered.set(own, offsets[place]!);
    offsets[place + 1] = offsets[place]! + own.length;
    const { userIndex, items, timestampsMs } = pasts[i]!;
    const from = at;
    at += items.length;
    all.set(items, from);
    const past = { userIndex, items: all.subarray(from, at) };
    if (!withTimes || timestampsMs === undefined) return past;
    allTimes.set(timestampsMs, from);
    return { ...past, timestampsMs: allTimes.subarray(from, at) };
  });
  return { pasts: views, targets: ordered, targetOffsets: offsets };
}

function trainInWorker(
  request: SequenceTrainingRequest,
  { signal, onProgress }: TrainingContext,
): Promise<SequenceTrainingResult> {
  signal.throwIfAborted();
  // Shared memory rather than a message: the thread is busy in a step, and looks after each.
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = startTrainingThread(new URL("./sequence.worker.ts", import.meta.url), {
    workerData: { request, stop },
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
