import type { ItemVocabulary, Sequences } from "@magpie/data";
import type { Item } from "@magpie/domain";
import { catalogSuggestions, Suggester, type SuggestionEntry } from "@magpie/retrieval";
import type { LearnedSearches } from "./learn-searches.ts";

/** What suggestions are made from. */
export interface SuggesterSources {
  readonly vocabulary: ItemVocabulary;
  /**
   * By row: interactions with each item, the popularity of the catalogue's own suggestions; shorter
   * where items came since.
   */
  readonly taken: Uint32Array;
  /** With the categories of what was taken. */
  readonly searches: LearnedSearches;
}

/**
 * Phrases of the catalogue that are kept, the heaviest: of a large one, most are the beginning of a
 * single title, which the suggested products complete anyway, and a million take 100 MB.
 */
const maxPhrases = 200_000;

/** A query belongs to a category in which more than this share of what followed from it lies. */
const minCategoryShare = 0.5;

/** Interactions with each item, by row. */
export function takenOf({ items }: Pick<Sequences, "items">, rows: number): Uint32Array {
  const taken = new Uint32Array(rows);
  for (const row of items) taken[row]!++;
  return taken;
}

/** Suggestions of a snapshot: learned queries with their categories, and the catalogue's own. */
export function buildSuggester(
  items: readonly Item[],
  { vocabulary, taken, searches }: SuggesterSources,
): Suggester {
  const catalog = catalogSuggestions(items, ({ id }) => taken[vocabulary.indexOf(id)] ?? 0);
  return Suggester.build({
    learned: searches.queries,
    catalog: { ...catalog, phrases: heaviest(catalog.phrases, maxPhrases) },
    categoryOf: categoriesOfQueries(searches),
  });
}

function heaviest(phrases: readonly SuggestionEntry[], most: number): readonly SuggestionEntry[] {
  if (phrases.length <= most) return phrases;
  return phrases.toSorted((a, b) => b.weight - a.weight).slice(0, most);
}

/** The category that most of what followed from a query lies in, by query. */
function categoriesOfQueries({ takes }: LearnedSearches): Map<string, string> {
  const found = new Map<string, string>();
  for (const [query, own] of Map.groupBy(takes, (take) => take.query)) {
    const weights = new Map<string, number>();
    let all = 0;
    for (const { category, weight } of own) {
      all += weight;
      if (category !== undefined) weights.set(category, (weights.get(category) ?? 0) + weight);
    }
    for (const [category, weight] of weights) {
      if (weight > minCategoryShare * all) found.set(query, category);
    }
  }
  return found;
}
