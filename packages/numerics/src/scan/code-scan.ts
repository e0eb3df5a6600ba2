import { scanKernels } from "./kernels.ts";

const pageBytes = 65_536;
const upTo = (value: number, multiple: number): number => Math.ceil(value / multiple) * multiple;
/** Rows that the kernel takes at once. */
const group = 4;

/**
 * Inner products of a query with int8 rows alone, by ranges of rows: a fifth of the memory of
 * `VectorScan`, for matrices whose floats have no room. Owns its memory:
 * `rows · (width + 8)` bytes and a little.
 *
 * The error of a product is that of quantisation: a row's codes are off by half a step each, about
 * 0.4 % of a unit vector's length at 256 values.
 */
export class CodeScan {
  /** Rows with room, a multiple of 4. */
  readonly rows: number;
  readonly width: number;
  readonly byteLength: number;
  readonly #kernels: ReturnType<typeof scanKernels>;
  readonly #stride: number;
  readonly #codes: Int8Array;
  readonly #scales: Float32Array;
  readonly #out: Float32Array;
  readonly #query: Int16Array;
  readonly #queryLevels: number;
  #unit = 0;

  /** All rows are zeros until they are set. */
  constructor(rows: number, width: number) {
    this.rows = upTo(rows, group);
    this.width = width;
    this.#stride = upTo(Math.max(1, width), 16);
    let end = 0;
    const reserve = (bytes: number): number => {
      const start = end;
      end = upTo(end + bytes, 16);
      return start;
    };
    const codesAt = reserve(this.rows * this.#stride);
    const scalesAt = reserve(4 * this.rows);
    const outAt = reserve(4 * this.rows);
    const queryAt = reserve(2 * this.#stride);
    const memory = new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(end / pageBytes)) });
    this.byteLength = memory.buffer.byteLength;
    this.#kernels = scanKernels(memory);
    this.#codes = new Int8Array(memory.buffer, codesAt, this.rows * this.#stride);
    this.#scales = new Float32Array(memory.buffer, scalesAt, this.rows);
    this.#out = new Float32Array(memory.buffer, outAt, this.rows);
    this.#query = new Int16Array(memory.buffer, queryAt, this.#stride);
    this.#queryLevels = Math.min(16_383, Math.floor((2 ** 31 - 1) / (127 * Math.max(1, width))));
  }

  /** @param codes  [D], each in [-127, 127] */
  setRow(row: number, codes: Int8Array, scale: number): void {
    this.#codes.set(codes, row * this.#stride);
    this.#scales[row] = scale;
  }

  /** The codes of a row: a view. */
  codesOf(row: number): Int8Array {
    return this.#codes.subarray(row * this.#stride, row * this.#stride + this.width);
  }

  scaleOf(row: number): number {
    return this.#scales[row]!;
  }

  /** @param query  [D], finite; stands for the scans that follow */
  setQuery(query: Float32Array): void {
    if (query.length !== this.width) {
      throw new RangeError(`the query has ${query.length} values, rows have ${this.width}`);
    }
    let largest = 0;
    for (const value of query) largest = Math.max(largest, Math.abs(value));
    this.#unit = largest / this.#queryLevels;
    for (let d = 0; d < query.length; d++) {
      this.#query[d] = this.#unit === 0 ? 0 : Math.round(query[d]! / this.#unit);
    }
  }

  /**
   * Products with the rows of a range; more rows up to a multiple of 4 may be written on both sides.
   *
   * @returns  [rows], of which the range is valid until the next scan of it; in `unit`s
   */
  scan(from: number, to: number): Float32Array {
    const first = from - (from % group);
    const count = upTo(to - first, group);
    if (to <= from) return this.#out;
    this.#kernels.scanInt8(
      this.#codes.byteOffset + first * this.#stride,
      this.#query.byteOffset,
      this.#scales.byteOffset + 4 * first,
      this.#out.byteOffset + 4 * first,
      count,
      this.#stride,
    );
    return this.#out;
  }

  /** What a scanned number is to be multiplied by. */
  get unit(): number {
    return this.#unit;
  }
}
