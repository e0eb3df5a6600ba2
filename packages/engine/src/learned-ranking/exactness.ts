import type { CatalogLexicon } from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";

/**
 * How exactly a query names an item: 2 by its whole title, id, SKU or barcode, 1 by its whole brand, 0
 * by less.
 */
export type Exactness = 0 | 1 | 2;

/** Says for one query how exactly it names each item. */
export function exactnessFor(
  query: string,
  lexicon: CatalogLexicon,
  { filter }: Pick<LiveCatalog, "filter">,
): (row: number) => Exactness {
  const named = lexicon.rowsNamed(query);
  const ofBrand = filter.compile({ brands: [query.trim()] });
  return (row) => (named.has(row) ? 2 : ofBrand.has(row) ? 1 : 0);
}
