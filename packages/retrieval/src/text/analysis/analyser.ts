import { normaliseText, traceText } from "./normalise.ts";
import { syllablesOf } from "./pinyin.ts";
import { singular } from "./plural.ts";
import { quantitiesOf } from "./quantities.ts";
import { joined, partsOf, runsOf } from "./runs.ts";
import type { Segmenter } from "./segmenter.ts";
import { compoundParts, type CompoundPart } from "./stemming/compounds.ts";
import { hasStem, stem, stemmedLanguageOf, type StemmedLanguage } from "./stemming/stem.ts";
import { isStopWord } from "./stop-words.ts";

/**
 * Terms are what the index keeps and queries ask for. Their first character tells their kind, and
 * none of these can begin a word:
 *
 *     shoe, mate, 3.5    a Latin (Cyrillic, …) word or number, in the singular
 *     鞋, 跑步            a character, or two that stand side by side
 *     =跑步, =aa         a word that the segmenter found; a short word that stands alone
 *     ~paobu, ~pb        how a word is typed in Latin letters, and its initials
 *     #l88.9             a quantity: 3.5寸, 3.5英寸 and 3.5" alike
 *     !ab12x             all of a value that is only found whole: AB-12 X
 *     ^deschuh           a word of a language without its endings: Schuh, Schuhe, Schuhen
 */
export type Term = string;
/** A word that the segmenter found, or a short one that stands alone. */
export const wordTerm = (word: string): Term => `=${word}`;
/** A word as it is typed in Latin letters. */
export const pinyinTerm = (letters: string): Term => `~${letters}`;
/** A quantity by its key. */
export const quantityTerm = (key: string): Term => `#${key}`;
/** All of a value that is only found whole, by its letters and digits; undefined where it has none. */
export function exactTerm(text: string): Term | undefined {
  const key = normaliseText(text).replace(/[^\p{L}\p{N}]+/gu, "");
  return key === "" ? undefined : `!${key}`;
}
/** A word of a language without its endings. */
export const stemTerm = (language: StemmedLanguage, stemmed: string): Term =>
  `^${language}${stemmed}`;

/**
 * Takes one term of a text.
 *
 * @param position  place among the words and characters of the text, by which phrases are told; -1
 *                  for terms that say again what others say
 * @param from      where it begins in the normalised text
 * @param to        where it ends
 */
export type EmitTerm = (term: Term, position: number, from: number, to: number) => void;

/** A term of a text with its place in the text as it was written. */
export interface Token {
  readonly term: Term;
  readonly kind: "word" | "character" | "pair" | "segment" | "quantity" | "pinyin" | "stem";
  readonly position: number;
  readonly start: number;
  readonly end: number;
}

/** Longest run that is also typed in one go: naikeyundongxie. */
export const maxJoinedPinyin = 8;

const someHan = /\p{Script=Han}/u;
const han = /^\p{Script=Han}+$/u;

/** One thing that must be in the item, in one of several ways that the index resolves. */
export interface QueryClause {
  readonly term: Term;
  /** Share of its unit's weight. */
  readonly weight: number;
  /**
   * `exact`: as it stands. `word`: where no item has it, words one typo away or the pinyin term
   * stand in. `number`: like `exact`, because a wrong digit is another product.
   */
  readonly kind: "exact" | "word" | "number";
  /** The reader may still be typing it. */
  readonly isPrefix: boolean;
  /** As it is typed, where it is a word or part of one. */
  readonly word?: string;
  /** What it is without its endings, in each language that is asked in. */
  readonly stems?: readonly Term[];
}

/** One word of the query. */
export interface QueryUnit {
  /** As the reader typed it. */
  readonly word: string;
  /** Ways to read it: an item has the word when it has all clauses of one of them. */
  readonly readings: readonly (readonly QueryClause[])[];
  /** Clauses that only add to the score. */
  readonly extras: readonly QueryClause[];
  /** Words such as "for", 的 or 包邮 rank, but need not be there. */
  readonly isWeak: boolean;
}

/** How much the words of a compound on their own count, compared with the compound itself. */
const compoundWeight = 0.8;
/** How much a short word counts inside a code (the aa of FA831AA), compared with the word alone. */
const insideWeight = 0.5;
const short = /^[a-z]{1,2}$/;
/** Queries longer than this are no value that is found whole. */
const maxExactValue = 64;
const maxUnits = 32;
/** Ways to read several words as one thing. */
const maxReadings = 8;
/** Chinese words up to this length are taken whole when they come from a query's groups. */
const maxWholeWord = 12;
const maxKnownRuns = 200_000;

