import type { Item } from "@magpie/domain";
import {
  exactTerm,
  pinyinTerm,
  quantityTerm,
  spelledIn,
  stemTerm,
  wordTerm,
  maxJoinedPinyin,
  type Analyser,
} from "./analysis/analyser.ts";
import { normaliseText } from "./analysis/normalise.ts";
import { compoundParts, mayBeCompound } from "./analysis/stemming/compounds.ts";
import { stemmedLanguageOf, type StemmedLanguage } from "./analysis/stemming/stem.ts";
import { syllablesOf } from "./analysis/pinyin.ts";
import { mayHaveQuantities, quantitiesOf } from "./analysis/quantities.ts";
import { runsOf } from "./analysis/runs.ts";
import { visitTexts } from "./item-texts.ts";
import type { PostingsBuilder } from "./postings-builder.ts";
import { sourceFields } from "./postings.ts";
import { TextPlan } from "./text-plan.ts";

/** Positions left free, so that no phrase goes from one text into the next. */
const gapBetweenTexts = 1;
const [titleSlot, brandSlot] = [sourceFields.indexOf("title"), sourceFields.indexOf("brand")];
const han = /^\p{Script=Han}+$/u;
const someHan = /\p{Script=Han}/u;
const maxKnownRuns = 100_000;
const maxKnownRunLength = 16;

/**
 * Gives the terms of items to a `PostingsBuilder`, exactly those that `Analyser.analyse` and
 * `analysePinyin` give of each text, without making them again each time they are met: words of a
 * catalogue come back, so what a word becomes is worked out once and kept as numbers.
 *
 *     ASCII text   bytes ─▶ hash of each run, while reading ─▶ its numbers
 *     other text   normal form ─▶ spaced runs ─▶ their numbers
 *                              └▶ unspaced runs ─▶ characters and pairs, by code point
 *                                               └▶ words of the segmenter ─▶ theirs
 *
 * Items of English words are indexed four times as fast as through the analyser alone.
 */
export class ItemIndexer {
  readonly #plan: TextPlan;
  readonly #analyser: Analyser;
  readonly #builder: PostingsBuilder;
  readonly #lengths = new Float64Array(sourceFields.length);
  readonly #runs = new RunTable();
  /** By run of the table: numbers of its parts, then that of its whole, see `SpacedParts`. */
  readonly #partsOf: Uint32Array[] = [];
  /** By run of the table: how many parts it has. */
  readonly #partCounts: number[] = [];
  /** By language of the shop, then by run of the table: numbers of its stems; made when first met. */
  readonly #stemsOf: (Uint32Array | undefined)[][];
  /** By run of the table, where texts are stemmed: what it is. */
  readonly #runsInLetters: string[] = [];
  /** By number of a stem: the word it was first met as, where that may be a compound. */
  readonly #longWords = new Map<number, { word: string; language: StemmedLanguage }>();
  /** By locale as items write it: its place among the languages of the shop, or -1. */
  readonly #languages = new Map<string | undefined, number>();
  /** Of the text at hand. */
  #language = -1;
  /** Runs with other letters, as places in the two lists above. */
  readonly #otherRuns = new Map<string, number>();
  /** By code point below 65,536: number of its term, plus one. */
  readonly #characters = new Uint32Array(0x10000);
  readonly #pairs = new PairTable();
  readonly #words = new Map<string, KnownWord>();
  readonly #unspacedRuns = new Map<string, readonly KnownWord[]>();
  /** Two Han words side by side: what they are typed as in one go. */
  readonly #neighbours = new PairTable();
  readonly #typed: Uint32Array[] = [];

  constructor(analyser: Analyser, builder: PostingsBuilder, plan: TextPlan = new TextPlan()) {
    this.#plan = plan;
    this.#analyser = analyser;
    this.#builder = builder;
    this.#stemsOf = analyser.languages.map(() => []);
  }

