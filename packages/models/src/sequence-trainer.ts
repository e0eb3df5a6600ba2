import type { Sequences } from "@magpie/data";
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
  type AdamConfig,
  type Session,
  type Step,
  type TrainingGraph,
  type Values,
} from "@magpie/tensor";
import { OverlapFinder } from "./batch-overlaps.ts";
import { NegativeSampler } from "./negative-sampling.ts";
import { initialise, trainingGraph, type SasRecConfig } from "./sasrec.ts";
import { packedBatches, spansOf, type SequenceBatch } from "./sequence-batches.ts";

/** Ids of the rows that a step gathers, and the arrays for the rows and their gradient. */
interface GatheredRows {
  readonly table: EmbeddingTable;
  readonly ids: Int32Array;
  readonly rows: Float32Array;
  readonly gradient: Float32Array;
}

/**
 * The arrays and the compiled step of one training: everything that changes while a model is learnt.
 *
 *     fill batch ─▶ gather rows ─▶ draw dropout masks ─▶ graph: loss, gradients ─▶ Adam on both
 */
export class SequenceTrainer {
  readonly config: SasRecConfig;
  readonly dense: DenseParameters;
  /** Item table as input; also as output when tied. */
  readonly inputTable: EmbeddingTable;
  readonly outputTable: EmbeddingTable;
  readonly optimizer: Adam;
  readonly #adam: AdamConfig;
  readonly #tables: ReadonlySet<EmbeddingTable>;
  readonly #sequences: Sequences;
  readonly #spans: ReturnType<typeof spansOf>;
  readonly #sampler: NegativeSampler;
  readonly #seed: number;
  readonly #kernels: KernelMemory;
  readonly #batch: SequenceBatch;
  readonly #gathered: readonly GatheredRows[];
  readonly #noise: readonly { readonly mask: Float32Array; readonly rate: number }[];
  readonly #overlaps: OverlapFinder | undefined;
  readonly #negativeIds: Int32Array;
  readonly #negativeOffsets: Float32Array;
  readonly #targetOffsets: Float32Array;
  readonly #catalogGradient: Float32Array | undefined;
  readonly #loss = new Float32Array(1);
  readonly #session: Session;
  readonly #step: Step;

  private constructor(
    config: SasRecConfig,
    sequences: Sequences,
    seed: number,
    graph: TrainingGraph,
    session: Session,
  ) {
    const { width, batchRows: rows, historyLimit: length, loss } = config;
    const n = rows * length;
    const tableRows = sequences.itemCount + 1;
    const kernels = new KernelMemory(kernelBytes(config, sequences.itemCount, graph));
    this.config = config;
    this.#kernels = kernels;
    this.#sequences = sequences;
    this.#seed = seed;
    this.#session = session;
    this.#spans = spansOf(sequences, length);
    this.#sampler = new NegativeSampler(sequences, uniformShareOf(config));
    this.#adam = {
      ...adamDefaults,
      learningRate: config.learningRate,
      beta2: config.beta2,
      weightDecay: config.weightDecay,
    };