/** How long a text is, in words and in positions. */
export interface TextExtent {
  readonly length: number;
  readonly positions: number;
}

/** What a run of letters and digits is indexed as. */
export interface SpacedParts {
  readonly parts: readonly {
    readonly term: Term;
    /** As it stands there. */
    readonly word: string;
    readonly from: number;
    readonly to: number;
  }[];
  /** All parts in one piece, where there are several; that it stands alone, of a short word. */
  readonly whole: Term | undefined;
}

/** A word of a run, with its place in it and the term of its stem. */
interface StemmedWord {
  readonly word: string;
  readonly term: Term;
  readonly from: number;
  readonly to: number;
}

/** What a query has after this many characters is not looked at. */
const maxQueryLength = 300;

/** Turns texts into terms and queries into units, by the same rules. */
export class Analyser {
  /** Cuts unspaced scripts. */
  readonly segmenter: Segmenter;
  /** The languages of the shop's texts whose words are stemmed. */
  readonly languages: readonly StemmedLanguage[];
  /** Some values are only found whole, so a query may be one. */
  readonly #hasExactValues: boolean;
  readonly #ownWords: readonly string[];
  #frequencyOf: (term: Term) => number = () => 0;
  readonly #knownRuns = new Map<string, SpacedParts>();
  #soundingLike: Map<string, string[]> | undefined;

  /** @param ownWords  normalised words of the shop, which spelling by sound may fall back on */
  constructor(
    segmenter: Segmenter,
    ownWords: readonly string[],
    languages: readonly StemmedLanguage[] = [],
    { hasExactValues = false }: { readonly hasExactValues?: boolean } = {},
  ) {
    this.segmenter = segmenter;
    this.#hasExactValues = hasExactValues;
    this.languages = languages;
    this.#ownWords = ownWords;
  }

  /** @param frequencyOf  items that have a term; by it compounds are parted from then on */
  useFrequencies(frequencyOf: (term: Term) => number): void {
    this.#frequencyOf = frequencyOf;
  }

  /**
   * Gives every term of a text, as often as it occurs.
   *
   * @param language  of the text, where its words are stemmed
   * @returns  how many words the text has, for length normalisation, and how many positions
   */
  analyse(text: string, emit: EmitTerm, language?: StemmedLanguage): TextExtent {
    return this.#terms(normaliseText(text), emit, language === undefined ? [] : [language]);
  }

  /**
   * All terms of a text with their places in it: what the index sees. Whose language is not known is
   * stemmed in all languages of the shop.
   */
  tokens(text: string, language?: StemmedLanguage): Token[] {
    const { text: normalised, origins } = traceText(text);
    const tokens: Token[] = [];
    const take: EmitTerm = (term, position, from, to) =>
      tokens.push({
        term,
        kind: kindOf(term),
        position,
        start: origins[from]!,
        // A cluster may have given several characters, all with its own place.
        end: endOf(origins, to),
      });
    this.#terms(normalised, take, language === undefined ? this.languages : [language], true);
    this.#pinyinTerms(normalised, take);
    return tokens;
  }

