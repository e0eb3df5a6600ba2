import { topK } from "@magpie/numerics";
import type { ItemSet } from "../filter/item-set.ts";
import type { Term } from "./analysis/analyser.ts";
import type { Postings } from "./postings.ts";
import { nearTerms } from "./spelling.ts";
import { compareTerms } from "./term-dictionary.ts";

/**
 * Part of an index. All parts number rows alike, and a row lives in one of them: where an item
 * changed, its row is dead in all parts but the newest that has it.
 */
export interface Segment {
  readonly postings: Postings;
  /** Undefined where none is. */
  readonly dead: ItemSet | undefined;
}

/** A list of postings that a clause may be met by: those of a term in a segment, or of a phrase. */
export interface PostingList {
  readonly segment: Segment;
  readonly rows: Int32Array;
  readonly impacts: Float32Array;
  readonly from: number;
  readonly to: number;
  /** Weight of the clause · of the stand-in · idf of the term. */
  readonly factor: number;
  /** The term's number in the segment; of a phrase, its rarest. */
  readonly term: number;
  /** What the list is of: lists of one subject, in several segments, have no live row in common. */
  readonly subject: string;
  readonly isPinyin: boolean;
  /** Bitmap of the segment's dead rows. */
  readonly dead: Int32Array | undefined;
}

/** A term in a segment that has a live item with it. */
interface Place {
  readonly segment: Segment;
  readonly term: number;
}

/** A term that a word may be a misspelling of, with how usual it is. */
export interface NearWord {
  readonly term: Term;
  readonly edits: number;
  readonly sameStart: boolean;
  readonly frequency: number;
}

/**
 * Looks terms up in all segments of an index as though it were one: a term is there when a live
 * item has it. How frequent a term is was settled with the statistics that items are scored by.
 */
export class PostingLists {
  readonly #segments: readonly Segment[];

  /** @param segments  the first is the base, by whose statistics all others score */
  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  has(term: Term): boolean {
    return this.#segments.some((segment) => {
      const number = segment.postings.dictionary.find(term);
      return number >= 0 && isAlive(segment, number);
    });
  }

  /** Lists of a term; none where no live item has it. */
  of(term: Term, weight: number, isPinyin = false): PostingList[] {
    return this.#placesOf(term).map(({ segment, term: number }) => {
      const { itemRows, impacts, listStarts, idf } = segment.postings;
      return {
        segment,
        rows: itemRows,
        impacts,
        from: listStarts[number]!,
        to: listStarts[number + 1]!,
        factor: weight * idf[number]!,
        term: number,
        subject: term,
        isPinyin,
        dead: segment.dead?.words,
      };
    });
  }

  /**
   * At most `count` terms with a prefix, those in most items first, equal ones in order of terms.
   *
   *     base      terms with the prefix by frequency, as far as live items have them
   *     others    then those that the base does not know
   */
  mostFrequent(prefix: string, count: number): Term[] {
    const [base, ...others] = this.#segments;
    if (base === undefined) return [];
    const { dictionary, idf } = base.postings;
    const [from, to] = dictionary.withPrefix(prefix);
    const usual = idf.slice(from, to);
    for (let i = 0; i < usual.length; i++) usual[i] = -usual[i]!;
    const taken: Term[] = [];
    const isWhole = base.dead === undefined;
    for (let wanted = count; taken.length < count; wanted *= 4) {
      taken.length = 0;
      for (const place of topK(usual, wanted).indices) {
        const term = dictionary.term(from + place);
        if (taken.length < count && (isWhole || this.has(term))) taken.push(term);
      }
      if (wanted >= usual.length) break;
    }
    const unknown = new Set<Term>();
    for (const segment of others) {
      const own = segment.postings.dictionary;
      const [first, end] = own.withPrefix(prefix);
      for (let number = first; number < end; number++) {
        const term = own.term(number);
        if (dictionary.find(term) < 0 && isAlive(segment, number)) unknown.add(term);
      }
    }
    return [...taken, ...[...unknown].sort(compareTerms)].slice(0, count);
  }

  /** Terms within some typing errors of a word, in order of terms. */
  near(word: string, maxEdits: number): NearWord[] {
    const found = new Map<Term, NearWord>();
    for (const segment of this.#segments) {
      const { postings } = segment;
      for (const { term: number, edits, sameStart } of nearTerms(
        postings.dictionary,
        word,
        maxEdits,
      )) {
        if (!isAlive(segment, number)) continue;
        const term = postings.dictionary.term(number);
        found.set(term, { term, edits, sameStart, frequency: postings.frequencyOf(number) });
      }
    }
    const near = [...found.values()];
    return this.#segments.length > 1 ? near.sort((a, b) => compareTerms(a.term, b.term)) : near;
  }

  /** Items that have terms at their places relative to one another, scored as all the terms. */
  phrase(
    parts: readonly { readonly term: Term; readonly position: number }[],
    weight: number,
  ): PostingList[] {
    return this.#segments.flatMap((segment) => phraseIn(segment, parts, weight));
  }

  #placesOf(term: Term): Place[] {
    const places: Place[] = [];
    for (const segment of this.#segments) {
      const number = segment.postings.dictionary.find(term);
      if (number >= 0 && isAlive(segment, number)) places.push({ segment, term: number });
    }
    return places;
  }
}

