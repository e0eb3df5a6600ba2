import { routes } from "@magpie/contract";
import { RulesError } from "@magpie/ranking";
import type { FastifyReply, FastifyRequest } from "fastify";
import { bind, type App, type Services } from "../bind.ts";
import { HttpError, invalidRequest } from "../problems.ts";
import { ruleVersionToWire, rulesDraftToWire } from "../wire.ts";

/** Ten thousand rules with room to spare. */
const maxRulesBytes = 16 * 1_048_576;

/** Merchandisers' rules: the draft, its publications and the way back. */
export function rulesRoutes(app: App, { engine, limits }: Services): void {
  const { rules } = engine;
  const bodyLimit = Math.max(limits.maxBodyBytes, maxRulesBytes);
  const changed = (
    reply: FastifyReply,
    { revision, rules: all }: { readonly revision: number; readonly rules: readonly unknown[] },
  ) => {
    reply.header("etag", etagOf(revision));
    return { revision, size: all.length };
  };

  app.route({
    ...bind(routes.rulesDraft),
    handler: async (_request, reply) => {
      const draft = await rules.draft();
      reply.header("etag", etagOf(draft.revision)).header("cache-control", "no-store");
      return rulesDraftToWire(draft);
    },
  });

  app.route({
    ...bind(routes.saveRules),
    bodyLimit,
    handler: async (request, reply) =>
      changed(reply, await told(rules.saveDraft(request.body.rules, changeBy(request)))),
  });

  app.route({
    ...bind(routes.getRule),
    handler: async (request, reply) => {
      reply.header("cache-control", "no-store");
      return rules.rule(request.params.ruleId);
    },
  });

  app.route({
    ...bind(routes.putRule),
    handler: async (request, reply) => {
      const { ruleId } = request.params;
      const { id } = request.body;
      if (id !== ruleId) {
        const found = JSON.stringify(id)?.slice(0, 200) ?? "nothing";
        const message = `must be the id in the path, ${JSON.stringify(ruleId)}, found ${found}`;
        throw invalidRequest("body", [{ field: "id", message }]);
      }
      const put = await told(rules.put(request.body, changeBy(request)), oneRule);
      if (put.isNew) reply.code(201).header("location", `/v1/rules/draft/${ruleId}`);
      return changed(reply, put.draft);
    },
  });

  app.route({
    ...bind(routes.deleteRule),
    handler: async (request, reply) =>
      changed(reply, await rules.delete(request.params.ruleId, changeBy(request))),
  });

  app.route({
    ...bind(routes.checkRules),
    bodyLimit,
    handler: async (request) => ({
      conflicts: (await told(rules.check(request.body.rules))).map((conflict) => ({
        ...conflict,
        ruleIds: [...conflict.ruleIds],
      })),
    }),
  });

  app.route({
    ...bind(routes.publishRules),
    handler: async (request, reply) => {
      const version = await rules.publish({ ...changeBy(request), ...request.body });
      reply.code(201).header("location", `/v1/rules/versions/${version.version}`);
      return ruleVersionToWire(version);
    },
  });

  app.route({
    ...bind(routes.rollBackRules),
    handler: async (request, reply) => {
      const { version: former, ...note } = request.body;
      const version = await rules.rollBack(former, { ...changeBy(request), ...note });
      reply.code(201).header("location", `/v1/rules/versions/${version.version}`);
      return ruleVersionToWire(version);
    },
  });

  app.route({
    ...bind(routes.ruleVersions),
    handler: async () => ({ versions: (await rules.versions()).map(ruleVersionToWire) }),
  });

  app.route({
    ...bind(routes.ruleVersion),
    handler: async (request) => {
      const number = Number(request.params.version);
      const version = await rules.version(number);
      if (version !== undefined) {
        return { ...ruleVersionToWire(version), rules: [...version.rules] };
      }
      throw new HttpError(
        "UNKNOWN_RULES_VERSION",
        `Rules were never published under version ${number}.`,
        "GET /v1/rules/versions lists the publications.",
      );
    },
  });
}

const etagOf = (revision: number): string => `"${revision}"`;

/** Who changes the draft, and which draft the caller had seen. */
function changeBy(request: FastifyRequest): { author: string; ifRevision?: number } {
  const author = request.caller?.key?.id ?? "open mode";
  const { ifRevision } = request.query as { readonly ifRevision?: number };
  const seen = ifRevision ?? revisionIn(request.headers["if-match"]);
  return { author, ...(seen !== undefined && { ifRevision: seen }) };
}

/** `If-Match: "12"`; `*` asks for any draft, and there always is one. */
function revisionIn(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === "*") return undefined;
  const [, digits] = /^\s*"?(\d{1,15})"?\s*$/.exec(header) ?? [];
  if (digits !== undefined) return Number(digits);
  const message = `must be the ETag of the draft, such as "12", found ${JSON.stringify(header.slice(0, 80))}`;
  throw invalidRequest("body", [{ field: "If-Match", message }]);
}

/** Places in a request that is one rule. */
const oneRule = (field: string): string => field.replace(/^rules\[0\]\.?/, "");

/** Tells every problem of rules that cannot be taken, each with its place. */
async function told<T>(work: Promise<T>, placeOf = (field: string) => field): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof RulesError)) throw error;
    throw new HttpError("INVALID_RULES", error.message, error.hint, {
      cause: error,
      fields: error.problems.map(({ field, message, hint }) => ({
        field: placeOf(field),
        message: `${message}. ${hint}`,
      })),
    });
  }
}