  /** @param withParts  the words inside compounds as well */
  #terms(
    text: string,
    emit: EmitTerm,
    languages: readonly StemmedLanguage[] = [],
    withParts = false,
  ): TextExtent {
    let length = 0;
    let position = 0;
    for (const run of runsOf(text)) {
      if (run.kind === "unspaced") {
        const { text: characters, from } = run;
        let at = 0;
        let before = "";
        for (const character of characters) {
          const end = at + character.length;
          emit(character, position, from + at, from + end);
          if (before !== "") {
            emit(before + character, position - 1, from + at - before.length, from + end);
          }
          before = character;
          at = end;
          position++;
          length += 0.5; // Chinese words have about two characters
        }
        this.#segments(characters, from, emit);
      } else {
        const { parts, whole } = this.spacedParts(run.text);
        for (const { term, from, to } of parts) {
          emit(term, position++, run.from + from, run.from + to);
        }
        length += parts.length;
        if (whole !== undefined) emit(whole, -1, run.from, run.from + run.text.length);
        for (const language of languages) {
          for (const { word, term, from, to } of this.stemsOf({ parts }, language)) {
            emit(term, -1, run.from + from, run.from + to);
            // What is written with a hyphen has its words as parts of the run already.
            if (!withParts || to - from !== word.length) continue;
            for (const part of this.compoundOf(word, language) ?? []) {
              const at = run.from + from;
              emit(stemTerm(language, part.stem), -1, at + part.from, at + part.to);
            }
          }
        }
      }
    }
    for (const { key, from, to } of quantitiesOf(text, languages.length === 1))
      emit(quantityTerm(key), -1, from, to);
    return { length, positions: position };
  }

  /** Words of two characters and more that the segmenter sees, inner ones included. */
  #segments(run: string, from: number, emit: EmitTerm): void {
    let cursor = 0;
    for (const word of this.segmenter.cutFine(run)) {
      // Inner words come before the word that has them, so the search may start at its beginning.
      let at = run.indexOf(word, cursor);
      if (at < 0) at = run.lastIndexOf(word, cursor);
      if (at < 0) at = cursor;
      if (word.length > 1) emit(wordTerm(word), -1, from + at, from + at + word.length);
      cursor = Math.max(cursor, at);
    }
  }

  /** Parts of a normalised spaced run as terms; runs come back often, so they are remembered. */
  spacedParts(run: string): SpacedParts {
    const known = this.#knownRuns.get(run);
    if (known !== undefined) return known;
    let at = 0;
    const raw = partsOf(run);
    const parts = raw.map((part) => {
      const from = run.indexOf(part, at);
      at = from + part.length;
      return { term: singular(part), word: part, from, to: at };
    });
    const whole =
      parts.length > 1 ? singular(joined(raw)) : isShort(run) ? wordTerm(run) : undefined;
    if (this.#knownRuns.size >= maxKnownRuns) this.#knownRuns.clear();
    const made = { parts, whole };
    this.#knownRuns.set(run, made);
    return made;
  }

  /**
   * Terms that a run's words are found by in a language, whatever their endings; the whole comes last
   * where the run has several parts.
   */
  stemsOf({ parts }: Pick<SpacedParts, "parts">, language: StemmedLanguage): StemmedWord[] {
    const words: { word: string; from: number; to: number }[] = [...parts];
    if (parts.length > 1) {
      const word = joined(parts.map((part) => part.word));
      words.push({ word, from: parts[0]!.from, to: parts.at(-1)!.to });
    }
    return words
      .filter(({ word }) => hasStem(word))
      .map(({ word, from, to }) => {
        return { word, from, to, term: stemTerm(language, stem(word, language)) };
      });
  }

  /** The words that a word is written together from, by the frequencies of the index. */
  compoundOf(word: string, language: StemmedLanguage): readonly CompoundPart[] | undefined {
    return compoundParts(word, language, (own) => this.#frequencyOf(stemTerm(language, own)));
  }

  /** Gives every pinyin term of a text. */
  analysePinyin(text: string, emit: EmitTerm): void {
    this.#pinyinTerms(normaliseText(text), emit);
  }

  #pinyinTerms(text: string, emit: EmitTerm): void {
    for (const run of runsOf(text)) {
      if (run.kind !== "unspaced" || !someHan.test(run.text)) continue;
      let at = run.from;
      let wordBefore = "";
      const inOneGo: string[] = [];
      let before: readonly string[] = [];
      for (const word of this.segmenter.cut(run.text)) {
        const [from, to] = [at, at + word.length];
        at = to;
        if (!han.test(word)) {
          before = [];
          wordBefore = word;
          continue;
        }
        const syllables = syllablesOf(word);
        inOneGo.push(...syllables);
        const characters = [...word];
        const isAligned = characters.length === syllables.length;
        let place = from;
        for (const [i, syllable] of syllables.entries()) {
          const end = isAligned ? place + characters[i]!.length : to;
          emit(pinyinTerm(syllable), -1, isAligned ? place : from, end);
          place = end;
        }
        emitTyped(syllables, from, to, emit);
        // Where the segmenter sees two words, the reader may see one: 跑步|鞋 → paobuxie.
        if (before.length > 0) {
          emitTyped([...before, ...syllables], from - wordBefore.length, to, emit);
        }
        before = syllables;
        wordBefore = word;
        for (const inner of this.segmenter.cutFine(word)) {
          if (inner.length < 2 || inner === word) continue;
          const start = from + word.indexOf(inner);
          emitTyped(syllablesOf(inner), start, start + inner.length, emit);
        }
      }
      if (inOneGo.length <= maxJoinedPinyin) {
        emitTyped(inOneGo, run.from, run.from + run.text.length, emit);
      }
    }
  }

  /**
   * The words of a query, as units that an item may have or not have.
   *
   * @param mayBeTyping  the reader may go on typing behind the last letter
   */
  units(
    query: string,
    options: { readonly locale?: string; readonly mayBeTyping?: boolean } = {},
  ): QueryUnit[] {
    const { locale, mayBeTyping = true } = options;
    const typed = query.slice(0, maxQueryLength).normalize("NFKC");
    // Quantities are found in lower case; case folding keeps the length of all but a few letters.
    const lower = typed.toLowerCase();
    const commaIsPoint = stemmedLanguageOf(locale) !== undefined;
    const quantities =
      lower.length === typed.length ? quantitiesOf(normaliseInPlace(lower), commaIsPoint) : [];
    const units: QueryUnit[] = [];
    let from = 0;
    const isTyping = mayBeTyping && typed.trimEnd() === typed;
    for (const { key, from: start, to } of quantities) {
      units.push(...this.#plainUnits(typed.slice(from, start), false, locale));
      const literal = this.#plainUnits(
        typed.slice(start, to),
        isTyping && to === typed.length,
        locale,
      );
      units.push(quantityUnit(typed.slice(start, to), key, literal));
      from = to;
    }
    units.push(...this.#plainUnits(typed.slice(from), isTyping, locale));
    return units.slice(0, maxUnits);
  }

  /**
   * A word that was cut from a query before, as one unit; what has more than one word in it is
   * joined: an item has it when it has all of them.
   */
  unitOf(
    text: string,
    options: { readonly locale?: string; readonly mayBeTyping?: boolean } = {},
  ): QueryUnit | undefined {
    const normalised = normaliseText(text);
    if (normalised.length <= maxWholeWord && han.test(normalised)) {
      return wordUnit(text, normalised, isStopWord(normalised, options.locale));
    }
    const units = this.units(text, options);
    return units.length < 2 ? units[0] : this.#orWhole(joinUnits(text, units));
  }

  /** A unit that an item has as well when one of its values is all of the unit's text. */
  #orWhole(unit: QueryUnit): QueryUnit {
    if (!this.#hasExactValues || unit.word.length > maxExactValue) return unit;
    const term = exactTerm(unit.word);
    return term === undefined ? unit : { ...unit, readings: [...unit.readings, [exact(term, 1)]] };
  }

  /** Terms of a phrase with their places in it. */
  phrase(text: string): { readonly term: Term; readonly position: number }[] {
    const terms: { term: Term; position: number; isPair: boolean }[] = [];
    this.#terms(normaliseText(text.slice(0, maxQueryLength)), (term, position) => {
      if (position < 0) return;
      terms.push({ term, position, isPair: kindOf(term) === "pair" });
    });
    // A pair says what its two characters say, and is rarer.
    const covered = new Set(
      terms.flatMap(({ position, isPair }) => (isPair ? [position, position + 1] : [])),
    );
    return terms
      .filter(
        ({ term, position, isPair }) => isPair || !isCharacter(term) || !covered.has(position),
      )
      .map(({ term, position }) => ({ term, position }));
  }

  /** The key under which synonyms are kept, and how many words it has. */
  keyOf(text: string): { readonly key: string; readonly words: number } {
    const units = this.units(text, { mayBeTyping: false });
    return { key: units.map(({ word }) => keyOfWord(word)).join(" "), words: units.length };
  }

  #plainUnits(typed: string, isTyping: boolean, locale: string | undefined): QueryUnit[] {
    const runs = runsOf(typed);
    const last = runs.at(-1);
    const lastIsTyped = isTyping && last?.kind === "spaced" && typed.endsWith(last.text);
    return runs.flatMap((run, i): QueryUnit[] =>
      run.kind === "unspaced"
        ? this.#unspacedUnits(run.text, locale)
        : spacedUnits(run.text, lastIsTyped && i === runs.length - 1, locale).map((unit) =>
            this.#orWhole(this.#inflected(unit, this.#askedIn(locale))),
          ),
    );
  }

  /** The languages that a reader's words are taken for: the reader's, or any where that is not known. */
  #askedIn(locale: string | undefined): readonly StemmedLanguage[] {
    const own = stemmedLanguageOf(locale);
    return own !== undefined && this.languages.includes(own) ? [own] : this.languages;
  }

  /** A unit that any form of its words meets, and the words it is written together from. */
  #inflected(unit: QueryUnit, languages: readonly StemmedLanguage[]): QueryUnit {
    if (languages.length === 0) return unit;
    const readings = unit.readings.map((reading) =>
      reading.map((clause): QueryClause => {
        const { word, kind } = clause;
        if (word === undefined || kind === "number" || !hasStem(word)) return clause;
        return {
          ...clause,
          stems: languages.map((language) => stemTerm(language, stem(word, language))),
        };
      }),
    );
    const { word } = unit.readings[0]?.length === 1 ? unit.readings[0][0]! : {};
    for (const language of word === undefined ? [] : languages) {
      const parts = this.compoundOf(word!, language);
      if (parts === undefined) continue;
      const weight = compoundWeight / parts.length;
      readings.push(parts.map((part) => exact(stemTerm(language, part.stem), weight)));
    }
    return { ...unit, readings };
  }

  /** The words inside a long Chinese word, for a second try: 跑步鞋垫 → 跑步, 鞋垫. */
  finerUnits(unit: QueryUnit): QueryUnit[] {
    const word = normaliseText(unit.word);
    if (!han.test(word)) return [];
    const inner = this.segmenter.cutFine(word).filter((part) => part !== word);
    return inner.map((part) => wordUnit(part, part, false));
  }

  /**
   * The shop's words that sound like this one, for a word that nobody knows: 耐客 → 耐克. Words of
   * the dictionary are left alone: 景点 must not become 经典, though both read jingdian.
   */
  soundingLike(unit: QueryUnit): QueryUnit[] {
    const word = normaliseText(unit.word);
    if (word.length < 2 || !han.test(word) || this.segmenter.isKnown(word)) return [];
    this.#soundingLike ??= Map.groupBy(
      this.#ownWords.filter((own) => han.test(own)),
      soundOf,
    );
    return (this.#soundingLike.get(soundOf(word)) ?? [])
      .filter((own) => own !== word)
      .map((own) => wordUnit(unit.word, own, false));
  }

  #unspacedUnits(typed: string, locale: string | undefined): QueryUnit[] {
    const simplified = normaliseText(typed);
    // Words of the reader are shown as typed where simplifying kept the characters in place.
    const inPlace = simplified.length === typed.length;
    const units: QueryUnit[] = [];
    let from = 0;
    for (const word of this.segmenter.cut(simplified)) {
      const shown = inPlace ? typed.slice(from, from + word.length) : word;
      const unit = wordUnit(shown, word, isStopWord(word, locale));
      // The pair across two words: 跑步|鞋 adds to items that have 步鞋 in one piece.
      const across = from === 0 ? "" : pairAcross(simplified, from);
      units.push(across === "" ? unit : { ...unit, extras: [...unit.extras, exact(across, 0.2)] });
      from += word.length;
    }
    return units;
  }
}

