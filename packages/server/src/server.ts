import cors from "@fastify/cors";
import { routes, type Route } from "@magpie/contract";
import { StoreError } from "@magpie/domain";
import type { Engine } from "@magpie/engine";
import Fastify, {
  LogController,
  type FastifyError,
  type FastifyReply,
  type FastifyRequest,
} from "fastify";
import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import manifest from "../package.json" with { type: "json" };
import type { App, Services } from "./bind.ts";
import { readBodies } from "./body.ts";
import { assertOpenModeIsLocal, Gatekeeper } from "./keys.ts";
import { countRequests, limitDefaults, type ServerLimits } from "./limits.ts";
import { loggerOf, withoutSecrets, type LogOptions } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { HttpError, toProblem } from "./problems.ts";
import { algoliaRoutes } from "./routes/algolia.ts";
import { catalogRoutes } from "./routes/catalog.ts";
import { eventRoutes } from "./routes/events.ts";
import { operationRoutes } from "./routes/operations.ts";
import { dictionaryRoutes } from "./routes/dictionaries.ts";
import { rulesRoutes } from "./routes/rules.ts";
import { settingsRoutes } from "./routes/settings.ts";
import { servingRoutes } from "./routes/serving.ts";
import { taskRoutes } from "./routes/tasks.ts";
import { userRoutes } from "./routes/users.ts";
import { securityHeaders, serveDocs, serveStorefront } from "./site.ts";

/** How a server is set up. Everything but the engine has a default that is safe. */
export interface ServerOptions {
  /** Stays its owner's: the server does not close it. */
  readonly engine: Engine;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7700; 0 takes any free port. */
  readonly port?: number;
  /** No keys: for a demo on one's own machine. Refused anywhere but on loopback. */
  readonly openMode?: boolean;
  /** Folder of the built storefront, served at /. */
  readonly storefrontDir?: string;
  /** Origins whose pages may call the API, such as "https://shop.example". Default none but its own. */
  readonly corsOrigins?: readonly string[];
  /** Believe X-Forwarded-* headers: only behind a proxy that sets them. */
  readonly trustProxy?: boolean;
  readonly limits?: Partial<ServerLimits>;
  /** Default: no log. */
  readonly log?: LogOptions | false;
  /** The clock. */
  readonly now?: () => number;
}

/** A server that listens. */
export interface RunningServer {
  /** "http://127.0.0.1:7700" */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no more requests, lets those that are open finish (their events are on disk when they are
   * answered), ends streams, and breaks what is still open after the grace time.
   */
  close(): Promise<void>;
}

