/**
 * A set of item rows as a bitmap: bit `row & 31` of word `row >> 5`. Row 0 is padding and never a
 * member. 100,000 rows take 12.5 kB, and joining two sets a few microseconds.
 */
export class ItemSet {
  /** Number of rows the bitmap has room for, row 0 included. */
  readonly rows: number;
  readonly words: Int32Array;

  /** @param words  taken over, not copied; empty when absent */
  constructor(rows: number, words: Int32Array = new Int32Array(wordsFor(rows))) {
    if (words.length !== wordsFor(rows)) {
      throw new RangeError(`${words.length} words are not the bitmap of ${rows} rows`);
    }
    this.rows = rows;
    this.words = words;
  }

  /** All rows from 1 on. */
  static all(rows: number): ItemSet {
    const set = new ItemSet(rows);
    set.words.fill(-1);
    if ((rows & 31) !== 0) set.words[set.words.length - 1] = (1 << (rows & 31)) - 1;
    if (rows > 0) set.words[0]! &= ~1;
    return set;
  }

  static of(rows: number, members: Iterable<number>): ItemSet {
    const set = new ItemSet(rows);
    for (const row of members) set.add(row);
    return set;
  }

  /** False for rows outside the bitmap. */
  has(row: number): boolean {
    return row > 0 && row < this.rows && (this.words[row >> 5]! & (1 << (row & 31))) !== 0;
  }

  add(row: number): void {
    if (!(row > 0 && row < this.rows)) {
      throw new RangeError(`row ${row} is not among rows 1 to ${this.rows - 1}`);
    }
    this.words[row >> 5]! |= 1 << (row & 31);
  }

  delete(row: number): void {
    if (row > 0 && row < this.rows) this.words[row >> 5]! &= ~(1 << (row & 31));
  }

  /** Keeps only what is in `other` too. Rows past its end are not in it. */
  intersect(other: ItemSet): this {
    const { words } = this;
    const shared = Math.min(words.length, other.words.length);
    for (let i = 0; i < shared; i++) words[i]! &= other.words[i]!;
    words.fill(0, shared);
    return this;
  }

  /** Adds all of `other`, which must not be larger. */
  unite(other: ItemSet): this {
    const { words } = this;
    for (let i = 0; i < other.words.length; i++) words[i]! |= other.words[i]!;
    return this;
  }

  /** Takes out all that is in `other`. */
  subtract(other: ItemSet): this {
    const { words } = this;
    const shared = Math.min(words.length, other.words.length);
    for (let i = 0; i < shared; i++) words[i]! &= ~other.words[i]!;
    return this;
  }

  clone(): ItemSet {
    return new ItemSet(this.rows, this.words.slice());
  }

  count(): number {
    let count = 0;
    for (const word of this.words) {
      // Counts bits in pairs, then nibbles, then bytes, and adds the bytes up in the top one.
      let x = word - ((word >>> 1) & 0x55555555);
      x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
      count += Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    return count;
  }

  /** The members, ascending. */
  toRows(count = this.count()): Int32Array {
    const members = new Int32Array(count);
    const { words } = this;
    let at = 0;
    for (let i = 0; i < words.length; i++) {
      let word = words[i]!;
      while (word !== 0) {
        members[at++] = (i << 5) + (31 - Math.clz32(word & -word));
        word &= word - 1;
      }
    }
    return members;
  }
}

const wordsFor = (rows: number): number => (rows + 31) >> 5;
