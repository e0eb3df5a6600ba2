import type { TSchema, TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { Route } from "@magpie/contract";
import type { Engine, StageTimings } from "@magpie/engine";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Gatekeeper } from "./keys.ts";
import type { ServerLimits } from "./limits.ts";
import type { Metrics } from "./metrics.ts";
import { validatorFor } from "./validation.ts";

/** A Fastify instance whose handlers get their types from the contract's schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What handlers work with. */
export interface Services {
  readonly engine: Engine;
  readonly gatekeeper: Gatekeeper;
  readonly limits: ServerLimits;
  readonly metrics: Metrics;
  readonly version: string;
  readonly now: () => number;
  /** True once the server has begun to close. */
  readonly isClosing: () => boolean;
}

type Part<R, Name extends string> =
  R extends Readonly<Record<Name, infer S extends TSchema>> ? S : undefined;

/** Registers an operation of the contract: its place, its checks, and the types of its handler. */
export function bind<const R extends Route>(route: R) {
  const { params, querystring } = route;
  const body = route.envelope ?? route.body;
  return {
    method: route.method,
    url: route.path,
    schema: {
      ...(params && { params }),
      ...(querystring && { querystring }),
      ...(body && { body }),
    } as {
      params: Part<R, "params">;
      querystring: Part<R, "querystring">;
      body: R extends { readonly envelope: infer S extends TSchema } ? S : Part<R, "body">;
    },
    config: { contract: route as Route },
    validatorCompiler: validatorFor(route),
  };
}

/** Tells the browser's developer tools where the time went. */
export function tellTimings(reply: FastifyReply, timings: StageTimings): void {
  reply.header(
    "server-timing",
    timings
      .map(({ stage, ms }) => `${stage.replaceAll(/[^\w.-]/g, "-")};dur=${ms.toFixed(2)}`)
      .join(", "),
  );
}
