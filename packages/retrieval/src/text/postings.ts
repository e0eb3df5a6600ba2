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
      lengths: arrays["lengths"] as Uint16Array,
    });
    return { postings, header };
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
  readonly lengths: Uint16Array;
}

const packedKind = "magpie-text-index/1";
const pinyinMark = 0x7e; // "~", see `Term`
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
  /** Counts of the item at hand, per term. */
  readonly #current = new Map<Term, number>();
  readonly #termOf = new GrowingArray();
  readonly #rowOf = new GrowingArray();
  readonly #countsOf = new GrowingArray();
  readonly #lengths: number[] = sourceFields.map(() => 0); // row 0
  #documents = 0;

  add(term: Term, field: SourceField): void {
    const shift = bitsPerField * sourceFields.indexOf(field);
    const counts = this.#current.get(term) ?? 0;
    if (((counts >>> shift) & maxCount) < maxCount) {
      this.#current.set(term, counts + 2 ** shift);
    }
  }

  /** Ends the item of the next row. */
  endItem(lengths: Partial<Record<SourceField, number>>): void {
    const row = this.#lengths.length / sourceFields.length;
    for (const field of sourceFields) {
      this.#lengths.push(Math.min(65_535, Math.ceil(lengths[field] ?? 0)));
    }
    if (this.#current.size > 0) this.#documents++;
    for (const [term, counts] of this.#current) {
      let number = this.#numbers.get(term);
      if (number === undefined) {
        number = this.#numbers.size;
        this.#numbers.set(term, number);
      }
      this.#termOf.push(number);
      this.#rowOf.push(row);
      this.#countsOf.push(counts);
    }
    this.#current.clear();
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
    for (let i = 0; i < postings; i++) {
      const at = next[placeOf[this.#termOf.at(i)]!]!++;
      itemRows[at] = this.#rowOf.at(i);
      counts[at] = this.#countsOf.at(i);
    }

    const lengths = Uint16Array.from(this.#lengths);
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
      lengths,
    });
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
}
