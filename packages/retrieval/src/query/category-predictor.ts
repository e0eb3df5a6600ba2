import {
  openArrays,
  openStrings,
  packArrays,
  packedPart,
  packStrings,
} from "../packed/packed-arrays.ts";
import { queryKey } from "../suggest/query-log.ts";
import { compareTerms, TermDictionary } from "../text/term-dictionary.ts";

/** How likely a query is about a category. */
export interface CategoryGuess {
  readonly category: string;
  /** In [0, 1]; all guesses of one query sum to 1 or less. */
  readonly probability: number;
}

/** A click or purchase that a query led to. */
export interface CategorySignal {
  readonly query: string;
  readonly category: string;
  /** How strongly the act speaks: a purchase more than a click. */
  readonly weight: number;
}

const kind = "category-predictor/1";
/** Acts that a word's own share of the shop stands for, until it has acts of its own. */
const priorActs = 2;
/** Guesses below are noise. */
const minProbability = 0.05;
const maxGuesses = 5;
/** Categories that one word keeps, its strongest. */
const maxPerWord = 50;

/**
 * Categories that a query is about, from what people took after it, and where nobody searched so
 * yet, from its words (naive Bayes over the words of queries and of titles):
 *
 *     P(c | q) = (acts of q in c + m · P(c | words of q)) / (acts of q + m)        m = 2
 *
 * So a query with many acts answers by its own, one without by its words. A boost for ranking, never
 * a filter: the ladder of alternatives stays open.
 */
export class CategoryPredictor {
  readonly #byQuery: CountTable;
  readonly #byWord: CountTable;
  readonly #categories: readonly string[];
  readonly #totals: Float32Array;
  readonly #all: number;

  private constructor(
    byQuery: CountTable,
    byWord: CountTable,
    categories: readonly string[],
    totals: Float32Array,
  ) {
    this.#byQuery = byQuery;
    this.#byWord = byWord;
    this.#categories = categories;
    this.#totals = totals;
    this.#all = totals.reduce((sum, count) => sum + count, 0);
  }

  /**
   * @param signals  acts after queries
   * @param titles   texts of items with their category: what words mean before anybody clicks
   * @param wordsOf  words of a text, as the search cuts it
   */
  static build(
    signals: Iterable<CategorySignal>,
    titles: Iterable<{ readonly text: string; readonly category: string }>,
    wordsOf: (text: string) => readonly string[],
  ): CategoryPredictor {
    const [byQuery, byWord] = [new Map<string, Counts>(), new Map<string, Counts>()];
    const places = new Map<string, number>();
    const totals: number[] = [];
    const placeOf = (category: string): number => {
      const place = places.get(category) ?? places.size;
      places.set(category, place);
      return place;
    };
    const learn = (text: string, category: number, weight: number): void => {
      totals[category] = (totals[category] ?? 0) + weight;
      for (const word of new Set(wordsOf(text))) add(byWord, word, category, weight);
    };
    for (const { query, category, weight } of signals) {
      if (!(weight > 0)) continue;
      const place = placeOf(category);
      add(byQuery, queryKey(query), place, weight);
      learn(query, place, weight);
    }
    for (const { text, category } of titles) learn(text, placeOf(category), 1);
    return new CategoryPredictor(
      packCounts(byQuery),
      packCounts(byWord, maxPerWord),
      [...places.keys()],
      Float32Array.from(totals),
    );
  }

