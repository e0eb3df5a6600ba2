import { stemDutch } from "./dutch.ts";
import { stemGerman } from "./german.ts";
import { stemDanish, stemNorwegian, stemSwedish } from "./nordic.ts";
import { stemFrench, stemItalian, stemPortuguese, stemSpanish } from "./romance.ts";

/** Languages whose words are stemmed. English has its own way: `singular` and `inflectionsOf`. */
export const stemmedLanguages = ["da", "de", "es", "fr", "it", "nl", "no", "pt", "sv"] as const;

export type StemmedLanguage = (typeof stemmedLanguages)[number];

const stemmers: Readonly<Record<StemmedLanguage, (word: string) => string>> = {
  da: stemDanish,
  de: stemGerman,
  es: stemSpanish,
  fr: stemFrench,
  it: stemItalian,
  nl: stemDutch,
  no: stemNorwegian,
  pt: stemPortuguese,
  sv: stemSwedish,
};

/** One letter is no word; two may be: öl. */
const shortestStem = 2;
const word = /^[a-z]{2,40}$/;

/** False for what has no endings: numbers, model names, letters of another script. */
export const hasStem = (normalised: string): boolean => word.test(normalised);

/**
 * A word without the endings of its number, case and gender, so that the forms of one word meet. It
 * is a key and no word: hosen → hos. Light on purpose: a stemmer that also joins what is derived from
 * one another (universal, university) finds wrong products.
 *
 * @param normalised  lower case, without accents
 * @returns           the word itself when it has letters of another script or digits
 */
export function stem(normalised: string, language: StemmedLanguage): string {
  if (!hasStem(normalised)) return normalised;
  const found = stemmers[language](normalised);
  return found.length >= shortestStem ? found : normalised;
}

/** The stemmed language that a BCP 47 tag names; undefined for others. */
export function stemmedLanguageOf(locale: string | undefined): StemmedLanguage | undefined {
  const language = locale?.toLowerCase().split("-", 1)[0];
  if (language === "nb" || language === "nn") return "no";
  return stemmedLanguages.find((one) => one === language);
}
