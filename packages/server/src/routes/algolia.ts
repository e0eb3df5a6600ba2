import {
  browseCursor,
  defaultRecommendations,
  eventsOf,
  facetResultOf,
  hitOfItem,
  readFacetQuery,
  readParameters,
  recommendationResultOf,
  recommendationScenarios,
  resultOf,
  trendingDepth,
  type AlgoliaFacetResult,
  type AlgoliaHit,
  type AlgoliaResult,
  type Asked,
} from "@magpie/algolia";
import type { Route } from "@magpie/contract";
import { RequestError } from "@magpie/domain";
import type { FastifyError, FastifyReply, FastifyRequest, RouteHandlerMethod } from "fastify";
import type { App, Services } from "../bind.ts";
import { toProblem } from "../problems.ts";
import { rankingToWire, withUser } from "../wire.ts";

const maxRequests = 50;

/**
 * The endpoints that Algolia's clients call, so that a page built for them works when its hosts are
 * changed: searches, values of facets, objects, recommendations, Insights. Every index name is this
 * shop's catalogue; `NAME_price_asc` and its kin are orders of it. Keys are ours.
 */
export function algoliaRoutes(app: App, { engine, metrics, now }: Services): void {
  const add = (
    method: Route["method"],
    path: string,
    scope: Route["scope"],
    summary: string,
    handler: RouteHandlerMethod,
  ): void => {
    const contract: Route = {
      id: `algolia ${method} ${path}`,
      method,
      path,
      tag: "Serving",
      summary,
      scope,
      keyStyle: "algolia",
      otherBodies: { "text/plain": "JSON", "application/x-www-form-urlencoded": "JSON" },
      answers: {},
    };
    app.route({ method, url: path, config: { contract }, errorHandler: sendError, handler });
  };

  const search = async (asked: Asked): Promise<AlgoliaResult> => {
    const started = performance.now();
    const ranking = await engine.search(withUser(asked.request));
    metrics.ranked(ranking.scenario, ranking.timings);
    return resultOf(asked, rankingToWire(ranking), Math.round(performance.now() - started));
  };
  const facetValues = async (
    index: string,
    attribute: string,
    given: unknown,
  ): Promise<AlgoliaFacetResult> => {
    const started = performance.now();
    const facet = readFacetQuery(index, attribute, given);
    const { query, filter, contexts, locale } = facet.asked.request;
    const values = await engine.searchFacet({
      field: facet.field,
      text: facet.text,
      limit: facet.limit,
      query,
      ...(filter && { filter }),
      ...(contexts && { contexts }),
      ...(locale !== undefined && { locale }),
    });
    return facetResultOf(facet, values, Math.round(performance.now() - started));
  };
  const object = async (objectId: string, attributes?: readonly string[]): Promise<AlgoliaHit> => {
    const item = await engine.item(objectId);
    if (item !== undefined) return hitOfItem(item, attributes);
    throw new RequestError("UNKNOWN_ITEM", "ObjectID does not exist", "Search for it.", {
      kind: "not-found",
    });
  };

  add("POST", "/1/indexes/:index/queries", "read", "Several searches", async (request) => {
    const results = await Promise.all(
      requestsOf(request.body).map((one, i) =>
        at(`requests[${i}]`, async () => {
          const { indexName, params, facet, type, ...others } = one;
          const index = nameOf(indexName);
          const given = besides(params, others);
          if (type !== "facet") return search(readParameters(index, given));
          return facetValues(index, nameOf(facet), given);
        }),
      ),
    );
    return { results };
  });
  add("POST", "/1/indexes/:index/query", "read", "One search", (request) =>
    search(readParameters(indexOf(request), request.body)),
  );
  add("GET", "/1/indexes/:index", "read", "One search", (request) =>
    search(readParameters(indexOf(request), request.query)),
  );
  add("POST", "/1/indexes/:index/facets/:facet/query", "read", "Values of a facet", (request) =>
    facetValues(indexOf(request), (request.params as { facet: string }).facet, request.body),
  );
  add("POST", "/1/indexes/:index/browse", "read", "All hits, page by page", async (request) => {
    const { cursor, ...body } = (request.body ?? {}) as { readonly cursor?: unknown };
    const offset = cursor === undefined ? 0 : Number(cursor);
    const length = 100;
    // Clients ask for pages of a thousand; how long a page is, the cursor knows.
    const asked = { ...body, hitsPerPage: undefined, offset, length };
    const result = await search(readParameters(indexOf(request), asked));
    const next = browseCursor(offset + result.hits.length, result.nbHits);
    return { ...result, ...(next !== undefined && { cursor: next }) };
  });
  add("POST", "/1/indexes/:index/objects", "read", "Several objects", async (request) => ({
    results: await Promise.all(
      requestsOf(request.body).map(({ objectID, attributesToRetrieve }) =>
        object(nameOf(objectID), attributesToRetrieve as readonly string[] | undefined).catch(
          (error: unknown) => {
            if (error instanceof RequestError && error.kind === "not-found") return null;
            throw error;
          },
        ),
      ),
    ),
  }));
  add("GET", "/1/indexes/:index/:objectID", "read", "One object", (request) =>
    object((request.params as { objectID: string }).objectID),
  );
  add("POST", "/1/indexes/:index/recommendations", "read", "Recommendations", async (request) => ({
    results: await Promise.all(
      requestsOf(request.body).map((one, i) =>
        at(`requests[${i}]`, async () => {
          const { indexName, model, objectID, facetName, maxRecommendations, queryParameters } =
            one;
          const scenario = recommendationScenarios[String(model)];
          if (scenario === undefined) {
            throw new RequestError(
              "INVALID_PARAMETER",
              `model: "${String(model)}" is not known`,
              `Use one of ${Object.keys(recommendationScenarios).join(", ")}.`,
            );
          }
          const ofFacet = model === "trending-facets" ? nameOf(facetName) : undefined;
          const asked = readParameters(nameOf(indexName), {
            ...(queryParameters as object | undefined),
            hitsPerPage: maxRecommendations === 0 ? undefined : maxRecommendations,
          });
          const { filter, locale, userId, contexts } = asked.request;
          const started = performance.now();
          const ranking = await engine.recommend(scenario, {
            ...withUser({ ...(userId !== undefined && { userId }) }),
            ...(typeof objectID === "string" && { contextItemId: objectID }),
            limit:
              ofFacet === undefined ? asked.hitsPerPage || defaultRecommendations : trendingDepth,
            ...(filter && { filter }),
            ...(contexts && { contexts }),
            ...(locale !== undefined && { locale }),
          });
          const tookMs = Math.round(performance.now() - started);
          return recommendationResultOf(asked, rankingToWire(ranking), tookMs, ofFacet);
        }),
      ),
    ),
  }));
  add("POST", "/1/events", "events", "Insights", async (request) => {
    const outcomes = await engine.ingest(eventsOf(request.body), now());
    const wrong = outcomes.findIndex((outcome) => !outcome.ok);
    const refused = outcomes[wrong];
    if (refused !== undefined && !refused.ok) {
      throw new RequestError(
        "EVENTS_REFUSED",
        `events[${wrong}].${refused.field}: ${refused.message}`,
        refused.hint,
      );
    }
    return { status: 200, message: "OK" };
  });
}

