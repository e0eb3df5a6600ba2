import { setImmediate } from "node:timers/promises";
import { TrainingError } from "@magpie/domain";
import { KernelMemory, seededRandom, type MaskKey } from "@magpie/numerics";
import {
  Adam,
  adamDefaults,
  DenseParameters,
  EmbeddingTable,
  LOSS,
  openSession,
  rowGradient,
  sizeOf,
  type Values,
} from "@magpie/tensor";
import type { CurvePoint, TrainingContext, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import {
  checkRankingNetwork,
  initialiseRanking,
  rankingInference,
  rankingParameters,
  rankingTraining,
  type RankingNetworkConfig,
  type RankingShape,
} from "./ranking-network.ts";
import { startCost } from "../training-cost.ts";

/** What was shown to whom, and what came of it: rows of features with their answers. */
export interface RankingExamples {
  readonly count: number;
  /** [count, numbers] standardised: mean about 0, deviation about 1. */
  readonly numbers: Float32Array;
  /** [count, fields] codes, from 0 to `cardinalities[field] - 1`. */
  readonly categories: Int32Array;
  readonly cardinalities: readonly number[];
  /** Names of the tasks; the first is the one that the place in the list biases. */
  readonly tasks: readonly string[];
  /** [count, tasks] 0 or 1. */
  readonly labels: Uint8Array;
  /** [count, tasks] 0 where a task does not apply: nothing can be returned that was not bought. */
  readonly applies: Uint8Array;
  /** [count] place in the list, from 1; 0 where there was none. */
  readonly positions: Int32Array;
}

const kind = "ranking-network";
const format = 1;
/** Examples that are scored at once. */
const scoreBlock = 512;
/** Later places count as this one. */
const maxPosition = 30;

/** A recipe for some hundred thousand examples. */
export const rankingNetworkDefaults: RankingNetworkConfig = {
  architecture: "mmoe",
  embedding: 8,
  hidden: [64, 32],
  crossLayers: 2,
  experts: 4,
  towerWidth: 16,
  dropout: 0.1,
  debiasing: true,
  positionDropout: 0.1,
  batch: 512,
  learningRate: 0.001,
  weightDecay: 0.01,
  epochs: 10,
  patience: 2,
};

/**
 * Trains a network on examples, all tasks together, until validation's mean loss stops improving.
 *
 * @throws {TrainingError} `BAD_CONFIG`, `NO_TRAINING_EXAMPLES`
 */
export async function trainRankingNetwork(
  data: { readonly train: RankingExamples; readonly validation?: RankingExamples },
  config: RankingNetworkConfig,
  context: TrainingContext,
): Promise<RankingNetwork> {
  checkRankingNetwork(config);
  const { train, validation } = data;
  if (train.count === 0) {
    throw new TrainingError(
      "NO_TRAINING_EXAMPLES",
      "There is no example to learn from.",
      "Record impressions with their places and what came of them.",
    );
  }
  const readCost = startCost();
  const shape = shapeOf(train);
  const graph = rankingTraining(config, shape);
  const noise = graph.inputs.filter(({ role }) => role === "noise");
  const { fields, tasks } = shape;
  const B = config.batch;
  const tableRows = 1 + train.cardinalities.reduce((sum, size) => sum + size, 0);
  const gathered = B * fields;
  const kernels = new KernelMemory(
    DenseParameters.bytesFor(graph.parameterCount) +
      EmbeddingTable.bytesFor(tableRows, config.embedding) +
      KernelMemory.bytesFor(gathered) +
      2 * KernelMemory.bytesFor(gathered * config.embedding) +
      noise.reduce((sum, { shape: of }) => sum + KernelMemory.bytesFor(sizeOf(of)), 0),
  );
  const adam = {
    ...adamDefaults,
    learningRate: config.learningRate,
    weightDecay: config.weightDecay,
  };
  const dense = new DenseParameters(graph, kernels);
  const optimizer = new Adam(dense, adam);
  const table = new EmbeddingTable(kernels, tableRows, config.embedding, adam);
  initialiseRanking(config, shape, context.seed, dense.weights);
  const draw = seededRandom(context.seed, `${kind}/embeddings`);
  for (let i = config.embedding; i < table.weights.length; i++) {
    table.weights[i] = 0.05 * draw.normal();
  }

  const ids = kernels.int32(gathered);
  const rows = kernels.float32(gathered * config.embedding);
  const rowSlopes = kernels.float32(gathered * config.embedding);
  const inputs = {
    numbers: new Float32Array(B * shape.numbers),
    labels: new Float32Array(B * tasks),
    weights: new Float32Array(B * tasks),
    positionCodes: new Int32Array(B),
  };
  const loss = new Float32Array(1);
  const masks = noise.map((input) => ({
    name: input.name,
    mask: kernels.float32(sizeOf(input.shape)),
    rate: input.role === "noise" ? input.rate : 0,
  }));
  const session = await openSession(graph, { threads: context.threads ?? 1 });
  const bound: Record<string, Values> = {
    ...inputs,
    categories: rows,
    ...dense.inputs,
    ...Object.fromEntries(masks.map(({ name, mask }) => [name, mask])),
  };
  const step = session.bind(bound, {
    [LOSS]: loss,
    ...(fields > 0 && { [rowGradient("categories")]: rowSlopes }),
    ...dense.outputs,
  });

  const fieldStarts = fieldStartsOf(train.cardinalities);
  const order = Int32Array.from({ length: train.count }, (_, i) => i);
  const curve: CurvePoint[] = [];
  const started = performance.now();
  const best = { loss: Infinity, dense: new Float32Array(0), table: new Float32Array(0), since: 0 };
  for (let epoch = 1; epoch <= config.epochs; epoch++) {
    const random = seededRandom(context.seed, `${kind}/epoch/${epoch}`);
    random.shuffle(order);
    let total = 0;
    let steps = 0;
    for (let first = 0; first < train.count; first += B) {
      const size = Math.min(B, train.count - first);
      for (const values of Object.values(inputs)) values.fill(0);
      ids.fill(0);
      for (let b = 0; b < size; b++) {
        const i = order[first + b]!;
        for (let d = 0; d < shape.numbers; d++) {
          inputs.numbers[b * shape.numbers + d] = train.numbers[i * shape.numbers + d]!;
        }
        for (let f = 0; f < fields; f++) {
          ids[b * fields + f] = fieldStarts[f]! + train.categories[i * fields + f]!;
        }
        for (let t = 0; t < tasks; t++) {
          inputs.labels[b * tasks + t] = train.labels[i * tasks + t]!;
          inputs.weights[b * tasks + t] = train.applies[i * tasks + t]! / size;
        }
        const isTold = random.next() >= config.positionDropout;
        inputs.positionCodes[b] = isTold ? Math.min(maxPosition, train.positions[i]!) : 0;
      }
      for (const { mask, rate } of masks) {
        const key: MaskKey = [random.uint32(), random.uint32()];
        kernels.dropoutMask(mask, key, rate);
      }
      if (fields > 0) table.gather(ids, rows);
      await step.run();
      optimizer.step();
      if (fields > 0) {
        table.accumulate(ids, rowSlopes);
        table.step();
      }
      total += loss[0]!;
      steps++;
      await setImmediate();
      context.signal.throwIfAborted();
    }
    table.catchUp();
    const seconds = (performance.now() - started) / 1_000;
    const point = { epoch, step: optimizer.steps, seconds, loss: total / steps };
    curve.push(point);
    const weights = { dense: dense.weights.slice(), table: table.weights.slice() };
    const measured =
      validation === undefined ? -epoch : await meanLoss(config, train, weights, validation);
    best.since++;
    if (measured < best.loss) Object.assign(best, weights, { loss: measured, since: 0 });
    context.onProgress({
      stage: `${kind}/train`,
      done: epoch,
      total: config.epochs,
      unit: "epochs",
      metrics: { loss: point.loss, ...(validation !== undefined && { validationLoss: measured }) },
    });
    if (best.since >= config.patience) break;
  }
  await session.dispose();
  const { cardinalities, tasks: names } = train;
  const about = { config, shape, cardinalities, tasks: names };
  const weights = { dense: best.dense, table: best.table };
  return new RankingNetwork(about, weights, curve, readCost());
}

async function meanLoss(
  config: RankingNetworkConfig,
  { cardinalities, tasks, ...train }: RankingExamples,
  weights: RankingWeights,
  examples: RankingExamples,
): Promise<number> {
  const shape = shapeOf({ cardinalities, tasks, ...train });
  const cost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };
  const network = new RankingNetwork({ config, shape, cardinalities, tasks }, weights, [], cost);
  const logits = await network.logits(examples, "as-shown");
  await network.dispose();
  let loss = 0;
  for (let i = 0; i < logits.length; i++) {
    if (examples.applies[i] === 0) continue;
    const x = examples.labels[i] === 1 ? -logits[i]! : logits[i]!;
    loss += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
  }
  return loss / Math.max(1, examples.count);
}

