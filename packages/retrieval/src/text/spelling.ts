import type { TermDictionary } from "./term-dictionary.ts";

/** A term of the dictionary that a word may be a misspelling of. */
export interface NearTerm {
  readonly term: number;
  readonly edits: number;
  /** The first letter is seldom the wrong one. */
  readonly sameStart: boolean;
}

/** Longer ones are no words. */
const maxLetters = 30;

/** Typing errors that are forgiven in a word: none below 4 letters or beside digits, 2 from 8 on. */
export function maxEditsFor(word: string): number {
  const letters = [...word].length;
  if (letters < 4 || letters > maxLetters || !/^[\p{L}\p{M}]+$/u.test(word)) return 0;
  return letters < 8 ? 1 : 2;
}

/**
 * All terms within `maxEdits` typing errors of a word: a letter left out, put in, replaced, or two
 * neighbours swapped (Damerau's four; no letter is edited twice).
 *
 * Walks the sorted terms with one row of the edit-distance table per letter. A term shares the rows
 * of the letters that it shares with the term before; where every cell of a row is above
 * `maxEdits`, all terms with that beginning are leapt over.
 *
 *            s  h  o  e
 *         0  1  2  3  4
 *      s  1  0  1  2  3      shelf: row "she" still has a 1; row "shel" has only 2 and more,
 *      h  2  1  0  1  2             so all terms that begin with "shel" are too far for one edit
 *      e  3  2  1  1  1
 */
export function nearTerms(dictionary: TermDictionary, word: string, maxEdits: number): NearTerm[] {
  const typed = Array.from(word, (letter) => letter.codePointAt(0)!);
  const width = typed.length + 1;
  const deepest = typed.length + maxEdits;
  const table = new Uint8Array((deepest + 2) * width);
  for (let j = 0; j < width; j++) table[j] = j;
  const { text, starts } = dictionary;
  const letters = new Int32Array(deepest + 1);
  let known = 0; // letters whose rows are right
  const near: NearTerm[] = [];
  let term = 0;
  while (term < dictionary.size) {
    const first = starts[term]!;
    const end = starts[term + 1]!;
    let at = first;
    let depth = 0;
    let least = 0;
    // Terms of other kinds than words begin with a sign.
    if (isSign(text[first]!)) least = maxEdits + 1;
    while (at < end && least <= maxEdits) {
      const byte = text[at]!;
      const bytes = byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
      let letter = bytes === 1 ? byte : byte & (0x7f >> bytes);
      for (let i = 1; i < bytes; i++) letter = (letter << 6) | (text[at + i]! & 0x3f);
      if (depth >= deepest) {
        least = maxEdits + 1; // longer than any term that is near
        break;
      }
      at += bytes;
      if (depth < known && letters[depth] === letter) {
        depth++;
        continue;
      }
      letters[depth++] = letter;
      known = depth;
      least = fillRow(table, width, depth, typed, letters);
    }
    if (least > maxEdits) {
      if (at > first) known = Math.max(0, Math.min(known, depth - 1));
      term = dictionary.pastPrefixOf(term, Math.max(1, at - first));
      continue;
    }
    const edits = table[depth * width + width - 1]!;
    if (edits > 0 && edits <= maxEdits) {
      near.push({ term, edits, sameStart: letters[0] === typed[0] });
    }
    known = Math.min(known, depth);
    term++;
  }
  return near;
}

/** ASCII that is no letter and no digit. */
const isSign = (byte: number): boolean =>
  byte < 0x30 || (byte > 0x39 && byte < 0x61) || (byte > 0x7a && byte < 0x80);

/** @returns  the least cell of the row */
function fillRow(
  table: Uint8Array,
  width: number,
  i: number,
  typed: readonly number[],
  letters: Int32Array,
): number {
  const row = i * width;
  table[row] = i;
  let least = i;
  for (let j = 1; j < width; j++) {
    const isSame = letters[i - 1] === typed[j - 1];
    let best = table[row - width + j - 1]! + (isSame ? 0 : 1);
    best = Math.min(best, table[row - width + j]! + 1, table[row + j - 1]! + 1);
    if (i > 1 && j > 1 && letters[i - 1] === typed[j - 2] && letters[i - 2] === typed[j - 1]) {
      best = Math.min(best, table[row - 2 * width + j - 2]! + 1);
    }
    table[row + j] = best;
    if (best < least) least = best;
  }
  // A swap with the next letter may still repair what this row cannot, at the cost of one row more.
  for (let j = 0; j + 1 < width - 1; j++) {
    if (i > 0 && letters[i - 1] === typed[j + 1]) {
      least = Math.min(least, table[row - width + j]! + 1);
    }
  }
  return least;
}