type Given = Readonly<Record<string, unknown>>;

function requestsOf(body: unknown): readonly Given[] {
  const requests = Array.isArray(body)
    ? (body as unknown[])
    : (body as { readonly requests?: unknown } | null | undefined)?.requests;
  if (
    Array.isArray(requests) &&
    requests.length <= maxRequests &&
    requests.every((one) => typeof one === "object" && one !== null)
  ) {
    return requests as Given[];
  }
  throw new RequestError(
    "INVALID_PARAMETER",
    "requests: must be a list of objects",
    `Send { requests: [{ indexName, params }] }, at most ${maxRequests}.`,
  );
}

/** Parameters, which may come as an object or a query string, and those that stand beside them. */
function besides(params: unknown, others: Given): Given {
  if (typeof params === "object") return { ...others, ...params };
  return params === undefined ? others : { ...others, params };
}

function nameOf(value: unknown): string {
  if (typeof value === "string" && value !== "" && value.length <= 512) return value;
  throw new RequestError("INVALID_PARAMETER", "a name is missing", "Name index, facet and object.");
}

const indexOf = (request: FastifyRequest): string => (request.params as { index: string }).index;

/** Says in which request of several something is wrong. */
async function at<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw new RequestError(error.code, `${place}.${error.message}`, error.hint, {
      kind: error.kind,
      cause: error,
    });
  }
}

/** Errors in the dialect's form, with what to do about them. */
function sendError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { problem, headers, unexpected } = toProblem(error, request.id);
  if (unexpected) request.log.error({ err: error, req: request }, "request failed");
  void reply
    .code(problem.status)
    .headers({ "x-request-id": request.id, ...headers })
    .header("cache-control", "no-store")
    .send({
      message: [problem.detail, problem.hint].filter(Boolean).join(" "),
      status: problem.status,
    });
}
