import {
  defaultRecommendations,
  facetResultOf,
  readFacetQuery,
  readParameters,
  recommendationResultOf,
  recommendationScenarios,
  resultOf,
  trendingDepth,
  type AlgoliaFacetResult,
  type AlgoliaResult,
  type Asked,
} from "@magpie/algolia";
import type { Client } from "@magpie/client";

/** What InstantSearch asks for one of its indexes; parameters as Algolia's API has them. */
export interface InstantSearchRequest {
  readonly indexName: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

/** What its widgets ask for a list of recommendations. */
export interface RecommendationRequest {
  readonly indexName: string;
  readonly model: string;
  readonly objectID?: string;
  /** Of "trending-facets". */
  readonly facetName?: string;
  readonly maxRecommendations?: number;
  readonly queryParameters?: Readonly<Record<string, unknown>>;
}

/** What InstantSearch calls with each change on the page. */
export interface SearchClient {
  search(requests: readonly InstantSearchRequest[]): Promise<{ readonly results: AlgoliaResult[] }>;
  searchForFacetValues(requests: readonly InstantSearchRequest[]): Promise<AlgoliaFacetResult[]>;
  getRecommendations(requests: readonly RecommendationRequest[]): Promise<{
    readonly results: (Omit<AlgoliaResult, "hits"> & { readonly hits: readonly object[] })[];
  }>;
}

export interface SearchClientOptions {
  readonly client: Client;
  /** Language of the page. */
  readonly locale?: string;
  /** Who looks, where it is known: results then count into what this person sees next. */
  readonly userId?: () => string | undefined;
  /** Say for each hit why it is there: `_rankingInfo.reasons`. */
  readonly explain?: boolean;
}

const searchesPerCall = 20;

/**
 * A search client for InstantSearch pages: `<InstantSearch searchClient={createSearchClient({ client
 * })}>`. All widgets' requests of one change go in one round trip.
 *
 * Rejects with an error that names the parameter when something cannot be understood.
 */
export function createSearchClient({
  client,
  locale,
  userId,
  explain = false,
}: SearchClientOptions): SearchClient {
  const read = ({ indexName, params = {} }: InstantSearchRequest): Asked => {
    const asked = readParameters(indexName, {
      ...params,
      ...(explain && { getRankingInfo: true }),
    });
    const user = asked.request.userId ?? userId?.();
    return {
      ...asked,
      request: {
        ...asked.request,
        ...(user !== undefined && { userId: user }),
        ...(locale !== undefined && { locale }),
      },
    };
  };

  return {
    async search(requests) {
      const started = performance.now();
      const asked = requests.map(read);
      const calls = Array.from({ length: Math.ceil(asked.length / searchesPerCall) }, (_, i) =>
        client.multiSearch(
          asked.slice(i * searchesPerCall, (i + 1) * searchesPerCall).map((one) => one.request),
        ),
      );
      const answers = (await Promise.all(calls)).flatMap(({ results }) => results);
      const tookMs = Math.round(performance.now() - started);
      return { results: answers.map((answer, i) => resultOf(asked[i]!, answer, tookMs)) };
    },

    searchForFacetValues(requests) {
      return Promise.all(
        requests.map(async ({ indexName, params = {} }) => {
          const started = performance.now();
          const facet = readFacetQuery(indexName, String(params["facetName"] ?? ""), params);
          const { query, filter, contexts } = facet.asked.request;
          const language = locale ?? facet.asked.request.locale;
          const { values } = await client.searchFacet(facet.field, {
            text: facet.text,
            limit: facet.limit,
            query,
            ...(filter && { filter }),
            ...(contexts && { contexts }),
            ...(language !== undefined && { locale: language }),
          });
          return facetResultOf(facet, values, Math.round(performance.now() - started));
        }),
      );
    },

    async getRecommendations(requests) {
      const results = await Promise.all(
        requests.map(async (request) => {
          const { indexName, model, objectID, facetName, queryParameters } = request;
          const started = performance.now();
          const limit = request.maxRecommendations ?? defaultRecommendations;
          const ofFacet = model === "trending-facets" ? (facetName ?? "") : undefined;
          const asked = read({ indexName, params: { ...queryParameters, hitsPerPage: limit } });
          const { filter, userId: user, contexts } = asked.request;
          const asking = {
            limit: ofFacet === undefined ? Math.max(1, limit) : trendingDepth,
            ...(filter && { filter }),
            ...(contexts && { contexts }),
            ...(user !== undefined && { userId: user }),
            ...(locale !== undefined && { locale }),
          };
          const answer =
            recommendationScenarios[model] === "similar-items" && objectID !== undefined
              ? await client.similar({ ...asking, itemId: objectID })
              : await client.recommend("popular", asking);
          const tookMs = Math.round(performance.now() - started);
          return recommendationResultOf(asked, answer, tookMs, ofFacet);
        }),
      );
      return { results };
    },
  };
}
