import { openArrays, packArrays } from "../packed/packed-arrays.ts";
import type { Term } from "./analysis/analyser.ts";
import type { SourceField } from "./item-texts.ts";
import { compareTerms, TermDictionary } from "./term-dictionary.ts";
import type { TextField } from "./text-index.ts";

/** Fields in the order of their bits in a posting. */
const sourceFields = ["title", "brand", "categories", "attributes", "description"] as const;

/** How much a match in a field says, and how much a long field is held against it (b of BM25). */
const fieldModel: Readonly<Record<SourceField, { readonly weight: number; readonly b: number }>> = {
  title: { weight: 3, b: 0.5 },
  brand: { weight: 2.5, b: 0.3 },
  categories: { weight: 1.5, b: 0.3 },
  attributes: { weight: 1, b: 0.5 },
  description: { weight: 0.4, b: 0.75 },
};
const pinyinWeight = 0.5;
/** How soon more of the same word stops to matter. */
const k1 = 1.2;

const bitsPerField = 6;
const maxCount = 2 ** bitsPerField - 1;

/** What is known of the collection that scores depend on. */
export interface CollectionStatistics {
  readonly documents: number;
  /** Average length of each source field, in words. */
  readonly averageLengths: readonly number[];
  documentFrequency(term: Term): number;
}

/**
 * The inverted index as flat arrays: for each term the items that have it, ascending.
 *
 *     term t owns the postings listStarts[t] … listStarts[t + 1]
 *     posting │ row │ counts per field, 6 bits each │ impact
 *     positions of term t: bytes positionStarts[t] … positionStarts[t + 1], posting by posting
 *
 * A position is the step from the one before times two, plus one on the last of a posting, in
 * groups of seven bits: mostly one byte each. They are read from the start of a term's list, which
 * only phrases do; a table of where each posting begins would cost more than the positions.
 *
 * The impact is the part of BM25F that does not depend on the query, worked out when the index is
 * built, so that a search multiplies and adds:
 *
 *     tf'    = Σ_field weight · count / (1 − b + b · length / average length)
 *     impact = tf' · (k1 + 1) / (tf' + k1)            score += idf(term) · impact
 *     idf    = ln(1 + (N − df + ½) / (df + ½))
 *
 * @see Robertson & Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond"
 */
export class Postings implements CollectionStatistics {
  readonly rows: number;
  readonly documents: number;
  readonly averageLengths: readonly number[];
  readonly dictionary: TermDictionary;
  /** [terms + 1] */
  readonly listStarts: Uint32Array;
  /** [terms] */
  readonly idf: Float32Array;
  /** [postings] */
  readonly itemRows: Int32Array;
  readonly impacts: Float32Array;
  readonly #counts: Uint32Array;
  /** [terms + 1] */
  readonly #positionStarts: Uint32Array;
  readonly #positions: Uint8Array;
  /** [rows, source fields], in words, at most 65,535 */
  readonly #lengths: Uint16Array;

  constructor(parts: PostingsParts) {
    this.rows = parts.lengths.length / sourceFields.length;
    this.documents = parts.documents;
    this.averageLengths = parts.averageLengths;
    this.dictionary = parts.dictionary;
    this.listStarts = parts.listStarts;
    this.idf = parts.idf;
    this.itemRows = parts.itemRows;
    this.impacts = parts.impacts;
    this.#counts = parts.counts;
    this.#positionStarts = parts.positionStarts;
    this.#positions = parts.positions;
    this.#lengths = parts.lengths;
  }

  documentFrequency(term: Term): number {
    const number = this.dictionary.find(term);
    return number < 0 ? 0 : this.listStarts[number + 1]! - this.listStarts[number]!;
  }

