import type { Item } from "@magpie/domain";
import type { Analyser } from "./analysis/analyser.ts";

/** What stands around a marked word. */
export interface HighlightTags {
  readonly open: string;
  readonly close: string;
}

/** A text with the query's words marked. */
export interface Highlighted {
  /** The text, unchanged but for the tags: what it has of markup is the caller's to escape. */
  readonly value: string;
  /** How many of the query's words it has. */
  readonly matchLevel: "none" | "partial" | "full";
  /** Those words, as typed. */
  readonly matchedWords: readonly string[];
  /** True when every word of the text is marked. */
  readonly fullyHighlighted: boolean;
}

/** A stretch of a text, in UTF-16 units. */
export interface MarkedRange {
  readonly start: number;
  readonly end: number;
}

/** Terms that meet one word of a query, with the word as typed. */
export interface HighlightWord {
  readonly word: string;
  readonly terms: ReadonlySet<string>;
  /** Terms of a phrase; they are marked only where they stand side by side. */
  readonly phrase?: readonly { readonly term: string; readonly position: number }[];
}

const defaultTags: HighlightTags = { open: "<mark>", close: "</mark>" };

/** Marks the words of one query in any number of texts, in the original's own characters. */
export class Highlighter {
  readonly #analyser: Analyser;
  readonly #words: readonly HighlightWord[];

  constructor(analyser: Analyser, words: readonly HighlightWord[]) {
    this.#analyser = analyser;
    this.#words = words;
  }

  /** Where the query's words stand in the text, left to right, none touching another. */
  ranges(text: string): MarkedRange[] {
    return this.#find(text).ranges;
  }

  highlight(text: string, tags: HighlightTags = defaultTags): Highlighted {
    const { ranges, matchedWords, fullyHighlighted } = this.#find(text);
    const wanted = this.#words.length;
    const found = matchedWords.length;
    return {
      value: withTags(text, ranges, tags),
      matchLevel: found === 0 ? "none" : found === wanted ? "full" : "partial",
      matchedWords,
      fullyHighlighted,
    };
  }

  /**
   * The stretch of a long text that has most of the query's words, cut at word boundaries, with
   * "…" where text was left out.
   *
   * @param maxCharacters  of the stretch, without tags
   */
  snippet(
    text: string,
    {
      maxCharacters = 160,
      tags = defaultTags,
    }: { readonly maxCharacters?: number; readonly tags?: HighlightTags } = {},
  ): Highlighted {
    const whole = this.highlight(text, tags);
    if (text.length <= maxCharacters) return whole;
    const { ranges } = this.#find(text);
    let best = 0;
    let bestCount = 0;
    for (const [i, { start }] of ranges.entries()) {
      const reach = start + maxCharacters * 0.8;
      let count = 0;
      for (let j = i; j < ranges.length && ranges[j]!.end <= reach; j++) count++;
      if (count > bestCount) [best, bestCount] = [i, count];
    }
    // A fifth of the stretch goes before the first word, so that it is read in its sentence.
    const lead = Math.floor(maxCharacters * 0.2);
    const first = ranges[best]?.start ?? 0;
    const from = first <= lead ? 0 : wordStart(text, first - lead, first);
    const to =
      from + maxCharacters >= text.length ? text.length : wordEnd(text, from + maxCharacters, from);
    const inside = ranges
      .filter(({ start, end }) => start >= from && end <= to)
      .map(({ start, end }) => ({ start: start - from, end: end - from }));
    const value = withTags(text.slice(from, to), inside, tags);
    return {
      ...whole,
      value: `${from > 0 ? "…" : ""}${value}${to < text.length ? "…" : ""}`,
      fullyHighlighted: false,
    };
  }

  /**
   * How many of the query's terms each variant of an item has in its own texts: options, title, SKU and
   * bar codes.
   */
  termsInVariants({ variants }: Item): number[] {
    const asked = new Set(this.#words.flatMap(({ terms }) => [...terms]));
    return variants.map(({ title, sku, barcodes = [], options = {} }) => {
      const texts = [title, sku, ...barcodes, ...Object.values(options)];
      const terms = texts.flatMap((text) =>
        text ? this.#analyser.tokens(text).map(({ term }) => term) : [],
      );
      return new Set(terms.filter((term) => asked.has(term))).size;
    });
  }

  #find(text: string): {
    ranges: MarkedRange[];
    matchedWords: string[];
    fullyHighlighted: boolean;
  } {
    const tokens = this.#analyser.tokens(text);
    const found: MarkedRange[] = [];
    const matchedWords: string[] = [];
    for (const { word, terms, phrase } of this.#words) {
      const before = found.length;
      if (phrase === undefined) {
        for (const { term, start, end } of tokens) if (terms.has(term)) found.push({ start, end });
      } else found.push(...phraseRanges(tokens, phrase));
      if (found.length > before) matchedWords.push(word);
    }
    const ranges = joinRanges(found);
    const words = joinRanges(tokens.filter(({ position }) => position >= 0));
    const fullyHighlighted =
      ranges.length > 0 &&
      words.every(({ start, end }) => ranges.some((own) => own.start <= start && own.end >= end));
    return { ranges, matchedWords: [...new Set(matchedWords)], fullyHighlighted };
  }
}

type PlacedToken = MarkedRange & { readonly term: string; readonly position: number };

function phraseRanges(
  tokens: readonly PlacedToken[],
  phrase: readonly { readonly term: string; readonly position: number }[],
): MarkedRange[] {
  const byPlace = new Map(tokens.map((token) => [`${token.position} ${token.term}`, token]));
  const [first] = phrase;
  if (first === undefined) return [];
  return tokens
    .filter(({ term, position }) => position >= 0 && term === first.term)
    .flatMap(({ position }) => {
      const met = phrase.map((part) =>
        byPlace.get(`${position + part.position - first.position} ${part.term}`),
      );
      return met.every((token) => token !== undefined)
        ? [{ start: met[0]!.start, end: Math.max(...met.map((token) => token.end)) }]
        : [];
    });
}

/** Left to right, those that overlap or touch made one. */
function joinRanges(ranges: readonly MarkedRange[]): MarkedRange[] {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of ranges.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else if (end > start) joined.push({ start, end });
  }
  return joined;
}

function withTags(
  text: string,
  ranges: readonly MarkedRange[],
  { open, close }: HighlightTags,
): string {
  let at = 0;
  let marked = "";
  for (const { start, end } of ranges) {
    marked += text.slice(at, start) + open + text.slice(start, end) + close;
    at = end;
  }
  return marked + text.slice(at);
}

/** Letters that may stand between a cut and the nearest space before the cut is made in a word. */
const maxSpaceDistance = 20;

function wordStart(text: string, at: number, before: number): number {
  const space = text.slice(at, Math.min(before, at + maxSpaceDistance)).search(/\s/u);
  return outsidePair(text, space < 0 ? at : at + space + 1);
}

function wordEnd(text: string, at: number, after: number): number {
  const space = text.lastIndexOf(" ", at);
  return outsidePair(text, space > after && at - space <= maxSpaceDistance ? space : at);
}

/** A cut between the two halves of one character moves before it. */
function outsidePair(text: string, at: number): number {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff ? at - 1 : at;
}
