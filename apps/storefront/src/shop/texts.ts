import { useTranslation } from "react-i18next";
import type { Item, Price } from "./types.ts";

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

/** Formats an amount of minor units: 1999 USD is "$19.99" in English. */
export function formatPrice(price: Price, language: string): string {
  const format = new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-US", {
    style: "currency",
    currency: price.currency,
    currencyDisplay: "narrowSymbol",
  });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(price.amount / 10 ** digits);
}

/** The page's language as the keys of an item's `locales` name it. */
export function useLanguage(): string {
  return useTranslation().i18n.language;
}
