import type { Item } from "@magpie/domain";
import type { Suggester, SuggesterOptions, Suggestion, Suggestions } from "@magpie/retrieval";
import type { LiveCatalog } from "../../live/live-catalog.ts";

/**
 * New and changed items are taken over at most this often: each time, suggestions of all of them are
 * indexed anew.
 */
const takeOverMs = 500;
/** So many times more products are looked at where some of the first are not there. */
const wider = 4;
/** What an item weighs that came since the snapshot, so that nobody can have taken it yet. */
const newItemWeight = 1;

/** Suggestions of a snapshot, with products as the catalogue has them now. */
export class LiveSuggester {
  readonly #catalog: LiveCatalog;
  readonly #suggester: Suggester;
  /** By catalogue row: what is not suggested yet as it is now. */
  readonly #changed = new Map<number, Item>();
  #tookOverMs = -Infinity;

  constructor(catalog: LiveCatalog, suggester: Suggester) {
    this.#catalog = catalog;
    this.#suggester = suggester;
    catalog.onWords((row, item) => {
      if (item === undefined) this.#changed.delete(row);
      else this.#changed.set(row, item);
    });
  }

  /** Products that are gone or sold out make room for others, as far as there are some nearby. */
  suggest(typed: string, options: SuggesterOptions, nowMs: number): Suggestions {
    this.#takeOver(nowMs);
    const { limit } = options;
    const found = this.#suggester.suggest(typed, options);
    const present = this.#present(found.products);
    if (present.length === found.products.length) return found;
    const more = this.#suggester.suggest(typed, { ...options, limit: limit * wider });
    return { ...found, products: this.#present(more.products).slice(0, limit) };
  }

  #present(products: readonly Suggestion[]): readonly Suggestion[] {
    return products.filter(({ id }) => this.#isThere(id));
  }

  #isThere(id: string | undefined): boolean {
    const row = id === undefined ? -1 : this.#catalog.indexOf(id);
    return row !== -1 && this.#catalog.filter.isAvailable(row);
  }

  #takeOver(nowMs: number): void {
    // A clock that was set back must not keep new items out.
    const since = Math.abs(nowMs - this.#tookOverMs);
    if (this.#changed.size === 0 || since < takeOverMs) return;
    this.#suggester.add(
      "products",
      Array.from(this.#changed.values(), ({ id, title, categories }) => ({
        text: title,
        weight: newItemWeight,
        id,
        ...(categories?.[0] !== undefined && { category: categories[0] }),
      })),
    );
    this.#changed.clear();
    this.#tookOverMs = nowMs;
  }
}
