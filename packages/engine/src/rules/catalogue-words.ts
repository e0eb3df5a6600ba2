import { longestValue, wordsOfQuery, type FacetWords } from "@magpie/ranking";
import type { LiveCatalog } from "../live/live-catalog.ts";

/** Values of one field by their words. */
interface FieldWords {
  readonly byWords: Map<string, string>;
  /** Values taken so far: a catalogue only ever gains some. */
  taken: number;
}

/**
 * Finds values of the live catalogue by the words of a query: what `{facet:brand}` of a rule stands
 * for. Of a category path its last level counts, and of values with the same words the first.
 */
export class CatalogueWords implements FacetWords {
  readonly #catalog: LiveCatalog;
  readonly #fields = new Map<string, FieldWords>();

  constructor(catalog: LiveCatalog) {
    this.#catalog = catalog;
  }

  /** Reads the values of fields now, so that no search waits for it. */
  prepare(fields: Iterable<string>): void {
    for (const field of fields) this.#upToDate(field);
  }

  valueOf(field: string, words: readonly string[]): string | undefined {
    return this.#upToDate(field).get(words.join(" "));
  }

  #upToDate(field: string): ReadonlyMap<string, string> {
    let own = this.#fields.get(field);
    if (own === undefined) {
      own = { byWords: new Map(), taken: 0 };
      this.#fields.set(field, own);
    }
    const values = this.#catalog.facets.valuesOf(field);
    for (; own.taken < values.length; own.taken++) {
      const value = values[own.taken]!;
      const name = field === "categories" ? value.slice(value.lastIndexOf(">") + 1) : value;
      const words = wordsOfQuery(name);
      if (words.length === 0 || words.length > longestValue) continue;
      const key = words.map(({ word }) => word).join(" ");
      if (!own.byWords.has(key)) own.byWords.set(key, value);
    }
    return own.byWords;
  }
}
