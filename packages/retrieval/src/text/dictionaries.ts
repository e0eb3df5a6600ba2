import { normaliseText } from "./analysis/normalise.ts";

/** Words of which one may stand for another. */
export interface Synonyms {
  /** What the query says: one of these texts, of one word or a few. */
  readonly from: readonly string[];
  /** What is searched as well. Absent: every text of `from` stands for every other (two-way). */
  readonly to?: readonly string[];
  /** Share of the score that a match by synonym gets, in (0, 1]; 0.8 when absent. */
  readonly weight?: number;
}

/** What a shop teaches the text search, one list per stage; all of it may change at any time. */
export interface TextDictionaries {
  readonly synonyms?: readonly Synonyms[];
  /** Words that rank but need not be there, beside the built-in ones. */
  readonly stopWords?: readonly string[];
  /** Words that are meant as they are typed: no typing error is looked for in them. */
  readonly exactWords?: readonly string[];
}

const defaultSynonymWeight = 0.8;

/** Dictionaries in the form in which the query parser asks them. */
export class CompiledDictionaries {
  readonly #synonyms = new Map<string, Map<string, number>>();
  readonly #stopWords: ReadonlySet<string>;
  readonly #exactWords: ReadonlySet<string>;
  /** Most words that one synonym text has. */
  readonly longestSynonym: number;

  /** @param keyOf  the words of a text in the form in which they are compared */
  constructor(
    dictionaries: TextDictionaries,
    keyOf: (text: string) => { readonly key: string; readonly words: number },
  ) {
    let longest = 0;
    for (const { from, to, weight = defaultSynonymWeight } of dictionaries.synonyms ?? []) {
      for (const text of from) {
        const { key, words } = keyOf(text);
        if (key === "") continue;
        longest = Math.max(longest, words);
        const known = this.#synonyms.get(key) ?? new Map<string, number>();
        this.#synonyms.set(key, known);
        for (const other of to ?? from) {
          if (keyOf(other).key !== key) known.set(other, Math.max(weight, known.get(other) ?? 0));
        }
      }
    }
    this.longestSynonym = longest;
    this.#stopWords = new Set((dictionaries.stopWords ?? []).map(normaliseText));
    this.#exactWords = new Set((dictionaries.exactWords ?? []).map(normaliseText));
  }

  /** What may stand for the words with this key. */
  synonymsOf(key: string): { readonly text: string; readonly weight: number }[] {
    return Array.from(this.#synonyms.get(key) ?? [], ([text, weight]) => ({ text, weight }));
  }

  isStopWord(normalised: string): boolean {
    return this.#stopWords.has(normalised);
  }

  isExactWord(normalised: string): boolean {
    return this.#exactWords.has(normalised);
  }
}
