import { CodeScan, quantiseRows, type QuantisedRows } from "@magpie/numerics";

/** Vectors of items by row, in whatever precision they are kept. Row 0 is padding. */
export interface ItemTable {
  readonly rows: number;
  readonly width: number;
  /** Of numbers and scales. */
  readonly bytes: number;
  /** Writes a row to a place of `out`. */
  copyRow(row: number, out: Float32Array, at: number): void;
  /** Inner product of a vector with a row. */
  dot(vector: Float32Array, row: number): number;
  /** Inner product of two rows. */
  product(a: number, b: number): number;
}

/** A table of floats: a view of an array that may change. */
export class FloatItems implements ItemTable {
  readonly rows: number;
  readonly width: number;
  readonly #vectors: Float32Array;

  /** @param vectors  [rows, width] */
  constructor(vectors: Float32Array, width: number) {
    this.rows = vectors.length / width;
    this.width = width;
    this.#vectors = vectors;
  }

  get bytes(): number {
    return this.#vectors.byteLength;
  }

  copyRow(row: number, out: Float32Array, at: number): void {
    out.set(this.#vectors.subarray(row * this.width, (row + 1) * this.width), at);
  }

  dot(vector: Float32Array, row: number): number {
    let sum = 0;
    for (let d = 0, i = row * this.width; d < this.width; d++, i++) {
      sum += vector[d]! * this.#vectors[i]!;
    }
    return sum;
  }

  product(a: number, b: number): number {
    let sum = 0;
    for (let d = 0, i = a * this.width, j = b * this.width; d < this.width; d++, i++, j++) {
      sum += this.#vectors[i]! * this.#vectors[j]!;
    }
    return sum;
  }
}

/** A table of bytes: a code for each value, and one scale for each row. */
export class CodedItems implements ItemTable {
  readonly rows: number;
  readonly width: number;
  readonly #scan: CodeScan;
  /** Answer of `scan`. */
  readonly #products: Float32Array;

  /** @param rows  codes [rows, width] and scales [rows]; copied */
  constructor({ codes, scales }: Pick<QuantisedRows, "codes" | "scales">, width: number) {
    this.rows = scales.length;
    this.width = width;
    this.#scan = new CodeScan(this.rows, width);
    for (let row = 0; row < this.rows; row++) {
      this.#scan.setRow(row, codes.subarray(row * width, (row + 1) * width), scales[row]!);
    }
    this.#products = new Float32Array(this.rows);
  }

  /** @param vectors  [rows, width] */
  static of(vectors: Float32Array, width: number): CodedItems {
    return new CodedItems(quantiseRows(vectors, vectors.length / width, width), width);
  }

  get bytes(): number {
    return this.rows * (this.width + Float32Array.BYTES_PER_ELEMENT);
  }

  /** What the constructor takes. */
  quantised(): Pick<QuantisedRows, "codes" | "scales"> {
    const codes = new Int8Array(this.rows * this.width);
    const scales = new Float32Array(this.rows);
    for (let row = 0; row < this.rows; row++) {
      codes.set(this.#scan.codesOf(row), row * this.width);
      scales[row] = this.#scan.scaleOf(row);
    }
    return { codes, scales };
  }

  /** The values that the codes stand for: [rows, width]. */
  toFloats(): Float32Array {
    const vectors = new Float32Array(this.rows * this.width);
    for (let row = 0; row < this.rows; row++) this.copyRow(row, vectors, row * this.width);
    return vectors;
  }

  copyRow(row: number, out: Float32Array, at: number): void {
    const codes = this.#scan.codesOf(row);
    const scale = this.#scan.scaleOf(row);
    for (let d = 0; d < this.width; d++) out[at + d] = codes[d]! * scale;
  }

  dot(vector: Float32Array, row: number): number {
    const codes = this.#scan.codesOf(row);
    let sum = 0;
    for (let d = 0; d < this.width; d++) sum += vector[d]! * codes[d]!;
    return sum * this.#scan.scaleOf(row);
  }

  product(a: number, b: number): number {
    const [codes, others] = [this.#scan.codesOf(a), this.#scan.codesOf(b)];
    let sum = 0;
    for (let d = 0; d < this.width; d++) sum += codes[d]! * others[d]!;
    return sum * this.#scan.scaleOf(a) * this.#scan.scaleOf(b);
  }

  /** A vector's inner products with all rows: [rows], valid until the next call. */
  scan(vector: Float32Array): Float32Array {
    this.#scan.setQuery(vector);
    const levels = this.#scan.scan(0, this.rows);
    for (let row = 0; row < this.rows; row++) {
      this.#products[row] = levels[row]! * this.#scan.unit;
    }
    return this.#products;
  }
}
