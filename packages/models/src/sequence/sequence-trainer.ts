import type { Sequences } from "@magpie/data";
import { KernelMemory, seededRandom, type CsrMatrix, type MaskKey } from "@magpie/numerics";
import {
  Adam,
  adamDefaults,
  DenseParameters,
  EmbeddingTable,
  LOSS,
  openSession,
  rowGradient,
  sizeOf,
  type AdamConfig,
  type Session,
  type Step,
  type TrainingGraph,
  type Values,
} from "@magpie/tensor";
import type { SparseRows } from "../data-parallel/transport.ts";
import { OverlapFinder } from "./batch-overlaps.ts";
import { FeatureSums, sumsOfFeatures } from "../content/feature-sums.ts";
import type { TrainingData } from "../model.ts";
import { NegativeSampler } from "./negative-sampling.ts";
import { packedBatches, spansOf, type SequenceBatch } from "./sequence-batches.ts";
import { learnsRepeats, sharedNegativesOf, type SequenceConfig } from "./sequence-config.ts";
import { initialise, readsTimes, textProjectionOf, trainingGraph } from "./sequence-graphs.ts";
import type { SequenceWeights } from "./sequence-encoder.ts";
import { projectTexts, textsOf } from "./sequence-texts.ts";
import { batchTimeGaps } from "./sequence-times.ts";

/** Where rows come from, and where their gradients go: a table, or sums over one. */
interface RowSource {
  gather(ids: Int32Array, out: Float32Array): void;
  accumulate(ids: Int32Array, gradient: Float32Array): void;
}

/** Ids of the rows that a step gathers, and the arrays for the rows and their gradient. */
interface GatheredRows {
  readonly source: RowSource;
  readonly ids: Int32Array;
  readonly rows: Float32Array;
  readonly gradient: Float32Array;
}

/** Ids of items whose texts a step reads, and the array for these. */
interface GatheredTexts {
  readonly ids: Int32Array;
  readonly texts: Float32Array;
}

/** What a training reads. */
export interface SequenceTrainingData {
  readonly sequences: Sequences;
  /** Read where the recipe says so: see `SequenceSettings.itemFeatures`. */
  readonly itemFeatures?: CsrMatrix | undefined;
  /** [itemCount + 1, text width]; read where the recipe says so: see `SequenceSettings.itemTexts`. */
  readonly itemTexts?: Float32Array | undefined;
}

/** A member's part of an epoch, where several processes train one model. */
export interface EpochShare {
  /** Of this member, from 0. */
  readonly rank: number;
  readonly members: number;
  /** Is called when a step's gradients are there, in place of `SequenceTrainer.update`. */
  readonly onGradients?: (targets: number) => Promise<void>;
}

const alone: EpochShare = { rank: 0, members: 1 };

/**
 * The arrays and the compiled step of one training: everything that changes while a model is learnt.
 *
 *     fill batch ─▶ gather rows ─▶ draw dropout masks ─▶ graph: loss, gradients ─▶ Adam on both
 */
export class SequenceTrainer {
  readonly config: SequenceConfig;
  readonly dense: DenseParameters;
  /** Item table as input; also as output when tied. With item features, theirs stand before the items'. */
  readonly inputTable: EmbeddingTable;
  readonly outputTable: EmbeddingTable;
  readonly optimizer: Adam;
  readonly #adam: AdamConfig;
  readonly #features: CsrMatrix | undefined;
  readonly #itemTexts: Float32Array | undefined;
  readonly #tables: ReadonlySet<EmbeddingTable>;
  readonly #sequences: Sequences;
  readonly #spans: ReturnType<typeof spansOf>;
  readonly #sampler: NegativeSampler;
  readonly #seed: number;
  readonly #kernels: KernelMemory;
  readonly #batch: SequenceBatch;
  readonly #gathered: readonly GatheredRows[];
  readonly #gatheredTexts: readonly GatheredTexts[];
  readonly #noise: readonly { readonly mask: Float32Array; readonly rate: number }[];
  readonly #overlaps: OverlapFinder | undefined;
  readonly #negativeIds: Int32Array;
  /** Of each negative's logit, for how likely it was drawn. */
  readonly #corrections: Float32Array;
  readonly #targetOffsets: Float32Array;
  /** The targets of a batch, without padding. */
  readonly #batchTargets: Int32Array;
  readonly #timeGaps: Int32Array | undefined;
  readonly #catalogGradient: Float32Array | undefined;
  readonly #loss = new Float32Array(1);
  readonly #session: Session;
  readonly #step: Step;

