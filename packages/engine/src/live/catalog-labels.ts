import type { Item, ItemText } from "@magpie/domain";

const separator = " > ";

/** Words by language, then by what they stand for. */
type Labels = Map<string, Map<string, string>>;
type LabelsJson = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Labels as a snapshot keeps them. */
export interface CatalogLabelsJson {
  readonly categories: LabelsJson;
  readonly brands?: LabelsJson;
  readonly words?: LabelsJson;
}

/**
 * What values of the catalogue are called in its languages, taken from the items themselves.
 *
 *     categories   "Shoes > Running" beside 鞋 > 跑步鞋     the second level is called 跑步鞋
 *     brands       Nike beside 耐克
 *     words        red: 红色, in the texts' `terms`         values of attributes, options and tags
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

  /** Opens what `toJSON` gave, of an earlier version too, which had category paths alone. */
  static open(json: CatalogLabelsJson | LabelsJson): CatalogLabels {
    const { categories, brands, words } = isWhole(json)
      ? json
      : { categories: json, brands: undefined, words: undefined };
    return new CatalogLabels(opened(categories), opened(brands ?? {}), opened(words ?? {}));
  }

  toJSON(): CatalogLabelsJson {
    return {
      categories: saved(this.#categories),
      brands: saved(this.#brands),
      words: saved(this.#words),
    };
  }

  /** Learns from one item. Later items win, so that a corrected word takes effect. */
  add(item: Item): void {
    for (const [language, text] of Object.entries(item.locales ?? {})) {
      this.#addCategories(item, language, text);
      if (item.brand !== undefined && text.brand !== undefined) {
        put(this.#brands, language, item.brand, text.brand);
      }
      for (const [word, label] of Object.entries(text.terms ?? {})) {
        put(this.#words, language, word, label);
      }
    }
  }

  #addCategories({ categories = [] }: Item, language: string, text: ItemText): void {
    const translated = text.categories ?? [];
    if (categories.length !== translated.length) return;
    for (const [i, path] of categories.entries()) {
      const levels = path.split(separator);
      const words = translated[i]!.split(separator);
      if (levels.length !== words.length) continue;
      for (const [depth, word] of words.entries()) {
        put(this.#categories, language, levels.slice(0, depth + 1).join(separator), word.trim());
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

function put(labels: Labels, language: string, value: string, label: string): void {
  if (label === "") return;
  let own = labels.get(language);
  if (own === undefined) labels.set(language, (own = new Map()));
  own.set(value, label);
}

const find = (labels: Labels, value: string, locale: string): string | undefined =>
  labels.get(locale)?.get(value) ?? labels.get(locale.split("-")[0]!)?.get(value);

const opened = (json: LabelsJson): Labels =>
  new Map(
    Object.entries(json).map(([language, labels]) => [language, new Map(Object.entries(labels))]),
  );

const saved = (labels: Labels): LabelsJson =>
  Object.fromEntries(Array.from(labels, ([language, own]) => [language, Object.fromEntries(own)]));

/** No language is called "categories". */
const isWhole = (json: CatalogLabelsJson | LabelsJson): json is CatalogLabelsJson =>
  "categories" in json;