const soundOf = (word: string): string => syllablesOf(word).join(" ");

/** Terms of a Chinese word as it is typed in Latin letters: in full, and its initials. */
export function spelledIn(syllables: readonly string[]): Term[] {
  if (syllables.length < 2) return [];
  return [
    pinyinTerm(syllables.join("")),
    pinyinTerm(syllables.map((syllable) => syllable[0]!).join("")),
  ];
}

function emitTyped(syllables: readonly string[], from: number, to: number, emit: EmitTerm): void {
  for (const term of spelledIn(syllables)) emit(term, -1, from, to);
}

/** A word in the form in which synonyms are compared. */
export function keyOfWord(word: string): string {
  const normalised = normaliseText(word);
  return han.test(normalised) ? normalised : singular(joined(partsOf(normalised)));
}

/** Traditional characters become simplified where that keeps every character in its place. */
function normaliseInPlace(text: string): string {
  const normalised = normaliseText(text);
  return normalised.length === text.length ? normalised : text;
}

const unspacedCharacter =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}々ー]/u;
const isCharacter = (term: Term): boolean =>
  unspacedCharacter.test(term) && term.length === String.fromCodePoint(term.codePointAt(0)!).length;

function kindOf(term: Term): Token["kind"] {
  switch (term[0]) {
    case "=":
      return "segment";
    case "~":
      return "pinyin";
    case "#":
      return "quantity";
    case "^":
      return "stem";
    default:
      if (!unspacedCharacter.test(term)) return "word";
      return isCharacter(term) ? "character" : "pair";
  }
}

