import type { Problem } from "@magpie/contract";
import type { KeyScope } from "@magpie/data";
import type { Engine } from "@magpie/engine";
import { startServer, type RunningServer, type ServerOptions } from "@magpie/server";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openTestEngine } from "./http-engine.ts";

/** A server over the real engine, with keys of every kind and a storefront of two files. */
export interface HttpShop {
  readonly engine: Engine;
  readonly server: RunningServer;
  /** Secrets by what they allow. */
  readonly keys: Readonly<Record<KeyScope | "all", string>>;
  /** Holds the storefront, and beside it a file that must not be served. */
  readonly directory: string;
  close(): Promise<void>;
}

/** Opens one; `isTrained` decides whether there is a snapshot to recommend from. */
export async function openHttpShop({
  isTrained = false,
  ...options
}: Partial<ServerOptions> & { readonly isTrained?: boolean } = {}): Promise<HttpShop> {
  const directory = mkdtempSync(join(tmpdir(), "magpie-http-"));
  const storefrontDir = join(directory, "site");
  mkdirSync(join(storefrontDir, "assets"), { recursive: true });
  writeFileSync(join(directory, "secret.txt"), "not for you");
  writeFileSync(join(storefrontDir, "index.html"), "<!doctype html><title>shop</title>");
  writeFileSync(join(storefrontDir, "assets", "app-1a2b.js"), "export {};");
  writeFileSync(join(storefrontDir, ".env"), "SECRET=1");

  const engine = await openTestEngine(join(directory, "data"), isTrained, options.now ?? Date.now);
  const secretOf = async (...scopes: KeyScope[]) =>
    (await engine.createKey(scopes.join("+"), scopes)).secret;
  const keys = {
    events: await secretOf("events"),
    read: await secretOf("read"),
    catalog: await secretOf("catalog"),
    rules: await secretOf("rules"),
    users: await secretOf("users"),
    admin: await secretOf("admin"),
    all: await secretOf("events", "read", "catalog", "rules", "users", "admin"),
  };
  const server = await startServer({ engine, port: 0, storefrontDir, ...options });
  return {
    engine,
    server,
    keys,
    directory,
    async close() {
      await server.close();
      await engine.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export interface RawRequest {
  readonly method?: string;
  /** Sent as it stands: nothing is normalised. */
  readonly path: string;
  /** Pairs, so that a name may come twice. */
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string | Buffer;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends what fetch would not. */
export function send(
  port: number,
  { method, path, headers = [], body }: RawRequest,
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      port,
      path,
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: ["host", `127.0.0.1:${port}`, ...headers.flat()],
      agent: false,
    });
    request.on("error", reject);
    request.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        resolve({ status: response.statusCode!, headers: response.headers, text });
      });
    });
    request.end(body);
  });
}

/** Sends bytes that need not be HTTP, and gives all that comes back. */
export function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    socket.on("error", reject);
  });
}

/** A call with a key and JSON. */
export function call(
  shop: HttpShop,
  key: keyof HttpShop["keys"],
  path: string,
  body?: unknown,
  method = body === undefined ? "GET" : "POST",
): Promise<Response> {
  return fetch(shop.server.url + path, {
    method,
    headers: {
      authorization: `Bearer ${shop.keys[key]}`,
      ...(body !== undefined && { "content-type": "application/json" }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

/** The same engine, but for what is changed. */
export function engineWith(engine: Engine, changes: Partial<Engine>): Engine {
  return new Proxy(engine, {
    get(target, name) {
      if (name in changes) return changes[name as keyof Engine];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The problem document of an answer. */
export function problemOf(text: string): Problem {
  return JSON.parse(text) as Problem;
}
