import type { Item, ItemFilter } from "@magpie/domain";
import {
  itemSuggestions,
  type Suggester,
  type SuggesterOptions,
  type Suggestion,
  type Suggestions,
} from "@magpie/retrieval";
import type { LiveCatalog } from "../../live/live-catalog.ts";

/**
 * New and changed items are taken over at most this often: each time, suggestions of all of them are
 * indexed anew.
 */
const takeOverMs = 500;
/** So many times more are looked at where some of the first are not there. */
const wider = 4;

/** Suggestions of a snapshot, with products, categories and brands as the catalogue has them now. */
export class LiveSuggester {
  readonly #catalog: LiveCatalog;
  readonly #suggester: Suggester;
  /** By catalogue row: items that came or changed since the snapshot, as they are now. */
  readonly #changed = new Map<number, Item>();
  /** Some of them are not suggested yet as they are now. */
  #isBehind = false;
  #tookOverMs = -Infinity;

  constructor(catalog: LiveCatalog, suggester: Suggester) {
    this.#catalog = catalog;
    this.#suggester = suggester;
    catalog.onWords((row, item) => {
      if (item === undefined) this.#changed.delete(row);
      else this.#changed.set(row, item);
      this.#isBehind = true;
    });
  }

  /**
   * What is gone, sold out or not allowed makes room for others, as far as there are some nearby.
   *
   * @param allowed  what products must pass, those of categories and brands as well
   */
  suggest(
    typed: string,
    options: SuggesterOptions,
    nowMs: number,
    allowed: ItemFilter = {},
  ): Suggestions {
    this.#takeOver(nowMs);
    const { limit } = options;
    const found = this.#suggester.suggest(typed, options);
    const present = this.#present(found, allowed);
    const isWhole = sections.every((section) => present[section].length === found[section].length);
    if (isWhole) return found;
    const more = this.#present(
      this.#suggester.suggest(typed, { ...options, limit: limit * wider }),
      allowed,
    );
    return {
      ...found,
      products: more.products.slice(0, limit),
      categories: more.categories.slice(0, limit),
      brands: more.brands.slice(0, limit),
    };
  }

  #present(
    { products, categories, brands }: Suggestions,
    allowed: ItemFilter,
  ): Pick<Suggestions, Section> {
    const passing = (more: ItemFilter) =>
      this.#catalog.filter.compile({ ...allowed, ...more, availableOnly: true });
    const isThere = (of: (id: string) => ItemFilter) => (suggestion: Suggestion) =>
      passing(of(suggestion.id!)).count() > 0;
    const forSale = passing({});
    return {
      products: products.filter(({ id }) => {
        const row = this.#catalog.indexOf(id!);
        return row !== -1 && forSale.has(row);
      }),
      categories: categories.filter(isThere((path) => ({ categories: [path] }))),
      brands: brands.filter(isThere((brand) => ({ brands: [brand] }))),
    };
  }

  #takeOver(nowMs: number): void {
    // A clock that was set back must not keep new items out.
    const since = Math.abs(nowMs - this.#tookOverMs);
    if (!this.#isBehind || since < takeOverMs) return;
    this.#suggester.setNew(itemSuggestions(this.#changed.values()));
    this.#isBehind = false;
    this.#tookOverMs = nowMs;
  }
}

const sections = ["products", "categories", "brands"] as const;
type Section = (typeof sections)[number];