function endOf(origins: Int32Array, to: number): number {
  let next = to;
  // Past the other characters that the last cluster gave.
  const last = origins[to - 1];
  while (next < origins.length - 1 && origins[next] === last) next++;
  return origins[next]!;
}

/** A quantity, or its number and unit as they are written. */
function quantityUnit(shown: string, key: string, literal: readonly QueryUnit[]): QueryUnit {
  const written = joinUnits(shown, literal);
  return {
    word: shown,
    readings: [[exact(quantityTerm(key), 1)], ...written.readings],
    extras: [],
    isWeak: false,
  };
}

/** One unit that is met by whatever meets all of several. */
function joinUnits(shown: string, units: readonly QueryUnit[]): QueryUnit {
  let readings: QueryClause[][] = [[]];
  for (const unit of units) {
    readings = readings
      .flatMap((before) =>
        unit.readings.map((reading) => [
          ...before,
          ...reading.map((clause) => ({ ...clause, weight: clause.weight / units.length })),
        ]),
      )
      .slice(0, maxReadings);
  }
  return {
    word: shown,
    readings: readings.filter((reading) => reading.length > 0),
    extras: units.flatMap(({ extras }) =>
      extras.map((clause) => ({ ...clause, weight: clause.weight / units.length })),
    ),
    isWeak: units.every(({ isWeak }) => isWeak),
  };
}

