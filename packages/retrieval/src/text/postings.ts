import { openArrays, packArrays } from "../packed/packed-arrays.ts";
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

/** What the part of a score that no query changes depends on beside an item's own words. */
export interface ScoringModel {
  /** How much a match in each source field says. */
  readonly weights: readonly number[];
  /** Average length of each source field, in words, as `steppedAverages` gives them. */
  readonly averageLengths: readonly number[];
}

/** Steps of average lengths in a doubling: 1.1 % each. */
const averageSteps = 64;

/**
 * Average length of each source field, rounded to a step: so it seldom moves while single items
 * come and go, and impacts that were worked out by it hold. A field's length weighs as much on
 * either side of a step as makes no difference to an order.
 */
export function steppedAverages(
  lengthSums: ArrayLike<number>,
  documents: number,
): readonly number[] {
  return sourceFields.map((_, slot) => {
    const sum = lengthSums[slot]!;
    if (documents === 0 || sum === 0) return 0;
    return 2 ** (Math.round(averageSteps * Math.log2(sum / documents)) / averageSteps);
  });
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
 *     idf    = ln(1 + (N − df + ½) / (df + ½))        `PostingLists` knows N and df
 *
 * Where the average moved a step since, `impactsOf` works a list out anew when it is next asked for.
 *
 * @see Robertson & Zaragoza (2009), "The probabilistic relevance framework: BM25 and beyond"
 */
export class Postings {
  /** Rows past the last one that the postings may name, row 0 included. */
  readonly rows: number;
  /** Items with words. */
  readonly documents: number;
  /** Sum of all lengths, by source field. */
  readonly lengthSums: readonly number[];
  readonly dictionary: TermDictionary;
  /** [terms + 1] */
  readonly listStarts: Uint32Array;
  /** [postings] */
  readonly itemRows: Int32Array;
  #model: ScoringModel;
  /** Grows with each model; a list was worked out by the model whose number it has. */
  #modelNumber = 0;
  /** [terms], from when the model first changes */
  #modelOf: Uint16Array | undefined;
  readonly #impacts: Float32Array;
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
    this.lengthSums = parts.lengthSums;
    this.dictionary = parts.dictionary;
    this.listStarts = parts.listStarts;
    this.itemRows = parts.itemRows;
    this.#model = parts.model;
    this.#impacts = parts.impacts;
    this.#counts = parts.counts;
    this.#positionStarts = parts.positionStarts;
    this.#positions = parts.positions;
    this.#lengths = parts.lengths;
  }

  get model(): ScoringModel {
    return this.#model;
  }

  /** Scores by another model from now on. */
  scoreBy(model: ScoringModel): void {
    const { weights, averageLengths } = this.#model;
    const isSame =
      model.weights.every((weight, slot) => weight === weights[slot]) &&
      model.averageLengths.every((length, slot) => length === averageLengths[slot]);
    if (isSame) return;
    if (this.#modelNumber === maxModelNumber) this.#bringUpToDate();
    this.#model = model;
    this.#modelNumber++;
    this.#modelOf ??= new Uint16Array(this.dictionary.size);
  }

  /** Impacts of all postings, those of a term up to date. */
  impactsOf(term: number): Float32Array {
    if (this.#modelOf !== undefined && this.#modelOf[term] !== this.#modelNumber) {
      this.#workOut(term);
      this.#modelOf[term] = this.#modelNumber;
    }
    return this.#impacts;
  }

  #workOut(term: number): void {
    const { text, starts } = this.dictionary;
    const isPinyin = text[starts[term]!] === pinyinMark;
    for (let i = this.listStarts[term]!; i < this.listStarts[term + 1]!; i++) {
      const counts = this.#counts[i]!;
      let weighted = 0;
      if (isPinyin) weighted = pinyinWeight * countOf(counts, 0);
      else {
        const item = this.#itemAt(this.itemRows[i]!);
        for (let slot = 0; slot < sourceFields.length; slot++) {
          const count = countOf(counts, slot);
          if (count === 0) continue;
          const length = this.#lengths[item * sourceFields.length + slot]!;
          weighted += count * countWeight(slot, length, this.#model);
        }
      }
      this.#impacts[i] = impactOf(weighted);
    }
  }

  #bringUpToDate(): void {
    for (let term = 0; term < this.dictionary.size; term++) this.impactsOf(term);
    this.#modelNumber = 0;
    this.#modelOf?.fill(0);
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
      lengthSums: this.lengthSums,
      model: this.#model,
      dictionary: this.dictionary,
      listStarts: this.listStarts,
      itemRows,
      impacts: this.#impacts,
      counts: this.#counts,
      positionStarts: this.#positionStarts,
      positions: this.#positions,
      lengths: this.#lengths,
      rowsOfItems: rows,
    });
  }

  /** True for a row of these postings whose item has words. */
  hasItem(row: number): boolean {
    for (let slot = 0; slot < sourceFields.length; slot++) {
      if (this.lengthOf(row, slot) > 0) return true;
    }
    return false;
  }

  /** Words of a row's item in a source field; 0 for a row of other postings. */
  lengthOf(row: number, slot: number): number {
    const item = this.#itemAt(row);
    return item < 0 ? 0 : (this.#lengths[item * sourceFields.length + slot] ?? 0);
  }

  /** Place of a row's item in the lengths; -1 for a row of other postings. */
  #itemAt(row: number): number {
    if (this.#rowsOfItems === undefined) return row;
    const item = placeOf(this.#rowsOfItems, row);
    return this.#rowsOfItems[item] === row ? item : -1;
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
      share: countOf(counts, slot) * countWeight(slot, this.lengthOf(row, slot), this.#model),
    }));
    const sum = parts.reduce((total, { share }) => total + share, 0);
    return parts
      .filter(({ share }) => share > 0)
      .map(({ field, share }) => ({ field, share: share / sum }));
  }

  toBytes(header: Readonly<Record<string, unknown>>): Uint8Array {
    const { text, starts, slots } = this.dictionary;
    this.#bringUpToDate();
    return packArrays(
      packedKind,
      {
        ...header,
        documents: this.documents,
        lengthSums: this.lengthSums,
        averageLengths: this.#model.averageLengths,
        weights: this.#model.weights,
      },
      {
        text,
        starts,
        slots,
        listStarts: this.listStarts,
        itemRows: this.itemRows,
        impacts: this.#impacts,
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
    const documents = header["documents"] as number;
    const averageLengths = header["averageLengths"] as number[];
    const postings = new Postings({
      documents,
      // An index of an earlier version has exact averages instead.
      lengthSums: (header["lengthSums"] ??
        averageLengths.map((average) => Math.round(average * documents))) as number[],
      model: { averageLengths, weights: (header["weights"] ?? usualWeights) as readonly number[] },
      dictionary,
      listStarts: arrays["listStarts"] as Uint32Array,
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
  readonly lengthSums: readonly number[];
  /** By which the impacts were worked out. */
  readonly model: ScoringModel;
  readonly dictionary: TermDictionary;
  readonly listStarts: Uint32Array;
  readonly itemRows: Int32Array;
  readonly impacts: Float32Array;
  readonly counts: Uint32Array;
  readonly positionStarts: Uint32Array;
  readonly positions: Uint8Array;
  readonly lengths: Uint16Array;
  readonly rowsOfItems?: Int32Array;
}

/** Place of a row in an ascending list, or where it would stand. */
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

const packedKind = "magpie-text-index/4";
/** First byte of a word as it is typed in Latin letters: "~", see `Term`. */
export const pinyinMark = 0x7e;
const maxModelNumber = 0xffff;

/** How often a posting's term stands in a field, out of the packed counts. */
export const countOf = (counts: number, slot: number): number =>
  (counts >>> (bitsPerField * slot)) & maxCount;

/** What one occurrence in a field of this length adds to tf'. */
export function countWeight(
  slot: number,
  length: number,
  { averageLengths, weights }: ScoringModel,
): number {
  const { b } = fieldModel[sourceFields[slot]!];
  const average = averageLengths[slot]!;
  return weights[slot]! / (1 - b + b * (average > 0 ? length / average : 1));
}

/** The part of BM25F that the query does not change, of a weighted count tf'. */
export const impactOf = (weighted: number): number => (weighted * (k1 + 1)) / (weighted + k1);
