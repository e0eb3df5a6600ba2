import { routes } from "@magpie/contract";
import { bind, type App, type Services } from "../bind.ts";

/** What the shop teaches its search: synonyms, and a dictionary per stage of understanding. */
export function dictionaryRoutes(app: App, { engine }: Services): void {
  const { dictionaries } = engine;

  app.route({
    ...bind(routes.synonyms),
    handler: async (_request, reply) => {
      reply.header("cache-control", "no-store");
      return { synonyms: [...dictionaries.synonyms()] };
    },
  });

  app.route({
    ...bind(routes.putSynonym),
    handler: async (request, reply) => {
      const synonym = { id: request.params.synonymId, ...request.body };
      const { isNew } = await dictionaries.putSynonym(synonym);
      if (isNew) reply.code(201);
      return synonym;
    },
  });

  app.route({
    ...bind(routes.deleteSynonym),
    handler: async (request) => {
      const { synonymId } = request.params;
      await dictionaries.deleteSynonym(synonymId);
      return { synonymId, status: "deleted" as const };
    },
  });

  app.route({
    ...bind(routes.synonymCandidates),
    handler: async (_request, reply) => {
      reply.header("cache-control", "no-store");
      return { candidates: [...dictionaries.candidates()] };
    },
  });

  app.route({
    ...bind(routes.decideSynonym),
    handler: async (request) => {
      const { decision, ...pair } = request.body;
      const synonym = await dictionaries.decide(pair, decision);
      return synonym === undefined ? {} : { synonym };
    },
  });

  app.route({
    ...bind(routes.dictionary),
    handler: async (request, reply) => {
      reply.header("cache-control", "no-store");
      return { entries: [...dictionaries.dictionary(request.params.stage)] };
    },
  });

  app.route({
    ...bind(routes.saveDictionary),
    handler: async (request) => {
      const { entries } = request.body;
      await dictionaries.saveDictionary(request.params.stage, entries);
      return { entries };
    },
  });
}
