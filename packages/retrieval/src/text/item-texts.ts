import type { Item, ItemText } from "@magpie/domain";
import type { TextField } from "./text-index.ts";

/** Fields that items have texts for; pinyin is made from them. */
export type SourceField = Exclude<TextField, "pinyin">;

/**
 * Gives all texts of an item by which it may be found, in all its languages: shoppers search in the
 * language they think in, whichever the page is in. The locale is that of the text, where the item
 * says it.
 */
export function visitTexts(
  item: Item,
  visit: (field: SourceField, text: string, locale: string | undefined) => void,
): void {
  let spoken = item.locale;
  const add = (field: SourceField, text: string | undefined): void => {
    if (text !== undefined && text !== "") visit(field, text, spoken);
  };
  const addCommon = ({ title, brand, categories, description }: ItemText): void => {
    add("title", title);
    add("brand", brand);
    for (const path of categories ?? []) add("categories", path);
    add("description", description);
  };
  addCommon(item);
  for (const tag of item.tags ?? []) add("attributes", tag);
  for (const name in item.attributes) {
    const value = item.attributes[name];
    if (value === undefined || typeof value === "boolean") continue; // nobody searches "true"
    if (Array.isArray(value)) for (const one of value) add("attributes", String(one));
    else add("attributes", String(value));
  }
  for (const text of variantTextsOf(item)) add("attributes", text);
  for (const locale in item.locales) {
    const text = item.locales[locale]!;
    spoken = locale;
    addCommon(text);
    for (const term of new Set(Object.values(text.terms ?? {}))) add("attributes", term);
  }
}

/** What an item's variants are called, each once. */
function variantTextsOf({ title, variants }: Item): Iterable<string> {
  let texts: Set<string> | undefined;
  for (const variant of variants) {
    if (variant.sku) (texts ??= new Set()).add(variant.sku);
    for (const code of variant.barcodes ?? []) if (code) (texts ??= new Set()).add(code);
    for (const name in variant.options) (texts ??= new Set()).add(variant.options[name]!);
    if (variant.title !== undefined && variant.title !== title) {
      (texts ??= new Set()).add(variant.title);
    }
  }
  return texts ?? [];
}

/**
 * Words of the shop for the segmenter: brands, category paths, short tags, as they are written.
 */
export function visitOwnNames(item: Item, visit: (name: string) => void): void {
  const visitCommon = ({ brand, categories }: ItemText): void => {
    if (brand !== undefined) visit(brand);
    for (const path of categories ?? []) visit(path);
  };
  visitCommon(item);
  for (const locale in item.locales) visitCommon(item.locales[locale]!);
  for (const tag of item.tags ?? []) visit(tag);
}
