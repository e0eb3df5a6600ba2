import type { Item } from "@magpie/domain";
import { openArrays, packArrays, packedPart } from "../packed/packed-arrays.ts";
import { packTexts, PrefixTable, type PackedTexts } from "../suggest/prefix-table.ts";
import { queryKey, type LearnedQuery } from "../suggest/query-log.ts";
import { syllablesOf } from "../text/analysis/pinyin.ts";
import { isStopWord } from "../text/analysis/stop-words.ts";
import { maxEditsFor } from "../text/spelling.ts";
import { TextNumberList, TextNumbers } from "./text-numbers.ts";

/** What a word is likely meant to be. */
export interface Correction {
  readonly text: string;
  /**
   * `certain`: used in place of what was typed, because nothing says what was typed and no other word
   * is as likely; `likely`: only offered ("did you mean").
   */
  readonly confidence: "certain" | "likely";
  readonly reason: "typing-error" | "sounds-alike";
}

const kind = "spelling-corrector/1";
/** A word that is known is only doubted for one that is known so many times better. */
const doubtFrom = 100;
/** A correction is sure when no other one is worth more than this part of it; else it is offered. */
const certainFrom = 10;
/** A typing error more costs what a word must be more frequent by. */
const editCost = 20;
/** What one item or one search says only once may itself be the error. */
const minUses = 2;
/** Words that are kept, the most used: who types a rarer one is left to the index. */
const maxWords = 500_000;

const hanWord = /^\p{Script=Han}{2,6}$/u;
const wholeWord = /^[\p{L}\p{M}]+$/u;

/**
 * Corrects single words by what the catalogue and the query log say, weighted by how often they say
 * it. Words with digits (models, SKUs, sizes) and words under four letters are left as typed; a
 * Chinese word that nobody knows becomes one that sounds alike, as the last resort.
 *
 * Words lie sorted in flat arrays, which open from a snapshot's bytes.
 */
export class SpellingCorrector {
  readonly #texts: PackedTexts;
  readonly #uses: Float32Array;
  readonly #table: PrefixTable;
  /** By word: items that have it more than when the corrector was built, or fewer. */
  readonly #changes = new Map<string, number>();
  /** Known words that nothing says any more. */
  readonly #unused = new Set<string>();
  /** Words that came since, and how they are looked up: made anew when there are others. */
  readonly #new = new Set<string>();
  #fresh: FreshWords | undefined;
  /** The most used word of each sound, of Chinese words. */
  readonly #bySound: TextNumbers;

  private constructor(
    texts: PackedTexts,
    uses: Float32Array,
    table: PrefixTable,
    bySound: TextNumbers,
  ) {
    this.#texts = texts;
    this.#uses = uses;
    this.#table = table;
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
    const known = [...uses].filter(([word]) => mayBeMeant(word));
    if (known.length > maxWords) {
      known.sort(([, a], [, b]) => b - a);
      known.length = maxWords;
    }
    known.sort(([a], [b]) => (a < b ? -1 : 1));
    const sorted = known.map(([word]) => word);
    const counts = Float32Array.from(known, ([, count]) => count);
    const texts = packTexts(sorted);
    const bySound = new TextNumberList();
    const chinese = known.flatMap(([word, count], i) =>
      hanWord.test(word) ? [{ sound: soundOf(word), count, i }] : [],
    );
    // Of words that sound alike, the first that is given stays.
    for (const { sound, i } of chinese.sort((a, b) => b.count - a.count || a.i - b.i)) {
      bySound.add(sound, i);
    }
    const table = PrefixTable.build(sorted, texts, counts);
    return new SpellingCorrector(texts, counts, table, TextNumbers.build(bySound));
  }