    this.dense = new DenseParameters(graph, kernels);
    this.optimizer = new Adam(this.dense, this.#adam);
    this.inputTable = new EmbeddingTable(kernels, tableRows, width, this.#adam);
    this.outputTable = config.tied
      ? this.inputTable
      : new EmbeddingTable(kernels, tableRows, width, this.#adam);

    this.#tables = new Set([this.inputTable, this.outputTable]);

    this.#batch = {
      rows,
      length,
      items: kernels.int32(n),
      segments: new Int32Array(n),
      positions: new Int32Array(n),
      targets: kernels.int32(n),
      weights: new Float32Array(n),
    };
    const negatives =
      loss.kind === "sampled-softmax" ? loss.negatives : loss.kind === "bce" ? n : 0;
    this.#negativeIds = kernels.int32(negatives);
    this.#negativeOffsets = new Float32Array(negatives);
    this.#targetOffsets = new Float32Array(n);

    if (loss.kind === "sampled-softmax") {
      this.#overlaps = new OverlapFinder(
        this.#batch,
        this.#negativeIds,
        sequences.itemCount,
        loss.ownPast,
      );
    }

    const gathered = (table: EmbeddingTable, ids: Int32Array): GatheredRows => ({
      table,
      ids,
      rows: kernels.float32(ids.length * width),
      gradient: kernels.float32(ids.length * width),
    });
    const rowsByName: Record<string, GatheredRows> = {
      items: gathered(this.inputTable, this.#batch.items),
      targets: gathered(this.outputTable, this.#batch.targets),
      negatives: gathered(this.outputTable, this.#negativeIds),
      ...(graph.inputs.some(({ name }) => name === "pastOutputs") && {
        pastOutputs: gathered(this.outputTable, this.#batch.items),
      }),
    };
    this.#gathered = Object.values(rowsByName);
    this.#catalogGradient =
      loss.kind === "full-softmax" ? kernels.float32(tableRows * width) : undefined;

    const data: Record<string, Values> = {
      segments: this.#batch.segments,
      positions: this.#batch.positions,
      weights: this.#batch.weights,
      targetIds: this.#batch.targets,
      itemIds: this.#batch.items,
      negativeOffsets: this.#negativeOffsets,
      targetOffsets: this.#targetOffsets,
      catalog: this.outputTable.weights,
      ...this.dense.inputs,
      ...(this.#overlaps && {
        excluded: this.#overlaps.excluded,
        repeats: this.#overlaps.repeats,
        duplicates: this.#overlaps.duplicates,
      }),
    };
    const outputs: Record<string, Values> = { [LOSS]: this.#loss, ...this.dense.outputs };
    for (const [name, { rows, gradient }] of Object.entries(rowsByName)) {
      data[name] = rows;
      outputs[rowGradient(name)] = gradient;
    }
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
    config: SasRecConfig,
    sequences: Sequences,
    { seed, threads = 1 }: { readonly seed: number; readonly threads?: number | undefined },
  ): Promise<SequenceTrainer> {
    const graph = trainingGraph(config, {
      rows: config.batchRows,
      length: config.historyLimit,
      itemCount: sequences.itemCount,
    });
    const session = await openSession(graph, { threads });
    return new SequenceTrainer(config, sequences, seed, graph, session);
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
   * @yields the mean loss of the batch and its number of targets, after each step
   */
  async *epoch(epoch: number): AsyncGenerator<{ loss: number; targets: number }> {
    const order = seededRandom(this.#seed, `sasrec/batches/${epoch}`);
    const negatives = seededRandom(this.#seed, `sasrec/negatives/${epoch}`);
    const masks = seededRandom(this.#seed, `sasrec/dropout/${epoch}`);
    for (const targets of packedBatches(this.#sequences, this.#spans, this.#batch, order)) {
      this.#sampler.draw(this.#negativeIds, negatives);
      this.#correct();
      this.#overlaps?.find();
      for (const { mask, rate } of this.#noise) {
        const key: MaskKey = [masks.uint32(), masks.uint32()];
        this.#kernels.dropoutMask(mask, key, rate);
      }
      for (const { table, ids, rows } of this.#gathered) table.gather(ids, rows);
      await this.#step.run();
      this.#update();
      yield { loss: this.#loss[0]!, targets };
    }
    for (const table of this.#tables) table.catchUp();
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }

  /** logQ correction of the drawn negatives. */
  #correct(): void {
    const { loss } = this.config;
    if (loss.kind !== "sampled-softmax" || loss.logQ === "none") return;
    const shift = Math.log(loss.negatives);
    this.#negativeIds.forEach((id, i) => {
      this.#negativeOffsets[i] = -shift - this.#sampler.logProbability(id);
    });
    if (loss.logQ !== "all") return;
    this.#batch.targets.forEach((id, i) => {
      this.#targetOffsets[i] = id === 0 ? 0 : -shift - this.#sampler.logProbability(id);
    });
  }

  #update(): void {
    this.optimizer.step();
    for (const { table, ids, gradient } of this.#gathered) table.accumulate(ids, gradient);
    if (this.#catalogGradient) this.outputTable.accumulateAll(this.#catalogGradient);
    for (const table of this.#tables) table.step();
  }
}

function uniformShareOf({ loss }: SasRecConfig): number {
  return loss.kind === "sampled-softmax" ? loss.uniformShare : 1;
}

/** All that `SequenceTrainer` places in the kernels' memory. */
function kernelBytes(config: SasRecConfig, itemCount: number, graph: TrainingGraph): number {
  const { width, batchRows, historyLimit, loss, tied } = config;
  const n = batchRows * historyLimit;
  const negatives = loss.kind === "sampled-softmax" ? loss.negatives : loss.kind === "bce" ? n : 0;
  const rows = (count: number): number =>
    KernelMemory.bytesFor(count) + 2 * KernelMemory.bytesFor(count * width);
  const noise = graph.inputs.reduce(
    (sum, { role, shape }) => sum + (role === "noise" ? KernelMemory.bytesFor(sizeOf(shape)) : 0),
    0,
  );
  return (
    DenseParameters.bytesFor(graph.parameterCount) +
    (tied ? 1 : 2) * EmbeddingTable.bytesFor(itemCount + 1, width) +
    (loss.kind === "full-softmax" ? KernelMemory.bytesFor((itemCount + 1) * width) : 0) +
    (tied ? 2 : 3) * rows(n) +
    rows(negatives) +
    noise
  );
}

/** The engine's library, a session, and the heap of a thread that is busy. */
const baseBytes = 160 * 2 ** 20;
/** Sessions that encode and score, and blocks of scores. */
const validationBytes = 96 * 2 ** 20;

/**
 * Memory that a training takes: kernel memory, averaged and best weights beside it, and what the engine
 * holds between forward and backward. The last is an estimate from resident memory at 16 and 128 rows:
 * per block about 36 activations of [positions, D], 6 of [positions, feedForward] and 6 of attention,
 * and 3 of the logits. On amazon-beauty the default recipe took 320 MiB where this says 301.
 */
export function expectedTrainingBytes(
  config: SasRecConfig,
  itemCount: number,
  withValidation: boolean,
): number {
  const { width, blocks, heads, feedForward, batchRows, historyLimit, loss, tied } = config;
  const n = batchRows * historyLimit;
  const graph = trainingGraph(config, { rows: batchRows, length: historyLimit, itemCount });
  const logits =
    loss.kind === "sampled-softmax" ? loss.negatives : loss.kind === "full-softmax" ? itemCount : 1;
  const activations =
    (blocks + 1) * (36 * n * width) +
    blocks * (6 * n * feedForward + 6 * n * heads * historyLimit) +
    3 * n * logits;
  const copies = 2 * ((tied ? 1 : 2) * (itemCount + 1) * width + graph.parameterCount);
  return (
    baseBytes +
    (withValidation ? validationBytes : 0) +
    kernelBytes(config, itemCount, graph) +
    4 * (activations + copies)
  );
}
