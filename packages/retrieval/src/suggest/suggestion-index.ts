import {
  openArrays,
  openStrings,
  packArrays,
  packedPart,
  packStrings,
} from "../packed/packed-arrays.ts";
import { syllablesOf } from "../text/analysis/pinyin.ts";
import { maxEditsFor } from "../text/spelling.ts";
import { packTexts, PrefixTable, type KeyRange, type PackedTexts } from "./prefix-table.ts";
import { queryKey } from "./query-log.ts";

/** Something that may be offered while a shopper types. */
export interface SuggestionEntry {
  /** As it is shown. */
  readonly text: string;
  /** How often it is meant, on any scale that is one inside an index; 0 or more. */
  readonly weight: number;
  /** Category path in which its products are, for `context` to prefer it by. */
  readonly category?: string;
  /** Key of what it stands for: an item's id, a category's path. */
  readonly id?: string;
}

/** How the typed text was found in a suggestion. */
export type SuggestionMatch = "start" | "later-word" | "pinyin" | "typing-error";

export interface Suggestion extends SuggestionEntry {
  /** Order-giving; comparable between indexes whose weights are. */
  readonly score: number;
  readonly match: SuggestionMatch;
}

export interface SuggestOptions {
  readonly limit: number;
  /** Category paths of what the shopper looked at; suggestions of these go up. */
  readonly context?: readonly string[];
}

const kind = "suggestions/1";
/** Longer ones are no prefixes of anything that is suggested. */
const maxTyped = 64;
const maxKeyLength = 120;
/** Keys that begin inside a text, beside the one at its start. */
const maxLaterStarts = 6;

/**
 * What a way of matching costs, as a factor on 1 + weight: one who types a beginning means a
 * beginning, unless what has it further in is asked for many times more often.
 */
const matchFactor: Readonly<Record<SuggestionMatch, number>> = {
  start: 1,
  "later-word": 0.25,
  pinyin: 0.5,
  "typing-error": 0.1,
};
/** Two suggestions, one of them in the context: its weight counts so many times. */
const contextFactor = 4;
/** Candidates per suggestion that is asked for, so that context has something to choose from. */
const pool = 3;

