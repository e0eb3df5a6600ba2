import { openArrays, packArrays } from "../packed/packed-arrays.ts";
import { queryKey, type LearnedQuery } from "./query-log.ts";
import type { CatalogSuggestions, ItemSuggestions } from "./catalog-suggestions.ts";
import {
  SuggestionIndex,
  type SuggestOptions,
  type Suggestion,
  type SuggestionEntry,
} from "./suggestion-index.ts";

/** What is offered while a shopper types, by kind. */
export interface Suggestions {
  /** The shopper's own searches, newest first; only those that begin as typed. */
  readonly recent: readonly string[];
  readonly queries: readonly Suggestion[];
  readonly products: readonly Suggestion[];
  readonly categories: readonly Suggestion[];
  readonly brands: readonly Suggestion[];
  /**
   * How far one had to go for queries: as typed; the first words kept and the last ones completed
   * from what others say there; popular queries, in the shopper's categories first.
   */
  readonly rung: SuggestionRung;
}

export type SuggestionRung = "as-typed" | "last-words" | "popular";

export interface SuggesterOptions extends SuggestOptions {
  /** The shopper's own searches, newest first; empty where personalisation is off. */
  readonly recent?: readonly string[];
}

/** What a suggester is made of. */
export interface SuggesterParts {
  readonly learned: readonly LearnedQuery[];
  readonly catalog: CatalogSuggestions;
  /** Category in which the clicks of a query are, by `queryKey`. */
  readonly categoryOf?: ReadonlyMap<string, string>;
}

const kind = "suggester/1";
const sections = ["queries", "products", "categories", "brands"] as const;
type Section = (typeof sections)[number];

/** What a learned query weighs beyond its searches: somebody did search for it. */
const seenWeight = 1;
/**
 * What the heaviest phrase of the catalogue weighs, beside searches; lighter ones by the logarithm
 * of their items and popularity. Chosen on the validation queries of `bench/suggest.ts`.
 */
const phraseShare = 1.5;
/** A query put together of two halves is likely so much less than one that was seen. */
const lastWordsFactor = 0.02;
const maxTails = 4;

/**
 * Suggests queries, products, categories and brands. Queries are those that enough people searched
 * for, and phrases of the catalogue for what nobody searched for yet.
 *
 *     learned queries ─┐
 *     phrases ─────────┴─▶ queries ─┐
 *     products, categories, brands ─┴─▶ one `SuggestionIndex` each, + what came since (`setNew`)
 */
export class Suggester {
  readonly #indexes: Readonly<Record<Section, SuggestionIndex>>;
  readonly #new = new Map<Section, SuggestionIndex>();

  private constructor(indexes: Readonly<Record<Section, SuggestionIndex>>) {
    this.#indexes = indexes;
  }

  static build({ learned, catalog, categoryOf }: SuggesterParts): Suggester {
    const heaviest = catalog.phrases.reduce((most, { weight }) => Math.max(most, weight), 1);
    const queries = [
      ...learned.map(({ text, weight }): SuggestionEntry => {
        const category = categoryOf?.get(queryKey(text));
        return { text, weight: seenWeight + weight, ...(category !== undefined && { category }) };
      }),
      ...catalog.phrases.map((entry) => ({
        ...entry,
        weight: (phraseShare * Math.log1p(entry.weight)) / Math.log1p(heaviest),
      })),
    ];
    return new Suggester({
      queries: SuggestionIndex.build(queries),
      products: SuggestionIndex.build(catalog.products),
      categories: SuggestionIndex.build(catalog.categories),
      brands: SuggestionIndex.build(catalog.brands),
    });
  }

