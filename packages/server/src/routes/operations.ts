import {
  errorCodes,
  openApiDocument,
  routes,
  type ErrorCode,
  type HealthResponse,
} from "@magpie/contract";
import { bind, type App, type Services } from "../bind.ts";
import { HttpError, invalidRequest } from "../problems.ts";
import { keyToWire } from "../wire.ts";

/** Keys, health, metrics and what describes the API. */
export function operationRoutes(app: App, services: Services): void {
  const { engine, gatekeeper, metrics, now, version, isClosing } = services;

  app.route({
    ...bind(routes.keys),
    handler: async () => ({ keys: (await engine.listKeys()).map(keyToWire) }),
  });

  app.route({
    ...bind(routes.createKey),
    handler: async (request, reply) => {
      const { name, scopes, expiresAt } = request.body;
      const expiresMs = expiresAt === undefined ? undefined : Date.parse(expiresAt);
      if (expiresMs !== undefined && expiresMs <= now()) {
        const message = `must lie in the future, found "${expiresAt}"`;
        throw invalidRequest("body", [{ field: "expiresAt", message }]);
      }
      const { secret, ...key } = await engine.createKey(name, scopes, expiresMs);
      reply.code(201).header("cache-control", "no-store");
      return { ...keyToWire(key), secret };
    },
  });

  app.route({
    ...bind(routes.revokeKey),
    handler: async (request) => {
      const { keyId } = request.params;
      if (await engine.revokeKey(keyId)) return { keyId, status: "revoked" };
      throw new HttpError(
        "UNKNOWN_KEY",
        `There is no key ${JSON.stringify(keyId)}.`,
        "GET /v1/keys lists the keys. The id is not the secret.",
      );
    },
  });

  app.route({
    ...bind(routes.health),
    handler: async (request): Promise<HealthResponse> => {
      const { status, notes, snapshot, uptimeSeconds, items, events, rssBytes } =
        await engine.health();
      return {
        status,
        notes: [...notes],
        version,
        ...(snapshot !== undefined && { snapshot }),
        uptimeSeconds,
        ...((await gatekeeper.maySee(request, "admin")) && { items, events, rssBytes }),
      };
    },
  });

  app.route({ ...bind(routes.live), handler: async () => ({ status: "ok" }) });

  app.route({
    ...bind(routes.ready),
    handler: async (_request, reply) => {
      const status = isClosing()
        ? "shutting-down"
        : (await engine.health()).snapshot === undefined
          ? "no-snapshot"
          : "ok";
      if (status !== "ok") reply.code(503);
      return { status };
    },
  });

  app.route({
    ...bind(routes.metrics),
    handler: async (_request, reply) => {
      reply.type(routes.metrics.answers[200].contentType);
      return metrics.text();
    },
  });

  const document = openApiDocument(version);
  app.route({ ...bind(routes.openapi), handler: async () => document });

  app.route({
    ...bind(routes.errors),
    handler: async () => ({
      errors: Object.entries(errorCodes).map(([code, facts]) => ({ code, ...facts })),
    }),
  });

  app.route({
    ...bind(routes.error),
    handler: async (request) => {
      const { code } = request.params;
      if (Object.hasOwn(errorCodes, code)) return { code, ...errorCodes[code as ErrorCode] };
      throw new HttpError(
        "UNKNOWN_ERROR_CODE",
        `${JSON.stringify(code)} is not a code that the API gives by itself.`,
        "GET /v1/errors lists all codes; a deeper layer's code explains itself in detail and hint.",
      );
    },
  });
}
