import { useTranslation } from "react-i18next";
import type { Item, Variant } from "./types.ts";

export interface ItemTexts {
  readonly title: string;
  readonly description: string | undefined;
  readonly brand: string | undefined;
  /** Levels of the first category, from the root. */
  readonly categories: readonly string[];
  /** A variant option's or attribute's name or value in the page's language. */
  term(word: string): string;
}

/** An item's texts in a language; each falls back to the item's own language on its own. */
export function textsOf(item: Item, language: string): ItemTexts {
  const local = item.locales?.[language];
  return {
    title: local?.title ?? item.title,
    description: local?.description ?? item.description,
    brand: local?.brand ?? item.brand,
    categories: ((local?.categories ?? item.categories)?.[0] ?? "").split(" > ").filter(Boolean),
    term: (word) => local?.terms?.[word] ?? word,
  };
}

/** What a variant is called among the others: "Red · M". */
export function variantLabel(variant: Variant, texts: ItemTexts): string {
  const options = Object.values(variant.options ?? {}).map((value) => texts.term(value));
  return options.length > 0 ? options.join(" · ") : (variant.title ?? variant.id);
}

/** How amounts are written; without a currency's name, with two digits and no sign. */
const moneyFormat = (currency: string | undefined, language: string) =>
  new Intl.NumberFormat(
    language === "zh" ? "zh-CN" : "en-US",
    currency === undefined
      ? { minimumFractionDigits: 2, maximumFractionDigits: 2 }
      : { style: "currency", currency, currencyDisplay: "narrowSymbol" },
  );
const digitsOf = (format: Intl.NumberFormat) => format.resolvedOptions().maximumFractionDigits ?? 2;

/** Formats an amount of minor units: 1999 USD is "$19.99" in English. */
export function formatPrice(
  price: { readonly amount: number; readonly currency: string | undefined },
  language: string,
): string {
  const format = moneyFormat(price.currency, language);
  return format.format(price.amount / 10 ** digitsOf(format));
}

/** A currency's sign, and how many digits lie between its main and its minor unit. */
export function currencyOf(
  currency: string | undefined,
  language: string,
): { symbol: string; digits: number } {
  const format = moneyFormat(currency, language);
  const sign = format.formatToParts(0).find(({ type }) => type === "currency");
  return { symbol: sign?.value ?? "", digits: digitsOf(format) };
}

/** The page's language as the keys of an item's `locales` name it. */
export function useLanguage(): string {
  return useTranslation().i18n.language;
}
