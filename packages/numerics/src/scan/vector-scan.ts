import { scanKernels } from "./kernels.ts";
import { quantiseRows, type QuantisedRows } from "./quantise.ts";

const pageBytes = 65_536;
const upTo = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;

/**
 * Approximate inner products with a promise of how far off they can be. All of it is in a unit
 * that changes with the query: the product with row `i` is about `scores[i] · unit`.
 */
export interface ApproximateScores {
  /** [rows]; the caller may change it; valid until the next `scanInt8`. */
  readonly scores: Float32Array;
  /** 0 for a query of zeros. */
  readonly unit: number;
  /** The exact product with row `i` is within `errors[i] · errorFactor + errorConstant` units. */
  readonly errorFactor: number;
  readonly errorConstant: number;
}

/**
 * Inner products of a query with all rows, or some, of a matrix that stands in WebAssembly memory,
 * as float32 and as int8. Owns its memory: `rows · (5 · width + 20)` bytes and a little.
 *
 *     memory │ vectors f32 │ codes i8 │ scales │ two outputs f32 │ ids i32 │ query f32 and i16 │
 *
 * The float products of `scanFloat` and `gatherFloat` are the same to the last bit.
 */
export class VectorScan {
  readonly rows: number;
  readonly width: number;
  readonly quantised: QuantisedRows;
  readonly byteLength: number;
  readonly #kernels: ReturnType<typeof scanKernels>;
  readonly #at: Record<
    "vectors" | "codes" | "scales" | "approximate" | "out" | "ids" | "query" | "query16",
    number
  >;
  readonly #floatStride: number;
  readonly #int8Stride: number;
  readonly #approximate: Float32Array;
  readonly #out: Float32Array;
  readonly #ids: Int32Array;
  readonly #query: Float32Array;
  readonly #query16: Int16Array;
  readonly #queryLevels: number;

