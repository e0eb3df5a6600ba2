import { pinyin } from "pinyin-pro";

/** One syllable per character, without tones; ü is written v, as on keyboards. */
export type Syllables = readonly string[];

const known = new Map<string, Syllables>();
const maxKnown = 100_000;

/**
 * How a Chinese word is typed in Latin letters: 耐克 → nai, ke. Characters with several readings
 * are read as the word says (重庆 → chong, qing). Words come back often, so they are remembered.
 */
export function syllablesOf(word: string): Syllables {
  let syllables = known.get(word);
  if (syllables === undefined) {
    syllables = pinyin(word, { toneType: "none", type: "array", v: true });
    if (known.size >= maxKnown) known.clear();
    known.set(word, syllables);
  }
  return syllables;
}
