import type { ItemSet } from "../filter/item-set.ts";
import type { ScoredItems } from "../vector/vector-index.ts";

/** Parts of an item's text, in the order of how much a match there usually says. */
export const textFields = [
  "title",
  "brand",
  "categories",
  "attributes",
  "description",
  "pinyin",
] as const;

export type TextField = (typeof textFields)[number];

export interface TextSearchOptions {
  readonly limit: number;
  readonly offset?: number;
  /** BCP 47 tag of the reader; texts in this language count a little more. */
  readonly locale?: string;
  /** Items that may be found; all when absent. */
  readonly filter?: ItemSet;
}

/** How much one word of the query, found in one field, gave to one hit's score. */
export interface TextPart {
  /** The word as the query has it. */
  readonly word: string;
  readonly field: TextField;
  readonly amount: number;
}

/** One page of hits, best first; all arrays have the same length. */
export interface TextHits extends ScoredItems {
  /** Items that match, on all pages together. */
  readonly total: number;
  /** Per hit, the words of the query that it has, in the query's order. */
  readonly matchedWords: readonly (readonly string[])[];
  /** Per hit, parts that sum to its score within 1e-6. */
  readonly parts: readonly (readonly TextPart[])[];
  /** True when no item has all words, so that items with some of them were taken. */
  readonly relaxed: boolean;
}

/** Finds items by the words of their texts. */
export interface TextIndex {
  /** Best first; equal scores by lower row. A query without words finds nothing. */
  search(query: string, options: TextSearchOptions): TextHits;
}
