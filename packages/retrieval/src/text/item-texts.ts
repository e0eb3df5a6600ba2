import type { Item, ItemText } from "@magpie/domain";
import type { TextField } from "./text-index.ts";
import type { FieldPlan, TextPlan } from "./text-plan.ts";

/** Fields that items have texts for; pinyin is made from them. */
export type SourceField = Exclude<TextField, "pinyin">;

/** Takes a text with how it is indexed; `locale` is that of the text, undefined where nobody says it. */
export type VisitText = (text: string, plan: FieldPlan, locale: string | undefined) => void;

/**
 * Gives all texts of an item by which it may be found, in all its languages: shoppers search in the
 * language they think in, whichever the page is in.
 */
export function visitTexts(item: Item, plan: TextPlan, visit: VisitText): void {
  const itemLocale = item.locale ?? plan.settings.language;
  /** The key in `locales` that texts stand under; undefined for the item's own. */
  let key: string | undefined;
  const give = (own: FieldPlan | undefined, text: string): void => {
    if (own !== undefined && text !== "") visit(text, own, key ?? own.locale ?? itemLocale);
  };
  const add = (name: string, text: string | undefined): void => {
    if (text !== undefined) give(plan.of(name), text);
  };
  const addCommon = ({ title, brand, categories, description }: ItemText): void => {
    add("title", title);
    add("brand", brand);
    for (const path of categories ?? []) add("categories", path);
    add("description", description);
  };
  addCommon(item);
  for (const tag of item.tags ?? []) add("tags", tag);
  for (const name in item.attributes) {
    const value = item.attributes[name];
    if (value === undefined || typeof value === "boolean") continue; // nobody searches "true"
    const own = plan.ofAttribute(name);
    if (Array.isArray(value)) for (const one of value) give(own, String(one));
    else give(own, String(value));
  }
  visitVariantTexts(item, add);
  for (const locale in item.locales) {
    const text = item.locales[locale]!;
    key = locale;
    addCommon(text);
    for (const term of new Set(Object.values(text.terms ?? {}))) add("attributes", term);
  }
}

/** What an item's variants are called, each once. */
function visitVariantTexts(
  { title, variants }: Item,
  add: (name: string, text: string) => void,
): void {
  let texts: Map<string, string> | undefined;
  const take = (text: string, name: string): void => {
    texts ??= new Map();
    if (!texts.has(text)) texts.set(text, name);
  };
  for (const variant of variants) {
    if (variant.sku) take(variant.sku, "sku");
    for (const code of variant.barcodes ?? []) if (code) take(code, "barcodes");
    for (const name in variant.options) take(variant.options[name]!, `options.${name}`);
    if (variant.title !== undefined && variant.title !== title) take(variant.title, "variants");
  }
  if (texts !== undefined) for (const [text, name] of texts) add(name, text);
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
