import { KernelMemory, type AdamState } from "@magpie/numerics";
import { adamStep, type AdamConfig } from "./optimizers.ts";

/**
 * A table of embeddings that is learnt outside the graph: rows are gathered as inputs of a step, and
 * their gradients come back as rows.
 *
 * Adam is lazy: a step moves only the rows that took part in it, and the running moments of others
 * stand still. The cost of a step then depends on the batch, not on the catalogue. Row 0 is padding:
 * it stays zero.
 */
export class EmbeddingTable {
  readonly rows: number;
  readonly width: number;
  /** [rows, width] */
  readonly weights: Float32Array<ArrayBuffer>;
  /** The optimiser's moments, for checkpoints. */
  readonly state: { readonly mean: Float32Array; readonly square: Float32Array };
  steps = 0;
  readonly #kernels: KernelMemory;
  readonly #arrays: AdamState;
  /** Ids that have a gradient since the last step, each once. */
  readonly #touched: Int32Array;
  #touchedCount = 0;
  /** The step in which a row was last touched, +1. */
  readonly #stamps: Int32Array;

  /** @param width  a multiple of 4 */
  constructor(kernels: KernelMemory, rows: number, width: number) {
    const array = () => kernels.float32(rows * width);
    this.rows = rows;
    this.width = width;
    this.#kernels = kernels;
    this.weights = array();
    this.state = { mean: array(), square: array() };
    this.#arrays = { weights: this.weights, gradient: array(), ...this.state };
    this.#touched = kernels.int32(rows);
    this.#stamps = new Int32Array(rows);
  }

  /** Bytes in kernel memory. */
  static bytesFor(rows: number, width: number): number {
    return 4 * KernelMemory.bytesFor(rows * width) + KernelMemory.bytesFor(rows);
  }

  /** [n] → [n, width] */
  gather(ids: Int32Array, out: Float32Array): void {
    this.#kernels.gather(this.weights, ids, out, this.width);
  }

  /** Adds gradients of rows; equal ids add up, also over several calls before a step. */
  accumulate(ids: Int32Array, rowGradients: Float32Array): void {
    this.#kernels.scatterAdd(this.#arrays.gradient, ids, rowGradients, this.width);
    for (const id of ids) {
      if (this.#stamps[id] === this.steps + 1) continue;
      this.#stamps[id] = this.steps + 1;
      if (id !== 0) this.#touched[this.#touchedCount++] = id;
    }
  }

  /** Adds the gradient of the whole table, for losses over all items. */
  accumulateAll(gradient: Float32Array): void {
    const sum = this.#arrays.gradient;
    for (let i = this.width; i < sum.length; i++) sum[i]! += gradient[i]!;
    for (let id = 1; id < this.rows; id++) this.#touched[id - 1] = id;
    this.#touchedCount = this.rows - 1;
    this.#stamps.fill(this.steps + 1);
  }

  /** One lazy Adam step on the touched rows. */
  step(config: AdamConfig): void {
    this.steps++;
    const touched = this.#touched.subarray(0, this.#touchedCount);
    this.#kernels.adamRows(this.#arrays, touched, this.width, adamStep(config, this.steps));
    // Padding gathers gradients of padded positions; they must not pile up.
    this.#arrays.gradient.fill(0, 0, this.width);
    this.#touchedCount = 0;
  }
}
