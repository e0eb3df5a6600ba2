import type { Item } from "@magpie/domain";
import { topK } from "@magpie/numerics";
import type { ItemSet } from "../filter/item-set.ts";
import { Analyser, pinyinTerm, type QueryClause, type QueryUnit } from "./analysis/analyser.ts";
import { normaliseText } from "./analysis/normalise.ts";
import { runsOf } from "./analysis/runs.ts";
import { loadSegmenter, type Segmenter } from "./analysis/segmenter.ts";
import { ownWordsOf, textsOf, type SourceField } from "./item-texts.ts";
import { Postings, PostingsBuilder, type CollectionStatistics } from "./postings.ts";
import { oneEditAway } from "./spelling.ts";
import type { TextField, TextHits, TextIndex, TextPart, TextSearchOptions } from "./text-index.ts";

/** How much a stand-in for a word counts, compared with the word itself. */
const standIn = {
  prefix: 0.6,
  typo: 0.5,
  firstLetterTypo: 0.35,
  pinyin: 0.4,
  sound: 0.5,
  inner: 0.5,
};
const maxExpansions = 40;
const minPrefixLetters = 2;
const minTypoLetters = 4;
/** Longer ones are no words, and each letter costs some fifty look-ups. */
const maxTypoLetters = 30;
const latinLetters = "abcdefghijklmnopqrstuvwxyz";
/** Together with the units of the query fewer than 256, which is where counts of them end. */
const maxFinerUnits = 100;
const maxOwnWordLength = 10;

/** One term that a clause may be met by. */
interface Alternative {
  readonly term: number;
  readonly isPinyin: boolean;
  /** Weight of the clause · of the stand-in · idf of the term. */
  readonly factor: number;
}

type Clause = readonly Alternative[];

interface Unit {
  readonly word: string;
  readonly isWeak: boolean;
  readonly readings: readonly (readonly Clause[])[];
  readonly extras: readonly Clause[];
}

/**
 * The embedded text index: BM25F over typed arrays, in memory, opened from a snapshot in a moment.
 *
 *     query ─▶ units (words) ─▶ each unit: items that have all clauses of one reading, with a score
 *                              └▶ items that have all units; where none has, items with some
 *
 * Chinese is indexed as words, pairs and single characters, so that a wrong cut never hides an
 * item; words only raise it. Latin words fall back on prefixes (of the last word), on pinyin, and
 * on one typing error. Scores are comparable within one answer.
 */
export class InvertedTextIndex implements TextIndex {
  readonly #postings: Postings;
  readonly #analyser: Analyser;
  readonly #ownWords: readonly string[];
  readonly #scratch: Scratch;

  private constructor(postings: Postings, ownWords: readonly string[], analyser: Analyser) {
    this.#postings = postings;
    this.#analyser = analyser;
    this.#ownWords = ownWords;
    this.#scratch = new Scratch(postings.rows);
  }

  /**
   * @param items      the item of row 1, of row 2, and so on; undefined where a row has none
   * @param segmenter  jieba with the words of these items when absent
   */
  static async build(
    items: Iterable<Item | undefined>,
    options: { readonly segmenter?: Segmenter } = {},
  ): Promise<InvertedTextIndex> {
    const all = [...items];
    const ownWords = [...collectOwnWords(all)];
    const segmenter = options.segmenter ?? (await loadSegmenter(ownWords));
    const analyser = new Analyser(segmenter, ownWords);
    return new InvertedTextIndex(await index(all, analyser), ownWords, analyser);
  }

  /** Opens what `toBytes` gave: the postings are views of `bytes`. */
  static async open(bytes: Uint8Array): Promise<InvertedTextIndex> {
    const { postings, header } = Postings.open(bytes);
    const ownWords = header["ownWords"] as string[];
    const analyser = new Analyser(await loadSegmenter(ownWords), ownWords);
    return new InvertedTextIndex(postings, ownWords, analyser);
  }

  toBytes(): Uint8Array {
    return this.#postings.toBytes({ ownWords: this.#ownWords });
  }

