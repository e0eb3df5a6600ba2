import type { Item } from "@magpie/domain";
import { queryKey } from "../suggest/query-log.ts";

/** What a word of a query may name. */
export type EntityKind = "brand" | "category" | "color" | "size" | "material" | "attribute";

/** A name that the catalogue has, with what it names. */
export interface CatalogName {
  readonly kind: EntityKind;
  /** As the catalogue has it: the brand, the category's path, the attribute's value. */
  readonly value: string;
  /** The attribute, where it is one. */
  readonly attribute?: string;
  /** Items that have it. */
  readonly items: number;
}

const fieldKinds: readonly (readonly [RegExp, EntityKind])[] = [
  [/^(?:colou?rs?|farbe|couleur|颜色|色|顏色)$/iu, "color"],
  [/^(?:sizes?|größe|taille|尺码|尺寸|规格|尺碼|鞋码)$/iu, "size"],
  [/^(?:materials?|fabric|stoff|matière|材质|面料|材料|材質)$/iu, "material"],
];

/** Values that are no names: too long to be typed, or read as numbers. */
const maxNameLength = 40;
const isNumber = /^[\d.,%]+$/;
/** A name has at most so many words; longer ones are sentences. */
const maxNameWords = 5;
/** Brands before categories, as people mean them: "Apple" is seldom the fruit that a path names. */
const rankOf: Readonly<Record<EntityKind, number>> = {
  brand: 0,
  category: 1,
  color: 2,
  material: 3,
  size: 4,
  attribute: 5,
};

/**
 * Names of brands, categories and attributes that a catalogue has, in all its languages, and how
 * often its words occur: what a query's words are recognised by.
 */
export class CatalogLexicon {
  readonly #names: ReadonlyMap<string, CatalogName>;
  readonly #words: ReadonlyMap<string, number>;
  readonly #titles: ReadonlyMap<string, string>;
  readonly #codes: ReadonlySet<string>;
  /** Most words, or Chinese characters, that a name has. */
  readonly longest: number;

  private constructor(
    names: ReadonlyMap<string, CatalogName>,
    words: ReadonlyMap<string, number>,
    titles: ReadonlyMap<string, string>,
    codes: ReadonlySet<string>,
  ) {
    this.#names = names;
    this.#words = words;
    this.#titles = titles;
    this.#codes = codes;
    this.longest = maxNameWords;
  }

  static build(items: Iterable<Item>): CatalogLexicon {
    const found = new Map<string, CatalogName & { items: number }>();
    const words = new Map<string, number>();
    const titles = new Map<string, string>();
    const codes = new Set<string>();
    const name = (text: string, kind: EntityKind, value: string, attribute?: string): void => {
      const key = queryKey(text);
      if (key === "" || key.length > maxNameLength || isNumber.test(key)) return;
      if (key.split(" ").length > maxNameWords) return;
      const known = found.get(key);
      if (known !== undefined && rankOf[known.kind] <= rankOf[kind]) {
        if (known.kind === kind) known.items++;
        return;
      }
      found.set(key, { kind, value, items: 1, ...(attribute !== undefined && { attribute }) });
    };
    const attribute = (field: string, value: unknown, shown: string = String(value)): void => {
      if (typeof value !== "string") return;
      const kind = fieldKinds.find(([pattern]) => pattern.test(field))?.[1] ?? "attribute";
      name(shown, kind, value, field);
    };
    for (const item of items) {
      const texts = new Set([item.title, item.brand ?? "", ...(item.categories ?? [])]);
      titles.set(queryKey(item.title), item.id);
      codes.add(queryKey(item.id));
      if (item.brand !== undefined) name(item.brand, "brand", item.brand);
      for (const path of item.categories ?? []) nameLevels(path, path, name);
      const values: [string, unknown][] = [
        ...Object.entries(item.attributes ?? {}),
        ...item.variants.flatMap(({ options }) => Object.entries(options ?? {})),
      ];
      for (const [field, value] of values) {
        for (const one of Array.isArray(value) ? value : [value]) {
          attribute(field, one);
          for (const { terms } of Object.values(item.locales ?? {})) {
            const shown = typeof one === "string" ? terms?.[one] : undefined;
            if (shown !== undefined) attribute(field, one, shown);
          }
        }
      }
      for (const { sku, barcodes } of item.variants) {
        for (const code of [sku, ...(barcodes ?? [])]) if (code) codes.add(queryKey(code));
      }
      for (const { title, brand, categories } of Object.values(item.locales ?? {})) {
        if (title !== undefined) {
          titles.set(queryKey(title), item.id);
          texts.add(title);
        }
        if (brand !== undefined) name(brand, "brand", item.brand ?? brand);
        categories?.forEach((path, i) => nameLevels(path, item.categories?.[i] ?? path, name));
      }
      const said = new Set([...texts].flatMap(latinWordsOf));
      for (const word of said) words.set(word, (words.get(word) ?? 0) + 1);
    }
    return new CatalogLexicon(found, words, titles, codes);
  }

  /** What the catalogue calls by this text, its plural or singular in English too. */
  nameOf(text: string): CatalogName | undefined {
    const key = queryKey(text);
    return (
      this.#names.get(key) ??
      (/^[a-z ]{3,}$/.test(key)
        ? (this.#names.get(`${key}s`) ??
          this.#names.get(`${key}es`) ??
          (key.endsWith("s") ? this.#names.get(key.slice(0, -1)) : undefined))
        : undefined)
    );
  }

  /** Item whose title says exactly this; undefined where none does. */
  itemTitled(text: string): string | undefined {
    return this.#titles.get(queryKey(text));
  }

  /** Whether a text is an item's id, SKU or barcode. */
  isCode(text: string): boolean {
    return this.#codes.has(queryKey(text));
  }

  /** Latin words of titles, brands and categories, each with the items that have it. */
  get words(): ReadonlyMap<string, number> {
    return this.#words;
  }

  /** Names in the form in which they are compared, for a segmenter to keep whole. */
  names(): IterableIterator<string> {
    return this.#names.keys();
  }
}

function nameLevels(
  path: string,
  canonical: string,
  name: (text: string, kind: EntityKind, value: string) => void,
): void {
  const levels = path.split(" > ");
  const own = canonical.split(" > ");
  levels.forEach((level, depth) => {
    name(level.trim(), "category", own.slice(0, depth + 1).join(" > "));
  });
}

/** Latin words without digits: what may be misspelt. */
function latinWordsOf(text: string): string[] {
  return queryKey(text).match(/(?<![\p{L}\p{N}])[a-z]{2,}(?![\p{L}\p{N}])/gu) ?? [];
}
