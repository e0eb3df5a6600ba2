import { openArrays, packArrays } from "../packed/packed-arrays.ts";
import type { Term } from "./analysis/analyser.ts";
import type { SourceField } from "./item-texts.ts";
import { TermDictionary } from "./term-dictionary.ts";
import type { TextField } from "./text-index.ts";

/** Fields in the order of their bits in a posting. */
export const sourceFields = ["title", "brand", "categories", "attributes", "description"] as const;

/** How much a match in a field says, and how much a long field is held against it (b of BM25). */
const fieldModel: Readonly<Record<SourceField, { readonly weight: number; readonly b: number }>> = {
  title: { weight: 3, b: 0.5 },
  brand: { weight: 2.5, b: 0.3 },
  categories: { weight: 1.5, b: 0.3 },
  attributes: { weight: 0.6, b: 0.8 }, // all of them together are long, and say much that is by the way
  description: { weight: 0.4, b: 0.75 },
};
/** How much a word typed in Latin letters says, and nothing is held against its length. */
export const pinyinWeight = 0.5;
/** How soon more of the same word stops to matter. */
const k1 = 1.2;

/** Room for the count of one field in a posting. */
export const bitsPerField = 6;
/** Counts above it are taken for it. */
export const maxCount = 2 ** bitsPerField - 1;

/** The weight of each source field, where a shop says no other. */
export const usualWeights: readonly number[] = sourceFields.map(
  (field) => fieldModel[field].weight,
);

/** What is known of the collection that scores depend on. */
export interface CollectionStatistics {
  /** How much a match in each source field says. */
  readonly weights: readonly number[];
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
 * groups of seven bits: mostly one byte each. The first step is from -1, so that a step of 0 is a
 * posting without positions; terms without any have no bytes. They are read from the start of a
 * term's list, which only phrases do; a table of where each posting begins would cost more than the
 * positions.
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
  /** Rows past the last one that the postings may name, row 0 included. */
  readonly rows: number;
  readonly documents: number;
  readonly averageLengths: readonly number[];
  readonly weights: readonly number[];
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
  /** [items + 1, source fields], in words, at most 65,535; items stand at their rows unless moved */
  readonly #lengths: Uint16Array;
  /** [items + 1] of moved postings: where the items' rows are, ascending */
  readonly #rowsOfItems: Int32Array | undefined;

  constructor(parts: PostingsParts) {
    this.#rowsOfItems = parts.rowsOfItems;
    const items = parts.lengths.length / sourceFields.length;
    this.rows = this.#rowsOfItems === undefined ? items : this.#rowsOfItems.at(-1)! + 1;
    this.documents = parts.documents;
    this.averageLengths = parts.averageLengths;
    this.weights = parts.weights;
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

  /** How many items have a term, by the statistics that it is scored by. */
  frequencyOf(term: number): number {
    // Solves the formula of idf, which is kept in 32 bits, for df.
    return Math.max(0, Math.round((this.documents + 1) / Math.exp(this.idf[term]!) - 0.5));
  }

  /**
   * The same postings with items at other rows: a few items of a large catalogue are indexed side by
   * side, and then take their places in it. The lists are changed in place.
   *
   * @param rows  ascending; the new row of each item, 0 for row 0
   */
  movedTo(rows: Int32Array): Postings {
    const { itemRows } = this;
    for (let i = 0; i < itemRows.length; i++) itemRows[i] = rows[itemRows[i]!]!;
    return new Postings({
      documents: this.documents,
      averageLengths: this.averageLengths,
      weights: this.weights,
      dictionary: this.dictionary,
      listStarts: this.listStarts,
      idf: this.idf,
      itemRows,
      impacts: this.impacts,
      counts: this.#counts,
      positionStarts: this.#positionStarts,
      positions: this.#positions,
      lengths: this.#lengths,
      rowsOfItems: rows,
    });
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
    const item = this.#rowsOfItems === undefined ? row : placeOf(this.#rowsOfItems, row);
    const parts = sourceFields.map((field, slot) => ({
      field,
      share:
        countOf(counts, slot) *
        countWeight(slot, this.#lengths[item * sourceFields.length + slot]!, this),
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
      {
        ...header,
        documents: this.documents,
        averageLengths: this.averageLengths,
        weights: this.weights,
      },
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
      weights: (header["weights"] ?? usualWeights) as readonly number[],
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
    let position = -1;
    for (;;) {
      const value = this.#next();
      if (value >>> 1 === 0) return positions; // a posting without positions
      position += value >>> 1;
      positions.push(position);
      if ((value & 1) === 1) return positions;
    }
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

/** All that postings are made of, see `Postings`. */
export interface PostingsParts {
  readonly documents: number;
  readonly averageLengths: readonly number[];
  readonly weights: readonly number[];
  readonly dictionary: TermDictionary;
  readonly listStarts: Uint32Array;
  readonly idf: Float32Array;
  readonly itemRows: Int32Array;
  readonly impacts: Float32Array;
  readonly counts: Uint32Array;
  readonly positionStarts: Uint32Array;
  readonly positions: Uint8Array;
  readonly lengths: Uint16Array;
  readonly rowsOfItems?: Int32Array;
}

/** Place of a row in an ascending list that has it. */
function placeOf(rows: Int32Array, row: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

const packedKind = "magpie-text-index/3";

/** How often a posting's term stands in a field, out of the packed counts. */
export const countOf = (counts: number, slot: number): number =>
  (counts >>> (bitsPerField * slot)) & maxCount;

/** What one occurrence in a field of this length adds to tf'. */
export function countWeight(
  slot: number,
  length: number,
  { averageLengths, weights }: Pick<CollectionStatistics, "averageLengths" | "weights">,
): number {
  const { b } = fieldModel[sourceFields[slot]!];
  const average = averageLengths[slot]!;
  return weights[slot]! / (1 - b + b * (average > 0 ? length / average : 1));
}

/** The part of BM25F that the query does not change, of a weighted count tf'. */
export const impactOf = (weighted: number): number => (weighted * (k1 + 1)) / (weighted + k1);
