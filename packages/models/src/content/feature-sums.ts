import type { CsrMatrix } from "@magpie/numerics";
import { KernelMemory } from "@magpie/numerics";
import { EmbeddingTable, type AdamConfig } from "@magpie/tensor";

/**
 * Items as sums of embeddings: of each of their features, times its weight, and of their own.
 *
 *     sum_i = Σ_f weight_if · E_f  +  own_i        own_i: left out where asked, zero for untrained items
 *
 * Embeddings of features and of items stand in one table, so that a step's gradient goes back to all of
 * them at once:
 *
 *     row 0: padding │ 1 … F: features │ F + 1 … F + items: the items' own
 */
export class FeatureSums {
  readonly table: EmbeddingTable;
  readonly #features: CsrMatrix;
  readonly #width: number;
  /** Rows of the table that the batch reads, each once. */
  readonly #rows: Int32Array;
  readonly #values: Float32Array;
  readonly #gradients: Float32Array;
  #rowCount = 0;
  /** Place of a table row in `#rows`, or -1. */
  readonly #placeOf: Int32Array;
  /** What each item of the batch is a sum of: places and weights, item after item. */
  #places = new Int32Array(0);
  #weights = new Float32Array(0);
  #ends = new Int32Array(0);

  /** @param features  [itemCount + 1, F] */
  constructor(kernels: KernelMemory, features: CsrMatrix, width: number, adam: AdamConfig) {
    const size = features.columns + features.rows;
    this.table = new EmbeddingTable(kernels, size, width, adam);
    this.#features = features;
    this.#width = width;
    this.#rows = kernels.int32(size);
    this.#values = kernels.float32(size * width);
    this.#gradients = kernels.float32(size * width);
    this.#placeOf = new Int32Array(size).fill(-1);
  }

  /** Bytes in kernel memory. */
  static bytesFor({ columns, rows }: Pick<CsrMatrix, "columns" | "rows">, width: number): number {
    const size = columns + rows;
    return (
      EmbeddingTable.bytesFor(size, width) +
      KernelMemory.bytesFor(size) +
      2 * KernelMemory.bytesFor(size * width)
    );
  }

  /**
   * @param items    [n] item rows; 0 gives zeros
   * @param useOwn   [n] 1 where the item's own embedding takes part
   * @param out      [n, width]
   * @param isHeard  asked for each feature of each item: whether it takes part; all do when absent
   */
  read(
    items: Int32Array,
    useOwn: Uint8Array,
    out: Float32Array,
    isHeard: () => boolean = () => true,
  ): void {
    this.#collect(items, useOwn, isHeard);
    const rows = this.#rows.subarray(0, this.#rowCount);
    this.table.gather(rows, this.#values);
    for (let place = 0; place < this.#rowCount; place++) this.#placeOf[rows[place]!] = -1;
    const width = this.#width;
    out.fill(0);
    for (let i = 0, p = 0; i < items.length; i++) {
      for (; p < this.#ends[i]!; p++) {
        const from = this.#places[p]! * width;
        const weight = this.#weights[p]!;
        for (let d = 0; d < width; d++) out[i * width + d]! += weight * this.#values[from + d]!;
      }
    }
  }

  /** Hands the gradient of the last `read` back to the table; [n, width]. */
  accumulate(gradient: Float32Array): void {
    const width = this.#width;
    const sums = this.#gradients.subarray(0, this.#rowCount * width).fill(0);
    for (let i = 0, p = 0; i < this.#ends.length; i++) {
      for (; p < this.#ends[i]!; p++) {
        const to = this.#places[p]! * width;
        const weight = this.#weights[p]!;
        for (let d = 0; d < width; d++) sums[to + d]! += weight * gradient[i * width + d]!;
      }
    }
    this.table.accumulate(this.#rows.subarray(0, this.#rowCount), sums);
  }

  #collect(items: Int32Array, useOwn: Uint8Array, isHeard: () => boolean): void {
    const { columns, offsets, indices, values } = this.#features;
    let pairs = 0;
    for (const item of items) pairs += offsets[item + 1]! - offsets[item]! + 1;
    if (this.#places.length < pairs) {
      this.#places = new Int32Array(2 * pairs);
      this.#weights = new Float32Array(2 * pairs);
    }
    if (this.#ends.length !== items.length) this.#ends = new Int32Array(items.length);
    this.#rowCount = 0;
    let end = 0;
    const add = (row: number, weight: number): void => {
      let place = this.#placeOf[row]!;
      if (place === -1) {
        place = this.#rowCount++;
        this.#placeOf[row] = place;
        this.#rows[place] = row;
      }
      this.#places[end] = place;
      this.#weights[end++] = weight;
    };
    for (let i = 0; i < items.length; i++) {
      const item = items[i]!;
      if (item !== 0) {
        for (let p = offsets[item]!; p < offsets[item + 1]!; p++) {
          if (isHeard()) add(indices[p]! + 1, values[p]!);
        }
        if (useOwn[i] === 1) add(columns + item, 1);
      }
      this.#ends[i] = end;
    }
  }
}

/** Sums of features alone, for items that may have come after training: [n, F] → [n, width]. */
export function sumsOfFeatures(
  features: CsrMatrix,
  embeddings: Float32Array,
  width: number,
): Float32Array {
  const out = new Float32Array(features.rows * width);
  for (let row = 0; row < features.rows; row++) {
    for (let p = features.offsets[row]!; p < features.offsets[row + 1]!; p++) {
      const from = (features.indices[p]! + 1) * width;
      const weight = features.values[p]!;
      for (let d = 0; d < width; d++) out[row * width + d]! += weight * embeddings[from + d]!;
    }
  }
  return out;
}
