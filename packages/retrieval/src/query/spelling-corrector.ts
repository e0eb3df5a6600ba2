import { syllablesOf } from "../text/analysis/pinyin.ts";
import { maxEditsFor } from "../text/spelling.ts";
import { packTexts, PrefixTable } from "../suggest/prefix-table.ts";
import { queryKey, type LearnedQuery } from "../suggest/query-log.ts";

/** What a word is likely meant to be. */
export interface Correction {
  readonly text: string;
  /**
   * `certain`: used in place of what was typed, because nothing says what was typed, or a hundred
   * times fewer; `likely`: only offered ("did you mean").
   */
  readonly confidence: "certain" | "likely";
  readonly reason: "typing-error" | "sounds-alike";
}

/** A word that is known is only doubted for one that is known so many times better. */
const doubtFrom = 100;
/** A typing error more costs what a word must be more frequent by. */
const editCost = 20;
/** What one item or one search says only once may itself be the error. */
const minUses = 2;

const hanWord = /^\p{Script=Han}{2,6}$/u;

/**
 * Corrects single words by what the catalogue and the query log say, weighted by how often they say
 * it. Words with digits (models, SKUs, sizes) and words under four letters are left as typed; a
 * Chinese word that nobody knows becomes one that sounds alike, as the last resort.
 */
export class SpellingCorrector {
  readonly #uses: ReadonlyMap<string, number>;
  readonly #words: readonly string[];
  readonly #table: PrefixTable;
  readonly #bySound: ReadonlyMap<string, string>;

  private constructor(uses: ReadonlyMap<string, number>) {
    this.#uses = uses;
    this.#words = [...uses.keys()].filter((word) => /^[\p{L}\p{M}]+$/u.test(word)).sort();
    const packed = packTexts(this.#words);
    const weights = Float32Array.from(this.#words, (word) => uses.get(word)!);
    this.#table = PrefixTable.build(this.#words, packed, weights);
    const bySound = new Map<string, string>();
    for (const word of this.#words) {
      if (!hanWord.test(word)) continue;
      const sound = soundOf(word);
      const known = bySound.get(sound);
      if (known === undefined || uses.get(known)! < uses.get(word)!) bySound.set(sound, word);
    }
    this.#bySound = bySound;
  }

  /**
   * @param words    of the catalogue, with the items that have each
   * @param learned  queries of the log; a search counts as much as an item
   */
  static build(
    words: ReadonlyMap<string, number>,
    learned: readonly LearnedQuery[] = [],
  ): SpellingCorrector {
    const uses = new Map(words);
    for (const { text, searches } of learned) {
      for (const word of queryKey(text).split(" ")) {
        uses.set(word, (uses.get(word) ?? 0) + searches);
      }
    }
    return new SpellingCorrector(uses);
  }

  /** How often a word is used; 0 when it is not known. */
  usesOf(word: string): number {
    return this.#uses.get(queryKey(word)) ?? 0;
  }

  /** Whether a known word begins so. */
  begins(text: string): boolean {
    const { from, to } = this.#table.range(queryKey(text));
    return from < to;
  }

  correct(word: string): Correction | undefined {
    const key = queryKey(word);
    if (hanWord.test(key)) {
      if (this.#uses.has(key)) return undefined;
      const text = this.#bySound.get(soundOf(key));
      return text === undefined
        ? undefined
        : { text, confidence: "certain", reason: "sounds-alike" };
    }
    const edits = maxEditsFor(key);
    if (edits === 0) return undefined;
    const own = this.usesOf(key);
    let best: { text: string; worth: number } | undefined;
    for (const run of this.#table.nearRanges(key, edits)) {
      // A run has all words that begin so; the one that ends there, if there is one, comes first.
      const text = this.#words[run.from]!;
      if (text.length !== run.length) continue;
      const worth = this.usesOf(text) / editCost ** (run.edits - 1);
      if (best === undefined || worth > best.worth) best = { text, worth };
    }
    if (best === undefined || best.worth < minUses) return undefined;
    const reason = "typing-error";
    if (own === 0) return { text: best.text, confidence: "certain", reason };
    if (best.worth < doubtFrom * own) return undefined;
    return { text: best.text, confidence: "likely", reason };
  }
}

const soundOf = (word: string): string => syllablesOf(word).join("'");
