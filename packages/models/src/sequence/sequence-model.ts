import type { HeldOut, Sequences } from "@magpie/data";
import {
  TrainingError,
  type ErrorKind,
  type History,
  type Progress,
  type VectorScorer,
} from "@magpie/domain";
import type { CompiledGraph, PortableOptions } from "@magpie/tensor";
import { checkParallelSettings } from "../data-parallel/meetings.ts";
import { readModel, writeModel, type ModelCard } from "../model-files.ts";
import type {
  ContentVectors,
  CurvePoint,
  HistoryEffect,
  HistoryExplainer,
  Model,
  TrainedModel,
  TrainingContext,
  TrainingData,
  TrainingCost,
} from "../model.ts";
import { Int8SequenceModel } from "./int8-sequence-model.ts";
import { CodedItems, FloatItems, type ItemTable } from "./item-table.ts";
import { itemsOfTexts } from "./items-of-texts.ts";
import { effectsOfLeavingOut } from "./leaving-out.ts";
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
  /** The same, by row. */
  readonly itemTable: ItemTable;
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
    this.itemTable = new FloatItems(weights.outputItems, config.width);
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

  /** See `effectsOfLeavingOut`. */
  explain(history: History, items: Int32Array): Promise<HistoryEffect[][]> {
    return effectsOfLeavingOut(this, history, items);
  }

  /** See `itemsOfTexts`. */
  itemsOfTexts(texts: Float32Array): Float32Array {
    return itemsOfTexts({ name: this.name, config: this.config, dense: this.weights.dense }, texts);
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
      const { train, validation, itemFeatures, content } = data;
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
          itemTexts: config.itemTexts === true ? content?.vectors : undefined,
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
      const own = { card, parameters, config, directory };
      return card.precision === "int8" ? openInt8(own, name) : openFloat(own);
    },
  };
}

/** What was read of a saved model. */
interface SavedSequenceModel {
  readonly card: ModelCard;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly config: SequenceConfig;
  readonly directory: string;
}

function openFloat(saved: SavedSequenceModel): SequenceModel {
  const { card, config } = saved;
  const table = (card.itemCount + 1) * config.width;
  const dense = savedNumbers(saved, "dense", Float32Array, parameterCountOf(config));
  const inputItems = savedNumbers(saved, "inputItems", Float32Array, table);
  const outputItems = config.tied
    ? inputItems
    : savedNumbers(saved, "outputItems", Float32Array, table);
  return new SequenceModel(config, { dense, inputItems, outputItems }, card.curve ?? [], card.cost);
}

function openInt8(saved: SavedSequenceModel, name: string): Int8SequenceModel {
  const { card, config } = saved;
  const rows = card.itemCount + 1;
  const tableOf = (side: "input" | "output"): CodedItems => {
    const codes = savedNumbers(saved, `${side}Codes`, Int8Array, rows * config.width);
    const scales = savedNumbers(saved, `${side}Scales`, Float32Array, rows);
    return new CodedItems({ codes, scales }, config.width);
  };
  const dense = savedNumbers(saved, "dense", Float32Array, parameterCountOf(config));
  const inputs = tableOf("input");
  const outputs = config.tied ? inputs : tableOf("output");
  const { kind, curve = [], cost } = card;
  return new Int8SequenceModel({ kind, name, config, dense, inputs, outputs, curve, cost });
}

/** @throws {TrainingError} `BAD_PARAMETER_FILE` when they are not there, or are not as many */
function savedNumbers<T extends Float32Array | Int8Array>(
  { parameters, card, directory }: SavedSequenceModel,
  part: string,
  Numbers: new (length: number) => T,
  count: number,
): T {
  const values = parameters[part];
  // Dense weights are saved with the padding that kernels want.
  if (values instanceof Numbers && values.length >= count) return values;
  const found = ArrayBuffer.isView(values) ? (values as T).length : "none";
  throw new TrainingError(
    "BAD_PARAMETER_FILE",
    `${directory} should hold ${count} numbers named "${part}" for its ${card.itemCount} items, but has ${found}.`,
    "Train again, or restore the folder from a copy.",
  );
}

/** @throws {TrainingError} `BAD_CONTENT_VECTORS` unless there is a vector for each item, and for row 0 */
function checkContent({ width, vectors }: ContentVectors, { itemCount }: Sequences): void {
  if (width > 0 && vectors.length === (itemCount + 1) * width) return;
  throw new TrainingError(
    "BAD_CONTENT_VECTORS",
    `Content has ${vectors.length} numbers for ${itemCount} items in vectors of ${width}.`,
    "Give a vector for every item, and one of zeros for row 0 and for items without content.",
  );
}

/** The recipe without what the data does not tell: times, features and texts of items. */
function readable<Config extends SequenceConfig>(
  config: Config,
  { train, itemFeatures, content }: TrainingData,
): Config {
  const isTimeless = train.timestampsMs === undefined && readsTimes(config);
  if (content !== undefined && config.itemTexts === true) checkContent(content, train);
  const isFeatureless = itemFeatures === undefined && config.itemFeatures === true;
  return {
    ...config,
    ...(isTimeless && "timeBuckets" in config && { timeBuckets: 0 }),
    ...(isTimeless && { pauseBuckets: 0 }),
    ...(isFeatureless && { itemFeatures: false }),
    ...(config.itemTexts === true &&
      (content === undefined ? { itemTexts: false } : { textWidth: content.width })),
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
