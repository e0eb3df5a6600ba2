import type { Item } from "@magpie/domain";
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

/** Categories of a word that are looked at, its strongest. */
const maxPerWord = 50;

/** A text of an item of a category. */
export interface CategorisedText {
  readonly text: string;
  readonly category: string;
}

const kind = "category-predictor/2";
/** Acts that a word's own share of the shop stands for, until it has acts of its own. */
const priorActs = 2;
/** Guesses below are noise. */
const minProbability = 0.05;
const maxGuesses = 5;

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
  readonly #categories: string[];
  readonly #places: Map<string, number>;
  /** By place: weight of all that was learned of a category. */
  readonly #totals: number[];
  #all: number;
  /** Every so many rows, the titles of the row's item are read. */
  readonly #step: number;
  /** Of titles that came or went since: what words have more than `#byWord` says, or less. */
  readonly #changes = new Map<string, Counts>();

  private constructor(
    byQuery: CountTable,
    byWord: CountTable,
    categories: readonly string[],
    totals: ArrayLike<number>,
    step: number,
  ) {
    this.#byQuery = byQuery;
    this.#byWord = byWord;
    this.#categories = [...categories];
    this.#places = new Map(categories.map((category, place) => [category, place]));
    this.#totals = Array.from(totals);
    this.#all = this.#totals.reduce((sum, count) => sum + count, 0);
    this.#step = step;
  }

  /**
   * @param signals  acts after queries
   * @param titles   texts of items with their category: what words mean before anybody clicks
   * @param wordsOf  words of a text, as the search cuts it
   * @param step     of so many items the first one's titles are given; of those that change too
   */
  static build(
    signals: Iterable<CategorySignal>,
    titles: Iterable<CategorisedText>,
    wordsOf: (text: string) => readonly string[],
    step = 1,
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
    const categories = [...places.keys()];
    return new CategoryPredictor(
      packCounts(byQuery, categories),
      packCounts(byWord, categories),
      categories,
      totals,
      step,
    );
  }

  /**
   * Takes an item that is new, has other words or is gone (undefined). What people took after queries
   * stays: it was learned from them.
   *
   * @param wordsOf  as the predictor was built by
   * @param former   the item as it was before; undefined where none was
   */
  put(
    row: number,
    item: Item | undefined,
    wordsOf: (text: string) => readonly string[],
    former?: Item,
  ): void {
    if ((row - 1) % this.#step !== 0) return;
    for (const { text, category } of categorisedTitles(former))
      this.#learn(wordsOf(text), category, -1);
    for (const { text, category } of categorisedTitles(item))
      this.#learn(wordsOf(text), category, 1);
  }

  #learn(words: readonly string[], category: string, by: 1 | -1): void {
    let place = this.#places.get(category);
    if (place === undefined) {
      place = this.#categories.push(category) - 1;
      this.#places.set(category, place);
      this.#totals.push(0);
    }
    this.#totals[place]! += by;
    this.#all += by;
    for (const word of new Set(words)) {
      const counts = this.#changes.get(word) ?? new Map<number, number>();
      const change = (counts.get(place) ?? 0) + by;
      if (change === 0) counts.delete(place);
      else counts.set(place, change);
      if (counts.size === 0) this.#changes.delete(word);
      else this.#changes.set(word, counts);
    }
  }

  toBytes(): Uint8Array {
    const categories = packStrings(this.#categories);
    return packArrays(
      kind,
      { step: this.#step },
      {
        totals: Float32Array.from(this.#totals),
        categoryText: categories.text,
        categoryStarts: categories.starts,
        ...partsOf("query", this.#byQuery),
        ...partsOf("word", this.#byWord),
      },
    );
  }

  /**
   * Opens what `toBytes` gave; the arrays are views of `bytes`. Changes are not in them: whoever gave
   * them has them.
   *
   * @throws {DataError} `BAD_INDEX_FILE` when the bytes are of another kind or cut short
   */
  static open(bytes: Uint8Array): CategoryPredictor {
    const { header, arrays } = openArrays(bytes, kind);
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
      part<Float32Array>("totals"),
      header["step"] as number,
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
    const known = words.map((word) => this.#countsOf(word)).filter((counts) => counts.size > 0);
    // In an order that does not depend on when a category came, so that sums do not either.
    const candidates = [...new Set(known.flatMap((counts) => [...counts.keys()]))].sort((a, b) =>
      this.#categories[a]! < this.#categories[b]! ? -1 : 1,
    );
    const logs = candidates.map((category): [number, number] => {
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

  /**
   * The strongest of what a word has by now. A category that is not among so many of the packed ones
   * more as have changed has at least `maxPerWord` unchanged ones before it.
   */
  #countsOf(word: string): Counts {
    const changes = this.#changes.get(word);
    const counts = countsOf(this.#byWord, word, maxPerWord + (changes?.size ?? 0));
    if (changes === undefined) return counts;
    for (const [category, change] of changes) {
      const packed = counts.get(category) ?? countIn(this.#byWord, word, category);
      if (packed + change > 0) counts.set(category, packed + change);
      else counts.delete(category);
    }
    return new Map([...counts].sort(strongestFirst(this.#categories)).slice(0, maxPerWord));
  }
}

/** An item's titles, in all its languages, with its first category; none where it has no category. */
export function categorisedTitles(item: Item | undefined): CategorisedText[] {
  const category = item?.categories?.[0];
  if (category === undefined) return [];
  return [item!, ...Object.values(item!.locales ?? {})].flatMap(({ title }) =>
    title === undefined ? [] : [{ text: title, category }],
  );
}

/** Weight by category, by its place in the list of categories. */
type Counts = Map<number, number>;

/**
 * Counts by text: those of text `t` are `categories` and `counts` from `offsets[t]` to `offsets[t + 1]`,
 * the strongest first.
 */
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

/** Most first, equal ones by name. */
const strongestFirst =
  (names: readonly string[]) =>
  ([a, m]: readonly [number, number], [b, n]: readonly [number, number]): number =>
    n - m || (names[a]! < names[b]! ? -1 : 1);

/** @param names  of the categories */
function packCounts(table: ReadonlyMap<string, Counts>, names: readonly string[]): CountTable {
  const inOrder = strongestFirst(names);
  const sorted = [...table].sort(([a], [b]) => compareTerms(a, b));
  const offsets = new Uint32Array(sorted.length + 1);
  const entries = sorted.flatMap(([, counts], i) => {
    offsets[i + 1] = offsets[i]! + counts.size;
    return [...counts].sort(inOrder);
  });
  return {
    keys: TermDictionary.build(sorted.map(([key]) => key)),
    offsets,
    categories: Uint32Array.from(entries, ([category]) => category),
    counts: Float32Array.from(entries, ([, count]) => count),
  };
}

/** @param most  of the strongest */
function countsOf(
  { keys, offsets, categories, counts }: CountTable,
  key: string,
  most = Infinity,
): Counts {
  const found: Counts = new Map();
  const number = keys.find(key);
  if (number < 0) return found;
  const [from, end] = [offsets[number]!, offsets[number + 1]!];
  for (let i = from; i < Math.min(end, from + most); i++) found.set(categories[i]!, counts[i]!);
  return found;
}

function countIn(table: CountTable, key: string, category: number): number {
  const number = table.keys.find(key);
  if (number < 0) return 0;
  const end = table.offsets[number + 1]!;
  for (let i = table.offsets[number]!; i < end; i++) {
    if (table.categories[i] === category) return table.counts[i]!;
  }
  return 0;
}

const partsOf = (name: string, { keys, offsets, categories, counts }: CountTable) => ({
  [`${name}.text`]: keys.text,
  [`${name}.starts`]: keys.starts,
  [`${name}.slots`]: keys.slots,
  [`${name}.offsets`]: offsets,
  [`${name}.categories`]: categories,
  [`${name}.counts`]: counts,
});
