import { endingsFrom } from "./suffixes.ts";

const consonant = /[^aeiouy]$/;
const doubledConsonant = /([bcdfgklmnprst])\1$/;
const longVowel = /([aeou])\1([bcdfgklmnprst])$/;

/**
 * Dutch words without the endings of number and inflection, by one spelling of their vowel: schoenen →
 * schoen; tassen → tas; broden, brood → brod; huizen → huis; rode, rood → rod.
 *
 * @see Kraaij & Pohlmann (1994), "Porter's stemming algorithm for Dutch", of which these are the steps
 *      that undo inflection
 */
export function stemDutch(word: string): string {
  const from = endingsFrom(word);
  let stem = withoutS(word, from);
  if (stem.length - 2 >= from && stem.endsWith("en") && consonant.test(stem.slice(0, -2))) {
    stem = unvoiced(undoubled(stem.slice(0, -2)));
  }
  // What -en came off of may end in an s of its own, as fiets does: both forms lose it.
  stem = withoutS(stem, from);
  if (stem.length - 1 >= from && stem.endsWith("e") && consonant.test(stem.slice(0, -1))) {
    stem = unvoiced(undoubled(stem.slice(0, -1)));
  }
  return stem.replace(longVowel, "$1$2");
}

const withoutS = (word: string, from: number): string =>
  word.length - 1 >= from && /[^aeiouyjs]s$/.test(word) ? word.slice(0, -1) : word;

const undoubled = (word: string): string =>
  doubledConsonant.test(word) ? word.slice(0, -1) : word;

/** brieven → brief, huizen → huis: a word never ends in v or z. */
function unvoiced(word: string): string {
  if (word.endsWith("v")) return `${word.slice(0, -1)}f`;
  return word.endsWith("z") ? `${word.slice(0, -1)}s` : word;
}
