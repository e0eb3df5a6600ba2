import type { ItemFilterIndex } from "@magpie/retrieval";

/**
 * Items by category and categories by item, as flat arrays that likeness reads without allocating.
 *
 *     row ─▶ start[row] … end[row] ─▶ codes        code ─▶ rows, in order of arrival
 *
 * An item whose categories change gets a new run of codes at the end; its old run is left behind,
 * and the rows of a category it left still name it until the next snapshot: readers ask `has`.
 */
export class CategoryLists {
  /** Codes of row `r`: `codes[starts[r]]` up to (not including) `codes[ends[r]]`. */
  codes: Int32Array;
  starts: Int32Array;
  ends: Int32Array;
  readonly #filter: ItemFilterIndex;
  readonly #rows = new Map<number, number[]>();
  #used = 0;
  #weights: Float64Array | undefined;

  constructor(filter: ItemFilterIndex) {
    this.#filter = filter;
    this.codes = new Int32Array(4 * filter.rows);
    this.starts = new Int32Array(filter.rows);
    this.ends = new Int32Array(filter.rows);
    for (let row = 1; row < filter.rows; row++) this.put(row);
  }

  /** Takes over the present categories of a row. */
  put(row: number): void {
    const own = this.#filter.categoriesOf(row);
    if (row >= this.starts.length) {
      this.starts = grown(this.starts, row + 1);
      this.ends = grown(this.ends, row + 1);
    }
    if (same(own, this.codes, this.starts[row]!, this.ends[row]!)) return;
    if (this.#used + own.length > this.codes.length) {
      this.codes = grown(this.codes, this.#used + own.length);
    }
    const before = new Set(this.codes.subarray(this.starts[row], this.ends[row]));
    this.starts[row] = this.#used;
    this.codes.set(own, this.#used);
    this.#used += own.length;
    this.ends[row] = this.#used;
    for (const code of own) {
      if (before.has(code)) continue;
      const rows = this.#rows.get(code);
      if (rows === undefined) this.#rows.set(code, [row]);
      else if (!(before.size > 0 && rows.includes(row))) rows.push(row);
    }
    this.#weights = undefined;
  }

  /** Rows that name the category, or did. */
  rowsIn(code: number): readonly number[] {
    return this.#rows.get(code) ?? [];
  }

  /** Number of the row's top category; -1 for an item without any. */
  topOf(row: number): number {
    return this.starts[row]! < this.ends[row]! ? this.codes[this.starts[row]!]! : -1;
  }

  /** How much sharing a category says, by code: ln((items + 1) / (its items + 1)). */
  weights(): Float64Array {
    if (this.#weights === undefined) {
      let last = -1;
      for (const code of this.#rows.keys()) if (code > last) last = code;
      this.#weights = Float64Array.from({ length: last + 1 }, (_, code) =>
        Math.log((this.#filter.rows + 1) / (this.rowsIn(code).length + 1)),
      );
    }
    return this.#weights;
  }
}

function same(own: Int32Array, codes: Int32Array, start: number, end: number): boolean {
  if (own.length !== end - start) return false;
  for (let i = 0; i < own.length; i++) if (own[i] !== codes[start + i]) return false;
  return true;
}

function grown(array: Int32Array, least: number): Int32Array {
  const larger = new Int32Array(Math.max(least, 2 * array.length));
  larger.set(array);
  return larger;
}
