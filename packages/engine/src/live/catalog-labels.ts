import type { Item, ItemText } from "@magpie/domain";

const separator = " > ";

/** By language, then by what is called so: each word with the items that say it. */
type Labels = Map<string, Map<string, Map<string, number>>>;
type LabelsJson = Readonly<
  Record<string, Readonly<Record<string, Readonly<Record<string, number>>>>>
>;

/** Labels as a snapshot keeps them. */
export interface CatalogLabelsJson {
  readonly categories: LabelsJson;
  readonly brands: LabelsJson;
  readonly words: LabelsJson;
}

/**
 * What values of the catalogue are called in its languages, taken from the items themselves.
 *
 *     categories   "Shoes > Running" beside 鞋 > 跑步鞋     the second level is called 跑步鞋
 *     brands       Nike beside 耐克
 *     words        red: 红色, in the texts' `terms`         values of attributes, options and tags
 *
 * Where items differ, what most of them say counts.
 */
export class CatalogLabels {
  readonly #categories: Labels;
  readonly #brands: Labels;
  readonly #words: Labels;

  private constructor(categories: Labels, brands: Labels, words: Labels) {
    this.#categories = categories;
    this.#brands = brands;
    this.#words = words;
  }

  static empty(): CatalogLabels {
    return new CatalogLabels(new Map(), new Map(), new Map());
  }

  /** Opens what `toJSON` gave. */
  static open({ categories, brands, words }: CatalogLabelsJson): CatalogLabels {
    return new CatalogLabels(opened(categories), opened(brands), opened(words));
  }

  toJSON(): CatalogLabelsJson {
    return {
      categories: saved(this.#categories),
      brands: saved(this.#brands),
      words: saved(this.#words),
    };
  }

  /**
   * Takes an item that is new, has other words or is gone (undefined).
   *
   * @param former  the item as it was before; undefined where none was
   */
  put(item: Item | undefined, former?: Item): void {
    if (former !== undefined) this.#count(former, -1);
    if (item !== undefined) this.#count(item, 1);
  }

  #count(item: Item, by: 1 | -1): void {
    for (const [language, text] of Object.entries(item.locales ?? {})) {
      this.#countCategories(item, language, text, by);
      if (item.brand !== undefined && text.brand !== undefined) {
        count(this.#brands, language, item.brand, text.brand, by);
      }
      for (const [word, label] of Object.entries(text.terms ?? {})) {
        count(this.#words, language, word, label, by);
      }
    }
  }

  #countCategories({ categories = [] }: Item, language: string, text: ItemText, by: 1 | -1): void {
    const translated = text.categories ?? [];
    if (categories.length !== translated.length) return;
    for (const [i, path] of categories.entries()) {
      const levels = path.split(separator);
      const words = translated[i]!.split(separator);
      if (levels.length !== words.length) continue;
      for (const [depth, word] of words.entries()) {
        const upTo = levels.slice(0, depth + 1).join(separator);
        count(this.#categories, language, upTo, word.trim(), by);
      }
    }
  }

  /** The last level of a path in a reader's language ("zh-CN" also finds "zh"), else as it stands. */
  labelOf(path: string, locale: string): string {
    return find(this.#categories, path, locale) ?? path.split(separator).at(-1)!;
  }

  /**
   * What a value of a facet is called in a reader's language; undefined where the catalogue has no
   * other word for it.
   *
   * @param field  "brand", "categories", "tags", `attributes.NAME` or `options.NAME`
   */
  valueLabel(field: string, value: string, locale: string): string | undefined {
    const labels =
      field === "categories" ? this.#categories : field === "brand" ? this.#brands : this.#words;
    const label = find(labels, value, locale);
    return label === value ? undefined : label;
  }
}

function count(labels: Labels, language: string, value: string, label: string, by: 1 | -1): void {
  if (label === "") return;
  const own = labels.get(language) ?? new Map<string, Map<string, number>>();
  labels.set(language, own);
  const known = own.get(value) ?? new Map<string, number>();
  own.set(value, known);
  const items = (known.get(label) ?? 0) + by;
  if (items > 0) known.set(label, items);
  else known.delete(label);
  if (known.size === 0) own.delete(value);
}

function find(labels: Labels, value: string, locale: string): string | undefined {
  const known =
    labels.get(locale)?.get(value) ?? labels.get(locale.split("-")[0]!)?.get(value) ?? [];
  let best: readonly [label: string, items: number] | undefined;
  for (const [label, items] of known) {
    const isUsual = best === undefined || items > best[1] || (items === best[1] && label < best[0]);
    if (isUsual) best = [label, items];
  }
  return best?.[0];
}

const opened = (json: LabelsJson): Labels =>
  new Map(
    Object.entries(json).map(([language, own]) => [
      language,
      new Map(
        Object.entries(own).map(([value, labels]) => [value, new Map(Object.entries(labels))]),
      ),
    ]),
  );

const saved = (labels: Labels): LabelsJson =>
  Object.fromEntries(
    Array.from(labels, ([language, own]) => [
      language,
      Object.fromEntries(Array.from(own, ([value, known]) => [value, Object.fromEntries(known)])),
    ]),
  );