/** The row of a field's code 0 in the one table of all fields; row 0 is padding. */
function fieldStartsOf(cardinalities: readonly number[]): number[] {
  let start = 1;
  return cardinalities.map((size) => {
    start += size;
    return start - size;
  });
}

function shapeOf({ count, numbers, cardinalities, tasks }: RankingExamples): RankingShape {
  return {
    numbers: numbers.length / Math.max(1, count),
    fields: cardinalities.length,
    tasks: tasks.length,
    positions: maxPosition,
  };
}

interface RankingWeights {
  readonly dense: Float32Array;
  /** [1 + codes of all fields, embedding] */
  readonly table: Float32Array;
}

interface AboutNetwork {
  readonly config: RankingNetworkConfig;
  readonly shape: RankingShape;
  readonly cardinalities: readonly number[];
  readonly tasks: readonly string[];
}

/** A trained network. Its logits become probabilities by a `Calibration` for each task. */
export class RankingNetwork {
  readonly config: RankingNetworkConfig;
  readonly tasks: readonly string[];
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly #shape: RankingShape;
  readonly #cardinalities: readonly number[];
  readonly #weights: RankingWeights;
  readonly #parameters: Readonly<Record<string, Float32Array>>;
  readonly #numbers: Float32Array;
  readonly #rows: Float32Array;
  readonly #logits: Float32Array;
  #opened: Promise<{ run(): Promise<void>; dispose(): Promise<void> }> | undefined;

