import type { Item } from "@magpie/domain";

/** Letters of a description that are read: what stands first says what the thing is. */
const describedLetters = 200;

/** What an encoder reads of an item: its names in all languages, brand, last categories, tags. */
export function meaningText(item: Item): string {
  const { title, brand, categories = [], tags = [], description = "", locales = {} } = item;
  const leaves = categories.map((path) => path.split(" > ").at(-1)!);
  const names = Object.values(locales).flatMap((locale) => locale.title ?? []);
  return [title, ...names, brand ?? "", ...leaves, ...tags, description.slice(0, describedLetters)]
    .filter((part) => part !== "")
    .join(". ");
}
