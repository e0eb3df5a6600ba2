import { TopKSelector } from "@magpie/numerics";
import { ItemSet } from "../filter/item-set.ts";
import { has, placeOf, type PostingList } from "./posting-lists.ts";

/** Looking a row up in a list costs as much as reading so many postings. */
const lookupCost = 16;

/** Gates of a unit that is not about rows with just so many units before: any row, or rows found before. */
export const anyRow = -1;
export const foundRow = -2;

/** Best score of an item without all words, as a share of the least of those with all. */
const behind = 0.99;

/**
 * Arrays over all rows that searches share, so that a search allocates next to nothing. Instead of
 * being cleared, entries carry the number of the round that wrote them.
 *
 *     clause   best amount of any of its terms
 *       └▶ reading   sum, for rows that have had all clauses so far (stamp = round + place)
 *            └▶ unit   best reading, then extras
 *                 └▶ scores, matched   sum and number of units
 */
export class Scratch {
  /** Row 0 included. */
  readonly rows: number;
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
    this.rows = rows;
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

  /**
   * What a reading of one clause adds, whose sum is that of the clause: the best of its lists.
   *
   * @param words  bitmap of the rows that may be found
   * @param gate   only rows that have matched so many units so far, or `anyRow`, or `foundRow`
   */
  addReading(lists: readonly PostingList[], words: Int32Array | undefined, gate: number): void {
    const { matched } = this;
    const [unit, rounds, best, found] = [
      this.#unit,
      this.#unitRound,
      this.#unitBest,
      this.#unitRows,
    ];
    let count = this.#unitCount;
    for (const { rows, impacts, from, to, factor, dead } of lists) {
      for (let i = from; i < to; i++) {
        const row = rows[i]!;
        if (gate !== anyRow && !passesGate(matched[row]!, gate)) continue;
        if (words !== undefined && !has(words, row)) continue;
        if (dead !== undefined && has(dead, row)) continue;
        const amount = factor * impacts[i]!;
        if (rounds[row] !== unit) {
          rounds[row] = unit;
          best[row] = amount;
          found[count++] = row;
        } else if (amount > best[row]!) best[row] = amount;
      }
    }
    this.#unitCount = count;
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

  /**
   * What a list adds whose rows no other list of its unit has, in one pass, or by looking up the few
   * rows found so far.
   *
   * @param words  bitmap of the rows that may be found
   * @param gate   only rows that have matched so many units so far, or `anyRow`, or `foundRow`
   */
  addList(list: PostingList, words: Int32Array | undefined, gate: number): void {
    const { rows, impacts, from, to, factor, dead } = list;
    const { matched, scores, found } = this;
    if (gate !== anyRow && gate !== 0 && this.foundCount * lookupCost < to - from) {
      for (let i = 0; i < this.foundCount; i++) {
        const row = found[i]!;
        if (!passesGate(matched[row]!, gate)) continue;
        if (has(dead, row)) continue;
        const at = placeOf(rows, from, to, row);
        if (at < 0) continue;
        scores[row]! += factor * impacts[at]!;
        matched[row]!++;
      }
      return;
    }
    for (let i = from; i < to; i++) {
      const row = rows[i]!;
      if (words !== undefined && !has(words, row)) continue;
      if (dead !== undefined && has(dead, row)) continue;
      const before = matched[row]!;
      if (gate !== anyRow && !passesGate(before, gate)) continue;
      const amount = factor * impacts[i]!;
      if (before === 0) {
        found[this.foundCount++] = row;
        scores[row] = amount;
      } else scores[row]! += amount;
      matched[row] = before + 1;
    }
  }

  /** Scales the scores of rows without all `units`, so that they come behind those with all. */
  putBehind(units: number): void {
    const { found, matched, scores } = this;
    let [least, most] = [Infinity, 0];
    for (let i = 0; i < this.foundCount; i++) {
      const row = found[i]!;
      if (matched[row]! >= units) least = Math.min(least, scores[row]!);
      else most = Math.max(most, scores[row]!);
    }
    if (most < least) return;
    const scale = (behind * least) / most;
    for (let i = 0; i < this.foundCount; i++) {
      const row = found[i]!;
      if (matched[row]! < units) scores[row]! *= scale;
    }
  }

  /** The rows that have matched exactly so many units so far. */
  with(units: number): ItemSet {
    const rows = new ItemSet(this.rows);
    for (let i = 0; i < this.foundCount; i++) {
      if (this.matched[this.found[i]!] === units) rows.add(this.found[i]!);
    }
    return rows;
  }

  /**
   * The best rows that have matched exactly so many units, at most `most`; equal ones by lower row.
   *
   * @param among  where no others may be taken
   */
  bestWith(units: number, most: number, among?: ItemSet): Int32Array {
    const rows = this.found
      .subarray(0, this.foundCount)
      .filter((row) => this.matched[row] === units && (among === undefined || among.has(row)));
    if (rows.length <= most) return rows;
    rows.sort();
    const scores = Float32Array.from(rows, (row) => this.scores[row]!);
    return new TopKSelector(most).select(scores).indices.map((place) => rows[place]!);
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

/** Whether a row that has matched so many units passes a gate that is not open to any row. */
export const passesGate = (matched: number, gate: number): boolean =>
  gate === foundRow ? matched > 0 : matched === gate;
