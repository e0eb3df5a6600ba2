import { endings, withoutEnding } from "./suffixes.ts";

const cases = endings("em en er es e ern");
const comparisons = endings("er en est");
/** Consonants behind which an s or st is an ending. */
const closes = /[bdfghklmnrt]$/;

/**
 * German words without the endings of number, case and degree: Schuhe, Schuhen → schuh; Bücher → buch;
 * schwarze, schwarzes → schwarz. Umlauts are off already, and where they were written with an e, it
 * goes as well: muesli → musli.
 *
 * @see Savoy (2006), "Light stemming approaches for the French, Portuguese, German and Hungarian
 *      languages", whose rules these are, with s and st as one step
 */
export function stemGerman(word: string): string {
  const plain = withoutUmlauts(word);
  const bare = withoutS(withoutEnding(plain, cases, 3), 3);
  const degree = withoutEnding(bare, comparisons, 4);
  if (degree !== bare || bare.length < 6) return degree;
  return bare.replace(/(?<=[bdfghklmnt])st$|(?<=ss)t$/, ""); // kleinste, größte
}

/** ae, oe and ue as people write ä, ö and ü without the key; not in neue, blaue, Quelle. */
function withoutUmlauts(word: string): string {
  return word.includes("e") ? word.replace(/(?<![aeiouq])(a|o|u)e/g, "$1") : word;
}

function withoutS(word: string, least: number): string {
  if (!word.endsWith("s") || word.length <= least) return word;
  const bare = word.slice(0, -1);
  return closes.test(bare) ? bare : word;
}
