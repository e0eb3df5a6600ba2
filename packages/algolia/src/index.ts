export {
  browseCursor,
  facetResultOf,
  hitOfItem,
  resultOf,
  type AlgoliaFacetResult,
  type AlgoliaHit,
  type AlgoliaResult,
} from "./results.ts";

export { eventsOf, type InsightsEvent } from "./insights.ts";
export { readFacetQuery, readParameters, type Asked, type AskedFacet } from "./parameters.ts";
export {
  defaultRecommendations,
  recommendationResultOf,
  recommendationScenarios,
  trendingDepth,
} from "./recommendations.ts";
