import type { Client } from "@magpie/client";

type Answer = Awaited<ReturnType<Client["multiSearch"]>>["results"][number];
type Found = Answer["items"][number];
type Marked = NonNullable<Found["highlights"]>["title"];

/** What InstantSearch asks for one of its indexes; parameters that are not named here come too. */
export interface InstantSearchRequest {
  readonly indexName: string;
  readonly params?: {
    readonly query?: string;
    /** From 0. */
    readonly page?: number;
    readonly hitsPerPage?: number;
    readonly highlightPreTag?: string;
    readonly highlightPostTag?: string;
    readonly userToken?: string;
    readonly [parameter: string]: unknown;
  };
}

/** A found item as InstantSearch's widgets read it: the item's own fields and these. */
export type InstantSearchHit = Found["item"] & {
  readonly objectID: string;
  readonly _highlightResult: Readonly<Record<"title" | "brand", Marked | undefined>>;
  readonly _snippetResult: Readonly<Record<"description", Marked | undefined>>;
};

/** An answer as InstantSearch's widgets read it. */
export interface InstantSearchResult {
  readonly index: string;
  readonly hits: readonly InstantSearchHit[];
  readonly nbHits: number;
  readonly page: number;
  readonly nbPages: number;
  readonly hitsPerPage: number;
  readonly query: string;
  readonly params: string;
  readonly processingTimeMS: number;
  readonly exhaustiveNbHits: boolean;
  /** The event that follows carries it as its `queryId`. */
  readonly queryID: string;
}

/** What InstantSearch calls with each change on the page. */
export interface SearchClient {
  search(
    requests: readonly InstantSearchRequest[],
  ): Promise<{ readonly results: InstantSearchResult[] }>;
}

export interface SearchClientOptions {
  readonly client: Client;
  /** Language of the page. */
  readonly locale?: string;
  /** The index that the page's widgets name (default "items"). */
  readonly indexName?: string;
}

/** How far a list can be paged: the server ranks this many candidates. */
const reachable = 200;
const searchesPerCall = 20;
const maxLimit = 100;

/** Parameters that leave items out; to pass over them would show what the page did not ask for. */
const restrictions = [
  "facetFilters",
  "numericFilters",
  "filters",
  "tagFilters",
  "aroundLatLng",
  "insideBoundingBox",
  "insidePolygon",
] as const;

/**
 * A search client for InstantSearch pages: `<InstantSearch searchClient={createSearchClient({ client
 * })}>`. All widgets' requests of one change go in one round trip.
 *
 * Rejects with an Error that names the parameter when a page restricts what is found, sorts by another
 * index or asks for more than 100 hits a page.
 */
export function createSearchClient({
  client,
  locale,
  indexName = "items",
}: SearchClientOptions): SearchClient {
  return {
    async search(requests) {
      const started = performance.now();
      const searches = requests.map((request) => searchOf(request, indexName, locale));
      const calls = Array.from({ length: Math.ceil(searches.length / searchesPerCall) }, (_, i) =>
        client.multiSearch(searches.slice(i * searchesPerCall, (i + 1) * searchesPerCall)),
      );
      const answers = (await Promise.all(calls)).flatMap(({ results }) => results);
      const tookMs = Math.round(performance.now() - started);
      return { results: answers.map((answer, i) => resultOf(requests[i]!, answer, tookMs)) };
    },
  };
}

function pageOf({ params = {} }: InstantSearchRequest) {
  const { page = 0, hitsPerPage = 20 } = params;
  return { page, hitsPerPage };
}

function searchOf(request: InstantSearchRequest, indexName: string, locale: string | undefined) {
  const { params = {} } = request;
  const { page, hitsPerPage } = pageOf(request);
  if (request.indexName !== indexName) {
    throw new Error(`There is no index "${request.indexName}"; name "${indexName}" in the page.`);
  }
  for (const name of restrictions) {
    const value = params[name];
    if (value === undefined || value === "" || (Array.isArray(value) && value.length === 0))
      continue;
    throw new Error(`The parameter ${name} is not known here; take its widget out of the page.`);
  }
  if (hitsPerPage > maxLimit) {
    throw new Error(`hitsPerPage is ${hitsPerPage}; at most ${maxLimit} can be asked for.`);
  }
  return {
    query: params.query ?? "",
    // InstantSearch asks for 0 hits where it wants to know only how many there are.
    limit: Math.max(1, hitsPerPage),
    offset: page * hitsPerPage,
    highlight: {
      open: params.highlightPreTag ?? "<em>",
      close: params.highlightPostTag ?? "</em>",
    },
    ...(locale !== undefined && { locale }),
    ...(params.userToken !== undefined && { userId: params.userToken }),
  };
}

function resultOf(
  request: InstantSearchRequest,
  { items, total, queryId }: Answer,
  processingTimeMS: number,
): InstantSearchResult {
  const { page, hitsPerPage } = pageOf(request);
  const nbHits = total ?? items.length;
  return {
    index: request.indexName,
    hits: items.slice(0, hitsPerPage).map(hitOf),
    nbHits,
    page,
    nbPages: hitsPerPage === 0 ? 0 : Math.ceil(Math.min(nbHits, reachable) / hitsPerPage),
    hitsPerPage,
    query: request.params?.query ?? "",
    params: new URLSearchParams(
      Object.entries(request.params ?? {}).map(([name, value]) => [
        name,
        typeof value === "string" ? value : (JSON.stringify(value) ?? ""),
      ]),
    ).toString(),
    processingTimeMS,
    exhaustiveNbHits: true,
    queryID: queryId,
  };
}

function hitOf({ item, highlights }: Found): InstantSearchHit {
  return {
    ...item,
    objectID: item.id,
    _highlightResult: { title: highlights?.title, brand: highlights?.brand },
    _snippetResult: { description: highlights?.description },
  };
}
