import { routes, type Filter, type SimilarParameters } from "@magpie/contract";
import type { RecommendOptions, ServedRanking } from "@magpie/engine";
import type { FastifyReply, FastifyRequest } from "fastify";
import { bind, tellTimings, type App, type Services } from "../bind.ts";
import { HttpError } from "../problems.ts";
import { explanationToWire, rankingToWire, suggestionsToWire, withUser } from "../wire.ts";

/** What a request asks of rules. */
type RulesAsked = Pick<RecommendOptions, "rules">;

/** Recommendations, similar items and search. */
export function servingRoutes(app: App, { engine, metrics }: Services): void {
  const answer = (reply: FastifyReply, ranking: ServedRanking) => {
    reply.header("x-query-id", ranking.requestId);
    reply.header("cache-control", "no-store");
    tellTimings(reply, ranking.timings);
    metrics.ranked(ranking.scenario, ranking.timings);
    return rankingToWire(ranking);
  };

  app.route({
    ...bind(routes.recommend),
    handler: async (request, reply) =>
      answer(
        reply,
        await engine.recommend(request.params.scenario, withUser(allowed(request, request.body))),
      ),
  });

  app.route({
    ...bind(routes.scenarios),
    handler: async () => ({ scenarios: engine.scenarios() }),
  });

  app.route({
    ...bind(routes.similar),
    handler: async (request, reply) => {
      const options = { ...fromParameters(request.query), contextItemId: request.params.itemId };
      return answer(reply, await engine.recommend("similar-items", options));
    },
  });

  app.route({
    ...bind(routes.postSimilar),
    handler: async (request, reply) => {
      const { itemId, ...rest } = allowed(request, request.body);
      const options = { ...withUser(rest), contextItemId: itemId };
      return answer(reply, await engine.recommend("similar-items", options));
    },
  });

  app.route({
    ...bind(routes.search),
    handler: async (request, reply) => {
      const { query, ...parameters } = request.query;
      return answer(reply, await engine.search({ ...fromParameters(parameters), query }));
    },
  });

  app.route({
    ...bind(routes.postSearch),
    handler: async (request, reply) =>
      answer(reply, await engine.search(withUser(allowed(request, request.body)))),
  });

  app.route({
    ...bind(routes.explainSearch),
    handler: async (request, reply) => {
      const explanation = await engine.explainSearch(withUser(allowed(request, request.body)));
      reply.header("cache-control", "no-store");
      return explanationToWire(explanation, maySeeRules(request));
    },
  });

  app.route({
    ...bind(routes.suggest),
    handler: async (request, reply) => {
      const suggestions = await engine.suggest(withUser(request.body));
      reply.header("cache-control", "no-store");
      tellTimings(reply, suggestions.timings);
      metrics.ranked("suggest", suggestions.timings);
      // A key of a web page is everybody's, and a user id may be guessed: what a person searched for
      // is told to those who may read a person's data. In open mode there is no key.
      const mayReadUsers = request.caller?.key?.scopes.includes("users") ?? true;
      return suggestionsToWire(mayReadUsers ? suggestions : { ...suggestions, recent: [] });
    },
  });

  app.route({
    ...bind(routes.searchFacet),
    handler: async (request, reply) => {
      const { field } = request.params;
      const asked = allowed(request, request.body);
      const values = await engine.searchFacet({ query: "", ...asked, field });
      reply.header("cache-control", "no-store");
      return { field, values: [...values] };
    },
  });

  app.route({
    ...bind(routes.multiSearch),
    handler: async (request, reply) => {
      const rankings = await Promise.all(
        request.body.searches.map((search) => engine.search(withUser(allowed(request, search)))),
      );
      reply.header("cache-control", "no-store");
      for (const { scenario, timings } of rankings) metrics.ranked(scenario, timings);
      return { results: rankings.map(rankingToWire) };
    },
  });
}

/** What is not published is for those who work on it; in open mode there is no key. */
function maySeeRules(request: FastifyRequest): boolean {
  return request.caller?.key?.scopes.includes("rules") ?? true;
}

/** @throws {HttpError} `INSUFFICIENT_SCOPE` when other rules than the published ones are asked for without leave */
function allowed<T extends RulesAsked>(request: FastifyRequest, asked: T): T {
  const { rules = "published" } = asked;
  if (rules === "published" || maySeeRules(request)) return asked;
  throw new HttpError(
    "INSUFFICIENT_SCOPE",
    `rules: "${rules}" asks for other rules than those in force, and the key has not the scope "rules".`,
    'Leave rules out, or use a key with the scope "rules".',
  );
}

/** Query parameters as the options that a body would have given. */
function fromParameters(parameters: SimilarParameters): RecommendOptions {
  const { available, category, brand, shop, minPrice, maxPrice, context, segment, ...rest } =
    parameters;
  const filter: Filter = {
    ...(available !== undefined && { availableOnly: available }),
    ...(category && { categories: category }),
    ...(brand && { brands: brand }),
    ...(shop && { shopIds: shop }),
    ...((minPrice !== undefined || maxPrice !== undefined) && {
      priceCents: {
        ...(minPrice !== undefined && { min: minPrice }),
        ...(maxPrice !== undefined && { max: maxPrice }),
      },
    }),
  };
  return {
    ...withUser(rest),
    ...(context && { contexts: context }),
    ...(segment && { segments: segment }),
    ...(Object.keys(filter).length > 0 && { filter }),
  };
}