/** The two characters around position `at`, which may take two code units each. */
function pairAcross(text: string, at: number): string {
  const before = /.$/u.exec(text.slice(0, at))!;
  return before[0] + String.fromCodePoint(text.codePointAt(at)!);
}

const exact = (term: Term, weight: number): QueryClause => ({
  term,
  weight,
  kind: "exact",
  isPrefix: false,
});

/** True for a word so short that codes have it by chance. */
const isShort = (word: string): boolean => short.test(word) && !isStopWord(word);

/** A word of an unspaced script: its characters side by side, more when it stands there as a word. */
function wordUnit(shown: string, word: string, isWeak: boolean): QueryUnit {
  const characters = [...word];
  if (characters.length === 1) {
    return { word: shown, readings: [[exact(word, 0.6)]], extras: [], isWeak };
  }
  const pairs = characters.slice(1).map((character, i) => characters[i]! + character);
  return {
    word: shown,
    readings: [pairs.map((pair) => exact(pair, 0.5 / pairs.length))],
    extras: [exact(wordTerm(word), 0.5)],
    isWeak,
  };
}

function spacedUnits(typed: string, isTyping: boolean, locale: string | undefined): QueryUnit[] {
  const normalised = normaliseText(typed);
  const parts = partsOf(normalised);
  if (parts.length === 0) return [];
  const isWeak = parts.length === 1 && isStopWord(parts[0]!, locale);
  const clause = (part: string, weight: number, isLast: boolean): QueryClause => ({
    term: singular(part),
    word: part,
    weight,
    kind: /\p{N}/u.test(part) ? "number" : "word",
    isPrefix: isTyping && isLast,
  });
  if (parts.length === 1) {
    const [word] = parts as [string];
    return [
      isShort(word)
        ? {
            word: typed,
            readings: [[clause(word, insideWeight, true)]],
            extras: [exact(wordTerm(word), 1 - insideWeight)],
            isWeak,
          }
        : { word: typed, readings: [[clause(word, 1, true)]], extras: [], isWeak },
    ];
  }
  // Mixed words are indexed whole and in parts. Whoever wrote t-shirt may have meant tshirt; a
  // model number is only right when all its parts are.
  const split = parts.map((part, i) => clause(part, 0.6 / parts.length, i === parts.length - 1));
  const whole = clause(joined(parts), 1, true);
  return whole.kind === "number"
    ? [
        {
          word: typed,
          readings: [split],
          extras: [{ ...whole, weight: 0.4, isPrefix: false }],
          isWeak,
        },
      ]
    : [{ word: typed, readings: [[{ ...whole, kind: "exact" }], split], extras: [], isWeak }];
}
