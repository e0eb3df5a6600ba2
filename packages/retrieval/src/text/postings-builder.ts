import type { Term } from "./analysis/analyser.ts";
import {
  bitsPerField,
  countOf,
  countWeight,
  impactOf,
  maxCount,
  pinyinMark,
  pinyinWeight,
  Postings,
  sourceFields,
  steppedAverages,
  usualWeights,
  type ScoringModel,
} from "./postings.ts";
import { compareTerms, TermDictionary } from "./term-dictionary.ts";

const fields = sourceFields.length;
const maxLength = 0xffff;
/** The bytes of a posting without positions: a step of 0, the last one. */
const noPositions = 1;

/**
 * Gathers postings item by item, in order of rows, and sorts them by term at the end.
 *
 *     gathered, by row    row │ term, counts │ term, counts │ …      and their positions as bytes
 *     sorted, by term     term │ row, counts, impact │ row, counts, impact │ …
 *
 * Sorting is by counting: one pass to see how much each term has, one to put everything there.
 */
export class PostingsBuilder {
  readonly #numbers = new Map<Term, number>();
  /** By term: place of its newest posting, plus one; 0 before the first. */
  #newestOf = new Uint32Array(1024);
  #termOf = new Uint32Array(4096);
  #countsOf = new Uint32Array(4096);
  #postings = 0;
  /** First posting of each row, from row 1 on. */
  #rowStarts = new GrowingArray();
  readonly #lengths = new GrowingArray();
  #positions = new GrowingBytes();
  /** Occurrences in the item at hand, as a chain for each of its postings. */
  #firstOccurrence = new Int32Array(256);
  #lastOccurrence = new Int32Array(256);
  #nextOccurrence = new Int32Array(256);
  #positionAt = new Int32Array(256);
  #occurrences = 0;
  #documents = 0;
  /** First posting of the item at hand. */
  #first = 0;

  constructor() {
    for (let slot = 0; slot < fields; slot++) this.#lengths.push(0); // row 0
    this.#rowStarts.push(0);
  }

  /** The number by which this builder knows a term. */
  numberOf(term: Term): number {
    let number = this.#numbers.get(term);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(term, number);
      if (number === this.#newestOf.length) this.#newestOf = doubled(this.#newestOf);
    }
    return number;
  }

  /**
   * Adds one occurrence of a term to the item at hand. Positions of a term must ascend.
   *
   * @param number    of the term, from `numberOf`
   * @param slot      place of the field in `sourceFields`
   * @param position  among the words of the item; -1 for terms that no phrase asks for
   */
  add(number: number, slot: number, position: number): void {
    const shift = bitsPerField * slot;
    let posting = this.#newestOf[number]! - 1;
    if (posting < this.#first) {
      posting = this.#postings++;
      if (posting === this.#termOf.length) {
        this.#termOf = doubled(this.#termOf);
        this.#countsOf = doubled(this.#countsOf);
      }
      this.#newestOf[number] = posting + 1;
      this.#termOf[posting] = number;
      this.#countsOf[posting] = 1 << shift;
      const local = posting - this.#first;
      if (local === this.#firstOccurrence.length) {
        this.#firstOccurrence = doubled(this.#firstOccurrence);
        this.#lastOccurrence = doubled(this.#lastOccurrence);
      }
      this.#firstOccurrence[local] = -1;
    } else {
      const counts = this.#countsOf[posting]!;
      if (((counts >>> shift) & maxCount) < maxCount) {
        this.#countsOf[posting] = counts + (1 << shift);
      }
    }
    if (position >= 0) this.#addOccurrence(posting - this.#first, position);
  }

  #addOccurrence(local: number, position: number): void {
    const occurrence = this.#occurrences++;
    if (occurrence === this.#positionAt.length) {
      this.#positionAt = doubled(this.#positionAt);
      this.#nextOccurrence = doubled(this.#nextOccurrence);
    }
    this.#positionAt[occurrence] = position;
    this.#nextOccurrence[occurrence] = -1;
    if (this.#firstOccurrence[local] === -1) this.#firstOccurrence[local] = occurrence;
    else this.#nextOccurrence[this.#lastOccurrence[local]!] = occurrence;
    this.#lastOccurrence[local] = occurrence;
  }

  /**
   * Ends the item of the next row.
   *
   * @param lengths  of each field in words, in the order of `sourceFields`
   */
  endItem(lengths: ArrayLike<number>): void {
    for (let slot = 0; slot < fields; slot++) {
      this.#lengths.push(Math.min(maxLength, Math.ceil(lengths[slot]!)));
    }
    let words = 0;
    for (let slot = 0; slot < fields; slot++) words += lengths[slot]!;
    if (words > 0) this.#documents++;
    const postings = this.#postings - this.#first;
    for (let local = 0; local < postings; local++) {
      let occurrence = this.#firstOccurrence[local]!;
      if (occurrence < 0) this.#positions.pushVarint(noPositions);
      let before = -1;
      while (occurrence >= 0) {
        const position = this.#positionAt[occurrence]!;
        occurrence = this.#nextOccurrence[occurrence]!;
        this.#positions.pushVarint(((position - before) << 1) | (occurrence < 0 ? 1 : 0));
        before = position;
      }
    }
    this.#occurrences = 0;
    this.#first = this.#postings;
    this.#rowStarts.push(this.#first);
  }

