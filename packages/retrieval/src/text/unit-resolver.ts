import type { Analyser, QueryClause, QueryUnit, Term } from "./analysis/analyser.ts";
import { pinyinTerm } from "./analysis/analyser.ts";
import { inflectionsOf } from "./analysis/inflections.ts";
import type { QueryGroup } from "./parsed-query.ts";
import type { PostingList } from "./posting-lists.ts";
import type { QueryParser, Vocabulary } from "./query-parser.ts";
import { maxEditsFor } from "./spelling.ts";
import { standIn } from "./stand-ins.ts";

/** The lists that may meet one clause of a reading. */
export type Clause = readonly PostingList[];

/** One word of a query, looked up: it is met by an item that has all clauses of one reading. */
export interface Unit {
  readonly word: string;
  readonly importance: QueryGroup["importance"];
  readonly isWeak: boolean;
  readonly readings: readonly (readonly Clause[])[];
  readonly extras: readonly Clause[];
}

const maxExpansions = 40;
const minPrefixLetters = 2;
/** From this length on a word that the index has is read as pinyin as well. */
const minLettersBesideExact = 5;
/** Parts of a compound have at least this many letters. */
const minCompoundPart = 3;

/** Looks words up: the posting lists of the words themselves, and of all that may stand in for them. */
export class UnitResolver {
  readonly #analyser: Analyser;
  readonly #vocabulary: Vocabulary;
  readonly #parser: QueryParser;

  constructor(analyser: Analyser, vocabulary: Vocabulary, parser: QueryParser) {
    this.#analyser = analyser;
    this.#vocabulary = vocabulary;
    this.#parser = parser;
  }

  /** What the group's text asks for, then each of its alternatives. */
  sourcesOf(group: QueryGroup, locale: string | undefined): QueryUnit[] {
    const options = { ...(locale && { locale }) };
    const own =
      this.#parser.unitOf(group) ??
      this.#analyser.unitOf(group.text, { ...options, mayBeTyping: group.isPrefix });
    const others = group.alternatives.map(
      ({ text }) =>
        this.#analyser.unitOf(text, { ...options, mayBeTyping: false }) ?? emptyUnit(group.text),
    );
    return own === undefined ? [] : [own, ...others];
  }

  /** Lists of the term as it is, without stand-ins. */
  exactly({ term }: QueryClause): Clause {
    return this.#vocabulary.lists.of(term, 1);
  }

  /** True when some reading of a unit has all its terms in the index as they stand. */
  isKnown({ readings }: QueryUnit): boolean {
    return readings.some((reading) =>
      reading.every(({ term }) => this.#vocabulary.lists.has(term)),
    );
  }

  /** @param mayGuess  whether typing errors and sounds are tried where the index has no such word */
  resolve(
    unit: QueryUnit,
    importance: QueryGroup["importance"],
    weight = 1,
    mayGuess = true,
  ): Unit {
    const readings = unit.readings.map((reading) =>
      reading.map((clause) => this.alternatives(clause, weight, mayGuess)),
    );
    const extras = unit.extras.map((clause) => this.alternatives(clause, weight, false));
    const isSatisfiable = readings.some((reading) => reading.every((clause) => clause.length > 0));
    if (!isSatisfiable && mayGuess) {
      for (const { readings: likely } of this.#analyser.soundingLike(unit)) {
        for (const reading of likely) {
          readings.push(
            reading.map((clause) => this.alternatives(clause, weight * standIn.sound, false)),
          );
        }
      }
    }
    return { word: unit.word, importance, isWeak: unit.isWeak, readings, extras };
  }

  /** The lists of the index that may meet a clause. */
  alternatives(clause: QueryClause, unitWeight: number, mayGuess = true): PostingList[] {
    const lists = this.#vocabulary.lists;
    const weight = clause.weight * unitWeight;
    const found: PostingList[] = [];
    const take = (term: Term, share: number, isPinyin = false): void => {
      for (const list of lists.of(term, weight * share, isPinyin)) found.push(list);
    };
    take(clause.term, 1);
    for (const own of clause.stems ?? []) take(own, standIn.stem);
    const isExact = found.length > 0;
    if (clause.kind === "exact") return found;
    const letters = lengthInLetters(clause.term);
    const isNumber = clause.kind === "number";
    if (clause.isPrefix && (isNumber || letters >= minPrefixLetters)) {
      for (const term of lists.mostFrequent(clause.term, maxExpansions)) {
        if (term !== clause.term) take(term, (standIn.prefix * letters) / lengthInLetters(term));
      }
    }
    if (isNumber) return found;
    for (const form of inflectionsOf(clause.term)) take(form, standIn.inflection);
    found.push(...this.#compounds(clause.term, weight * standIn.compound));
    const typed = pinyinTerm(clause.term);
    // Short words of other languages are syllables too: long, song, ban.
    const mayBeTyped = !isExact || letters >= minLettersBesideExact;
    if (mayBeTyped) take(typed, standIn.pinyin, true);
    if (isExact) return found;
    if (clause.isPrefix && letters >= minPrefixLetters) {
      for (const term of lists.mostFrequent(typed, maxExpansions)) {
        if (term !== typed) {
          take(term, (standIn.pinyin * (letters + 1)) / lengthInLetters(term), true);
        }
      }
    }
    if (found.length > 0 || !mayGuess) return found;
    const maxEdits = maxEditsFor(clause.term);
    if (maxEdits === 0 || this.#vocabulary.dictionaries.isExactWord(clause.term)) return found;
    const near = lists.near(clause.term, maxEdits);
    const fewest = near.reduce((least, { edits }) => Math.min(least, edits), maxEdits);
    const candidates = near.filter(({ edits }) => edits === fewest);
    const highest = candidates.reduce((most, { frequency }) => Math.max(most, frequency), 1);
    for (const { term, edits, sameStart, frequency } of candidates
      .toSorted((a, b) => b.frequency - a.frequency)
      .slice(0, maxExpansions)) {
      const usual = 0.5 + (0.5 * Math.log1p(frequency)) / Math.log1p(highest);
      const start = sameStart ? 1 : standIn.firstLetterTypo;
      take(term, standIn.typo * standIn.secondTypo ** (edits - 1) * start * usual);
    }
    return found;
  }

  /** Places where a word stands as two words side by side: basketball in "basket ball". */
  #compounds(word: string, weight: number): PostingList[] {
    if (!/^[a-z]+$/.test(word)) return [];
    const found: PostingList[] = [];
    for (let at = minCompoundPart; at <= word.length - minCompoundPart; at++) {
      const parts = [word.slice(0, at), word.slice(at)];
      if (parts.some((part) => !this.#vocabulary.lists.has(part))) continue;
      found.push(
        ...this.#vocabulary.lists.phrase(
          parts.map((term, position) => ({ term, position })),
          weight,
        ),
      );
    }
    return found;
  }
}

const lengthInLetters = (term: Term): number => [...term].length;

const emptyUnit = (word: string): QueryUnit => ({ word, readings: [], extras: [], isWeak: false });
