import { isStopWord } from "../stop-words.ts";
import { stem, type StemmedLanguage } from "./stem.ts";

/** Languages that write compounds in one piece. */
const compounding: ReadonlySet<StemmedLanguage> = new Set(["da", "de", "nl", "no", "sv"]);

/** Shorter words are not looked into. */
const shortestCompound = 7;
/** A part of three letters (Uhr, Rad, tas) may only be the last, behind at least this many. */
const beforeShortPart = 5;
const shortestPart = 3;
const maxParts = 4;

/** True for a word that is worth parting, before any word of the catalogue is looked up. */
export const mayBeCompound = (word: string, language: StemmedLanguage): boolean =>
  compounding.has(language) && word.length >= shortestCompound && /^[a-z]+$/.test(word);

/** A word inside a compound, with its place in it. */
export interface CompoundPart {
  /** Without endings, and without what joins it to the next: taschen- → tasch. */
  readonly stem: string;
  readonly from: number;
  readonly to: number;
}

/**
 * The words that a word is written together from, when the catalogue has each of them on its own.
 *
 *     fussballschuhe ─▶ fussball │ schuhe        where fussball and schuh are words of the catalogue
 *     kinderfahrradhelm ─▶ kinder │ fahrrad │ helm
 *
 * Taking endings off takes off what joins the parts as well (Arbeit-s-, Tasche-n-, Kind-er-). Of
 * several ways to part a word that with fewest parts is taken, then that whose parts are most usual
 * by the geometric mean of their frequencies.
 *
 * @param word         normalised
 * @param frequencyOf  items that have a word with this stem; 0 for none
 * @returns            in order; undefined when the word is not a compound of known words
 * @see Koehn & Knight (2003), "Empirical methods for compound splitting"
 */
export function compoundParts(
  word: string,
  language: StemmedLanguage,
  frequencyOf: (stem: string) => number,
): readonly CompoundPart[] | undefined {
  if (!mayBeCompound(word, language)) return undefined;
  const wholeStem = stem(word, language);
  const frequency = (part: string): number => {
    if (isStopWord(part, language)) return 0;
    const own = stem(part, language);
    if (own.length < shortestPart || own === wholeStem) return 0;
    const found = frequencyOf(own);
    // Three letters that stand alone once are as likely an abbreviation.
    return part.length === shortestPart && found < 2 ? 0 : found;
  };
  // best[to]: the best way to part what stands before `to`.
  const best: (Way | undefined)[] = [{ count: 0, logs: 0, from: 0 }];
  for (let to = shortestPart + 1; to <= word.length; to++) {
    const isLast = to === word.length;
    if (!isLast && word.length - to < shortestPart) continue;
    for (let from = 0; from <= to - shortestPart; from++) {
      const before = best[from];
      if (before === undefined || before.count === maxParts) continue;
      const isShort = to - from === shortestPart;
      if (isShort && (!isLast || from < beforeShortPart)) continue;
      if (from === 0 && isLast) continue;
      const own = frequency(word.slice(from, to));
      if (own === 0) continue;
      const way = { count: before.count + 1, logs: before.logs + Math.log(own), from };
      if (isBetter(way, best[to])) best[to] = way;
    }
  }
  if (best[word.length] === undefined) return undefined;
  const parts: CompoundPart[] = [];
  for (let to = word.length; to > 0; to = best[to]!.from) {
    const { from } = best[to]!;
    parts.unshift({ stem: stem(word.slice(from, to), language), from, to });
  }
  return parts;
}

/** A way to part the beginning of a word: by how many parts, Σ ln of their frequencies. */
interface Way {
  readonly count: number;
  readonly logs: number;
  /** Where the last part begins. */
  readonly from: number;
}

const isBetter = (way: Way, other: Way | undefined): boolean =>
  other === undefined ||
  way.count < other.count ||
  (way.count === other.count && way.logs > other.logs);