  /** Indexes the item of the next row; undefined where the row has none. */
  add(item: Item | undefined): void {
    this.#lengths.fill(0);
    let first = 0;
    if (item !== undefined) {
      visitTexts(item, this.#plan, (text, { slot, isExact }, locale) => {
        if (isExact) {
          this.#value(text, slot);
          return;
        }
        this.#language = this.#languageOf(locale);
        first += this.#text(text, slot, first) + gapBetweenTexts;
      });
    }
    this.#builder.endItem(this.#lengths);
  }

  #value(text: string, slot: number): void {
    const term = exactTerm(text);
    if (term === undefined) return;
    this.#builder.add(this.#builder.numberOf(term), slot, -1);
    this.#lengths[slot]!++;
  }

  #languageOf(locale: string | undefined): number {
    if (this.#stemsOf.length === 0) return -1;
    const { languages } = this.#analyser;
    let place = this.#languages.get(locale);
    if (place === undefined) {
      const language = stemmedLanguageOf(locale);
      place = language === undefined ? -1 : languages.indexOf(language);
      this.#languages.set(locale, place);
    }
    return place;
  }

  /** @returns  how many positions the text has */
  #text(text: string, slot: number, first: number): number {
    if (isAscii(text)) {
      const positions = this.#asciiRuns(text, slot, first);
      if (mayHaveQuantities(text)) this.#quantities(text.toLowerCase(), slot);
      return positions;
    }
    const normalised = normaliseText(text);
    const isTyped = slot === titleSlot || slot === brandSlot;
    let position = first;
    for (const { kind, text: run } of runsOf(normalised)) {
      if (kind === "spaced") position += this.#run(this.#numberOfRun(run), slot, position);
      else position += this.#unspaced(run, slot, position, isTyped);
    }
    this.#quantities(normalised, slot);
    return position - first;
  }

  #quantities(normalised: string, slot: number): void {
    for (const { key } of quantitiesOf(normalised, this.#language >= 0)) {
      this.#builder.add(this.#builder.numberOf(quantityTerm(key)), slot, -1);
    }
  }

  /** Finds the runs that `runsOf` finds, hashing them on the way. */
  #asciiRuns(text: string, slot: number, first: number): number {
    const end = text.length;
    let position = first;
    let at = 0;
    while (at < end) {
      let code = text.charCodeAt(at);
      if (isWord[code] === 0) {
        at++;
        continue;
      }
      const from = at;
      let hash = hashSeed;
      do {
        hash = Math.imul(hash ^ lower[code]!, hashPrime);
        if (++at >= end) break;
        code = text.charCodeAt(at);
      } while (isWord[code] === 1 || joins(text, at, code));
      let run = this.#runs.find(text, from, at, hash);
      if (run < 0) {
        run = this.#learn(text.slice(from, at).toLowerCase());
        this.#runs.add(text, from, at, hash, run);
      }
      position += this.#run(run, slot, position);
    }
    return position - first;
  }

  #numberOfRun(run: string): number {
    let number = this.#otherRuns.get(run);
    if (number === undefined) {
      number = this.#learn(run);
      this.#otherRuns.set(run, number);
    }
    return number;
  }

  /** Works a spaced run out, as place in `#partsOf`. */
  #learn(run: string): number {
    const { parts, whole } = this.#analyser.spacedParts(run);
    const terms = parts.map(({ term }) => term);
    if (whole !== undefined) terms.push(whole);
    this.#partCounts.push(parts.length);
    if (this.#stemsOf.length > 0) this.#runsInLetters.push(run);
    return this.#partsOf.push(Uint32Array.from(terms, (term) => this.#builder.numberOf(term))) - 1;
  }

  /** @returns  how many positions the run has */
  #run(run: number, slot: number, first: number): number {
    const parts = this.#partsOf[run]!;
    const count = this.#partCounts[run]!;
    for (let i = 0; i < count; i++) this.#builder.add(parts[i]!, slot, first + i);
    if (parts.length > count) this.#builder.add(parts[count]!, slot, -1);
    this.#lengths[slot]! += count;
    if (this.#language >= 0) {
      const stems = (this.#stemsOf[this.#language]![run] ??= this.#learnStems(run));
      for (let i = 0; i < stems.length; i++) this.#builder.add(stems[i]!, slot, -1);
    }
    return count;
  }

  #learnStems(run: number): Uint32Array {
    const parts = this.#analyser.spacedParts(this.#runsInLetters[run]!);
    const language = this.#analyser.languages[this.#language]!;
    return Uint32Array.from(this.#analyser.stemsOf(parts, language), ({ word, term }) => {
      const number = this.#builder.numberOf(term);
      if (mayBeCompound(word, language)) this.#longWords.set(number, { word, language });
      return number;
    });
  }

  /**
   * Gives items with a compound the words that it is written together from. Which words there are is
   * known when all items are added.
   *
   * @param besides  items that have a term in a large index beside this one
   */
  partCompounds(besides: (term: string) => number = () => 0): void {
    const own = this.#builder.documentFrequencies();
    const implied = new Map<number, readonly number[]>();
    for (const [number, { word, language }] of this.#longWords) {
      const parts = compoundParts(word, language, (part) => {
        const term = stemTerm(language, part);
        const known = this.#builder.find(term);
        return (known < 0 ? 0 : own[known]!) + besides(term);
      });
      if (parts === undefined) continue;
      const terms = parts.map((part) => stemTerm(language, part.stem));
      implied.set(number, [...new Set(this.#numbersOf(terms))]);
    }
    this.#builder.addImplied(implied);
  }

  #unspaced(run: string, slot: number, first: number, isTyped: boolean): number {
    const builder = this.#builder;
    let position = first;
    let before = -1;
    for (let at = 0; at < run.length;) {
      const character = run.codePointAt(at)!;
      at += character > 0xffff ? 2 : 1;
      builder.add(this.#characterNumber(character), slot, position);
      if (before >= 0) builder.add(this.#pairNumber(before, character), slot, position - 1);
      before = character;
      position++;
    }
    this.#lengths[slot]! += (position - first) / 2; // Chinese words have about two characters
    const words = this.#wordsOf(run);
    for (const { segments } of words) {
      for (let i = 0; i < segments.length; i++) builder.add(segments[i]!, slot, -1);
    }
    if (isTyped && someHan.test(run)) this.#pinyin(words);
    return position - first;
  }

  #characterNumber(character: number): number {
    if (character > 0xffff) return this.#builder.numberOf(String.fromCodePoint(character));
    const known = this.#characters[character]!;
    if (known > 0) return known - 1;
    const number = this.#builder.numberOf(String.fromCharCode(character));
    this.#characters[character] = number + 1;
    return number;
  }

  #pairNumber(before: number, character: number): number {
    let number = this.#pairs.get(before, character);
    if (number < 0) {
      number = this.#builder.numberOf(String.fromCodePoint(before, character));
      this.#pairs.set(before, character, number);
    }
    return number;
  }

  /** The words that a run of an unspaced script is cut into. */
  #wordsOf(run: string): readonly KnownWord[] {
    const known = this.#unspacedRuns.get(run);
    if (known !== undefined) return known;
    const { segmenter } = this.#analyser;
    const cut = segmenter.cut(run);
    if (cut.some((word) => !this.#words.has(word))) {
      // A fine cut gives the words inside each word, which are shorter, and then the word.
      const fine = segmenter.cutFine(run);
      let at = 0;
      for (const word of cut) {
        const end = fine.indexOf(word, at) + 1;
        if (!this.#words.has(word)) this.#learnWord(word, fine.slice(at, end));
        at = end;
      }
    }
    const words = cut.map((word) => this.#words.get(word)!);
    if (run.length <= maxKnownRunLength) {
      if (this.#unspacedRuns.size >= maxKnownRuns) this.#unspacedRuns.clear();
      this.#unspacedRuns.set(run, words);
    }
    return words;
  }

  #learnWord(word: string, fine: readonly string[]): void {
    const segments = fine
      .filter((inner) => inner.length > 1)
      .map((inner) => this.#builder.numberOf(wordTerm(inner)));
    this.#words.set(word, {
      id: this.#words.size,
      word,
      segments: Uint32Array.from(segments),
      syllables: han.test(word) ? syllablesOf(word) : [],
      pinyin: undefined,
    });
  }

  /** Says of a run's words how they are typed, which is searched as a part of the title. */
  #pinyin(words: readonly KnownWord[]): void {
    const builder = this.#builder;
    let before: KnownWord | undefined;
    let syllables = 0;
    for (const word of words) {
      if (word.syllables.length === 0) {
        before = undefined;
        continue;
      }
      syllables += word.syllables.length;
      word.pinyin ??= this.#pinyinOf(word);
      for (let i = 0; i < word.pinyin.length; i++) builder.add(word.pinyin[i]!, titleSlot, -1);
      if (before !== undefined) {
        let place = this.#neighbours.get(before.id, word.id);
        if (place < 0) {
          const both = [...before.syllables, ...word.syllables];
          place = this.#typed.push(this.#numbersOf(spelledIn(both))) - 1;
          this.#neighbours.set(before.id, word.id, place);
        }
        for (const number of this.#typed[place]!) builder.add(number, titleSlot, -1);
      }
      before = word;
    }
    if (syllables < 2 || syllables > maxJoinedPinyin) return;
    const inOneGo = words.flatMap((word) => word.syllables);
    for (const term of spelledIn(inOneGo)) builder.add(builder.numberOf(term), titleSlot, -1);
  }

  #pinyinOf({ word, syllables }: KnownWord): Uint32Array {
    const inner = this.#analyser.segmenter
      .cutFine(word)
      .filter((part) => part.length > 1 && part !== word);
    return this.#numbersOf([
      ...syllables.map((syllable) => pinyinTerm(syllable)),
      ...spelledIn(syllables),
      ...inner.flatMap((part) => spelledIn(syllablesOf(part))),
    ]);
  }

  #numbersOf(terms: readonly string[]): Uint32Array {
    return Uint32Array.from(terms, (term) => this.#builder.numberOf(term));
  }
}

