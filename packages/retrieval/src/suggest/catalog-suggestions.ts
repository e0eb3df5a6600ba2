import type { Item } from "@magpie/domain";
import { queryKey } from "./query-log.ts";
import type { SuggestionEntry } from "./suggestion-index.ts";

/** Items themselves as suggestions, and what they are of. */
export interface ItemSuggestions {
  readonly products: readonly SuggestionEntry[];
  readonly categories: readonly SuggestionEntry[];
  readonly brands: readonly SuggestionEntry[];
}

/** What a catalogue itself has to suggest, before anybody has searched. */
export interface CatalogSuggestions extends ItemSuggestions {
  /** Phrases that shoppers may search for: brands, categories, a brand in a category, titles' beginnings. */
  readonly phrases: readonly SuggestionEntry[];
}

/** Words of a title that a phrase from its beginning may have. */
const maxTitleWords = 4;
const maxDescriptionWords = 60;
/** A word that only a description has says less of its item. */
const describedShare = 0.3;
/** Two words of one item, side by side or not. */
const pairShare = 0.3;
/** Items that must have both words of a pair. */
const minPairItems = 3;
const maxPairWords = 16;
const maxPairs = 400_000;

/**
 * Collects suggestions from items, each weighted by the items behind it: an item counts 1, plus what
 * `popularityOf` says of it.
 *
 * @param popularityOf  how much an item is wanted, 0 or more; 0 for all when absent
 */
export function catalogSuggestions(
  items: Iterable<Item>,
  popularityOf: (item: Item) => number = () => 0,
): CatalogSuggestions {
  const [phrases, own] = [new Tally(), new ItemTallies()];
  const pairs = new WordPairs();
  for (const item of items) {
    const weight = 1 + Math.max(0, popularityOf(item));
    const [category] = item.categories ?? [];
    const at = category === undefined ? {} : { category };
    own.add(item, weight);
    for (const { brand, paths, title, description } of languagesOf(item)) {
      const levels = new Set(paths.flatMap(levelsOf));
      for (const level of levels) phrases.add(level, weight, at);
      if (brand !== undefined) {
        phrases.add(brand, weight, at);
        for (const level of levels) {
          phrases.add(joined(brand, level), weight, at);
          phrases.add(joined(level, brand), weight, at);
        }
      }
      const list = [...levels];
      for (const first of list) {
        for (const second of list) {
          if (first !== second) phrases.add(joined(first, second), weight, at);
        }
      }
      const words = wordsOf(title);
      for (let length = 2; length <= Math.min(maxTitleWords, words.length); length++) {
        phrases.add(words.slice(0, length).join(" "), weight, at);
      }
      const said = new Set([...words, ...paths.flatMap(wordsOf), ...wordsOf(brand ?? "")]);
      for (const word of said) phrases.addKey(word, word, weight, at);
      const described = new Set(wordsOf(description).slice(0, maxDescriptionWords));
      for (const word of described) {
        if (!said.has(word)) phrases.addKey(word, word, weight * describedShare, at);
      }
      pairs.add([...said], weight);
    }
  }
  for (const [first, second, weight] of pairs.common()) {
    phrases.add(joined(first, second), weight * pairShare, {});
    phrases.add(joined(second, first), weight * pairShare, {});
  }
  return { ...own.entries(), phrases: phrases.entries() };
}

/** The same without phrases: what single items bring that came since. */
export function itemSuggestions(items: Iterable<Item>): ItemSuggestions {
  const own = new ItemTallies();
  for (const item of items) own.add(item, 1);
  return own.entries();
}

/** Names of the levels of a category path. */
const levelsOf = (path: string): string[] => path.split(" > ").map((name) => name.trim());

