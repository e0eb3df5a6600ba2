import { queryKey } from "../suggest/query-log.ts";

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

/** Acts that a word's own share of the shop stands for, until it has acts of its own. */
const priorActs = 2;
/** Guesses below are noise. */
const minProbability = 0.05;
const maxGuesses = 5;
/** Categories that one word keeps, its strongest. */
const maxPerWord = 50;

type Counts = Map<string, number>;

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
  readonly #byQuery: ReadonlyMap<string, Counts>;
  readonly #byWord: ReadonlyMap<string, Counts>;
  readonly #totals: Counts;
  readonly #all: number;

  private constructor(
    byQuery: ReadonlyMap<string, Counts>,
    byWord: ReadonlyMap<string, Counts>,
    totals: Counts,
  ) {
    this.#byQuery = byQuery;
    this.#byWord = byWord;
    this.#totals = totals;
    this.#all = [...totals.values()].reduce((sum, count) => sum + count, 0);
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
    const totals: Counts = new Map();
    const learn = (text: string, category: string, weight: number): void => {
      add(totals, category, weight);
      for (const word of new Set(wordsOf(text))) add(countsOf(byWord, word), category, weight);
    };
    for (const { query, category, weight } of signals) {
      if (!(weight > 0)) continue;
      add(countsOf(byQuery, queryKey(query)), category, weight);
      learn(query, category, weight);
    }
    for (const { text, category } of titles) learn(text, category, 1);
    for (const [word, counts] of byWord) {
      if (counts.size <= maxPerWord) continue;
      byWord.set(word, new Map([...counts].sort(([, a], [, b]) => b - a).slice(0, maxPerWord)));
    }
    return new CategoryPredictor(byQuery, byWord, totals);
  }

  /** Most likely first; empty for a query whose words say nothing. */
  predict(query: string, words: readonly string[]): CategoryGuess[] {
    const own = this.#byQuery.get(queryKey(query)) ?? new Map<string, number>();
    const acts = [...own.values()].reduce((sum, count) => sum + count, 0);
    const fromWords = this.#byWords(words);
    if (acts === 0 && fromWords.size === 0) return [];
    const prior = fromWords.size === 0 ? 0 : priorActs;
    const categories = new Set([...own.keys(), ...fromWords.keys()]);
    return Array.from(categories, (category): CategoryGuess => {
      const said = (own.get(category) ?? 0) + prior * (fromWords.get(category) ?? 0);
      return { category, probability: said / (acts + prior) };
    })
      .filter(({ probability }) => probability >= minProbability)
      .sort((a, b) => b.probability - a.probability || (a.category < b.category ? -1 : 1))
      .slice(0, maxGuesses);
  }

  /** Naive Bayes over the categories that some word knows, words weighted alike. */
  #byWords(words: readonly string[]): Counts {
    const known = words.flatMap((word) => this.#byWord.get(word) ?? []);
    const candidates = new Set(known.flatMap((counts) => [...counts.keys()]));
    const logs = Array.from(candidates, (category): [string, number] => {
      const total = this.#totals.get(category)!;
      const prior = Math.log(total / this.#all);
      // Add-half smoothing: a word that a category never had speaks against it, not forbids it.
      const likelihood = known.reduce(
        (sum, counts) => sum + Math.log(((counts.get(category) ?? 0) + 0.5) / (total + 1)),
        0,
      );
      return [category, prior + likelihood];
    });
    const most = logs.reduce((max, [, log]) => Math.max(max, log), -Infinity);
    const shares = logs.map(([category, log]): [string, number] => [
      category,
      Math.exp(log - most),
    ]);
    const sum = shares.reduce((total, [, share]) => total + share, 0);
    return new Map(shares.map(([category, share]) => [category, share / sum]));
  }
}

function countsOf(table: Map<string, Counts>, key: string): Counts {
  const counts = table.get(key) ?? new Map<string, number>();
  table.set(key, counts);
  return counts;
}

const add = (counts: Counts, key: string, weight: number): void => {
  counts.set(key, (counts.get(key) ?? 0) + weight);
};
