import type { ItemSet } from "../filter/item-set.ts";
import type { ScoredItems } from "../vector/vector-index.ts";
import type { Highlighter } from "./highlight.ts";
import type { ParsedQuery } from "./parsed-query.ts";

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

/** A number per item to sort by, in place of relevance; NaN goes last either way. */
export interface TextSort {
  readonly valueOf: (row: number) => number;
  readonly order: "ascending" | "descending";
}

export interface TextSearchOptions {
  readonly limit: number;
  readonly offset?: number;
  /** BCP 47 tag of the reader, which names the language of the words that need not be there. */
  readonly locale?: string;
  /** Items that may be found; all when absent. */
  readonly filter?: ItemSet;
  /**
   * Choices in facets: per facet, the items that pass its choice. Hits pass all of them; `matches`
   * of the answer does not know them, so that a facet's own choice can be left out of its counts.
   */
  readonly refinements?: ReadonlyMap<string, ItemSet>;
  /** By relevance when absent; equal values in order of relevance. */
  readonly sort?: TextSort;
  /**
   * `all`: items have every required word. `relaxed` (default): fewer where none has. `broad`: where
   * few have all, those with some come behind them, unless hits are sorted by a number. `close`: the
   * same where fewer than a page have all, with those alone that lack one word that is no number, at
   * most 100.
   */
  readonly mode?: "all" | "relaxed" | "broad" | "close";
  /** A query without words finds every item that passes, in order of rows: pages without a query. */
  readonly emptyFindsAll?: boolean;
  /** Whether hits come with `parts` and `matchedWords`; true when absent. */
  readonly explain?: boolean;
}

/** How much one word of the query, found in one field, gave to one hit's score. */
export interface TextPart {
  /** The word as the query has it. */
  readonly word: string;
  readonly field: TextField;
  readonly amount: number;
}

/**
 * The stage that answered, the strictest that found an item: all required words; without those of
 * low importance; only those of high importance; some of the words.
 */
export type MatchStage = "all" | "without-low" | "high-only" | "some";

/** One page of hits, best first; all arrays have the same length. */
export interface TextHits extends ScoredItems {
  /** Items that match, on all pages together: exact. */
  readonly total: number;
  /** Those of them that have every required word; they come first, unless hits are sorted by a number. */
  readonly withAllWords: number;
  /** Per hit, the words of the query that it has, in the query's order; empty unless explained. */
  readonly matchedWords: readonly (readonly string[])[];
  /** Per hit, parts that sum to its score within 1e-6; empty unless explained. */
  readonly parts: readonly (readonly TextPart[])[];
  readonly stage: MatchStage;
  /** True when no item has all words, so that items with some of them were taken. */
  readonly relaxed: boolean;
  /**
   * The items of the stage that answered, before `refinements`: what facet counts start from. The
   * caller's own copy.
   */
  readonly matches: ItemSet;
  /** Those of them that lack a word while others have all: in a broad or close search. */
  readonly lacking?: ItemSet;
}

/** Finds items by the words of their texts. */
export interface TextIndex {
  /** Words, phrases and exclusions of a query, with the shop's synonyms as alternatives. */
  parse(query: string, locale?: string): ParsedQuery;
  /** Best first; equal scores by lower row. A query without words finds nothing. */
  search(query: string | ParsedQuery, options: TextSearchOptions): TextHits;
  /** Marks the query's words in texts of hits. */
  highlighter(query: string | ParsedQuery, locale?: string): Highlighter;
}
