import { traceText } from "@magpie/retrieval";

/** A word of a query, in its normal form, with its place in what was typed. */
export interface QueryWord {
  readonly word: string;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

// Scripts that write no spaces give a word per character, so that 手机 is found in 买手机壳.
const words =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{M}])+/gu;
// eslint-disable-next-line no-control-regex
const ascii = /^[\0-\x7f]*$/;

/**
 * The words by which rules read a query: lower case, without accents, half width, simplified.
 * Punctuation and signs part words and are none themselves.
 */
export function wordsOfQuery(query: string): QueryWord[] {
  const { text, origins } = ascii.test(query)
    ? { text: query.toLowerCase(), origins: undefined }
    : traceText(query);
  const placeOf = (at: number): number => (origins === undefined ? at : origins[at]!);
  return Array.from(text.matchAll(words), ({ 0: word, index }) => ({
    word,
    start: placeOf(index),
    end: placeOf(index + word.length),
  }));
}

/**
 * The query without a run of words, wherever it stands; as it was when nothing would be left.
 *
 * @param runs  each a run of words in normal form
 */
export function withoutWords(query: string, runs: readonly (readonly string[])[]): string {
  const all = wordsOfQuery(query);
  const isGone = Array.from(all, () => false);
  for (const run of runs) {
    for (let at = 0; run.length > 0 && at + run.length <= all.length; at++) {
      if (!run.every((word, i) => all[at + i]!.word === word)) continue;
      isGone.fill(true, at, at + run.length);
    }
  }
  if (isGone.every(Boolean)) return query;
  let left = "";
  let from = 0;
  all.forEach(({ start, end }, i) => {
    if (!isGone[i]) return;
    // Signs between two words that go are theirs: the & of "b&q".
    if (i === 0 || !isGone[i - 1]) left += query.slice(from, start);
    from = end;
  });
  return (left + query.slice(from)).replaceAll(/\s+/g, " ").trim();
}
