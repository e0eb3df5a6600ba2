import { openStrings, packStrings } from "../packed/packed-arrays.ts";

/**
 * The terms of an index, numbered in the order of their UTF-8 bytes, in flat arrays that open
 * without being decoded. A hash table finds a term, binary search the terms with a prefix.
 *
 *     slots  │ · │ 7 │ · │ 2 │ …    open addressing: hash → number + 1, next slot when taken
 *     starts │ 0 │ 3 │ 9 │ …        text of term i: bytes starts[i] to starts[i + 1]
 */
export class TermDictionary {
  readonly text: Uint8Array;
  readonly starts: Uint32Array;
  readonly slots: Uint32Array;

  constructor(text: Uint8Array, starts: Uint32Array, slots: Uint32Array) {
    this.text = text;
    this.starts = starts;
    this.slots = slots;
  }

  /** @param terms  each once, in the order of `compareTerms` */
  static build(terms: readonly string[]): TermDictionary {
    const { text, starts } = packStrings(terms);
    let size = 8;
    while (size < 2 * terms.length) size *= 2; // at most half full
    const slots = new Uint32Array(size);
    for (let i = 0; i < terms.length; i++) {
      let slot = hashOf(text, starts[i]!, starts[i + 1]!) & (size - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (size - 1);
      slots[slot] = i + 1;
    }
    return new TermDictionary(text, starts, slots);
  }

  get size(): number {
    return this.starts.length - 1;
  }

  /** Number of the term, or -1. */
  find(term: string): number {
    const bytes = Buffer.from(term);
    const mask = this.slots.length - 1;
    for (let slot = hashOf(bytes, 0, bytes.length) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.slots[slot]!;
      if (entry === 0) return -1;
      if (this.#compare(entry - 1, bytes) === 0) return entry - 1;
    }
  }

  /** Numbers of the terms that start with `prefix`: from the first up to, not including, the second. */
  withPrefix(prefix: string): [number, number] {
    const bytes = Buffer.from(prefix);
    const after = Buffer.from(bytes);
    after[after.length - 1]!++; // never 0xff in UTF-8, so this is the first text past the prefix
    return [this.#firstNotBelow(bytes), this.#firstNotBelow(after)];
  }

  /** First number after `term` whose text does not begin with the first `length` bytes of its text. */
  pastPrefixOf(term: number, length: number): number {
    // Prefixes that are leapt over are mostly short lists: doubling steps, then halving.
    let step = 1;
    let low = term;
    while (low + step < this.size && this.#sharesBytes(term, low + step, length)) {
      low += step;
      step *= 2;
    }
    let high = Math.min(this.size, low + step);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#sharesBytes(term, middle, length)) low = middle;
      else high = middle;
    }
    return high;
  }

  #sharesBytes(a: number, b: number, length: number): boolean {
    const { text, starts } = this;
    const [from, other] = [starts[a]!, starts[b]!];
    if (starts[b + 1]! - other < length) return false;
    for (let i = 0; i < length; i++) if (text[from + i] !== text[other + i]) return false;
    return true;
  }

  term(number: number): string {
    return openStrings(this.text, this.starts.subarray(number, number + 2))[0]!;
  }

  #firstNotBelow(bytes: Uint8Array): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(middle, bytes) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #compare(number: number, bytes: Uint8Array): number {
    const { text } = this;
    const from = this.starts[number]!;
    const length = this.starts[number + 1]! - from;
    const shared = Math.min(length, bytes.length);
    for (let i = 0; i < shared; i++) {
      const difference = text[from + i]! - bytes[i]!;
      if (difference !== 0) return difference;
    }
    return length - bytes.length;
  }
}

/** Order of UTF-8 bytes, which is the order of code points (unlike that of UTF-16 units). */
export function compareTerms(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // A surrogate stands for a code point above all that one unit can hold.
    const [xHigh, yHigh] = [isSurrogate(x), isSurrogate(y)];
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => (unit & 0xf800) === 0xd800;

/** FNV-1a. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