  toBytes(): Uint8Array {
    const parts = sections.map((section) => [section, this.#indexes[section].toBytes()] as const);
    return packArrays(kind, {}, Object.fromEntries(parts));
  }

  /** @throws {DataError} `BAD_INDEX_FILE` when the bytes are of another kind or cut short */
  static open(bytes: Uint8Array): Suggester {
    const { arrays } = openArrays(bytes, kind);
    const opened = sections.map((section) => [
      section,
      SuggestionIndex.open((arrays[section] ?? new Uint8Array()) as Uint8Array),
    ]);
    return new Suggester(Object.fromEntries(opened) as Record<Section, SuggestionIndex>);
  }

  /**
   * What items bring that came or changed since, in place of what was given before. Products stand in
   * front of those of the same name; names of categories and brands that are known keep their weight.
   */
  setNew({ products, categories, brands }: ItemSuggestions): void {
    const unknown = (section: Section, entries: readonly SuggestionEntry[]) =>
      entries.filter(({ text }) => this.#indexes[section].exactly(text) === undefined);
    this.#new.set("products", SuggestionIndex.build(products));
    this.#new.set("categories", SuggestionIndex.build(unknown("categories", categories)));
    this.#new.set("brands", SuggestionIndex.build(unknown("brands", brands)));
  }

  suggest(typed: string, options: SuggesterOptions): Suggestions {
    const { limit, recent = [] } = options;
    const key = queryKey(typed);
    const { queries, rung } = this.#queries(typed, key, options);
    const isTyping = key !== "";
    return {
      recent: recent.filter((query) => queryKey(query).startsWith(key)).slice(0, limit),
      queries,
      products: isTyping ? this.#completions("products", typed, options) : [],
      categories: isTyping ? this.#completions("categories", typed, options) : [],
      brands: isTyping ? this.#completions("brands", typed, options) : [],
      rung,
    };
  }

  #queries(
    typed: string,
    key: string,
    options: SuggesterOptions,
  ): { readonly queries: readonly Suggestion[]; readonly rung: SuggestionRung } {
    const asTyped = this.#completions("queries", typed, options);
    if (asTyped.length >= options.limit || key === "")
      return { queries: asTyped, rung: "as-typed" };
    const known = new Set(asTyped.map(({ text }) => queryKey(text)));
    const pieced = this.#lastWords(key, options).filter(({ text }) => !known.has(queryKey(text)));
    if (asTyped.length + pieced.length > 0) {
      const queries = [...asTyped, ...pieced].slice(0, options.limit);
      return { queries, rung: asTyped.length > 0 ? "as-typed" : "last-words" };
    }
    return { queries: this.#completions("queries", "", options), rung: "popular" };
  }

  /** Keeps the first words and completes the last ones, the longest run of them that is known. */
  #lastWords(key: string, options: SuggesterOptions): Suggestion[] {
    const found = new Map<string, Suggestion>();
    for (const at of tailsOf(key)) {
      const head = key.slice(0, at);
      for (const one of this.#completions("queries", key.slice(at), { ...options, context: [] })) {
        if (one.match !== "start") continue;
        const text = head + queryKey(one.text);
        const score = one.score * lastWordsFactor;
        const known = found.get(text);
        if (known === undefined) found.set(text, { ...one, text, score, match: "later-word" });
      }
      if (found.size >= options.limit) break;
    }
    return [...found.values()].slice(0, options.limit);
  }

  #completions(section: Section, typed: string, options: SuggestOptions): Suggestion[] {
    const base = this.#indexes[section].suggest(typed, options);
    const fresh = this.#new.get(section)?.suggest(typed, options) ?? [];
    if (fresh.length === 0) return base;
    const known = new Set(fresh.map(({ text }) => queryKey(text)));
    const all = [...fresh, ...base.filter(({ text }) => !known.has(queryKey(text)))];
    // As in one index: nobody mistyped who typed the beginning of something.
    const asTyped = all.filter(({ match }) => match !== "typing-error");
    return (asTyped.length > 0 ? asTyped : all)
      .sort((a, b) => b.score - a.score || (a.text < b.text ? -1 : 1))
      .slice(0, options.limit);
  }
}

/** Where the last words begin, the longest run of them first; in Chinese, the last characters. */
function tailsOf(key: string): number[] {
  const tails: number[] = [];
  for (let at = 1; at < key.length; at++) {
    const isWord = key[at - 1] === " ";
    const isHan = /\p{Script=Han}/u.test(key[at]!) && key.length - at <= maxTails;
    if (isWord || isHan) tails.push(at);
  }
  return tails.slice(-maxTails);
}