  constructor(
    { config, shape, cardinalities, tasks }: AboutNetwork,
    weights: RankingWeights,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    this.config = config;
    this.tasks = tasks;
    this.curve = curve;
    this.cost = cost;
    this.#shape = shape;
    this.#cardinalities = cardinalities;
    this.#weights = weights;
    this.#parameters = Object.fromEntries(
      rankingParameters(config, shape).map(({ name, shape: of, offset }) => [
        name,
        weights.dense.subarray(offset, offset + sizeOf(of)),
      ]),
    );
    this.#numbers = new Float32Array(scoreBlock * shape.numbers);
    this.#rows = new Float32Array(scoreBlock * shape.fields * config.embedding);
    this.#logits = new Float32Array(scoreBlock * shape.tasks);
  }

  /** What a place in a list adds to the first task's logit; 0 without debiasing. */
  placeValue(position: number): number {
    return this.#parameters["positions"]?.[Math.min(maxPosition, position)] ?? 0;
  }

  /**
   * Logits of all tasks, [count, tasks].
   *
   * @param places  "none": for ranking, as if no place were looked at more than another; "as-shown": with
   *   what the example's place is worth, for probabilities of what was really shown there
   */
  async logits(examples: RankingExamples, places: "none" | "as-shown"): Promise<Float32Array> {
    const { numbers, fields, tasks } = this.#shape;
    const { embedding } = this.config;
    const starts = fieldStartsOf(this.#cardinalities);
    const step = await (this.#opened ??= this.#open());
    const out = new Float32Array(examples.count * tasks);
    for (let first = 0; first < examples.count; first += scoreBlock) {
      const size = Math.min(scoreBlock, examples.count - first);
      this.#numbers.set(examples.numbers.subarray(first * numbers, (first + size) * numbers));
      for (let i = 0; i < size * fields; i++) {
        const row = starts[i % fields]! + examples.categories[first * fields + i]!;
        this.#rows.set(
          this.#weights.table.subarray(row * embedding, (row + 1) * embedding),
          i * embedding,
        );
      }
      await step.run();
      out.set(this.#logits.subarray(0, size * tasks), first * tasks);
    }
    if (places === "as-shown") {
      for (let i = 0; i < examples.count; i++) {
        out[i * tasks]! += this.placeValue(examples.positions[i]!);
      }
    }
    return out;
  }

  async #open() {
    const graph = rankingInference(this.config, this.#shape, scoreBlock);
    const session = await openSession(graph);
    const arrays: Record<string, Float32Array> = {
      numbers: this.#numbers,
      categories: this.#rows,
      ...this.#parameters,
    };
    const inputs = Object.fromEntries(graph.inputs.map(({ name }) => [name, arrays[name]!]));
    const step = session.bind(inputs, { logits: this.#logits });
    return { run: () => step.run(), dispose: () => session.dispose() };
  }

  /** Writes the parameters and a card into an existing empty folder. */
  save(directory: string): Promise<void> {
    const { config, tasks, cost, curve } = this;
    const about = { shape: this.#shape, cardinalities: this.#cardinalities, tasks };
    const card = { kind, format, itemCount: 0, config, cost, curve, ...about };
    return writeModel(directory, card, { ...this.#weights });
  }

  /** Opens what `save` wrote. */
  static async load(directory: string): Promise<RankingNetwork> {
    const { card, parameters } = await readModel(directory, kind, format);
    const about = card as unknown as AboutNetwork;
    const { dense, table } = parameters as Record<string, Float32Array>;
    return new RankingNetwork(about, { dense: dense!, table: table! }, card.curve ?? [], card.cost);
  }

  async dispose(): Promise<void> {
    await (await this.#opened)?.dispose();
    this.#opened = undefined;
  }
}
