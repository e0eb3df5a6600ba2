import { wordsOfQuery } from "./query-words.ts";

/** A word of a pattern, or a place for a value of a field. */
export type PatternPart = { readonly word: string } | { readonly facet: string };

const placeholder = /\{facet:([^{}]{1,200})\}/g;

/** Fields that a text has placeholders for, in order. */
export function placeholdersIn(text: string): string[] {
  return Array.from(text.matchAll(placeholder), (match) => match[1]!.trim());
}

/** True for a text with a brace that belongs to no placeholder. */
export function hasStrayBraces(text: string): boolean {
  return /[{}]/.test(text.replaceAll(placeholder, ""));
}

/** The words and placeholders of a pattern, in order. */
export function partsOfPattern(text: string): PatternPart[] {
  const parts: PatternPart[] = [];
  let from = 0;
  const addWords = (until: number): void => {
    for (const { word } of wordsOfQuery(text.slice(from, until))) parts.push({ word });
  };
  for (const match of text.matchAll(placeholder)) {
    addWords(match.index);
    parts.push({ facet: match[1]!.trim() });
    from = match.index + match[0].length;
  }
  addWords(text.length);
  return parts;
}

/** Values that placeholders stood for, by field. */
export type Captures = ReadonlyMap<string, string>;

/** The text with values in the place of placeholders; those that are not known stay. */
export function filledIn(
  text: string,
  captures: Captures,
  asWritten: (value: string) => string = (value) => value,
): string {
  return text.replaceAll(placeholder, (whole: string, field: string) => {
    const value = captures.get(field.trim());
    return value === undefined ? whole : asWritten(value);
  });
}

/** Knows which values the catalogue has. */
export interface FacetWords {
  /** The value whose words these are, as the catalogue writes it. */
  valueOf(field: string, words: readonly string[]): string | undefined;
}

/** Values of more words than this are no placeholder's. */
export const longestValue = 6;

/** How the words of a query and a pattern may lie to each other. */
export type Anchoring = "is" | "starts-with" | "ends-with" | "contains";

/**
 * Compares a query with a pattern. Placeholders take the longest value that lets the rest fit; the
 * first place where all fits counts.
 *
 * @returns  the values found; undefined when the query is not like the pattern
 */
export function matchPattern(
  words: readonly string[],
  parts: readonly PatternPart[],
  anchoring: Anchoring,
  facets: FacetWords,
): Captures | undefined {
  if (parts.length === 0) return undefined;
  const fromStart = anchoring === "is" || anchoring === "starts-with";
  const toEnd = anchoring === "is" || anchoring === "ends-with";
  const lastStart = fromStart ? 0 : words.length - parts.length;
  for (let start = 0; start <= lastStart; start++) {
    const captures = new Map<string, string>();
    if (fits(start, 0, captures)) return captures;
  }
  return undefined;

  function fits(at: number, part: number, captures: Map<string, string>): boolean {
    if (part === parts.length) return !toEnd || at === words.length;
    const wanted = parts[part]!;
    if ("word" in wanted) {
      return words[at] === wanted.word && fits(at + 1, part + 1, captures);
    }
    const most = Math.min(longestValue, words.length - at - (parts.length - part - 1));
    for (let length = most; length > 0; length--) {
      const value = facets.valueOf(wanted.facet, words.slice(at, at + length));
      const before = captures.get(wanted.facet);
      if (value === undefined || (before !== undefined && before !== value)) continue;
      captures.set(wanted.facet, value);
      if (fits(at + length, part + 1, captures)) return true;
      if (before === undefined) captures.delete(wanted.facet);
    }
    return false;
  }
}
