import type { Item, ItemText } from "@magpie/domain";
import type { TextField } from "./text-index.ts";

/** Fields that items have texts for; pinyin is made from them. */
export type SourceField = Exclude<TextField, "pinyin">;

/**
 * All texts of an item by which it may be found, in all its languages: shoppers search in the
 * language they think in, whichever the page is in.
 */
export function textsOf(item: Item): { readonly field: SourceField; readonly text: string }[] {
  const texts: { field: SourceField; text: string }[] = [];
  const add = (field: SourceField, text: string | undefined): void => {
    if (text !== undefined && text !== "") texts.push({ field, text });
  };
  const addCommon = ({ title, brand, categories, description }: ItemText): void => {
    add("title", title);
    add("brand", brand);
    for (const path of categories ?? []) add("categories", path);
    add("description", description);
  };
  addCommon(item);
  for (const tag of item.tags ?? []) add("attributes", tag);
  for (const value of Object.values(item.attributes ?? {})) {
    if (typeof value === "boolean") continue; // "true" is no word that anyone searches
    for (const one of Array.isArray(value) ? value : [value]) add("attributes", String(one));
  }
  const variantTexts = new Set<string>();
  for (const variant of item.variants) {
    for (const text of [variant.sku, ...(variant.barcodes ?? [])]) if (text) variantTexts.add(text);
    for (const text of Object.values(variant.options ?? {})) variantTexts.add(text);
    if (variant.title !== undefined && variant.title !== item.title)
      variantTexts.add(variant.title);
  }
  for (const text of variantTexts) add("attributes", text);
  for (const text of Object.values(item.locales ?? {})) {
    addCommon(text);
    for (const term of new Set(Object.values(text.terms ?? {}))) add("attributes", term);
  }
  return texts;
}

/** Words of the shop for the segmenter: brands, the levels of its categories, short tags. */
export function ownWordsOf(item: Item): string[] {
  const names = [item, ...Object.values(item.locales ?? {})].flatMap(({ brand, categories }) => [
    ...(brand === undefined ? [] : [brand]),
    ...(categories ?? []).flatMap((path) => path.split(">")),
  ]);
  return [...names, ...(item.tags ?? [])];
}
