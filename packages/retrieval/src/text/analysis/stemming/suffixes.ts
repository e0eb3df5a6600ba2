const vowel = /[aeiouy]/;

/**
 * Where the region begins in which endings of Dutch and Nordic words are looked for: behind the first
 * consonant that follows a vowel, and behind at least three letters. So schoenen loses its ending and
 * schoen, which ends alike, does not.
 *
 * @see Porter (2001), "Snowball: a language for stemming algorithms", where it is called R1
 */
export function endingsFrom(word: string): number {
  for (let at = 1; at < word.length; at++) {
    if (!vowel.test(word[at]!) && vowel.test(word[at - 1]!)) return Math.max(3, at + 1);
  }
  return word.length;
}

/**
 * Endings in order, the longest first, that come off a word.
 *
 * @param from  nothing before it comes off
 * @returns     the word without the longest of the endings that it has, or as it was
 */
export function withoutEnding(word: string, endings: readonly string[], from: number): string {
  for (const ending of endings) {
    if (word.length - ending.length >= from && word.endsWith(ending)) {
      return word.slice(0, -ending.length);
    }
  }
  return word;
}

/** Endings as they are written in a list, the longest first. */
export function endings(list: string): readonly string[] {
  return list.split(" ").sort((a, b) => b.length - a.length);
}
