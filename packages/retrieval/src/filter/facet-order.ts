import type { FacetCounts } from "./facet-index.ts";

/** A choice among more values than this is a search, not a choice. */
const easyValues = 20;

/**
 * Facets in the order in which a choice in them helps most with what was found: those in which something
 * is chosen first, as they were; then by
 *
 *     usefulness = coverage · (1 - Σ pᵥ²) · min(1, 20 / values)
 *
 * where coverage is the share of found items that have the field, and pᵥ the share of value v among
 * its counts: the chance that two found items differ in it. A field that all of them agree on, or that
 * is another for each of them, says little and goes last. Numbers, which split anywhere, count as a
 * choice of two halves where they differ at all. Equals keep their order.
 *
 * @param total   items found
 * @param chosen  fields with a choice
 */
export function byUsefulness(
  facets: readonly FacetCounts[],
  total: number,
  chosen: ReadonlySet<string>,
): FacetCounts[] {
  const rank = (facet: FacetCounts): number =>
    chosen.has(facet.field) ? Infinity : usefulnessOf(facet, total);
  const ranked = facets.map((facet) => ({ facet, rank: rank(facet) }));
  return ranked
    .sort((a, b) => Number(b.rank > a.rank) - Number(a.rank > b.rank))
    .map(({ facet }) => facet);
}

/** In [0, 1]. */
function usefulnessOf({ values, statistics }: FacetCounts, total: number): number {
  if (total === 0) return 0;
  const coverage = (count: number): number => Math.min(1, count / total);
  const numbers =
    statistics === undefined || statistics.min >= statistics.max
      ? 0
      : coverage(statistics.count) / 2;
  const sum = values.reduce((all, { count }) => all + count, 0);
  if (sum === 0) return numbers;
  const agreement = values.reduce((all, { count }) => all + (count / sum) ** 2, 0);
  const ease = Math.min(1, easyValues / values.length);
  return Math.max(numbers, coverage(sum) * (1 - agreement) * ease);
}