/** True when an item that is not dead has the term. */
function isAlive({ postings, dead }: Segment, term: number): boolean {
  if (dead === undefined) return true;
  const { itemRows, listStarts } = postings;
  for (let i = listStarts[term]!; i < listStarts[term + 1]!; i++) {
    if (!has(dead.words, itemRows[i]!)) return true;
  }
  return false;
}

function phraseIn(
  segment: Segment,
  parts: readonly { readonly term: Term; readonly position: number }[],
  weight: number,
): PostingList[] {
  const { postings, dead } = segment;
  const { dictionary, itemRows, impacts, idf, listStarts } = postings;
  const lengthOf = (term: number): number =>
    term < 0 ? 0 : listStarts[term + 1]! - listStarts[term]!;
  const lists = parts
    .map(({ term, position }) => ({ term: dictionary.find(term), position }))
    .sort((a, b) => lengthOf(a.term) - lengthOf(b.term));
  const [rarest, ...others] = lists;
  if (rarest === undefined || rarest.term < 0) return [];
  const readers = lists.map(({ term }) => postings.positionsOf(term));
  const rows: number[] = [];
  const amounts: number[] = [];
  for (let i = listStarts[rarest.term]!; i < listStarts[rarest.term + 1]!; i++) {
    const row = itemRows[i]!;
    if (dead !== undefined && has(dead.words, row)) continue;
    const found = others.map(({ term }) => postings.find(term, row));
    if (found.includes(-1)) continue;
    let starts = readers[0]!.read(i).map((position) => position - rarest.position);
    let amount = idf[rarest.term]! * impacts[i]!;
    for (const [k, posting] of found.entries()) {
      const there = new Set(readers[k + 1]!.read(posting));
      starts = starts.filter((start) => there.has(start + others[k]!.position));
      amount += idf[others[k]!.term]! * impacts[posting]!;
    }
    if (starts.length === 0) continue;
    rows.push(row);
    amounts.push(amount);
  }
  if (rows.length === 0) return [];
  return [
    {
      segment,
      rows: Int32Array.from(rows),
      impacts: Float32Array.from(amounts),
      from: 0,
      to: rows.length,
      factor: weight,
      term: rarest.term,
      subject: `"${parts.map(({ term, position }) => `${term} ${position}`).join(" ")}"`,
      isPinyin: false,
      dead: undefined,
    },
  ];
}

/** True for a row in a bitmap; rows past its end are not in it. */
export const has = (words: Int32Array | undefined, row: number): boolean =>
  words !== undefined && ((words[row >> 5] ?? 0) & (1 << (row & 31))) !== 0;

/** Place of a row in an ascending list, or -1. */
export function placeOf(rows: Int32Array, from: number, to: number, row: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]! < row) low = middle + 1;
    else high = middle;
  }
  return low < to && rows[low] === row ? low : -1;
}