  toBytes(): Uint8Array {
    const { checks, numbers } = this.#bySound.arrays();
    return packArrays(
      kind,
      {},
      { ...this.#texts, uses: this.#uses, ...this.#table.arrays(), checks, numbers },
    );
  }

  /**
   * Opens what `toBytes` gave; the arrays are views of `bytes`.
   *
   * @throws {DataError} `BAD_INDEX_FILE` when the bytes are of another kind or cut short
   */
  static open(bytes: Uint8Array): SpellingCorrector {
    const { arrays } = openArrays(bytes, kind);
    const part = <T>(name: string): T => packedPart<T>(arrays, kind, name);
    const texts = { units: part<Uint16Array>("units"), starts: part<Uint32Array>("starts") };
    const uses = part<Float32Array>("uses");
    return new SpellingCorrector(
      texts,
      uses,
      PrefixTable.open(texts, uses, { targets: part("targets"), places: part("places") }),
      TextNumbers.open({ checks: part("checks"), numbers: part("numbers") }),
    );
  }

  /**
   * Takes an item that is new, has other words or is gone (undefined).
   *
   * @param former  the item as it was before; undefined where none was
   */
  put(item: Item | undefined, former?: Item): void {
    for (const word of wordsOfItem(former)) this.#count(word, -1);
    for (const word of wordsOfItem(item)) this.#count(word, 1);
  }

  #count(word: string, by: 1 | -1): void {
    if (!mayBeMeant(word)) return;
    const change = (this.#changes.get(word) ?? 0) + by;
    if (change === 0) this.#changes.delete(word);
    else this.#changes.set(word, change);
    const known = this.#packedUses(word);
    if (known > 0) {
      if (known + change > 0) this.#unused.delete(word);
      else this.#unused.add(word);
      return;
    }
    const isNew = change > 0;
    if (isNew === this.#new.has(word)) return;
    if (isNew) this.#new.add(word);
    else this.#new.delete(word);
    this.#fresh = undefined;
  }

  /** How often a word is used; 0 when it is not known. */
  usesOf(word: string): number {
    const key = queryKey(word);
    return Math.max(0, this.#packedUses(key) + (this.#changes.get(key) ?? 0));
  }

  #packedUses(key: string): number {
    const { from, to } = this.#table.exactly(key);
    return from < to ? this.#uses[from]! : 0;
  }

  /** Whether a known word begins so. */
  begins(text: string): boolean {
    const key = queryKey(text);
    const { from, to } = this.#table.range(key);
    if (to - from > this.#unused.size) return true;
    for (let word = from; word < to; word++) if (!this.#unused.has(this.#word(word))) return true;
    return this.#freshWords().words.some((word) => word.startsWith(key));
  }

  /** @param own  how often the word is used as it is typed, where more is known of it */
  correct(word: string, own: number = this.usesOf(word)): Correction | undefined {
    const key = queryKey(word);
    if (hanWord.test(key)) {
      const alike = own > 0 ? -1 : this.#bySound.find(soundOf(key));
      return alike < 0
        ? undefined
        : { text: this.#word(alike), confidence: "certain", reason: "sounds-alike" };
    }
    const edits = maxEditsFor(key);
    if (edits === 0) return undefined;
    const near = this.#near(key, edits)
      .map(({ text, edits: errors }) => ({
        text,
        worth: this.usesOf(text) / editCost ** (errors - 1),
      }))
      .sort((a, b) => b.worth - a.worth || (a.text < b.text ? -1 : 1));
    const [best, second] = near;
    if (best === undefined || best.worth < Math.max(minUses, doubtFrom * own)) return undefined;
    const isAlone = best.worth >= certainFrom * (second?.worth ?? 0);
    const confidence = own === 0 && isAlone ? "certain" : "likely";
    return { text: best.text, confidence, reason: "typing-error" };
  }

  /** Used words within so many typing errors of a text: those with the fewest alone. */
  #near(text: string, maxEdits: number): { readonly text: string; readonly edits: number }[] {
    const fresh = this.#freshWords();
    for (let most = 1; most <= maxEdits; most++) {
      const known = this.#table
        .nearExactly(text, most, (word) => !this.#unused.has(this.#word(word)))
        .map(({ from, edits }) => ({ text: this.#word(from), edits }));
      const others = fresh.table
        .nearExactly(text, most)
        .map(({ from, edits }) => ({ text: fresh.words[from]!, edits }));
      if (known.length + others.length > 0) return [...known, ...others];
    }
    return [];
  }

  #freshWords(): FreshWords {
    if (this.#fresh === undefined) {
      const words = [...this.#new].sort((a, b) => (a < b ? -1 : 1));
      const uses = Float32Array.from(words, (word) => this.#changes.get(word)!);
      this.#fresh = { words, table: PrefixTable.build(words, packTexts(words), uses) };
    }
    return this.#fresh;
  }

  #word(word: number): string {
    const { units, starts } = this.#texts;
    return String.fromCharCode(...units.subarray(starts[word]!, starts[word + 1]!));
  }
}

/** Words that came since a corrector was built, in order. */
interface FreshWords {
  readonly words: readonly string[];
  readonly table: PrefixTable;
}

/** Words such as "with" are everywhere, and seldom what somebody searches for: wath is watch. */
const mayBeMeant = (word: string): boolean => wholeWord.test(word) && !isStopWord(word, "en");

/** Words of titles, brands and categories that may be misspelt, each with the items that have it. */
export function catalogWords(items: Iterable<Item | undefined>): Map<string, number> {
  const words = new Map<string, number>();
  for (const item of items) {
    for (const word of wordsOfItem(item)) words.set(word, (words.get(word) ?? 0) + 1);
  }
  return words;
}

/** Each once. */
function wordsOfItem(item: Item | undefined): ReadonlySet<string> {
  if (item === undefined) return new Set();
  const texts = [item, ...Object.values(item.locales ?? {})].flatMap(
    ({ title, brand, categories = [] }) => [title ?? "", brand ?? "", ...categories],
  );
  return new Set(texts.flatMap(latinWordsOf));
}

/** Latin words without digits. */
function latinWordsOf(text: string): string[] {
  return queryKey(text).match(/(?<![\p{L}\p{N}])[a-z]{2,}(?![\p{L}\p{N}])/gu) ?? [];
}

const soundOf = (word: string): string => syllablesOf(word).join("'");