  private constructor(
    config: SequenceConfig,
    { sequences, itemFeatures, itemTexts }: SequenceTrainingData,
    seed: number,
    graph: TrainingGraph,
    session: Session,
  ) {
    const { width, batchRows: rows, historyLimit: length, loss, textWidth = 0 } = config;
    const n = rows * length;
    const tableRows = sequences.itemCount + 1;
    const isTimed = readsTimes(config);
    const features = config.itemFeatures === true ? itemFeatures : undefined;
    const kernels = new KernelMemory(kernelBytes(config, sequences.itemCount, graph, features));
    this.#features = features;
    this.#itemTexts = textWidth > 0 ? itemTexts : undefined;
    this.config = config;
    this.#kernels = kernels;
    this.#sequences = sequences;
    this.#seed = seed;
    this.#session = session;
    this.#spans = spansOf(sequences, length);
    const shared = sharedNegativesOf(loss);
    this.#sampler = new NegativeSampler(sequences, shared?.uniformShare ?? 1, {
      isTakenOnly: textWidth > 0,
    });
    this.#adam = {
      ...adamDefaults,
      learningRate: config.learningRate,
      beta2: config.beta2,
      weightDecay: config.weightDecay,
    };

    this.dense = new DenseParameters(graph, kernels);
    this.optimizer = new Adam(this.dense, this.#adam);
    const sums = features && new FeatureSums(kernels, features, width, this.#adam);
    const table = () => new EmbeddingTable(kernels, tableRows, width, this.#adam);
    this.inputTable = sums?.table ?? table();
    this.outputTable = config.tied ? this.inputTable : table();
    this.#tables = new Set([this.inputTable, this.outputTable]);

    // Items, targets and negatives side by side: with one table they are gathered at once.
    const ids = kernels.int32(2 * n + negativeCountOf(config));
    this.#batch = {
      rows,
      length,
      items: ids.subarray(0, n),
      segments: new Int32Array(n),
      positions: new Int32Array(n),
      targets: ids.subarray(n, 2 * n),
      weights: new Float32Array(n),
      ...(isTimed && { timesMs: new Float64Array(n) }),
    };
    this.#negativeIds = ids.subarray(2 * n);
    this.#targetOffsets = new Float32Array(n);
    this.#batchTargets = new Int32Array(n);
    this.#timeGaps = isTimed ? new Int32Array(n * length) : undefined;

    const ownPast = learnsRepeats(config);
    const catalogue = Int32Array.from({ length: tableRows }, (_, id) => id);
    const compared = shared === undefined ? catalogue : this.#negativeIds;
    this.#corrections = new Float32Array(compared.length);
    if (shared === undefined) this.#corrections[0] = -1e9; // padding
    if (shared !== undefined || ownPast) {
      this.#overlaps = new OverlapFinder(this.#batch, compared, sequences.itemCount, ownPast);
    }

    const places = (count: number) => ({
      rows: kernels.float32(count * width),
      gradient: kernels.float32(count * width),
    });
    const all = places(ids.length);
    const part = (source: RowSource, from: number, to: number): GatheredRows => ({
      source,
      ids: ids.subarray(from, to),
      rows: all.rows.subarray(from * width, to * width),
      gradient: all.gradient.subarray(from * width, to * width),
    });
    const source = sums === undefined ? this.inputTable : sourceOf(sums, ids.length);
    const gathered = config.tied
      ? [part(source, 0, ids.length)]
      : [part(this.inputTable, 0, n), part(this.outputTable, n, ids.length)];
    const rowsByName: Record<string, Pick<GatheredRows, "ids" | "rows" | "gradient">> = {
      items: part(source, 0, n),
      targets: part(source, n, 2 * n),
      negatives: part(source, 2 * n, ids.length),
    };
    if (graph.inputs.some(({ name }) => name === "pastOutputs")) {
      const past = { source: this.outputTable, ids: this.#batch.items, ...places(n) };
      gathered.push(past);
      rowsByName["pastOutputs"] = past;
    }
    this.#gathered = gathered;
    this.#catalogGradient =
      loss.kind === "full-softmax" ? kernels.float32(tableRows * width) : undefined;

    const data: Record<string, Values> = {
      segments: this.#batch.segments,
      positions: this.#batch.positions,
      weights: this.#batch.weights,
      targetIds: this.#batch.targets,
      itemIds: this.#batch.items,
      targetOffsets: this.#targetOffsets,
      catalog: this.outputTable.weights,
      ...this.dense.inputs,
      ...(this.#overlaps && {
        negativeMask: this.#overlaps.mask,
        repeats: this.#overlaps.repeats,
        duplicates: this.#overlaps.duplicates,
      }),
      ...(this.#timeGaps && { timeGaps: this.#timeGaps }),
    };
    const outputs: Record<string, Values> = { [LOSS]: this.#loss, ...this.dense.outputs };
    const gatheredTexts: GatheredTexts[] = [];
    for (const [name, { ids, rows, gradient }] of Object.entries(rowsByName)) {
      data[name] = rows;
      outputs[rowGradient(name)] = gradient;
      if (textWidth === 0) continue;
      const texts = new Float32Array(ids.length * textWidth);
      data[textsOf(name)] = texts;
      gatheredTexts.push({ ids, texts });
    }
    this.#gatheredTexts = gatheredTexts;
    if (this.#catalogGradient) outputs[rowGradient("catalog")] = this.#catalogGradient;
    const noise: { mask: Float32Array; rate: number }[] = [];
    for (const input of graph.inputs) {
      if (input.role !== "noise") continue;
      const mask = kernels.float32(sizeOf(input.shape));
      data[input.name] = mask;
      noise.push({ mask, rate: input.rate });
    }
    this.#noise = noise;
    this.#step = session.bind(data, outputs);
    const tables = [...this.#tables].map(({ weights }) => weights);
    initialise(config, seed, this.dense.weights, tables);
  }

  /** Compiles the step, takes all memory and draws the first weights. */
  static async open(
    config: SequenceConfig,
    data: SequenceTrainingData,
    { seed, threads = 1 }: { readonly seed: number; readonly threads?: number | undefined },
  ): Promise<SequenceTrainer> {
    const graph = trainingGraph(config, {
      rows: config.batchRows,
      length: config.historyLimit,
      itemCount: data.sequences.itemCount,
    });
    const session = await openSession(graph, { threads });
    return new SequenceTrainer(config, data, seed, graph, session);
  }

  /** Steps that one epoch has, about: the packing differs a little from epoch to epoch. */
  get stepsPerEpoch(): number {
    const targets = this.#spans.reduce((sum, { inputs }) => sum + inputs, 0);
    return Math.max(1, Math.ceil(targets / (this.#batch.rows * this.#batch.length)));
  }

  get spanCount(): number {
    return this.#spans.length;
  }

  /**
   * One pass over all examples. What it draws depends on seed and epoch alone, so that a run that was
   * stopped between epochs goes on exactly as if it had not been. After the last step all rows of the tables
   * are caught up.
   *
   * @param share  the part of the examples that is this member's, where several train together
   * @yields the mean loss of the batch and its number of targets, after each step
   */
  async *epoch(
    epoch: number,
    share: EpochShare = alone,
  ): AsyncGenerator<{ loss: number; targets: number }> {
    const { rank, members, onGradients } = share;
    const own = members === 1 ? "" : `/${rank} of ${members}`;
    const order = seededRandom(this.#seed, `sasrec/batches/${epoch}${own}`);
    const negatives = seededRandom(this.#seed, `sasrec/negatives/${epoch}${own}`);
    const masks = seededRandom(this.#seed, `sasrec/dropout/${epoch}${own}`);
    // Which examples are whose changes with the epoch, so that none is always seen beside the same.
    const deal = seededRandom(this.#seed, `sasrec/deal/${epoch}`);
    const spans =
      members === 1 ? this.#spans : this.#spans.filter(() => deal.int(members) === rank);
    for (const targets of packedBatches(this.#sequences, spans, this.#batch, order)) {
      this.#sampler.draw(this.#negativeIds, negatives, this.#popularNegatives(targets));
      this.#correct();
      this.#overlaps?.find(this.#corrections);
      if (this.#timeGaps) batchTimeGaps(this.#batch, this.#timeGaps);
      for (const { mask, rate } of this.#noise) {
        const key: MaskKey = [masks.uint32(), masks.uint32()];
        this.#kernels.dropoutMask(mask, key, rate);
      }
      for (const { source, ids, rows } of this.#gathered) source.gather(ids, rows);
      this.#gatherTexts();
      await this.#step.run();
      if (onGradients === undefined) this.update();
      else await onGradients(targets);
      yield { loss: this.#loss[0]!, targets };
    }
    this.catchUp();
  }

  /** Makes the missed steps of all rows of the tables. */
  catchUp(): void {
    for (const table of this.#tables) table.catchUp();
  }

  /** What scores are made with, after an epoch: weights that may change in the next, or sums of them. */
  weights(): SequenceWeights {
    const { dense, inputTable, outputTable } = this;
    if (this.#features === undefined && this.#itemTexts === undefined) {
      return {
        dense: dense.weights,
        inputItems: inputTable.weights,
        outputItems: outputTable.weights,
      };
    }
    const items = this.#itemSums();
    return { dense: dense.weights, inputItems: items, outputItems: items };
  }

  /** Items as sums of their own embeddings, those of their features, and their texts: [items + 1, D]. */
  #itemSums(): Float32Array {
    const { width, textWidth = 0 } = this.config;
    const { weights } = this.inputTable;
    const features = this.#features;
    const sums =
      features === undefined
        ? new Float32Array((this.#sequences.itemCount + 1) * width)
        : sumsOfFeatures(features, weights, width);
    const own = features === undefined ? 0 : features.columns * width;
    const projection = textProjectionOf(this.config, this.dense.weights);
    if (this.#itemTexts === undefined || projection === undefined) {
      for (let i = width; i < sums.length; i++) sums[i]! += weights[own + i]!;
      return sums;
    }
    const texts = projectTexts(this.#itemTexts, projection, { width, textWidth });
    const isTaken = new Uint8Array(this.#sequences.itemCount + 1);
    for (const item of this.#sequences.items) isTaken[item] = 1;
    for (let i = width; i < sums.length; i++) {
      sums[i]! += texts[i]!;
      // What nobody has taken was a negative and nothing else: its own embedding says no more than that.
      if (isTaken[Math.floor(i / width)] === 1) sums[i]! += weights[own + i]!;
    }
    return sums;
  }

  /** Copies the texts of a batch's items to where the step reads them. */
  #gatherTexts(): void {
    const { textWidth = 0 } = this.config;
    for (const { ids, texts } of this.#gatheredTexts) {
      ids.forEach((id, i) => {
        const text = this.#itemTexts!.subarray(id * textWidth, (id + 1) * textWidth);
        texts.set(text, i * textWidth);
      });
    }
  }

  /** Adam on everything, with the gradients of the last step. */
  update(): void {
    this.optimizer.step();
    this.#accumulate();
    for (const table of this.#tables) table.step();
  }

  /** Takes the gradients of the last step out: of the dense weights, and of each table by row. */
  takeGradients(): { readonly dense: Float32Array; readonly tables: readonly SparseRows[] } {
    this.#accumulate();
    return {
      dense: this.dense.gradient.slice(),
      tables: Array.from(this.#tables, (table) => table.takeGradient()),
    };
  }

  /** Adam on everything, with gradients as `takeGradients` gives them, such as the mean of several members'. */
  applyGradients(dense: Float32Array, tables: readonly SparseRows[]): void {
    this.dense.gradient.set(dense);
    this.optimizer.step();
    for (const [i, table] of [...this.#tables].entries()) {
      table.addGradient(tables[i]!.ids, tables[i]!.rows);
      table.step();
    }
  }

  /** What is learnt: dense weights, then each table's. Tables must be caught up. */
  get parameters(): readonly Float32Array[] {
    return [this.dense.weights, ...Array.from(this.#tables, ({ weights }) => weights)];
  }

  /** Weights and moments, all that the next step depends on besides their number. Tables must be caught up. */
  get arrays(): readonly Float32Array[] {
    const moments = [this.optimizer, ...this.#tables].flatMap(({ state }) => [
      state.mean,
      state.square,
    ]);
    return [...this.parameters, ...moments];
  }

  /** Goes on from where another trainer of the same recipe stands. */
  resume(steps: number, arrays: readonly Float32Array[]): void {
    this.arrays.forEach((own, i) => own.set(arrays[i]!));
    this.resumeAt(steps);
  }

  /** Goes on after so many steps, once the arrays are those of that moment. */
  resumeAt(steps: number): void {
    this.optimizer.resume(steps);
    for (const table of this.#tables) table.resume(steps);
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }

  /** What negatives that follow popularity are drawn from. */
  #popularNegatives(targets: number): Int32Array {
    if (sharedNegativesOf(this.config.loss)?.popularFrom !== "batch") return this.#sequences.items;
    let at = 0;
    for (const id of this.#batch.targets) if (id !== 0) this.#batchTargets[at++] = id;
    return this.#batchTargets.subarray(0, targets);
  }

  /** logQ correction of the drawn negatives. */
  #correct(): void {
    const { loss } = this.config;
    if (loss.kind !== "sampled-softmax" || loss.logQ === "none") return;
    const shift = Math.log(loss.negatives);
    this.#negativeIds.forEach((id, i) => {
      this.#corrections[i] = -shift - this.#sampler.logProbability(id);
    });
    if (loss.logQ !== "all") return;
    this.#batch.targets.forEach((id, i) => {
      this.#targetOffsets[i] = id === 0 ? 0 : -shift - this.#sampler.logProbability(id);
    });
  }

  #accumulate(): void {
    for (const { source, ids, gradient } of this.#gathered) source.accumulate(ids, gradient);
    if (this.#catalogGradient) this.outputTable.accumulateAll(this.#catalogGradient);
  }
}

/** Items as sums, of which each step reads `count`. */
function sourceOf(sums: FeatureSums, count: number): RowSource {
  const own = new Uint8Array(count).fill(1);
  return {
    gather: (ids, out) => sums.read(ids, own, out),
    accumulate: (_, gradient) => sums.accumulate(gradient),
  };
}

/** Rows that the loss reads besides targets and the past: shared ones, or one for each position. */
function negativeCountOf({ loss, batchRows, historyLimit }: SequenceConfig): number {
  return loss.kind === "bce" ? batchRows * historyLimit : (sharedNegativesOf(loss)?.negatives ?? 0);
}

/** All that `SequenceTrainer` places in the kernels' memory. */
function kernelBytes(
  config: SequenceConfig,
  itemCount: number,
  graph: TrainingGraph,
  features: CsrMatrix | undefined,
): number {
  const { width, batchRows, historyLimit, loss, tied } = config;
  const n = batchRows * historyLimit;
  const rows = (count: number): number =>
    KernelMemory.bytesFor(count) + 2 * KernelMemory.bytesFor(count * width);
  const noise = graph.inputs.reduce(
    (sum, { role, shape }) => sum + (role === "noise" ? KernelMemory.bytesFor(sizeOf(shape)) : 0),
    0,
  );
  return (
    DenseParameters.bytesFor(graph.parameterCount) +
    (features === undefined
      ? (tied ? 1 : 2) * EmbeddingTable.bytesFor(itemCount + 1, width)
      : FeatureSums.bytesFor(features, width)) +
    (loss.kind === "full-softmax" ? KernelMemory.bytesFor((itemCount + 1) * width) : 0) +
    rows(2 * n + negativeCountOf(config)) +
    (tied ? 0 : rows(n)) +
    noise
  );
}

/** The engine's library, a session, and the heap of a thread that is busy. */
const baseBytes = 130 * 2 ** 20;
/** Sessions that encode and score, and blocks of scores. */
const validationBytes = 96 * 2 ** 20;

/**
 * The engine's arena by what is alive in a step at once: it runs nodes in an order of its own and takes
 * memory in growing pieces. From resident memory of SASRec's step at 16 and 128 rows.
 */
const arenaShare = 3;

/**
 * Memory that a training takes: kernel memory, averaged and best weights beside it, and what the engine
 * holds between forward and backward. On amazon-beauty SASRec's recipe took 249 MiB where this says 271
 * (bench/memory.ts).
 */
export function expectedTrainingBytes(
  config: SequenceConfig,
  { train, validation, itemFeatures }: TrainingData,
): number {
  const { itemCount } = train;
  const features = config.itemFeatures === true ? itemFeatures : undefined;
  const { width, batchRows, historyLimit, tied, textWidth = 0 } = config;
  // The catalogue's, sent to the training's thread, and those of a batch.
  const textRows = 2 * (itemCount + 1) + 2 * batchRows * historyLimit + negativeCountOf(config);
  const graph = trainingGraph(config, { rows: batchRows, length: historyLimit, itemCount });
  const copies = 2 * ((tied ? 1 : 2) * (itemCount + 1) * width + graph.parameterCount);
  return (
    baseBytes +
    (validation === undefined ? 0 : validationBytes) +
    kernelBytes(config, itemCount, graph, features) +
    arenaShare * graph.workingBytes +
    4 * (copies + textRows * textWidth)
  );
}
