import type { ItemVocabulary, Sequences } from "@magpie/data";
import type { Item } from "@magpie/domain";
import { catalogSuggestions, Suggester, type SuggestionEntry } from "@magpie/retrieval";
import type { LearnedSearches } from "./learn-searches.ts";

/** What suggestions are made from. */
export interface SuggesterSources {
  readonly vocabulary: ItemVocabulary;
  /** Popularity of the catalogue's own suggestions: interactions with each item. */
  readonly sequences: Pick<Sequences, "items">;
  readonly searches: LearnedSearches;
}

/**
 * Phrases of the catalogue that are kept, the heaviest: of a large one, most are the beginning of a
 * single title, which the suggested products complete anyway, and a million take 100 MB.
 */
const maxPhrases = 200_000;

/** A query belongs to a category in which more than this share of what followed from it lies. */
const minCategoryShare = 0.5;

/** Suggestions of a snapshot: learned queries with their categories, and the catalogue's own. */
export function buildSuggester(
  items: readonly Item[],
  { vocabulary, sequences, searches }: SuggesterSources,
): Suggester {
  const taken = new Uint32Array(vocabulary.size + 1);
  for (const row of sequences.items) taken[row]!++;
  const catalog = catalogSuggestions(
    items,
    ({ id }) => taken[Math.max(0, vocabulary.indexOf(id))]!,
  );
  return Suggester.build({
    learned: searches.queries,
    catalog: { ...catalog, phrases: heaviest(catalog.phrases, maxPhrases) },
    categoryOf: categoriesOfQueries(items, searches),
  });
}

function heaviest(phrases: readonly SuggestionEntry[], most: number): readonly SuggestionEntry[] {
  if (phrases.length <= most) return phrases;
  return phrases.toSorted((a, b) => b.weight - a.weight).slice(0, most);
}

/** The category that most of what followed from a query lies in, by query. */
function categoriesOfQueries(
  items: readonly Item[],
  { takes }: LearnedSearches,
): Map<string, string> {
  const asked = new Set(takes.map(({ itemId }) => itemId));
  const categoryOf = new Map(
    items.flatMap(({ id, categories }) =>
      asked.has(id) && categories?.[0] !== undefined ? [[id, categories[0]] as const] : [],
    ),
  );
  const found = new Map<string, string>();
  for (const [query, own] of Map.groupBy(takes, (take) => take.query)) {
    const weights = new Map<string, number>();
    let all = 0;
    for (const { itemId, weight } of own) {
      const category = categoryOf.get(itemId);
      all += weight;
      if (category !== undefined) weights.set(category, (weights.get(category) ?? 0) + weight);
    }
    for (const [category, weight] of weights) {
      if (weight > minCategoryShare * all) found.set(query, category);
    }
  }
  return found;
}
