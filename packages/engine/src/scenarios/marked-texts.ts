import type { Item, ItemText } from "@magpie/domain";
import type { Highlighter, HighlightTags } from "@magpie/retrieval";
import type { MarkedTexts } from "../engine.ts";

/**
 * An item's texts with the query's words marked: in the reader's language where the item has it, else
 * in its own. A description is cut to the stretch that has most of the words.
 */
export function markTexts(
  item: Item,
  locale: string,
  highlighter: Highlighter,
  tags: HighlightTags,
): MarkedTexts {
  const local = textsIn(item, locale);
  const brand = local?.brand ?? item.brand;
  const description = local?.description ?? item.description;
  return {
    title: highlighter.highlight(local?.title ?? item.title, tags),
    ...(brand !== undefined && { brand: highlighter.highlight(brand, tags) }),
    ...(description !== undefined && { description: highlighter.snippet(description, { tags }) }),
  };
}

/** Texts in "zh-CN", else in "zh"; undefined where the item has neither. */
function textsIn({ locales }: Item, locale: string): ItemText | undefined {
  const tags = Object.keys(locales ?? {});
  const wanted = locale.toLowerCase();
  const language = wanted.split("-")[0];
  const tag =
    tags.find((own) => own.toLowerCase() === wanted) ??
    tags.find((own) => own.toLowerCase() === language);
  return tag === undefined ? undefined : locales![tag];
}