const han = /\p{Script=Han}/u;
const hanRun = /\p{Script=Han}+/gu;
const latinLetters = /^[a-z' ]+$/;

/**
 * Completes what is typed, from a fixed list of suggestions: by their beginning, by a later word
 * (by a later character in Chinese), by pinyin (full, initials, mixed; also by characters that sound
 * alike), and past typing errors. Exact for every prefix; opens from a snapshot's bytes.
 *
 *     naik ─┬─ texts that begin so ────────┐
 *           ├─ later words that begin so ──┤   the heaviest of each ─▶ weight × match × context
 *           ├─ pinyin nai'ke… ─────────────┤                                    │
 *           └─ none? typing errors ─────────┘                                    ▼  best first
 */
export class SuggestionIndex {
  readonly #parts: Parts;
  readonly #starts: PrefixTable;
  readonly #later: PrefixTable;
  readonly #pinyin: PrefixTable;
  readonly #initials: PrefixTable;

  private constructor(parts: Parts) {
    this.#parts = parts;
    ({
      starts: this.#starts,
      later: this.#later,
      pinyin: this.#pinyin,
      initials: this.#initials,
    } = parts);
  }

  /** Entries with the same words (case, width, accents aside) are one, of the sum of their weights. */
  static build(entries: Iterable<SuggestionEntry>): SuggestionIndex {
    const byKey = new Map<string, SuggestionEntry & { readonly shown: number }>();
    for (const entry of entries) {
      const key = queryKey(entry.text).slice(0, maxKeyLength);
      if (key === "" || !(entry.weight >= 0)) continue;
      const known = byKey.get(key);
      if (known === undefined) byKey.set(key, { ...entry, shown: entry.weight });
      else {
        const shown = entry.weight > known.shown ? entry : known;
        byKey.set(key, {
          ...shown,
          weight: known.weight + entry.weight,
          shown: Math.max(known.shown, entry.weight),
        });
      }
    }
    // Heaviest first, so that of equal weights the order of texts decides everywhere alike.
    const sorted = [...byKey].sort(([a, x], [b, y]) => y.weight - x.weight || (a < b ? -1 : 1));
    const keys = sorted.map(([key]) => key);
    const weights = Float32Array.from(sorted, ([, { weight }]) => weight);
    const texts = packTexts(keys);
    const [full, initials] = [true, false].map((isFull) =>
      keys.map((key) => (han.test(key) ? latinOf(key, isFull) : "")),
    ) as [string[], string[]];
    const [pinyinTexts, initialTexts] = [packTexts(full), packTexts(initials)];
    const categories = [...new Set(sorted.flatMap(([, { category }]) => category ?? []))];
    const categoryRows = new Map(categories.map((category, row) => [category, row]));
    return new SuggestionIndex({
      texts,
      pinyinTexts,
      initialTexts,
      weights,
      categories,
      categoryOf: Int32Array.from(sorted, ([, { category }]) =>
        category === undefined ? -1 : categoryRows.get(category)!,
      ),
      shown: packStrings(sorted.map(([key, { text }]) => (text === key ? "" : text))),
      ids: packStrings(sorted.map(([, { id }]) => id ?? "")),
      starts: PrefixTable.build(keys, texts, weights),
      later: PrefixTable.build(keys, texts, weights, laterStarts),
      pinyin: PrefixTable.build(full, pinyinTexts, weights),
      initials: PrefixTable.build(initials, initialTexts, weights),
    });
  }

  toBytes(): Uint8Array {
    const parts = this.#parts;
    const tables = tableNames.flatMap((name) =>
      Object.entries(parts[name].arrays()).map(([array, value]) => [`${name}.${array}`, value]),
    );
    const texts = textNames.flatMap((name) => [
      [`${name}.units`, parts[name].units],
      [`${name}.starts`, parts[name].starts],
    ]);
    const strings = stringNames.flatMap((name) => [
      [`${name}.text`, parts[name].text],
      [`${name}.starts`, parts[name].starts],
    ]);
    return packArrays(
      kind,
      { categories: parts.categories },
      {
        weights: parts.weights,
        categoryOf: parts.categoryOf,
        ...Object.fromEntries([...tables, ...texts, ...strings]),
      },
    );
  }

  /**
   * Opens what `toBytes` gave; the arrays are views of `bytes`.
   *
   * @throws {DataError} `BAD_INDEX_FILE` when the bytes are of another kind or cut short
   */
  static open(bytes: Uint8Array): SuggestionIndex {
    const { header, arrays } = openArrays(bytes, kind);
    const array = <T>(name: string): T => packedPart<T>(arrays, kind, name);
    const texts = (name: string): PackedTexts => ({
      units: array(`${name}.units`),
      starts: array(`${name}.starts`),
    });
    const strings = (name: string): Strings => ({
      text: array(`${name}.text`),
      starts: array(`${name}.starts`),
    });
    const weights = array<Float32Array>("weights");
    const table = (name: string, of: PackedTexts): PrefixTable =>
      PrefixTable.open(of, weights, {
        targets: array(`${name}.targets`),
        places: array(`${name}.places`),
      });
    const [own, pinyinTexts, initialTexts] = textNames.map(texts) as [
      PackedTexts,
      PackedTexts,
      PackedTexts,
    ];
    return new SuggestionIndex({
      texts: own,
      pinyinTexts,
      initialTexts,
      weights,
      categories: header["categories"] as string[],
      categoryOf: array("categoryOf"),
      shown: strings("shown"),
      ids: strings("ids"),
      starts: table("starts", own),
      later: table("later", own),
      pinyin: table("pinyin", pinyinTexts),
      initials: table("initials", initialTexts),
    });
  }

  /** Suggestions that it holds. */
  get size(): number {
    return this.#parts.weights.length;
  }

  /** The text of the suggestion that says exactly this; undefined where none does. */
  exactly(text: string): SuggestionEntry | undefined {
    const { from, to } = this.#starts.exactly(queryKey(text));
    if (from === to) return undefined;
    return this.#entry(this.#starts.top({ from, to }, 1)[0]!);
  }

  /** Best first; what is typed may end in the middle of a word. Nothing typed: the heaviest. */
  suggest(typed: string, { limit, context = [] }: SuggestOptions): Suggestion[] {
    const key = queryKey(typed.slice(0, 4 * maxTyped)).slice(0, maxTyped);
    const found = new Map<number, SuggestionMatch>();
    const wanted = limit * pool;
    const take = (
      table: PrefixTable,
      run: KeyRange,
      match: SuggestionMatch,
      accepts?: (target: number) => boolean,
    ): void => {
      for (const target of table.top(run, wanted, accepts)) {
        if (!found.has(target)) found.set(target, match);
      }
    };
    take(this.#starts, this.#starts.range(key), "start");
    if (key !== "") {
      take(this.#later, this.#later.range(key), "later-word");
      this.#takeSounding(key, take, found.size < limit);
      if (found.size === 0) {
        const edits = Math.min(2, maxEditsFor(lastWord(key)) || maxEditsFor(key.replace(/ /g, "")));
        if (edits > 0) {
          for (const run of this.#starts.nearRanges(key, edits)) {
            take(this.#starts, run, "typing-error");
          }
          if (found.size === 0) {
            for (const run of this.#later.nearRanges(key, 1)) {
              take(this.#later, run, "typing-error");
            }
          }
        }
      }
    }
    const favoured = new Set(context);
    return Array.from(found, ([target, match]): Suggestion => {
      const entry = this.#entry(target);
      const isFavoured = entry.category !== undefined && isBelow(entry.category, favoured);
      const score = (1 + entry.weight) * matchFactor[match] * (isFavoured ? contextFactor : 1);
      return { ...entry, score, match };
    })
      .sort((a, b) => b.score - a.score || (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
      .slice(0, limit);
  }

  /** By pinyin: letters as syllables and initials, characters by their sound where few are so written. */
  #takeSounding(
    key: string,
    take: (
      table: PrefixTable,
      run: KeyRange,
      match: SuggestionMatch,
      accepts?: (target: number) => boolean,
    ) => void,
    isScarce: boolean,
  ): void {
    if (this.#pinyin.size === 0) return;
    const hasHan = han.test(key);
    if (!hasHan && !latinLetters.test(key)) return;
    // One character alone sounds like too many others.
    if (hasHan && (!isScarce || key.length < 2)) return;
    const letters = (hasHan ? latinOf(key, true) : key).replace(/[ ']/g, "");
    take(this.#pinyin, this.#pinyin.range(letters), "pinyin");
    if (hasHan || !isScarce) return;
    for (const syllables of readingsOf(letters)) {
      const initials = syllables.map((syllable) => syllable[0]).join("");
      const isAbbreviated = syllables.every((syllable) => syllable.length === 1);
      take(this.#initials, this.#initials.range(initials), "pinyin", (target) =>
        isAbbreviated ? true : this.#reads(target, syllables),
      );
    }
  }

  /** Whether a suggestion's syllables begin, one by one, with those typed. */
  #reads(target: number, typed: readonly string[]): boolean {
    const own = syllablesOfKey(this.#key(target));
    return typed.every((syllable, i) => own[i]?.startsWith(syllable) ?? false);
  }

  #key(target: number): string {
    const { units, starts } = this.#parts.texts;
    return String.fromCharCode(...units.subarray(starts[target]!, starts[target + 1]!));
  }

  #entry(target: number): SuggestionEntry {
    const { shown, ids, weights, categoryOf, categories } = this.#parts;
    const id = stringAt(ids, target);
    const category = categories[categoryOf[target]!];
    return {
      text: stringAt(shown, target) || this.#key(target),
      weight: weights[target]!,
      ...(category !== undefined && { category }),
      ...(id !== "" && { id }),
    };
  }
}

type Strings = ReturnType<typeof packStrings>;

interface Parts {
  readonly texts: PackedTexts;
  readonly pinyinTexts: PackedTexts;
  readonly initialTexts: PackedTexts;
  readonly weights: Float32Array;
  readonly categories: readonly string[];
  /** Row in `categories`; -1: none. */
  readonly categoryOf: Int32Array;
  /** How each is shown; empty where as its key. */
  readonly shown: Strings;
  readonly ids: Strings;
  readonly starts: PrefixTable;
  readonly later: PrefixTable;
  readonly pinyin: PrefixTable;
  readonly initials: PrefixTable;
}

const tableNames = ["starts", "later", "pinyin", "initials"] as const;
const textNames = ["texts", "pinyinTexts", "initialTexts"] as const;
const stringNames = ["shown", "ids"] as const;

const stringAt = ({ text, starts }: Strings, row: number): string =>
  openStrings(text, starts.subarray(row, row + 2))[0]!;

const lastWord = (key: string): string => key.slice(key.lastIndexOf(" ") + 1);

/** Whether a category is one of these or below one. */
function isBelow(category: string, above: ReadonlySet<string>): boolean {
  for (const path of above) {
    if (category === path || category.startsWith(`${path} > `)) return true;
  }
  return false;
}

/** Where later words begin; in Chinese, where later characters do. */
function laterStarts(key: string): number[] {
  const starts: number[] = [];
  for (let at = 1; at < key.length && starts.length < maxLaterStarts; at++) {
    const isHan = han.test(key[at]!);
    const opensWord = /[\p{L}\p{N}]/u.test(key[at]!) && /[^\p{L}\p{N}]/u.test(key[at - 1]!);
    const opensLatin = !isHan && /[a-z0-9]/.test(key[at]!) && han.test(key[at - 1]!);
    if (isHan || opensWord || opensLatin) starts.push(at);
  }
  return starts;
}

/** A key in Latin letters: 耐克air → naikeair, or its initials nkair. */
function latinOf(key: string, isFull: boolean): string {
  return key
    .replace(hanRun, (run) =>
      syllablesOf(run)
        .map((syllable) => (isFull ? syllable : (syllable[0] ?? "")))
        .join(""),
    )
    .replace(/[ ']/g, "");
}

/** Syllables of a key; a Latin letter or a digit is a syllable of its own. */
function syllablesOfKey(key: string): string[] {
  return (key.match(/\p{Script=Han}+|[^\p{Script=Han} ']/gu) ?? []).flatMap((part) =>
    han.test(part) ? syllablesOf(part) : [part],
  );
}

const maxReadings = 12;
const syllable = /^(?:zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?[aeiouv]+(?:ng|n|r)?/;

/**
 * Ways to read letters as syllables and initials, the fullest first: naik → nai k, na i k, … At most
 * twelve; a later syllable may be cut short by the end.
 */
function readingsOf(letters: string): string[][] {
  const readings: string[][] = [];
  const read = (at: number, taken: readonly string[]): void => {
    if (readings.length >= maxReadings) return;
    if (at === letters.length) {
      readings.push([...taken]);
      return;
    }
    const whole = syllable.exec(letters.slice(at, at + 6))?.[0] ?? "";
    for (let length = whole.length; length > 1; length--) {
      read(at + length, [...taken, letters.slice(at, at + length)]);
    }
    read(at + 1, [...taken, letters[at]!]);
  };
  if (letters.length <= 24) read(0, []);
  return readings;
}