  /** The number of a term that was asked for before, or -1. */
  find(term: Term): number {
    return this.#numbers.get(term) ?? -1;
  }

  /** Items that have each term so far, by its number. */
  documentFrequencies(): Uint32Array {
    const counts = new Uint32Array(this.#numbers.size);
    for (let i = 0; i < this.#postings; i++) counts[this.#termOf[i]!]!++;
    return counts;
  }

  /**
   * Gives all items that have a term other terms as well, as often, without positions: those that
   * are known to be in it once all items are there.
   *
   * @param implied  by number of a term: the numbers of the others
   */
  addImplied(implied: ReadonlyMap<number, readonly number[]>): void {
    if (implied.size === 0) return;
    const [termOf, countsOf] = [this.#termOf, this.#countsOf];
    const rowStarts = this.#rowStarts.values();
    const bytes = this.#positions.values();
    const positions = new GrowingBytes();
    const placeOf = new Uint32Array(this.#numbers.size); // in the row at hand, plus one
    const newTerms = new GrowingArray();
    const newCounts = new GrowingArray();
    const starts = new GrowingArray();
    starts.push(0);
    let at = 0;
    for (let row = 1; row < rowStarts.length; row++) {
      const first = newTerms.length;
      for (let i = rowStarts[row - 1]!; i < rowStarts[row]!; i++) {
        newTerms.push(termOf[i]!);
        newCounts.push(countsOf[i]!);
        placeOf[termOf[i]!] = newTerms.length;
        const end = endOfPositions(bytes, at);
        for (; at < end; at++) positions.push(bytes[at]!);
      }
      for (let i = rowStarts[row - 1]!; i < rowStarts[row]!; i++) {
        for (const term of implied.get(termOf[i]!) ?? []) {
          const place = placeOf[term]! - 1;
          if (place >= first) {
            newCounts.set(place, sumOfCounts(newCounts.at(place), countsOf[i]!));
            continue;
          }
          newTerms.push(term);
          newCounts.push(countsOf[i]!);
          placeOf[term] = newTerms.length;
          positions.pushVarint(noPositions);
        }
      }
      starts.push(newTerms.length);
    }
    this.#termOf = newTerms.values();
    this.#countsOf = newCounts.values();
    this.#postings = newTerms.length;
    this.#first = this.#postings;
    this.#rowStarts = starts;
    this.#positions = positions;
    this.#newestOf.fill(0);
  }

  /**
   * @param weights         of the source fields
   * @param averageLengths  to score by, of an index of few items beside a large one; their own when
   *                        absent
   */
  finish(weights = usualWeights, averageLengths?: readonly number[]): Postings {
    const terms = sortedTerms(this.#numbers.keys());
    const placeOf = new Uint32Array(terms.length); // number of first sight → place in order
    terms.forEach((term, place) => {
      placeOf[this.#numbers.get(term)!] = place;
    });
    const termOf = this.#termOf.subarray(0, this.#postings);
    for (let i = 0; i < termOf.length; i++) termOf[i] = placeOf[termOf[i]!]!;
    const listStarts = new Uint32Array(terms.length + 1);
    for (let i = 0; i < termOf.length; i++) listStarts[termOf[i]! + 1]!++;
    for (let t = 0; t < terms.length; t++) listStarts[t + 1]! += listStarts[t]!;

    const lengths = Uint16Array.from(this.#lengths.values());
    const lengthSums = sumsOf(lengths);
    const model = {
      averageLengths: averageLengths ?? steppedAverages(lengthSums, this.#documents),
      weights,
    };
    return new Postings({
      documents: this.#documents,
      lengthSums,
      model,
      dictionary: TermDictionary.build(terms),
      listStarts,
      lengths,
      ...this.#sortPostings(terms, termOf, listStarts, lengths, model),
      ...sortPositions(this.#positions.values(), termOf, terms.length),
    });
  }

  /** Puts each posting into its term's list, with its impact: row by row, as lengths are by row. */
  #sortPostings(
    terms: readonly Term[],
    termOf: Uint32Array,
    listStarts: Uint32Array,
    lengths: Uint16Array,
    model: ScoringModel,
  ): { itemRows: Int32Array; counts: Uint32Array; impacts: Float32Array } {
    const isPinyin = Uint8Array.from(terms, (term) => Number(term.charCodeAt(0) === pinyinMark));
    const next = listStarts.slice();
    const itemRows = new Int32Array(termOf.length);
    const counts = new Uint32Array(termOf.length);
    const impacts = new Float32Array(termOf.length);
    const weights = new Float64Array(fields);
    const rowStarts = this.#rowStarts.values();
    for (let row = 1; row < rowStarts.length; row++) {
      for (let slot = 0; slot < fields; slot++) {
        weights[slot] = countWeight(slot, lengths[row * fields + slot]!, model);
      }
      for (let i = rowStarts[row - 1]!; i < rowStarts[row]!; i++) {
        const term = termOf[i]!;
        const own = this.#countsOf[i]!;
        let weighted = 0;
        if (isPinyin[term] === 1) weighted = pinyinWeight * countOf(own, 0);
        else for (let s = 0; s < fields; s++) weighted += countOf(own, s) * weights[s]!;
        const at = next[term]!++;
        itemRows[at] = row;
        counts[at] = own;
        impacts[at] = impactOf(weighted);
      }
    }
    return { itemRows, counts, impacts };
  }
}

/** Packed counts of two terms in one item as those of one, none above what there is room for. */
function sumOfCounts(a: number, b: number): number {
  let sum = 0;
  for (let slot = 0; slot < fields; slot++) {
    sum += Math.min(maxCount, countOf(a, slot) + countOf(b, slot)) << (bitsPerField * slot);
  }
  return sum;
}

/** Puts the bytes of each posting into its term's; those of terms without positions are dropped. */
function sortPositions(
  bytes: Uint8Array,
  termOf: Uint32Array,
  terms: number,
): { positionStarts: Uint32Array; positions: Uint8Array } {
  const hasPositions = new Uint8Array(terms);
  const positionStarts = new Uint32Array(terms + 1);
  for (let i = 0, at = 0; i < termOf.length; i++) {
    const end = endOfPositions(bytes, at);
    if (bytes[at] !== noPositions) hasPositions[termOf[i]!] = 1;
    positionStarts[termOf[i]! + 1]! += end - at;
    at = end;
  }
  for (let t = 0; t < terms; t++) {
    positionStarts[t + 1] =
      positionStarts[t]! + (hasPositions[t] === 1 ? positionStarts[t + 1]! : 0);
  }
  const next = positionStarts.slice();
  const positions = new Uint8Array(positionStarts[terms]!);
  for (let i = 0, at = 0; i < termOf.length; i++) {
    const term = termOf[i]!;
    const end = endOfPositions(bytes, at);
    if (hasPositions[term] === 1) for (; at < end; at++) positions[next[term]!++] = bytes[at]!;
    at = end;
  }
  return { positionStarts, positions };
}

/** Past the positions of the posting whose bytes begin at `from`. */
function endOfPositions(bytes: Uint8Array, from: number): number {
  for (let at = from; ;) {
    const isLast = (bytes[at]! & 1) === 1;
    while (bytes[at]! >= 0x80) at++;
    at++;
    if (isLast) return at;
  }
}

const surrogate = /[\ud800-\udfff]/;

function sortedTerms(terms: Iterable<Term>): Term[] {
  const all = [...terms];
  // Without surrogates the order of code points is that of code units, in which engines sort best.
  return all.some((term) => surrogate.test(term)) ? all.sort(compareTerms) : all.sort();
}

function sumsOf(lengths: Uint16Array): number[] {
  return sourceFields.map((_, slot) => {
    let sum = 0;
    for (let i = slot; i < lengths.length; i += fields) sum += lengths[i]!;
    return sum;
  });
}

function doubled<T extends Uint32Array | Int32Array | Uint8Array>(values: T): T {
  const larger = new (values.constructor as new (length: number) => T)(2 * values.length);
  larger.set(values);
  return larger;
}

/** Whole numbers below 2³², doubling its room: an ordinary array would box or spread them. */
class GrowingArray {
  #values = new Uint32Array(1024);
  #length = 0;

  push(value: number): void {
    if (this.#length === this.#values.length) this.#values = doubled(this.#values);
    this.#values[this.#length++] = value;
  }

  get length(): number {
    return this.#length;
  }

  at(place: number): number {
    return this.#values[place]!;
  }

  set(place: number, value: number): void {
    this.#values[place] = value;
  }

  values(): Uint32Array<ArrayBuffer> {
    return this.#values.subarray(0, this.#length);
  }
}

class GrowingBytes {
  #values = new Uint8Array(4096);
  #length = 0;

  push(byte: number): void {
    if (this.#length === this.#values.length) this.#values = doubled(this.#values);
    this.#values[this.#length++] = byte;
  }

  /** Seven bits per byte, the lowest first; the highest bit says that more follow. */
  pushVarint(value: number): void {
    if (this.#length + 5 > this.#values.length) this.#values = doubled(this.#values);
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#values[this.#length++] = (rest & 0x7f) | 0x80;
    this.#values[this.#length++] = rest;
  }

  values(): Uint8Array {
    return this.#values.subarray(0, this.#length);
  }
}