/** What is kept of a word that the segmenter found. */
interface KnownWord {
  readonly id: number;
  readonly word: string;
  /** Numbers of the words in it, itself included. */
  readonly segments: Uint32Array;
  /** Of Chinese words; none of others. */
  readonly syllables: readonly string[];
  /** Numbers of what it is typed as, from when it is first asked for. */
  pinyin: Uint32Array | undefined;
}

const hashSeed = 0x811c9dc5; // FNV-1a
const hashPrime = 0x01000193;
/** By ASCII code: 1 for letters and digits. */
const isWord = new Uint8Array(128);
/** By ASCII code: the code of its lower case. */
const lower = Uint8Array.from({ length: 128 }, (_, code) => code);
const [hyphen, apostrophe, underscore, point] = [0x2d, 0x27, 0x5f, 0x2e];
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
for (let code = 0; code < 128; code++) {
  const isUpper = code >= 0x41 && code <= 0x5a;
  if (isUpper) lower[code] = code + 0x20;
  isWord[code] = Number(isDigit(code) || isUpper || (code >= 0x61 && code <= 0x7a));
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** True for a sign between two parts of one run: t-shirt, men's, 3.5. */
function joins(text: string, at: number, code: number): boolean {
  if (code !== hyphen && code !== apostrophe && code !== underscore && code !== point) return false;
  if (at + 1 >= text.length) return false;
  const next = text.charCodeAt(at + 1);
  if (isWord[next] === 0) return false;
  // Before a sign that joins always stands a letter or a digit.
  return code !== point || (isDigit(text.charCodeAt(at - 1)) && isDigit(next));
}

/** Numbers of ASCII runs, in any case, found without making a string of them. */
class RunTable {
  #slots = new Int32Array(4096); // entry + 1
  #hashes = new Int32Array(2048);
  #starts = new Uint32Array(2049);
  #values = new Int32Array(2048);
  #bytes = new Uint8Array(1 << 15);
  #size = 0;

  /** The number that was added for text[from … to), or -1. */
  find(text: string, from: number, to: number, hash: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = spread(hash) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot]! - 1;
      if (entry < 0) return -1;
      if (this.#hashes[entry] === hash && this.#is(entry, text, from, to)) {
        return this.#values[entry]!;
      }
    }
  }

  #is(entry: number, text: string, from: number, to: number): boolean {
    const start = this.#starts[entry]!;
    if (this.#starts[entry + 1]! - start !== to - from) return false;
    for (let i = from; i < to; i++) {
      if (this.#bytes[start + i - from] !== lower[text.charCodeAt(i)]) return false;
    }
    return true;
  }

  add(text: string, from: number, to: number, hash: number, value: number): void {
    if (2 * this.#size === this.#slots.length) this.#grow();
    const entry = this.#size++;
    const start = this.#starts[entry]!;
    while (start + to - from > this.#bytes.length) this.#bytes = widened(this.#bytes);
    for (let i = from; i < to; i++) this.#bytes[start + i - from] = lower[text.charCodeAt(i)]!;
    this.#starts[entry + 1] = start + to - from;
    this.#hashes[entry] = hash;
    this.#values[entry] = value;
    this.#place(entry);
  }

  #place(entry: number): void {
    const mask = this.#slots.length - 1;
    let slot = spread(this.#hashes[entry]!) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = entry + 1;
  }

  #grow(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    this.#hashes = widened(this.#hashes);
    this.#values = widened(this.#values);
    const starts = new Uint32Array(2 * this.#size + 1);
    starts.set(this.#starts);
    this.#starts = starts;
    for (let entry = 0; entry < this.#size; entry++) this.#place(entry);
  }
}

/** A number for each of many pairs of numbers, both from 0 to 2³¹ − 1. */
class PairTable {
  #first = new Int32Array(4096).fill(-1);
  #second = new Int32Array(4096);
  #values = new Int32Array(4096);
  #size = 0;

  get(a: number, b: number): number {
    const slot = this.#slotOf(a, b);
    return this.#first[slot] === -1 ? -1 : this.#values[slot]!;
  }

  set(a: number, b: number, value: number): void {
    if (2 * ++this.#size > this.#first.length) this.#grow();
    const slot = this.#slotOf(a, b);
    this.#first[slot] = a;
    this.#second[slot] = b;
    this.#values[slot] = value;
  }

  #slotOf(a: number, b: number): number {
    const mask = this.#first.length - 1;
    let slot = spread(Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) & mask;
    while (this.#first[slot] !== -1 && (this.#first[slot] !== a || this.#second[slot] !== b)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #grow(): void {
    const [first, second, values] = [this.#first, this.#second, this.#values];
    this.#first = new Int32Array(2 * first.length).fill(-1);
    this.#second = new Int32Array(2 * first.length);
    this.#values = new Int32Array(2 * first.length);
    for (let slot = 0; slot < first.length; slot++) {
      if (first[slot] === -1) continue;
      const to = this.#slotOf(first[slot]!, second[slot]!);
      this.#first[to] = first[slot]!;
      this.#second[to] = second[slot]!;
      this.#values[to] = values[slot]!;
    }
  }
}

/** Brings the high bits of a hash down to where the mask of a table looks. */
const spread = (hash: number): number => hash ^ (hash >>> 15);

function widened<T extends Int32Array | Uint8Array>(values: T): T {
  const larger = new (values.constructor as new (length: number) => T)(2 * values.length);
  larger.set(values);
  return larger;
}
