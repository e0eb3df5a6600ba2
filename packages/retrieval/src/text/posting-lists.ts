import { topK } from "@magpie/numerics";
import type { Term } from "./analysis/analyser.ts";
import { sourceFields, steppedAverages } from "./postings.ts";
import type { Segment } from "./segment.ts";
import { nearTerms } from "./spelling.ts";
import { compareTerms } from "./term-dictionary.ts";

/** A list of postings that a clause may be met by: those of a term in a segment, or of a phrase. */
export interface PostingList {
  readonly segment: Segment;
  readonly rows: Int32Array;
  readonly impacts: Float32Array;
  readonly from: number;
  readonly to: number;
  /** Postings of items that are not dead. */
  readonly live: number;
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

/** A way to write a word: one term, or several side by side. */
export interface WayToWrite {
  readonly terms: readonly Term[];
  /** What it counts beside the others. */
  readonly weight: number;
}

/** A term in a segment that has live items with it. */
interface Place {
  readonly segment: Segment;
  readonly term: number;
  readonly live: number;
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
 * item has it, and what scores go by (items, items of a term, average lengths) is counted over live
 * items alone. So answers are those of an index that was built of these items.
 */
export class PostingLists {
  readonly #segments: readonly Segment[];
  readonly #documents: number;

  /** @param segments  the base first; they score by the averages of all of them from now on */
  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
    this.#documents = segments.reduce((sum, { documents }) => sum + documents, 0);
    const [base] = segments;
    if (base === undefined) return;
    const lengthSums = sourceFields.map((_, slot) =>
      segments.reduce((sum, segment) => sum + segment.lengthSums[slot]!, 0),
    );
    const averageLengths = steppedAverages(lengthSums, this.#documents);
    const { weights } = base.postings.model;
    for (const { postings } of segments) postings.scoreBy({ weights, averageLengths });
  }

  /** Average lengths that all segments score by. */
  get averageLengths(): readonly number[] | undefined {
    return this.#segments[0]?.postings.model.averageLengths;
  }

  has(term: Term): boolean {
    return this.#segments.some(
      (segment) => segment.itemsWith(segment.postings.dictionary.find(term)) > 0,
    );
  }

  /** How many items have a term. */
  frequencyOf(term: Term): number {
    return this.#segments.reduce(
      (sum, segment) => sum + segment.itemsWith(segment.postings.dictionary.find(term)),
      0,
    );
  }

  /** Lists of a term; none where no live item has it. */
  of(term: Term, weight: number, isPinyin = false): PostingList[] {
    const places = this.#placesOf(term);
    if (places.length === 0) return [];
    const factor = weight * this.#idf(places.reduce((sum, { live }) => sum + live, 0));
    return places.map(({ segment, term: number, live }) => {
      const { postings } = segment;
      const { itemRows, listStarts } = postings;
      return {
        segment,
        rows: itemRows,
        impacts: postings.impactsOf(number),
        from: listStarts[number]!,
        to: listStarts[number + 1]!,
        live,
        factor,
        term: number,
        subject: term,
        isPinyin,
        dead: segment.dead?.words,
      };
    });
  }