  /** Place of an item's posting in a term's list, or -1. */
  find(term: number, row: number): number {
    let low = this.listStarts[term]!;
    let high = this.listStarts[term + 1]!;
    const end = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.itemRows[middle]! < row) low = middle + 1;
      else high = middle;
    }
    return low < end && this.itemRows[low] === row ? low : -1;
  }

  /** Reads the positions of a term's postings, which must be asked for in ascending order. */
  positionsOf(term: number): PositionReader {
    return new PositionReader(
      this.#positions,
      this.#positionStarts[term]!,
      this.#positionStarts[term + 1]!,
      this.listStarts[term]!,
    );
  }

  /** Share of each field in a posting's impact; the shares sum to 1. */
  fieldShares(posting: number, isPinyin: boolean): { field: TextField; share: number }[] {
    if (isPinyin) return [{ field: "pinyin", share: 1 }];
    const row = this.itemRows[posting]!;
    const counts = this.#counts[posting]!;
    const parts = sourceFields.map((field, slot) => ({
      field,
      share: fieldPart(slot, countOf(counts, slot), this.#lengths, row, this.averageLengths),
    }));
    const sum = parts.reduce((total, { share }) => total + share, 0);
    return parts
      .filter(({ share }) => share > 0)
      .map(({ field, share }) => ({ field, share: share / sum }));
  }

  toBytes(header: Readonly<Record<string, unknown>>): Uint8Array {
    const { text, starts, slots } = this.dictionary;
    return packArrays(
      packedKind,
      { ...header, documents: this.documents, averageLengths: this.averageLengths },
      {
        text,
        starts,
        slots,
        listStarts: this.listStarts,
        idf: this.idf,
        itemRows: this.itemRows,
        impacts: this.impacts,
        counts: this.#counts,
        positionStarts: this.#positionStarts,
        positions: this.#positions,
        lengths: this.#lengths,
      },
    );
  }

  /** Opens what `toBytes` gave, as views of the bytes, with its header. */
  static open(bytes: Uint8Array): {
    readonly postings: Postings;
    readonly header: Readonly<Record<string, unknown>>;
  } {
    const { header, arrays } = openArrays(bytes, packedKind);
    const dictionary = new TermDictionary(
      arrays["text"] as Uint8Array,
      arrays["starts"] as Uint32Array,
      arrays["slots"] as Uint32Array,
    );
    const postings = new Postings({
      documents: header["documents"] as number,
      averageLengths: header["averageLengths"] as number[],
      dictionary,
      listStarts: arrays["listStarts"] as Uint32Array,
      idf: arrays["idf"] as Float32Array,
      itemRows: arrays["itemRows"] as Int32Array,
      impacts: arrays["impacts"] as Float32Array,
      counts: arrays["counts"] as Uint32Array,
      positionStarts: arrays["positionStarts"] as Uint32Array,
      positions: arrays["positions"] as Uint8Array,
      lengths: arrays["lengths"] as Uint16Array,
    });
    return { postings, header };
  }
}

