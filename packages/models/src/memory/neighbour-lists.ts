import { type CsrMatrix, TopKSelector } from "@magpie/numerics";

/**
 * Collects the best few entries of each row of a square matrix, rows given in ascending order, and
 * packs them. Memory is that of the kept entries.
 */
export class NeighbourLists {
  readonly #size: number;
  readonly #selector: TopKSelector;
  readonly #offsets: Int32Array;
  #indices: Int32Array;
  #values: Float32Array;
  #count = 0;
  #rows = 0;

  /** Bytes of the kept entries of so many rows, with room to grow. */
  static bytes(rows: number, limit: number): number {
    return NeighbourLists.bytesOf(rows * Math.min(limit, rows));
  }

  /** Bytes of so many entries, with room to grow. */
  static bytesOf(entries: number): number {
    return 12 * entries;
  }

  /** The same at the end: with room to grow, packed, and transposed. */
  static bytesAtEnd(entries: number): number {
    return 28 * entries;
  }

  /**
   * @param size   rows and columns
   * @param limit  entries kept for each row
   */
  constructor(size: number, limit: number) {
    this.#size = size;
    this.#selector = new TopKSelector(Math.min(limit, size));
    this.#offsets = new Int32Array(size + 1);
    const expected = Math.min(size * Math.min(limit, size), 1 << 20);
    this.#indices = new Int32Array(expected);
    this.#values = new Float32Array(expected);
  }

  /**
   * Keeps the entries of `row` with the largest `keys`; -Infinity keeps an entry out.
   *
   * @param values  what is stored; the keys themselves unless given
   */
  add(row: number, columns: Int32Array, keys: Float32Array, values: Float32Array = keys): void {
    const kept = this.#selector.select(keys).indices;
    // Columns ascend within a row; places of the selector do not.
    const places = kept.sort((a, b) => columns[a]! - columns[b]!);
    this.#closeUpTo(row - 1);
    this.#reserve(this.#count + places.length);
    for (const place of places) {
      this.#indices[this.#count] = columns[place]!;
      this.#values[this.#count] = values[place]!;
      this.#count++;
    }
    this.#closeUpTo(row);
  }

  matrix(): CsrMatrix {
    this.#closeUpTo(this.#size - 1);
    return {
      rows: this.#size,
      columns: this.#size,
      offsets: this.#offsets,
      indices: this.#indices.slice(0, this.#count),
      values: this.#values.slice(0, this.#count),
    };
  }

  #closeUpTo(row: number): void {
    while (this.#rows <= row) this.#offsets[++this.#rows] = this.#count;
  }

  #reserve(count: number): void {
    if (count <= this.#indices.length) return;
    const capacity = Math.max(count, Math.ceil(this.#indices.length * 1.5));
    const [indices, values] = [new Int32Array(capacity), new Float32Array(capacity)];
    indices.set(this.#indices);
    values.set(this.#values);
    [this.#indices, this.#values] = [indices, values];
  }
}
