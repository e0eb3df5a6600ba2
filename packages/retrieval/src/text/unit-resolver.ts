import type { Analyser, QueryClause, QueryUnit, Term } from "./analysis/analyser.ts";
import { keyOfWord, pinyinTerm } from "./analysis/analyser.ts";
import { inflectionsOf } from "./analysis/inflections.ts";
import { normaliseText } from "./analysis/normalise.ts";
import type { QueryAlternative, QueryGroup } from "./parsed-query.ts";
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

  /** A group that may be in items, looked up: an item has it when it has what one of its sources asks. */
  unitOf(group: QueryGroup, sources: readonly QueryUnit[]): Unit {
    const { text: word, importance, alternatives } = group;
    const about = { word, importance, isWeak: group.need === "optional", extras: [] };
    if (group.isPhrase) {
      const phrase = this.#vocabulary.lists.phrase(this.#analyser.phrase(word), 1);
      return { ...about, readings: [[phrase]] };
    }
    const [own, ...others] = sources.map((unit, i) =>
      this.resolve(
        unit,
        importance,
        i === 0 ? 1 : alternatives[i - 1]!.weight,
        sources.length === 1,
      ),
    );
    const piece = alternatives.findIndex((other) => isInOnePiece(other, word));
    if (piece === -1) {
      const readings = [own!, ...others].flatMap((unit) => unit.readings);
      return { ...about, readings, extras: own!.extras };
    }
    const written = this.#written(word, alternatives[piece]!, sources[1 + piece]!);
    // Its two words may also stand apart in an item, which says less.
    const rest = [own!, ...others.toSpliced(piece, 1)].flatMap((unit) => unit.readings);
    return { ...about, readings: [[written], ...rest] };
  }

  /** Two typed words where they stand side by side, and where they are written in one piece. */
  #written(words: string, piece: QueryAlternative, asked: QueryUnit): Clause {
    const { lists } = this.#vocabulary;
    const stems = asked.readings.flatMap(([clause]) => clause?.stems ?? []);
    return [
      ...lists.oneWord([
        { terms: this.#analyser.phrase(words).map(({ term }) => term), weight: 1 },
        { terms: [keyOfWord(piece.text)], weight: piece.weight },
      ]),
      ...stems.flatMap((stem) => lists.of(stem, piece.weight * standIn.stem)),
    ];
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
    const isWord = clause.kind === "word";
    if (isWord) found.push(...this.#forms(clause.term, weight));
    else take(clause.term, 1);
    const stems = clause.stems ?? [];
    for (const own of stems) take(own, standIn.stem);
    if (clause.kind === "exact") return found;
    const letters = lengthInLetters(clause.term);
    if (clause.isPrefix && (!isWord || letters >= minPrefixLetters)) {
      for (const term of lists.mostFrequent(clause.term, maxExpansions)) {
        if (term !== clause.term) take(term, (standIn.prefix * letters) / lengthInLetters(term));
      }
    }
    if (!isWord) return found;
    const isExact = lists.has(clause.term) || stems.some((own) => lists.has(own));
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
    return found.length > 0 || !mayGuess ? found : this.#misspelt(clause, weight);
  }

  /**
   * Words that a word nobody has may be a misspelling of, each in all its forms. The likeliest counts
   * like a word that is typed right, so that an error does not change what the words of a query count
   * beside each other.
   */
  #misspelt({ term, word = term }: QueryClause, weight: number): PostingList[] {
    const { lists, dictionaries } = this.#vocabulary;
    if (dictionaries.isExactWord(term)) return [];
    // What is typed may only look like a plural: shos, wirelses.
    const near = [...new Set([term, word])].flatMap((typed) => {
      const maxEdits = maxEditsFor(typed);
      return maxEdits === 0 ? [] : lists.near(typed, maxEdits);
    });
    const fewest = near.reduce((least, { edits }) => Math.min(least, edits), Infinity);
    const nearest = [
      ...new Map(
        near.filter(({ edits }) => edits === fewest).map((one) => [one.term, one]),
      ).values(),
    ];
    const highest = nearest.reduce((most, { frequency }) => Math.max(most, frequency), 1);
    const meant = nearest
      .toSorted((a, b) => b.frequency - a.frequency)
      .slice(0, maxExpansions)
      .map(({ term: other, sameStart, frequency }) => {
        const usual = 0.5 + (0.5 * Math.log1p(frequency)) / Math.log1p(highest);
        return { other, share: usual * (sameStart ? 1 : standIn.firstLetterTypo) };
      });
    const best = meant.reduce((most, { share }) => Math.max(most, share), 0);
    return meant.flatMap(({ other, share }) => this.#forms(other, (weight * share) / best));
  }

  /** A word as it stands, in two pieces where some write it so (basket ball), and its other forms. */
  #forms(word: Term, weight: number): PostingList[] {
    const { lists } = this.#vocabulary;
    return [
      ...lists.oneWord([
        { terms: [word], weight },
        ...this.#inTwo(word).map((terms) => ({ terms, weight: weight * standIn.compound })),
      ]),
      ...inflectionsOf(word).flatMap((form) => lists.of(form, weight * standIn.inflection)),
    ];
  }

  /** Two words of the index that make up a word: basket, ball. */
  #inTwo(word: Term): Term[][] {
    if (!/^[a-z]+$/.test(word)) return [];
    const found: Term[][] = [];
    for (let at = minCompoundPart; at <= word.length - minCompoundPart; at++) {
      const parts = [word.slice(0, at), word.slice(at)];
      if (parts.every((part) => this.#vocabulary.lists.has(part))) found.push(parts);
    }
    return found;
  }
}

/** True for an alternative that is the words themselves without the space: basketball of basket ball. */
function isInOnePiece({ text }: QueryAlternative, words: string): boolean {
  return words.includes(" ") && text === normaliseText(words).replaceAll(" ", "");
}

const lengthInLetters = (term: Term): number => [...term].length;

const emptyUnit = (word: string): QueryUnit => ({ word, readings: [], extras: [], isWeak: false });
