import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { HttpError } from "./problems.ts";

/** How much the server takes, and how long it waits. */
export interface ServerLimits {
  /** Of a JSON body, where the operation has no bound of its own. */
  readonly maxBodyBytes: number;
  /** Of an NDJSON catalogue. */
  readonly maxCatalogBytes: number;
  /** Per API key, or per address in open mode. */
  readonly requestsPerMinute: number;
  /** Wrong keys from one address, after which it waits. */
  readonly failedKeysPerMinute: number;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  /** From the request to its answer. */
  readonly handlerTimeoutMs: number;
  /** How long open requests may go on when the server closes. */
  readonly graceMs: number;
}

/** Generous for a storefront whose shoppers share one key, tight enough to survive a mistake. */
export const limitDefaults: ServerLimits = {
  maxBodyBytes: 1_048_576,
  maxCatalogBytes: 1_073_741_824,
  requestsPerMinute: 120_000,
  failedKeysPerMinute: 60,
  requestTimeoutMs: 120_000,
  handlerTimeoutMs: 15_000,
  graceMs: 10_000,
};

/** What counts requests and throws `RATE_LIMITED` when there are too many. */
export interface Counters {
  countRequest(request: FastifyRequest, reply: FastifyReply): Promise<void>;
  countFailure(request: FastifyRequest): Promise<void>;
}

/** Installs the counters. They live in memory: a restart forgets them. */
export async function countRequests(app: FastifyInstance, limits: ServerLimits): Promise<Counters> {
  await app.register(rateLimit, { global: false });
  const perCaller = app.createRateLimit({
    max: limits.requestsPerMinute,
    timeWindow: "1 minute",
    keyGenerator: (request) => request.caller!.countedAs,
  });
  const failures = app.createRateLimit({
    max: limits.failedKeysPerMinute,
    timeWindow: "1 minute",
    keyGenerator: (request) => request.ip,
  });
  const refuse = (what: string, seconds: number) =>
    new HttpError(
      "RATE_LIMITED",
      `${what}; the next is taken in ${seconds} s.`,
      "Wait for the seconds in Retry-After. Send events in batches rather than one by one.",
      { headers: { "retry-after": String(seconds) } },
    );
  return {
    async countRequest(request, reply) {
      if (request.caller === undefined) return;
      const count = await perCaller(request);
      if (count.isAllowed) return;
      reply.header("ratelimit-limit", count.max);
      reply.header("ratelimit-remaining", count.remaining);
      reply.header("ratelimit-reset", count.ttlInSeconds);
      if (!count.isExceeded) return;
      throw refuse(
        `More than ${count.max} requests in a minute came from this ${request.caller.key ? "key" : "address"}`,
        count.ttlInSeconds,
      );
    },
    async countFailure(request) {
      const count = await failures(request);
      if (count.isAllowed || !count.isExceeded) return;
      throw refuse(
        `More than ${count.max} wrong keys in a minute came from ${request.ip}`,
        count.ttlInSeconds,
      );
    },
  };
}