  /**
   * Copies the rows; the caller may let go of its arrays.
   *
   * @param vectors    [rows, width], finite
   * @param quantised  what `quantiseRows` made of them earlier; made now when absent
   */
  constructor(
    vectors: Float32Array,
    rows: number,
    width: number,
    quantised: QuantisedRows = quantiseRows(vectors, rows, width),
  ) {
    if (vectors.length !== rows * width) {
      throw new RangeError(`${vectors.length} values are not ${rows} rows of ${width}`);
    }
    if (quantised.codes.length !== rows * width || quantised.scales.length !== rows) {
      throw new RangeError(`the quantised rows are not ${rows} rows of ${width}`);
    }
    this.rows = rows;
    this.width = width;
    const padded = upTo(rows, 4);
    this.#floatStride = 4 * upTo(width, 4);
    this.#int8Stride = upTo(width, 16);

    let end = 0;
    const reserve = (bytes: number): number => {
      const start = end;
      end = upTo(end + bytes, 16);
      return start;
    };
    this.#at = {
      vectors: reserve(padded * this.#floatStride),
      codes: reserve(padded * this.#int8Stride),
      scales: reserve(4 * padded),
      approximate: reserve(4 * padded),
      out: reserve(4 * padded),
      ids: reserve(4 * padded),
      query: reserve(this.#floatStride),
      query16: reserve(2 * this.#int8Stride),
    };
    const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(end / pageBytes)) });
    this.byteLength = memory.buffer.byteLength;
    this.#kernels = scanKernels(memory);

    const { buffer } = memory;
    const floats = new Float32Array(buffer, this.#at.vectors, (padded * this.#floatStride) / 4);
    copyRows(vectors, width, floats, this.#floatStride / 4, rows);
    const codes = new Int8Array(buffer, this.#at.codes, padded * this.#int8Stride);
    copyRows(quantised.codes, width, codes, this.#int8Stride, rows);
    const scales = new Float32Array(buffer, this.#at.scales, rows);
    scales.set(quantised.scales);
    // Codes and scales are kept once; `quantised` shows what is in memory when the strides allow it.
    this.quantised = {
      codes: this.#int8Stride === width ? codes.subarray(0, rows * width) : quantised.codes,
      scales,
      errors: quantised.errors,
      longest: quantised.longest,
    };
    this.#approximate = new Float32Array(buffer, this.#at.approximate, padded);
    this.#out = new Float32Array(buffer, this.#at.out, padded);
    this.#ids = new Int32Array(buffer, this.#at.ids, padded);
    this.#query = new Float32Array(buffer, this.#at.query, width);
    this.#query16 = new Int16Array(buffer, this.#at.query16, width);
    // The query gets as many levels as a sum of `width` products leaves room for in 32 bits.
    this.#queryLevels = Math.min(16_383, Math.floor((2 ** 31 - 1) / (127 * Math.max(1, width))));
  }

  /** The float vectors, row after row, as a copy [rows, width]. */
  copyVectors(): Float32Array {
    const stride = this.#floatStride / 4;
    const floats = new Float32Array(this.#out.buffer, this.#at.vectors, this.rows * stride);
    if (stride === this.width) return floats.slice();
    const copy = new Float32Array(this.rows * this.width);
    for (let row = 0; row < this.rows; row++) {
      copy.set(floats.subarray(row * stride, row * stride + this.width), row * this.width);
    }
    return copy;
  }

  /**
   * Products with all rows by their codes: four times less memory to read than the floats.
   *
   * With v = v̂ + r (row) and q = q̂ + p (query), a hat for what the codes say:
   *
   *     v·q − v̂·q̂ = r·q + v̂·p,   so   |error| ≤ ‖r‖ ‖q‖ + ‖v̂‖ ‖p‖   (Cauchy-Schwarz)
   *
   * and a term for float32 rounding on both sides.
   */
  scanInt8(query: Float32Array): ApproximateScores {
    this.#setQuery(query);
    const { width } = this;
    let largest = 0;
    let square = 0;
    for (let d = 0; d < width; d++) {
      const value = query[d]!;
      square += value * value;
      if (Math.abs(value) > largest) largest = Math.abs(value);
    }
    const scale = largest / this.#queryLevels;
    let lost = 0;
    for (let d = 0; d < width; d++) {
      const code = scale === 0 ? 0 : Math.round(query[d]! / scale);
      this.#query16[d] = code;
      lost += (query[d]! - code * scale) ** 2;
    }
    const { codes, query16, scales, approximate } = this.#at;
    if (this.rows > 0 && width > 0) {
      const count = this.#approximate.length;
      this.#kernels.scanInt8(codes, query16, scales, approximate, count, this.#int8Stride);
    } else this.#approximate.fill(0);
    const scores = this.#approximate.subarray(0, this.rows);
    if (scale === 0) return { scores, unit: 0, errorFactor: 0, errorConstant: 0 };
    const length = Math.sqrt(square);
    // ‖v̂‖ ≤ ‖v‖ + ‖r‖, where no value of r is above half a step: max |v| / 254.
    const longestCode = this.quantised.longest * (1 + Math.sqrt(width) / 254);
    const rounding = (width + 16) * 2 ** -23 * this.quantised.longest * length;
    return {
      scores,
      unit: scale,
      errorFactor: length / scale,
      errorConstant: (longestCode * Math.sqrt(lost) + rounding) / scale,
    };
  }

  /** Exact products with all rows: [rows], valid until the next exact scan. */
  scanFloat(query: Float32Array): Float32Array {
    this.#setQuery(query);
    const { vectors, query: at, out } = this.#at;
    if (this.rows > 0 && this.width > 0) {
      this.#kernels.scanFloat(vectors, at, out, this.#out.length, this.#floatStride);
    } else this.#out.fill(0);
    return this.#out.subarray(0, this.rows);
  }

  /** Exact products with the given rows: [count], valid until the next exact scan. */
  gatherFloat(query: Float32Array, ids: Int32Array): Float32Array {
    if (ids.length > this.rows) {
      throw new RangeError(`${ids.length} ids for a scan over ${this.rows} rows`);
    }
    this.#setQuery(query);
    const count = upTo(ids.length, 4);
    this.#ids.set(ids);
    this.#ids.fill(0, ids.length, count);
    const { vectors, query: at, ids: idsAt, out } = this.#at;
    if (count > 0 && this.width > 0) {
      this.#kernels.gatherFloat(vectors, at, idsAt, out, count, this.#floatStride);
    } else this.#out.fill(0, 0, count);
    return this.#out.subarray(0, ids.length);
  }

  #setQuery(query: Float32Array): void {
    if (query.length !== this.width) {
      throw new RangeError(`the query has ${query.length} values, rows have ${this.width}`);
    }
    this.#query.set(query);
  }
}

function copyRows<T extends Float32Array | Int8Array>(
  from: T,
  width: number,
  to: T,
  stride: number,
  rows: number,
): void {
  if (stride === width) {
    to.set(from);
    return;
  }
  for (let row = 0; row < rows; row++) {
    to.set(from.subarray(row * width, (row + 1) * width), row * stride);
  }
}