  /** Rows of the index, padding row 0 included. */
  get rows(): number {
    return this.#postings.rows;
  }

  /** A small index of changed items that analyses and scores as this one does. */
  async buildBeside(items: Iterable<Item | undefined>): Promise<InvertedTextIndex> {
    const postings = await index([...items], this.#analyser, this.#postings);
    return new InvertedTextIndex(postings, this.#ownWords, this.#analyser);
  }

  search(query: string, { limit, offset = 0, filter }: TextSearchOptions): TextHits {
    const asked = this.#analyser.units(query);
    if (asked.length === 0) return noHits;
    const units = asked.map((unit) => this.#resolve(unit));
    const all = this.#match(units, filter, true);
    if (all.total > 0) return this.#page(all, offset + limit, offset, false);
    const finer = asked
      .flatMap((unit) => this.#analyser.finerUnits(unit))
      .slice(0, maxFinerUnits)
      .map((part) => this.#resolve(part, standIn.inner));
    const some = this.#match([...units, ...finer], filter, false);
    return this.#page(some, offset + limit, offset, some.total > 0);
  }

  /** Fills `scratch.ranked` with the scores of the items that match, -Infinity for the others. */
  #match(units: readonly Unit[], filter: ItemSet | undefined, strict: boolean): Matches {
    const scratch = this.#scratch;
    const strong = units.filter(({ isWeak }) => !isWeak);
    const required = strong.length > 0 ? strong : units;
    scratch.begin();
    for (const unit of required) this.#evaluate(unit, filter, false);
    if (strong.length > 0) {
      for (const unit of units) if (unit.isWeak) this.#evaluate(unit, filter, true);
    }
    const least = strict ? required.length : 1;
    const { ranked, found, matched, scores } = scratch;
    ranked.fill(-Infinity);
    let total = 0;
    for (let i = 0; i < scratch.foundCount; i++) {
      const row = found[i]!;
      if (matched[row]! < least) continue;
      // Items with more of the words go before those with fewer.
      ranked[row] = scores[row]! * (strict ? 1 : matched[row]! / required.length);
      total++;
    }
    return { units, total };
  }

  /**
   * Adds a unit's score to the items that have it.
   *
   * @param onlyFound  only to items that an earlier unit has found
   */
  #evaluate(unit: Unit, filter: ItemSet | undefined, onlyFound: boolean): void {
    const scratch = this.#scratch;
    scratch.beginUnit();
    for (const reading of unit.readings) {
      const clauses = reading.toSorted((a, b) => this.#length(a) - this.#length(b));
      if (clauses.length === 0 || clauses[0]!.length === 0) continue;
      scratch.beginReading(clauses.length);
      clauses.forEach((clause, place) => {
        this.#walk(clause, (row, amount) => {
          if (place === 0 && filter !== undefined && !filter.has(row)) return;
          scratch.addToReading(row, amount, place);
        });
      });
    }
    for (const extra of unit.extras) {
      this.#walk(extra, (row, amount) => scratch.addToUnit(row, amount));
    }
    scratch.endUnit(onlyFound);
  }

  /** Calls `visit` once for each item that has a term of the clause, with its best amount. */
  #walk(clause: Clause, visit: (row: number, amount: number) => void): void {
    const { itemRows, impacts, listStarts } = this.#postings;
    const [only] = clause;
    if (only !== undefined && clause.length === 1) {
      const end = listStarts[only.term + 1]!;
      for (let i = listStarts[only.term]!; i < end; i++)
        visit(itemRows[i]!, only.factor * impacts[i]!);
      return;
    }
    const scratch = this.#scratch;
    scratch.beginClause();
    for (const { term, factor } of clause) {
      const end = listStarts[term + 1]!;
      for (let i = listStarts[term]!; i < end; i++) {
        scratch.addToClause(itemRows[i]!, factor * impacts[i]!);
      }
    }
    scratch.visitClause(visit);
  }

  #page({ units, total }: Matches, end: number, offset: number, relaxed: boolean): TextHits {
    if (total === 0) return noHits;
    const top = topK(this.#scratch.ranked, Math.min(end, total));
    const items = top.indices.slice(offset);
    const scores = top.scores.slice(offset);
    const parts = Array.from(items, (row, place) => this.#explain(units, row, scores[place]!));
    return {
      items,
      scores,
      total,
      relaxed,
      parts,
      matchedWords: parts.map((own) => [...new Set(own.map(({ word }) => word))]),
    };
  }

  /** What each word of the query gave in each field, summing to `score`. */
  #explain(units: readonly Unit[], row: number, score: number): TextPart[] {
    const parts = new Map<string, { word: string; field: TextField; amount: number }>();
    let sum = 0;
    for (const { word, readings, extras } of units) {
      const best = readings
        .map((reading) => reading.map((clause) => this.#bestOf(clause, row)))
        .filter((clauses) => clauses.length > 0 && clauses.every((met) => met !== undefined))
        .map((clauses) => clauses.filter((met) => met !== undefined))
        .toSorted((a, b) => amountOf(b) - amountOf(a))[0];
      if (best === undefined) continue;
      const more = extras
        .map((clause) => this.#bestOf(clause, row))
        .filter((met) => met !== undefined);
      for (const { amount, posting, isPinyin } of [...best, ...more]) {
        for (const { field, share } of this.#postings.fieldShares(posting, isPinyin)) {
          const key = `${field} ${word}`;
          const part = parts.get(key) ?? { word, field, amount: 0 };
          part.amount += amount * share;
          parts.set(key, part);
        }
        sum += amount;
      }
    }
    // The score was summed in float32 and scaled for words that are missing: to its own scale.
    const scale = sum > 0 ? score / sum : 0;
    return Array.from(parts.values(), ({ word, field, amount }) => {
      return { word, field, amount: amount * scale };
    });
  }

  #bestOf(clause: Clause, row: number): Met | undefined {
    let best: Met | undefined;
    for (const { term, factor, isPinyin } of clause) {
      const posting = this.#postings.find(term, row);
      if (posting < 0) continue;
      const amount = factor * this.#postings.impacts[posting]!;
      if (best === undefined || amount > best.amount) best = { amount, posting, isPinyin };
    }
    return best;
  }

  #resolve(unit: QueryUnit, weight = 1): Unit {
    const readings = unit.readings.map((reading) =>
      reading.map((clause) => this.#alternatives(clause, weight)),
    );
    const extras = unit.extras.map((clause) => this.#alternatives(clause, weight));
    const isSatisfiable = readings.some((reading) => reading.every((clause) => clause.length > 0));
    if (!isSatisfiable) {
      for (const { readings: likely } of this.#analyser.soundingLike(unit)) {
        for (const reading of likely) {
          readings.push(
            reading.map((clause) => this.#alternatives(clause, weight * standIn.sound)),
          );
        }
      }
    }
    return { word: unit.word, isWeak: unit.isWeak, readings, extras };
  }

  /** The terms of the index that may meet a clause. */
  #alternatives(clause: QueryClause, unitWeight: number): Alternative[] {
    const { dictionary, idf } = this.#postings;
    const weight = clause.weight * unitWeight;
    const found: Alternative[] = [];
    const take = (term: number, share: number, isPinyin = false): void => {
      found.push({ term, isPinyin, factor: weight * share * idf[term]! });
    };
    const exact = dictionary.find(clause.term);
    if (exact >= 0) take(exact, 1);
    if (clause.kind === "exact") return found;
    const letters = [...clause.term].length;
    const isNumber = clause.kind === "number";
    if (clause.isPrefix && (isNumber || letters >= minPrefixLetters)) {
      for (const term of this.#mostFrequent(dictionary.withPrefix(clause.term))) {
        if (term !== exact) take(term, (standIn.prefix * letters) / this.#letters(term));
      }
    }
    if (exact >= 0 || isNumber) return found;
    const typed = pinyinTerm(clause.term);
    const pinyin = dictionary.find(typed);
    if (pinyin >= 0) take(pinyin, standIn.pinyin, true);
    if (clause.isPrefix && letters >= minPrefixLetters) {
      for (const term of this.#mostFrequent(dictionary.withPrefix(typed))) {
        if (term !== pinyin) {
          take(term, (standIn.pinyin * (letters + 1)) / this.#letters(term), true);
        }
      }
    }
    if (found.length > 0 || letters < minTypoLetters || letters > maxTypoLetters) return found;
    for (const neighbour of new Set(oneEditAway(clause.term, this.#alphabetOf(clause.term)))) {
      const term = dictionary.find(neighbour);
      if (term < 0) continue;
      const sameStart = neighbour[0] === clause.term[0];
      take(term, sameStart ? standIn.typo : standIn.firstLetterTypo);
    }
    return found;
  }

  #letters(term: number): number {
    return [...this.#postings.dictionary.term(term)].length;
  }

  /** Letters that a typing error may have put or left out: those of the word's own script. */
  #alphabetOf(word: string): Iterable<string> {
    if (/^[a-z]+$/.test(word)) return latinLetters;
    // Letters side by side in Unicode are the alphabet of every small script, near enough.
    const letters = new Set(/[a-z]/.test(word) ? latinLetters : "");
    for (const letter of word) {
      const block = letter.codePointAt(0)! & ~0x1f;
      for (let i = 0; i < 32; i++) letters.add(String.fromCodePoint(block + i));
    }
    return letters;
  }

  /** At most `maxExpansions` of a range of terms, those in most items first. */
  #mostFrequent([from, to]: readonly [number, number]): number[] {
    const { listStarts } = this.#postings;
    const frequencies = new Float32Array(to - from);
    for (let i = 0; i < frequencies.length; i++) {
      frequencies[i] = listStarts[from + i + 1]! - listStarts[from + i]!;
    }
    return Array.from(topK(frequencies, maxExpansions).indices, (place) => from + place);
  }

  #length(clause: Clause): number {
    const { listStarts } = this.#postings;
    return clause.reduce((sum, { term }) => sum + listStarts[term + 1]! - listStarts[term]!, 0);
  }
}

interface Matches {
  readonly units: readonly Unit[];
  readonly total: number;
}

interface Met {
  readonly amount: number;
  readonly posting: number;
  readonly isPinyin: boolean;
}

const amountOf = (clauses: readonly Met[]): number =>
  clauses.reduce((sum, { amount }) => sum + amount, 0);

const noHits: TextHits = {
  items: new Int32Array(0),
  scores: new Float32Array(0),
  total: 0,
  matchedWords: [],
  parts: [],
  relaxed: false,
};

/** Items indexed before the event loop gets its turn. */
const itemsPerTurn = 200;

async function index(
  items: readonly (Item | undefined)[],
  analyser: Analyser,
  background?: CollectionStatistics,
): Promise<Postings> {
  const builder = new PostingsBuilder();
  for (const [i, item] of items.entries()) {
    if (i % itemsPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    const lengths: Partial<Record<SourceField, number>> = {};
    for (const { field, text } of item === undefined ? [] : textsOf(item)) {
      const length = analyser.analyse(text, (term) => builder.add(term, field));
      lengths[field] = (lengths[field] ?? 0) + length;
      if (field === "title" || field === "brand") {
        analyser.analysePinyin(text, (term) => builder.add(term, "title"));
      }
    }
    builder.endItem(lengths);
  }
  return builder.finish(background);
}

/** Chinese words that the shop uses for its brands and categories. */
function collectOwnWords(items: readonly (Item | undefined)[]): Set<string> {
  const texts = new Set(items.flatMap((item) => (item === undefined ? [] : ownWordsOf(item))));
  const words = new Set<string>();
  for (const text of texts) {
    for (const { kind, text: word } of runsOf(normaliseText(text))) {
      const fits = word.length > 1 && word.length <= maxOwnWordLength;
      if (kind === "unspaced" && fits) words.add(word);
    }
  }
  return words;
}

/**
 * Arrays over all rows that searches share, so that a search allocates next to nothing. Instead of
 * being cleared, entries carry the number of the round that wrote them.
 *
 *     clause   best amount of any of its terms
 *       └▶ reading   sum, for rows that have had all clauses so far (stamp = round + place)
 *            └▶ unit   best reading, then extras
 *                 └▶ scores, matched   sum and number of units
 */
class Scratch {
  readonly ranked: Float32Array;
  readonly scores: Float32Array;
  readonly matched: Uint8Array;
  readonly found: Int32Array;
  foundCount = 0;
  readonly #clauseRound: Int32Array;
  readonly #clauseBest: Float32Array;
  readonly #clauseRows: Int32Array;
  #clauseCount = 0;
  readonly #readingRound: Int32Array;
  readonly #readingSum: Float32Array;
  readonly #unitRound: Int32Array;
  readonly #unitBest: Float32Array;
  readonly #unitRows: Int32Array;
  #unitCount = 0;
  #round = 0;
  #unit = 0;
  #reading = 0;
  #clauses = 0;
  #clause = 0;

  constructor(rows: number) {
    this.ranked = new Float32Array(rows);
    this.scores = new Float32Array(rows);
    this.matched = new Uint8Array(rows);
    this.found = new Int32Array(rows);
    this.#clauseRound = new Int32Array(rows);
    this.#clauseBest = new Float32Array(rows);
    this.#clauseRows = new Int32Array(rows);
    this.#readingRound = new Int32Array(rows);
    this.#readingSum = new Float32Array(rows);
    this.#unitRound = new Int32Array(rows);
    this.#unitBest = new Float32Array(rows);
    this.#unitRows = new Int32Array(rows);
  }

  begin(): void {
    this.foundCount = 0;
    this.matched.fill(0);
    if (this.#round > 2 ** 30) {
      for (const rounds of [this.#clauseRound, this.#readingRound, this.#unitRound]) rounds.fill(0);
      this.#round = 0;
    }
  }

  beginUnit(): void {
    this.#unit = ++this.#round;
    this.#unitCount = 0;
  }

  beginReading(clauses: number): void {
    this.#reading = this.#round + 1;
    this.#round += clauses;
    this.#clauses = clauses;
  }

  /** @param place  of the clause in its reading; a row counts when it had all clauses before it */
  addToReading(row: number, amount: number, place: number): void {
    if (place === 0) this.#readingSum[row] = amount;
    else if (this.#readingRound[row] === this.#reading + place - 1)
      this.#readingSum[row]! += amount;
    else return;
    this.#readingRound[row] = this.#reading + place;
    if (place < this.#clauses - 1) return;
    const sum = this.#readingSum[row]!;
    if (this.#unitRound[row] !== this.#unit) {
      this.#unitRound[row] = this.#unit;
      this.#unitBest[row] = sum;
      this.#unitRows[this.#unitCount++] = row;
    } else if (sum > this.#unitBest[row]!) this.#unitBest[row] = sum;
  }

  addToUnit(row: number, amount: number): void {
    if (this.#unitRound[row] === this.#unit) this.#unitBest[row]! += amount;
  }

  endUnit(onlyFound: boolean): void {
    for (let i = 0; i < this.#unitCount; i++) {
      const row = this.#unitRows[i]!;
      if (this.matched[row] === 0) {
        if (onlyFound) continue;
        this.found[this.foundCount++] = row;
        this.scores[row] = this.#unitBest[row]!;
      } else this.scores[row]! += this.#unitBest[row]!;
      if (!onlyFound) this.matched[row]!++;
    }
  }

  beginClause(): void {
    this.#clause = ++this.#round;
    this.#clauseCount = 0;
  }

  addToClause(row: number, amount: number): void {
    if (this.#clauseRound[row] !== this.#clause) {
      this.#clauseRound[row] = this.#clause;
      this.#clauseBest[row] = amount;
      this.#clauseRows[this.#clauseCount++] = row;
    } else if (amount > this.#clauseBest[row]!) this.#clauseBest[row] = amount;
  }

  visitClause(visit: (row: number, amount: number) => void): void {
    for (let i = 0; i < this.#clauseCount; i++) {
      const row = this.#clauseRows[i]!;
      visit(row, this.#clauseBest[row]!);
    }
  }
}
