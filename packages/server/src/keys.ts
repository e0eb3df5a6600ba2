import type { KeyScope, Route } from "@magpie/contract";
import type { ApiKey } from "@magpie/data";
import { StoreError } from "@magpie/domain";
import type { Engine } from "@magpie/engine";
import type { FastifyReply, FastifyRequest } from "fastify";
import { HttpError } from "./problems.ts";

/** Who asks, as far as the server knows. `key` is absent in open mode and on open routes. */
export interface Caller {
  readonly key?: ApiKey;
  /** What requests are counted under. */
  readonly countedAs: string;
}

declare module "fastify" {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    contract?: Route;
  }
}

/**
 * Refuses open mode anywhere but on loopback: without keys, whoever reaches the port may erase
 * the shop.
 *
 * @throws {StoreError} `OPEN_MODE_NOT_LOOPBACK`
 */
export function assertOpenModeIsLocal(host: string): void {
  if (isLoopback(host)) return;
  throw new StoreError(
    "OPEN_MODE_NOT_LOOPBACK",
    `Open mode was asked for on "${host}": everyone who can reach that address could read and delete all data.`,
    "Bind to 127.0.0.1, or leave open mode and make API keys.",
  );
}

function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  return name === "localhost" || name === "::1" || /^127(\.\d{1,3}){3}$/.test(name);
}

/** The part of `Authorization: Bearer mgp_…` that is the secret. */
function bearer(header: string): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,256}) *$/i.exec(header)?.[1];
}

/** Knows callers by their keys and lets them do what their scopes allow. */
export class Gatekeeper {
  readonly #engine: Engine;
  readonly #openMode: boolean;
  readonly #origins: ReadonlySet<string>;
  /** Throws once an address has failed too often. */
  readonly #countFailure: (request: FastifyRequest) => Promise<void>;

  constructor(
    engine: Engine,
    options: {
      readonly openMode: boolean;
      readonly origins: readonly string[];
      readonly countFailure: (request: FastifyRequest) => Promise<void>;
    },
  ) {
    this.#engine = engine;
    this.#openMode = options.openMode;
    this.#origins = new Set(options.origins);
    this.#countFailure = options.countFailure;
  }

  /**
   * Lets the request pass or throws.
   *
   * @throws {HttpError} `MISSING_KEY`, `INVALID_KEY`, `INSUFFICIENT_SCOPE`, `FORBIDDEN_ORIGIN`
   */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    refuseDuplicateHeaders(request);
    const route = request.routeOptions.config.contract;
    if (route === undefined) return;
    if (this.#openMode) {
      this.#refuseForeignPages(request);
      request.caller = { countedAs: `address ${request.ip}` };
      return;
    }
    if (route.scope === null) return;
    const secret = secretOf(request, route);
    if (secret === undefined) {
      reply.header("www-authenticate", "Bearer");
      throw new HttpError(
        "MISSING_KEY",
        `${route.method} ${route.path} needs an API key.`,
        `Send Authorization: Bearer mgp_… with a key that has the scope "${route.scope}".`,
      );
    }
    const key = await this.#engine.verifyKey(secret);
    if (key === undefined) {
      await this.#countFailure(request);
      reply.header("www-authenticate", 'Bearer error="invalid_token"');
      throw new HttpError(
        "INVALID_KEY",
        "The API key is unknown, revoked or past its expiry.",
        "Make a new key, and check that it was copied whole.",
      );
    }
    if (!key.scopes.includes(route.scope)) {
      throw new HttpError(
        "INSUFFICIENT_SCOPE",
        `The key "${key.name}" has the scopes ${key.scopes.join(", ")}; ${route.method} ${route.path} needs "${route.scope}".`,
        `Use a key with the scope "${route.scope}".`,
      );
    }
    request.caller = { key, countedAs: `key ${key.id}` };
  }

  /** True when the caller of an open route may see what the scope `scope` shows. */
  async maySee(request: FastifyRequest, scope: KeyScope): Promise<boolean> {
    if (this.#openMode) return true;
    const secret = bearer(request.headers.authorization ?? "");
    if (secret === undefined) return false;
    const key = await this.#engine.verifyKey(secret);
    if (key === undefined) await this.#countFailure(request); // no place to try keys unseen
    return key?.scopes.includes(scope) ?? false;
  }

  /**
   * In open mode the browser itself is the danger: any page that the operator has open could post
   * to loopback, or reach it under a name of its own that resolves to it (DNS rebinding).
   */
  #refuseForeignPages(request: FastifyRequest): void {
    const refuse = (what: string) =>
      new HttpError(
        "FORBIDDEN_ORIGIN",
        `${what} may not call this server in open mode.`,
        "Open the server's own page under 127.0.0.1 or localhost, or allow the origin in its configuration.",
      );
    if (!isLoopback(request.hostname)) throw refuse(`The host name "${request.hostname}"`);
    const { origin } = request.headers;
    if (origin === undefined || this.#origins.has(origin)) return;
    if (origin !== `${request.protocol}://${request.host}`) throw refuse(`Pages of "${origin}"`);
  }
}

/** The key that comes with a request: in the header, or for beacons in the query. */
function secretOf(request: FastifyRequest, route: Route): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) {
    const secret = bearer(header);
    if (secret !== undefined) return secret;
    throw new HttpError(
      "INVALID_KEY",
      "The Authorization header is not of the form Bearer, space, key.",
      "Send Authorization: Bearer mgp_….",
    );
  }
  const query = request.query as Readonly<Record<string, unknown>>;
  if (route.keyStyle === "algolia") {
    const given = request.headers["x-algolia-api-key"] ?? query["x-algolia-api-key"];
    return typeof given === "string" ? given : undefined;
  }
  if (route.id !== "postEvents") return undefined;
  const { key } = query;
  return typeof key === "string" ? key : undefined;
}

/** Headers that decide who asks and how the body is read: which of two would count? */
const singleHeaders = new Set(["authorization", "content-type", "x-request-id"]);

function refuseDuplicateHeaders(request: FastifyRequest): void {
  const { rawHeaders } = request.raw;
  let seen = "";
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length !== 12 && name.length !== 13) continue;
    const lower = name.toLowerCase();
    if (!singleHeaders.has(lower)) continue;
    if (seen.includes(lower)) {
      throw new HttpError(
        "DUPLICATE_HEADER",
        `The header ${lower} is given more than once.`,
        `Send ${lower} once.`,
      );
    }
    seen += ` ${lower}`;
  }
}
