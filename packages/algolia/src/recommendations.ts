import type { RankingResponse } from "@magpie/contract";
import type { Asked } from "./parameters.ts";
import { resultOf, trendingFacetsOf, type AlgoliaResult } from "./results.ts";

/** Scenarios that answer the dialect's models of recommendation. */
export const recommendationScenarios: Readonly<Record<string, string>> = {
  "related-products": "similar-items",
  "looking-similar": "similar-items",
  "bought-together": "similar-items",
  "trending-items": "popular",
  "trending-facets": "popular",
};

/** Recommendations shown when the caller does not say how many. */
export const defaultRecommendations = 20;

/** Best-sellers whose values are looked at for what is in fashion: what to ask for trending facets. */
export const trendingDepth = 100;

/**
 * The answer to a recommendation: items, or for `trending-facets` the values of one attribute.
 *
 * @param facetName  of `trending-facets`
 */
export function recommendationResultOf(
  asked: Asked,
  answer: RankingResponse,
  tookMs: number,
  facetName: string | undefined,
): Omit<AlgoliaResult, "hits"> & { readonly hits: readonly object[] } {
  if (facetName === undefined) return resultOf(asked, answer, tookMs);
  const result = resultOf({ ...asked, hitsPerPage: trendingDepth }, answer, tookMs);
  return { ...result, hits: trendingFacetsOf(result.hits, facetName, asked.hitsPerPage) };
}