/**
 * Starts the HTTP API over an engine.
 *
 * @throws {StoreError} `OPEN_MODE_NOT_LOOPBACK`, `PORT_IN_USE`, `HOST_UNAVAILABLE`, `STOREFRONT_NOT_BUILT`
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { engine, host = "127.0.0.1", port = 7700, openMode = false, log = false } = options;
  const { corsOrigins = [], trustProxy = false, now = Date.now, storefrontDir } = options;
  const limits = { ...limitDefaults, ...options.limits };
  if (openMode) assertOpenModeIsLocal(host);

  const app: App = Fastify({
    logger: loggerOf(log),
    // One line per answer is written below.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy,
    bodyLimit: limits.maxBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    handlerTimeout: limits.handlerTimeoutMs,
    keepAliveTimeout: 72_000, // longer than the 60 s of common load balancers
    forceCloseConnections: "idle",
    return503OnClosing: false, // answered below, as a problem document
    routerOptions: { maxParamLength: 16_384 }, // the schema of ids bounds them, with a message
    genReqId: (request) => {
      const given = request.headers["x-request-id"];
      return typeof given === "string" && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
    },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendProblem(error, request, reply),
    clientErrorHandler: answerBrokenHttp,
  });

  let isClosing = false;
  const metrics = new Metrics(engine, now);
  const counters = await countRequests(app, limits);
  const gatekeeper = new Gatekeeper(engine, {
    openMode,
    origins: corsOrigins,
    countFailure: counters.countFailure,
  });

  app.decorateRequest("caller", undefined);
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(securityHeaders);
    reply.header("x-request-id", request.id);
    if (!isClosing) return;
    reply.header("connection", "close");
    const id = request.routeOptions.config.contract?.id;
    if (id === "live" || id === "ready") return;
    throw new HttpError(
      "SHUTTING_DOWN",
      "The server is shutting down and takes no new requests.",
      "Ask again in a moment.",
      { headers: { "retry-after": "5" } },
    );
  });
  if (corsOrigins.length > 0) {
    await app.register(cors, {
      origin: [...corsOrigins],
      methods: ["GET", "HEAD", "POST", "PUT", "DELETE"],
      allowedHeaders: [
        "authorization",
        "content-type",
        "if-match",
        "x-request-id",
        "last-event-id",
        "x-algolia-api-key",
        "x-algolia-application-id",
        "x-algolia-agent",
      ],
      exposedHeaders: [
        "etag",
        "server-timing",
        "x-request-id",
        "x-query-id",
        "retry-after",
        "location",
      ],
      maxAge: 7_200,
    });
  }
  app.addHook("onRequest", async (request, reply) => {
    await gatekeeper.admit(request, reply);
    await counters.countRequest(request, reply);
  });
  app.addHook("onSend", async (_request, reply) => {
    if (isClosing) reply.header("connection", "close"); // so that drained connections end
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.config.contract?.id ?? "other";
    metrics.answered(route, reply.statusCode, reply.elapsedTime);
    if (log === false) return;
    const facts = {
      method: request.method,
      url: withoutSecrets(request.url),
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime * 100) / 100,
      ...(request.caller?.key && { key: request.caller.key.id }),
    };
    request.log.info(facts, "answered");
  });
  app.addHook("onClose", async () => metrics.close());

  readBodies(app);
  app.setErrorHandler<FastifyError>((error, request, reply) => sendProblem(error, request, reply));

  const services: Services = {
    engine,
    gatekeeper,
    limits,
    metrics,
    version: manifest.version,
    now,
    isClosing: () => isClosing,
  };
  eventRoutes(app, services);
  servingRoutes(app, services);
  rulesRoutes(app, services);
  dictionaryRoutes(app, services);
  settingsRoutes(app, services);
  catalogRoutes(app, services);
  userRoutes(app, services);
  taskRoutes(app, services);
  operationRoutes(app, services);
  algoliaRoutes(app, services);

  await serveDocs(app, manifest.version);
  const page = storefrontDir === undefined ? undefined : await serveStorefront(app, storefrontDir);
  if (page === undefined) app.get("/", async (_request, reply) => reply.redirect("/docs/"));
  app.setNotFoundHandler((request, reply) => {
    return page?.(request, reply) ?? sendProblem(noSuchRoute(request, reply), request, reply);
  });

  await listen(app, host, port);
  const address = app.server.address();
  const actualPort = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${actualPort}`,
    port: actualPort,
    async close() {
      isClosing = true;
      const impatience = setTimeout(() => app.server.closeAllConnections(), limits.graceMs);
      await app.close();
      clearTimeout(impatience);
    },
  };
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { problem, headers, unexpected } = toProblem(error, request.id);
  if (unexpected) request.log.error({ err: error, req: request }, "request failed");
  return reply
    .code(problem.status)
    .headers({ "x-request-id": request.id, ...headers })
    .header("cache-control", "no-store")
    .type("application/problem+json")
    .send(problem);
}

/** 405 when the path takes other methods, else 404. */
function noSuchRoute(request: FastifyRequest, reply: FastifyReply): HttpError {
  const path = request.url.split("?", 1)[0]!;
  const methods = Object.values<Route>(routes)
    .filter((route) => new RegExp(`^${route.path.replaceAll(/:\w+/g, "[^/]+")}$`).test(path))
    .map(({ method }) => method);
  if (methods.length === 0) {
    return new HttpError(
      "UNKNOWN_ROUTE",
      `There is no ${request.method} ${path.slice(0, 200)}.`,
      "All operations are listed at /docs and in /v1/openapi.json.",
    );
  }
  reply.header("allow", methods.join(", "));
  return new HttpError(
    "METHOD_NOT_ALLOWED",
    `${path.slice(0, 200)} does not take ${request.method}.`,
    `It takes ${methods.join(" and ")}.`,
  );
}

async function listen(app: App, host: string, port: number): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    switch ((error as NodeJS.ErrnoException).code) {
      case "EADDRINUSE":
        throw new StoreError(
          "PORT_IN_USE",
          `Port ${port} on ${host} is taken by another process.`,
          "Stop it, or choose another port.",
          { kind: "conflict", cause: error },
        );
      case "EADDRNOTAVAIL":
      case "ENOTFOUND":
      case "EACCES":
        throw new StoreError(
          "HOST_UNAVAILABLE",
          `The server cannot listen on ${host}:${port}: ${(error as Error).message}.`,
          "Use 127.0.0.1, an address of this machine or 0.0.0.0, and a port above 1023.",
          { cause: error },
        );
      default:
        throw error;
    }
  }
}

/** Answers bytes that never became a request. */
function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === "HPE_HEADER_OVERFLOW"
      ? new HttpError(
          "HEADERS_TOO_LARGE",
          "The headers take more than 16 KiB.",
          "Use the POST form of the operation, and send no cookies.",
        )
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? new HttpError(
            "REQUEST_TIMEOUT",
            "The request was not complete in time.",
            "Send it in smaller parts, or over a faster connection.",
          )
        : new HttpError(
            "MALFORMED_HTTP",
            `What was received is not HTTP/1.1 (${error.code ?? error.message}).`,
            "Use an HTTP library; if TLS was meant, put a TLS proxy in front.",
          );
  const { problem } = toProblem(refusal, randomUUID());
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