  toBytes(): Uint8Array {
    const categories = packStrings(this.#categories);
    return packArrays(
      kind,
      {},
      {
        totals: this.#totals,
        categoryText: categories.text,
        categoryStarts: categories.starts,
        ...partsOf("query", this.#byQuery),
        ...partsOf("word", this.#byWord),
      },
    );
  }

  /**
   * Opens what `toBytes` gave; the arrays are views of `bytes`.
   *
   * @throws {DataError} `BAD_INDEX_FILE` when the bytes are of another kind or cut short
   */
  static open(bytes: Uint8Array): CategoryPredictor {
    const { arrays } = openArrays(bytes, kind);
    const part = <T>(name: string): T => packedPart<T>(arrays, kind, name);
    const table = (name: string): CountTable => ({
      keys: new TermDictionary(part(`${name}.text`), part(`${name}.starts`), part(`${name}.slots`)),
      offsets: part(`${name}.offsets`),
      categories: part(`${name}.categories`),
      counts: part(`${name}.counts`),
    });
    return new CategoryPredictor(
      table("query"),
      table("word"),
      openStrings(part("categoryText"), part("categoryStarts")),
      part("totals"),
    );
  }

  /** Most likely first; empty for a query whose words say nothing. */
  predict(query: string, words: readonly string[]): CategoryGuess[] {
    const own = countsOf(this.#byQuery, queryKey(query));
    const acts = [...own.values()].reduce((sum, count) => sum + count, 0);
    const fromWords = this.#sharesByWords(words);
    if (acts === 0 && fromWords.size === 0) return [];
    const prior = fromWords.size === 0 ? 0 : priorActs;
    return Array.from(new Set([...own.keys(), ...fromWords.keys()]), (place): CategoryGuess => {
      const said = (own.get(place) ?? 0) + prior * (fromWords.get(place) ?? 0);
      return { category: this.#categories[place]!, probability: said / (acts + prior) };
    })
      .filter(({ probability }) => probability >= minProbability)
      .sort((a, b) => b.probability - a.probability || (a.category < b.category ? -1 : 1))
      .slice(0, maxGuesses);
  }

  /** Naive Bayes over the categories that some word knows, words weighted alike. */
  #sharesByWords(words: readonly string[]): Counts {
    const known = words
      .map((word) => countsOf(this.#byWord, word))
      .filter((counts) => counts.size > 0);
    const candidates = new Set(known.flatMap((counts) => [...counts.keys()]));
    const logs = Array.from(candidates, (category): [number, number] => {
      const total = this.#totals[category]!;
      const prior = Math.log(total / this.#all);
      // Add-half smoothing: a word that a category never had speaks against it, not forbids it.
      const likelihood = known.reduce(
        (sum, counts) => sum + Math.log(((counts.get(category) ?? 0) + 0.5) / (total + 1)),
        0,
      );
      return [category, prior + likelihood];
    });
    const most = logs.reduce((max, [, log]) => Math.max(max, log), -Infinity);
    const shares = logs.map(([category, log]): [number, number] => [
      category,
      Math.exp(log - most),
    ]);
    const sum = shares.reduce((total, [, share]) => total + share, 0);
    return new Map(shares.map(([category, share]) => [category, share / sum]));
  }
}

/** Weight by category, by its place in the list of categories. */
type Counts = Map<number, number>;

/** Counts by text: those of text `t` are `categories` and `counts` from `offsets[t]` to `offsets[t + 1]`. */
interface CountTable {
  readonly keys: TermDictionary;
  readonly offsets: Uint32Array;
  readonly categories: Uint32Array;
  readonly counts: Float32Array;
}

function add(table: Map<string, Counts>, key: string, category: number, weight: number): void {
  let counts = table.get(key);
  if (counts === undefined) table.set(key, (counts = new Map()));
  counts.set(category, (counts.get(category) ?? 0) + weight);
}

/** @param most  entries that a text keeps, its heaviest */
function packCounts(table: ReadonlyMap<string, Counts>, most = Infinity): CountTable {
  const sorted = [...table].sort(([a], [b]) => compareTerms(a, b));
  const offsets = new Uint32Array(sorted.length + 1);
  const entries = sorted.flatMap(([, counts], i) => {
    const kept =
      counts.size <= most ? [...counts] : [...counts].sort(([, a], [, b]) => b - a).slice(0, most);
    offsets[i + 1] = offsets[i]! + kept.length;
    return kept;
  });
  return {
    keys: TermDictionary.build(sorted.map(([key]) => key)),
    offsets,
    categories: Uint32Array.from(entries, ([category]) => category),
    counts: Float32Array.from(entries, ([, count]) => count),
  };
}

function countsOf({ keys, offsets, categories, counts }: CountTable, key: string): Counts {
  const found: Counts = new Map();
  const number = keys.find(key);
  if (number < 0) return found;
  for (let i = offsets[number]!; i < offsets[number + 1]!; i++)
    found.set(categories[i]!, counts[i]!);
  return found;
}

const partsOf = (name: string, { keys, offsets, categories, counts }: CountTable) => ({
  [`${name}.text`]: keys.text,
  [`${name}.starts`]: keys.starts,
  [`${name}.slots`]: keys.slots,
  [`${name}.offsets`]: offsets,
  [`${name}.categories`]: categories,
  [`${name}.counts`]: counts,
});