  #idf(frequency: number): number {
    return Math.log(1 + (this.#documents - frequency + 0.5) / (frequency + 0.5));
  }

  /**
   * At most `count` terms with a prefix, those in most items first, equal ones in order of terms.
   *
   * Of the base, whose terms may be many, those are looked at that may be among them: a term of
   * the base alone has at most the items that it had when the base was built.
   */
  mostFrequent(prefix: string, count: number): Term[] {
    const [base, ...others] = this.#segments;
    if (base === undefined) return [];
    const { dictionary, listStarts } = base.postings;
    const found = new Map<Term, number>();
    for (const { postings } of others) {
      const own = postings.dictionary;
      const [first, end] = own.withPrefix(prefix);
      for (let number = first; number < end; number++) {
        const term = own.term(number);
        if (!found.has(term)) found.set(term, this.frequencyOf(term));
      }
    }
    const [from, to] = dictionary.withPrefix(prefix);
    const atMost = new Float32Array(to - from);
    for (let i = 0; i < atMost.length; i++) {
      atMost[i] = listStarts[from + i + 1]! - listStarts[from + i]!;
    }
    for (let wanted = count, looked = 0; ; wanted *= 4) {
      const { indices } = topK(atMost, wanted);
      for (; looked < indices.length; looked++) {
        const number = from + indices[looked]!;
        const term = dictionary.term(number);
        if (!found.has(term)) found.set(term, base.itemsWith(number));
      }
      const best = [...found]
        .filter(([, frequency]) => frequency > 0)
        .sort(([a, m], [b, n]) => n - m || compareTerms(a, b))
        .slice(0, count);
      // Those not looked at have no more items than the last one that was, or equally many.
      const most = looked === atMost.length ? 0 : atMost[indices.at(-1)!]!;
      if (most === 0 || (best.length === count && best.at(-1)![1] > most)) {
        return best.map(([term]) => term);
      }
    }
  }

  /** Terms within some typing errors of a word, in order of terms. */
  near(word: string, maxEdits: number): NearWord[] {
    const found = new Map<Term, NearWord>();
    for (const { postings } of this.#segments) {
      for (const { term: number, edits, sameStart } of nearTerms(
        postings.dictionary,
        word,
        maxEdits,
      )) {
        const term = postings.dictionary.term(number);
        if (found.has(term)) continue;
        const frequency = this.frequencyOf(term);
        if (frequency > 0) found.set(term, { term, edits, sameStart, frequency });
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
    const rated = parts
      .map((part) => ({ ...part, frequency: this.frequencyOf(part.term) }))
      .sort((a, b) => a.frequency - b.frequency);
    if (rated.length === 0 || rated[0]!.frequency === 0) return [];
    const subject = `"${parts.map(({ term, position }) => `${term} ${position}`).join(" ")}"`;
    const wanted = rated.map((part) => ({ ...part, idf: this.#idf(part.frequency) }));
    return this.#segments.flatMap((segment) => phraseIn(segment, wanted, weight, subject));
  }

  /**
   * Lists of several ways to write one word: basketball, basket ball. They count as one word that is
   * as usual as all of them together, so that the rarer way is no better match.
   */
  oneWord(ways: readonly WayToWrite[]): PostingList[] {
    const found = ways.flatMap(({ terms, weight }) => {
      const own = terms.reduce((sum, term) => sum + this.#idf(this.frequencyOf(term)), 0);
      const lists =
        terms.length === 1
          ? this.of(terms[0]!, weight)
          : this.phrase(
              terms.map((term, position) => ({ term, position })),
              weight,
            );
      return lists.map((list) => ({ list, own }));
    });
    const items = found.reduce((sum, { list }) => sum + list.live, 0);
    const together = this.#idf(Math.min(items, this.#documents));
    return found.map(({ list, own }) => ({ ...list, factor: (list.factor * together) / own }));
  }

  #placesOf(term: Term): Place[] {
    const places: Place[] = [];
    for (const segment of this.#segments) {
      const number = segment.postings.dictionary.find(term);
      const live = segment.itemsWith(number);
      if (live > 0) places.push({ segment, term: number, live });
    }
    return places;
  }
}

/** A term of a phrase. */
interface PhrasePart {
  readonly term: Term;
  readonly position: number;
  readonly idf: number;
}

/** @param parts  the rarest first */
function phraseIn(
  segment: Segment,
  parts: readonly PhrasePart[],
  weight: number,
  subject: string,
): PostingList[] {
  const { postings, dead } = segment;
  const { dictionary, itemRows, listStarts } = postings;
  const [rarest, ...others] = parts.map((part) => ({ ...part, term: dictionary.find(part.term) }));
  if (rarest!.term < 0 || others.some(({ term }) => term < 0)) return [];
  const readers = [rarest!, ...others].map(({ term }) => postings.positionsOf(term));
  for (const { term } of others) postings.impactsOf(term);
  const impacts = postings.impactsOf(rarest!.term);
  const rows: number[] = [];
  const amounts: number[] = [];
  for (let i = listStarts[rarest!.term]!; i < listStarts[rarest!.term + 1]!; i++) {
    const row = itemRows[i]!;
    if (dead !== undefined && has(dead.words, row)) continue;
    const found = others.map(({ term }) => postings.find(term, row));
    if (found.includes(-1)) continue;
    let starts = readers[0]!.read(i).map((position) => position - rarest!.position);
    let amount = rarest!.idf * impacts[i]!;
    for (const [k, posting] of found.entries()) {
      const there = new Set(readers[k + 1]!.read(posting));
      starts = starts.filter((start) => there.has(start + others[k]!.position));
      amount += others[k]!.idf * impacts[posting]!;
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
      live: rows.length,
      factor: weight,
      term: rarest!.term,
      subject,
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