/** Texts of an item in its own language and in every other one it has. */
function languagesOf(item: Item): {
  readonly brand?: string;
  readonly paths: readonly string[];
  /** The catalogue's own paths, in the order of `paths`. */
  readonly ownPaths: readonly string[];
  readonly title: string;
  readonly description: string;
}[] {
  const own = {
    title: item.title,
    description: item.description ?? "",
    brand: item.brand,
    paths: item.categories ?? [],
  };
  const others = Object.values(item.locales ?? {}).map(
    ({ title, description, brand, categories }) => ({
      title: title ?? "",
      description: description ?? "",
      brand: brand ?? item.brand,
      paths: categories ?? [],
    }),
  );
  return [own, ...others].map(({ title, description, brand, paths }) => ({
    title,
    description,
    paths,
    ownPaths: own.paths.length === paths.length ? own.paths : [],
    ...(brand !== undefined && { brand }),
  }));
}

const unspaced = /\p{Script=Han}$/u;

/** Two words as one types them: with a space between, except in Chinese. */
const joined = (first: string, second: string): string =>
  `${first}${unspaced.test(first) && /^\p{Script=Han}/u.test(second) ? "" : " "}${second}`;

/** Latin words of two letters and more: Chinese phrases are the beginnings of titles and the names. */
function wordsOf(text: string): string[] {
  return queryKey(text).match(/[a-z0-9][a-z0-9'&+.-]*[a-z0-9]/gu) ?? [];
}

/** Words that many items have together. */
class WordPairs {
  #pairs = new Map<string, { items: number; weight: number }>();
  #floor = 1;

  add(words: readonly string[], weight: number): void {
    const sorted = words.slice(0, maxPairWords).sort();
    for (const [i, first] of sorted.entries()) {
      for (const second of sorted.slice(i + 1)) {
        const key = `${first} ${second}`;
        const known = this.#pairs.get(key);
        if (known === undefined) this.#pairs.set(key, { items: 1, weight });
        else {
          known.items++;
          known.weight += weight;
        }
      }
    }
    // Rare pairs leave first, so that memory is bounded whatever the size of the catalogue.
    while (this.#pairs.size > maxPairs) {
      const floor = this.#floor++;
      this.#pairs = new Map([...this.#pairs].filter(([, { items }]) => items > floor));
    }
  }

  *common(): Generator<readonly [string, string, number]> {
    for (const [key, { items, weight }] of this.#pairs) {
      if (items < minPairItems) continue;
      const [first, second] = key.split(" ") as [string, string];
      yield [first, second, weight];
    }
  }
}

/** Products, and the categories and brands that they are of. */
class ItemTallies {
  readonly #products: SuggestionEntry[] = [];
  readonly #categories = new Tally();
  readonly #brands = new Tally();

  add(item: Item, weight: number): void {
    const [category] = item.categories ?? [];
    const at = category === undefined ? {} : { category };
    this.#products.push({ text: item.title, weight, id: item.id, ...at });
    for (const { brand, paths, ownPaths } of languagesOf(item)) {
      for (const [i, path] of paths.entries()) {
        const names = levelsOf(path);
        const own = ownPaths[i]?.split(" > ") ?? [];
        // A path that is translated level by level stands for the catalogue's own.
        if (own.length !== names.length) continue;
        names.forEach((name, depth) => {
          const upTo = own.slice(0, depth + 1).join(" > ");
          this.#categories.add(name, weight, { id: upTo, category: upTo });
        });
      }
      if (brand !== undefined) this.#brands.add(brand, weight, { id: item.brand ?? brand });
    }
  }

  entries(): ItemSuggestions {
    return {
      products: this.#products,
      categories: this.#categories.entries(),
      brands: this.#brands.entries(),
    };
  }
}

/** What comes with a text. */
interface Extra {
  readonly id?: string;
  readonly category?: string;
}

/** Sums of weights per text; what comes with a text is from the first that had it. */
class Tally {
  readonly #entries = new Map<string, SuggestionEntry & { weight: number }>();

  add(text: string, weight: number, extra: Extra): void {
    this.addKey(queryKey(text), text, weight, extra);
  }

  /** The same of a text whose key is known: finding it costs more than all the rest. */
  addKey(key: string, text: string, weight: number, extra: Extra): void {
    if (key.length < 2) return;
    const known = this.#entries.get(key);
    if (known === undefined) this.#entries.set(key, { text, weight, ...extra });
    else known.weight += weight;
  }

  entries(): SuggestionEntry[] {
    return [...this.#entries.values()];
  }
}
