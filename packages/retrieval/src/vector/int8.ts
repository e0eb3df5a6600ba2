import { topK, VectorScan, type QuantisedRows } from "@magpie/numerics";
import type { ItemSet } from "../filter/item-set.ts";
import { openArrays, packArrays } from "../packed/packed-arrays.ts";
import { best, excludeRows } from "./exact.ts";
import type { ScoredItems, VectorIndex } from "./vector-index.ts";

/**
 * A filter that passes fewer than this share of the rows is answered from those rows alone, in
 * float32: reading scattered float rows costs about three times a byte row read in order.
 */
const gatherShare = 1 / 4;

/**
 * The serving index: scans int8 codes, then settles the few rows that may belong to the answer in
 * float32. Finds exactly what `ExactVectorIndex` finds, scores and ties included.
 *
 * How many rows are settled follows from the scan instead of being guessed: with each approximate
 * score comes a bound on its error, so
 *
 *     τ = the k-th best float score among the k best by code
 *     settle every row whose score + error bound reaches τ
 *
 * and no other row can be among the k best. On unit vectors of 64 values that is a few dozen rows
 * for k = 10; at worst (all rows nearly equal) it is the float scan.
 *
 * Memory: rows · (5 · width + 28) bytes: 35 MB for 100,000 rows of 64.
 */
export class Int8VectorIndex implements VectorIndex {
  readonly rows: number;
  readonly width: number;
  readonly #scan: VectorScan;
  /** Scratch of `#mayBelong`, kept because a fresh array per query costs as much as the scan. */
  readonly #found: Int32Array;
  #settled = 0;

  /**
   * @param itemVectors  [rows, width], row 0 is padding, all finite; copied
   * @param quantised    of the same rows, where made before
   */
  constructor(itemVectors: Float32Array, width: number, quantised?: QuantisedRows) {
    this.rows = itemVectors.length / width;
    this.width = width;
    this.#scan = new VectorScan(itemVectors, this.rows, width, quantised);
    this.#found = new Int32Array(this.rows);
  }

  /** Opens what `toBytes` gave; `bytes` may be let go of afterwards. */
  static open(bytes: Uint8Array): Int8VectorIndex {
    const { header, arrays } = openArrays(bytes, packedKind);
    const width = header["width"] as number;
    return new Int8VectorIndex(arrays["vectors"] as Float32Array, width, {
      codes: arrays["codes"] as Int8Array,
      scales: arrays["scales"] as Float32Array,
      errors: arrays["errors"] as Float32Array,
      longest: header["longest"] as number,
    });
  }

  toBytes(): Uint8Array {
    const { codes, scales, errors, longest } = this.#scan.quantised;
    const vectors = this.#scan.copyVectors();
    return packArrays(
      packedKind,
      { width: this.width, longest },
      { vectors, codes, scales, errors },
    );
  }

  /** Rows that the latest search settled in float32: the re-rank depth, for benches. */
  get settledRows(): number {
    return this.#settled;
  }

  search(query: Float32Array, limit: number, filter?: ItemSet): ScoredItems {
    if (limit <= 0 || this.rows <= 1) return nothing();
    if (filter !== undefined) {
      const passing = filter.count();
      if (passing === 0) return nothing();
      if (passing < this.rows * gatherShare) {
        return this.#settle(query, this.#within(filter.toRows(passing)), limit);
      }
    }
    return this.#settle(query, this.#mayBelong(query, limit, filter), limit);
  }

  /** Rows that may be among the best `limit`, ascending. */
  #mayBelong(query: Float32Array, limit: number, filter: ItemSet | undefined): Int32Array {
    const { scores, unit, errorFactor, errorConstant } = this.#scan.scanInt8(query);
    const { errors } = this.#scan.quantised;
    excludeRows(scores, filter);
    const first = topK(scores, limit).indices;
    // Fewer than asked for: all that pass are in the answer already.
    if (first.length < limit || unit === 0) return first.toSorted();

    let threshold = Infinity;
    for (const score of this.#scan.gatherFloat(query, first)) {
      if (score < threshold) threshold = score;
    }
    const reach = threshold / unit - errorConstant;
    const rows = this.#found;
    let count = 0;
    for (let row = 1; row < scores.length; row++) {
      if (scores[row]! + errors[row]! * errorFactor >= reach) rows[count++] = row;
    }
    return rows.subarray(0, count);
  }

  #within(rows: Int32Array): Int32Array {
    const last = rows[rows.length - 1]!;
    return last < this.rows ? rows : rows.filter((row) => row < this.rows);
  }

  /** @param rows  ascending, so that equal scores are ordered by row */
  #settle(query: Float32Array, rows: Int32Array, limit: number): ScoredItems {
    this.#settled = rows.length;
    const { items: places, scores } = best(this.#scan.gatherFloat(query, rows), limit);
    return { items: places.map((place) => rows[place]!), scores };
  }
}

const packedKind = "magpie-int8-vectors/1";
const nothing = (): ScoredItems => ({ items: new Int32Array(0), scores: new Float32Array(0) });