/** Walks along the positions of one term. */
export class PositionReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;
  #posting: number;

  constructor(bytes: Uint8Array, from: number, end: number, firstPosting: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = end;
    this.#posting = firstPosting;
  }

  /** Positions of a posting not before the one asked for last; none for terms without. */
  read(posting: number): number[] {
    for (; this.#posting < posting && this.#at < this.#end; this.#posting++) this.#skip();
    const positions: number[] = [];
    if (this.#at >= this.#end) return positions;
    this.#posting++;
    let position = 0;
    let isLast = false;
    while (!isLast) {
      const value = this.#next();
      position += value >>> 1;
      isLast = (value & 1) === 1;
      positions.push(position);
    }
    return positions;
  }

  #skip(): void {
    while ((this.#next() & 1) === 0);
  }

  #next(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}

interface PostingsParts {
  readonly documents: number;
  readonly averageLengths: readonly number[];
  readonly dictionary: TermDictionary;
  readonly listStarts: Uint32Array;
  readonly idf: Float32Array;
  readonly itemRows: Int32Array;
  readonly impacts: Float32Array;
  readonly counts: Uint32Array;
  readonly positionStarts: Uint32Array;
  readonly positions: Uint8Array;
  readonly lengths: Uint16Array;
}

const packedKind = "magpie-text-index/2";
const pinyinMark = 0x7e; // "~", see `Term`
const slotOf = Object.fromEntries(sourceFields.map((field, slot) => [field, slot])) as Readonly<
  Record<SourceField, number>
>;
const countOf = (counts: number, slot: number): number =>
  (counts >>> (bitsPerField * slot)) & maxCount;

/** One field's part of tf'. */
function fieldPart(
  slot: number,
  count: number,
  lengths: Uint16Array,
  row: number,
  averages: readonly number[],
): number {
  if (count === 0) return 0;
  const { weight, b } = fieldModel[sourceFields[slot]!];
  const average = averages[slot]!;
  const relative = average > 0 ? lengths[row * sourceFields.length + slot]! / average : 1;
  return (weight * count) / (1 - b + b * relative);
}

/** Gathers postings item by item, in order of rows, and sorts them by term at the end. */
export class PostingsBuilder {
  readonly #numbers = new Map<Term, number>();
  /** Place of each term's newest posting, plus one; 0 before the first. */
  readonly #newestOf = new GrowingArray();
  readonly #termOf = new GrowingArray();
  readonly #rowOf = new GrowingArray();
  readonly #countsOf = new GrowingArray();
  /** Occurrences: the posting they belong to, and where they stand. */
  readonly #postingAt = new GrowingArray();
  readonly #positionAt = new GrowingArray();
  readonly #lengths = new GrowingArray();
  #row = 1;
  #documents = 0;
  /** First posting of the item at hand. */
  #first = 0;

  constructor() {
    for (let slot = 0; slot < sourceFields.length; slot++) this.#lengths.push(0); // row 0
  }

  /** @param position  among the words of the item; -1 for terms that no phrase asks for */
  add(term: Term, field: SourceField, position: number): void {
    this.addNumber(this.numberOf(term), field, position);
  }

  /** The number by which this builder knows a term. */
  numberOf(term: Term): number {
    let number = this.#numbers.get(term);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(term, number);
      this.#newestOf.push(0);
    }
    return number;
  }

  /** `add` of a term whose number is known, which saves looking it up. */
  addNumber(number: number, field: SourceField, position: number): void {
    const shift = bitsPerField * slotOf[field];
    let posting = this.#newestOf.at(number) - 1;
    if (posting < this.#first) {
      posting = this.#termOf.length;
      this.#newestOf.set(number, posting + 1);
      this.#termOf.push(number);
      this.#rowOf.push(this.#row);
      this.#countsOf.push(0);
    }
    const counts = this.#countsOf.at(posting);
    if (((counts >>> shift) & maxCount) < maxCount) {
      this.#countsOf.set(posting, counts + 2 ** shift);
    }
    if (position >= 0) {
      this.#postingAt.push(posting);
      this.#positionAt.push(position);
    }
  }

  /** Ends the item of the next row. */
  endItem(lengths: Partial<Record<SourceField, number>>): void {
    for (const field of sourceFields) {
      this.#lengths.push(Math.min(65_535, Math.ceil(lengths[field] ?? 0)));
    }
    if (this.#termOf.length > this.#first) this.#documents++;
    this.#first = this.#termOf.length;
    this.#row++;
  }

  /** @param background  statistics to score by, for an index of few items beside a large one */
  finish(background?: CollectionStatistics): Postings {
    const terms = [...this.#numbers.keys()].sort(compareTerms);
    const placeOf = new Uint32Array(terms.length); // number of first sight → place in order
    terms.forEach((term, place) => {
      placeOf[this.#numbers.get(term)!] = place;
    });

    // A counting sort by term keeps the order of rows within each term.
    const postings = this.#termOf.length;
    const listStarts = new Uint32Array(terms.length + 1);
    for (let i = 0; i < postings; i++) listStarts[placeOf[this.#termOf.at(i)]! + 1]!++;
    for (let t = 0; t < terms.length; t++) listStarts[t + 1]! += listStarts[t]!;
    const next = listStarts.slice();
    const itemRows = new Int32Array(postings);
    const counts = new Uint32Array(postings);
    const sortedOf = new Uint32Array(postings);
    for (let i = 0; i < postings; i++) {
      const at = next[placeOf[this.#termOf.at(i)]!]!++;
      itemRows[at] = this.#rowOf.at(i);
      counts[at] = this.#countsOf.at(i);
      sortedOf[i] = at;
    }
    const { positionStarts, positions } = this.#layPositions(sortedOf, listStarts);

    const lengths = Uint16Array.from(this.#lengths.values());
    const documents = background?.documents ?? this.#documents;
    const averageLengths = background?.averageLengths ?? averagesOf(lengths, this.#documents);
    const idf = new Float32Array(terms.length);
    const impacts = new Float32Array(postings);
    terms.forEach((term, t) => {
      const own = listStarts[t + 1]! - listStarts[t]!;
      const frequency = background?.documentFrequency(term) ?? own;
      idf[t] = Math.log(1 + (documents - frequency + 0.5) / (frequency + 0.5));
      const isPinyin = term.charCodeAt(0) === pinyinMark;
      for (let i = listStarts[t]!; i < listStarts[t + 1]!; i++) {
        let weighted = 0;
        if (isPinyin) weighted = pinyinWeight * countOf(counts[i]!, 0);
        else {
          for (let slot = 0; slot < sourceFields.length; slot++) {
            const count = countOf(counts[i]!, slot);
            weighted += fieldPart(slot, count, lengths, itemRows[i]!, averageLengths);
          }
        }
        impacts[i] = (weighted * (k1 + 1)) / (weighted + k1);
      }
    });
    const dictionary = TermDictionary.build(terms);
    return new Postings({
      documents,
      averageLengths,
      dictionary,
      listStarts,
      idf,
      itemRows,
      impacts,
      counts,
      positionStarts,
      positions,
      lengths,
    });
  }

  /** Writes the occurrences posting by posting, in the order of the sorted postings. */
  #layPositions(
    sortedOf: Uint32Array,
    listStarts: Uint32Array,
  ): { positionStarts: Uint32Array; positions: Uint8Array } {
    const occurrences = this.#postingAt.length;
    const starts = new Uint32Array(sortedOf.length + 1);
    for (let i = 0; i < occurrences; i++) starts[sortedOf[this.#postingAt.at(i)]! + 1]!++;
    for (let i = 0; i < sortedOf.length; i++) starts[i + 1]! += starts[i]!;
    const next = starts.slice();
    const sorted = new Uint32Array(occurrences);
    for (let i = 0; i < occurrences; i++) {
      sorted[next[sortedOf[this.#postingAt.at(i)]!]!++] = this.#positionAt.at(i);
    }
    const terms = listStarts.length - 1;
    const positionStarts = new Uint32Array(terms + 1);
    const bytes = new GrowingBytes();
    for (let t = 0; t < terms; t++) {
      for (let posting = listStarts[t]!; posting < listStarts[t + 1]!; posting++) {
        let before = 0;
        for (let i = starts[posting]!; i < starts[posting + 1]!; i++) {
          const isLast = i + 1 === starts[posting + 1]!;
          bytes.pushVarint(((sorted[i]! - before) << 1) | Number(isLast));
          before = sorted[i]!;
        }
      }
      positionStarts[t + 1] = bytes.length;
    }
    return { positionStarts, positions: bytes.values() };
  }
}

function averagesOf(lengths: Uint16Array, documents: number): number[] {
  const fields = sourceFields.length;
  return sourceFields.map((_, slot) => {
    let sum = 0;
    for (let i = slot; i < lengths.length; i += fields) sum += lengths[i]!;
    return documents === 0 ? 0 : sum / documents;
  });
}

/** Whole numbers below 2³², doubling its room: an ordinary array would box or spread them. */
class GrowingArray {
  #values = new Uint32Array(1024);
  length = 0;

  push(value: number): void {
    if (this.length === this.#values.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.length++] = value;
  }

  at(i: number): number {
    return this.#values[i]!;
  }

  set(i: number, value: number): void {
    this.#values[i] = value;
  }

  values(): Uint32Array {
    return this.#values.subarray(0, this.length);
  }
}

class GrowingBytes {
  #values = new Uint8Array(1024);
  length = 0;

  /** Seven bits per byte, the lowest first; the highest bit says that more follow. */
  pushVarint(value: number): void {
    if (this.length + 5 > this.#values.length) {
      const larger = new Uint8Array(2 * this.#values.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    let rest = value;
    for (; rest >= 0x80; rest >>>= 7) this.#values[this.length++] = (rest & 0x7f) | 0x80;
    this.#values[this.length++] = rest;
  }

  values(): Uint8Array {
    return this.#values.slice(0, this.length);
  }
}
