import fastifyStatic from "@fastify/static";
import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import { openApiDocument } from "@magpie/contract";
import { StoreError } from "@magpie/domain";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

/** Headers of every answer; pages relax the policy below. */
export const securityHeaders = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "cross-origin",
  "referrer-policy": "strict-origin-when-cross-origin",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

/** Mantine writes style elements at run time; product pictures may come from a shop's own host. */
const storefrontPolicy = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob: https:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'self'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/** The same without other hosts; Swagger UI needs inline styles and data: pictures. */
const docsPolicy = storefrontPolicy.replace(" https:", "");

/** Serves the documentation at /docs from files of the installation: no network is needed. */
export async function serveDocs(app: FastifyInstance, version: string): Promise<void> {
  const document = openApiDocument(version);
  await app.register(swagger, {
    mode: "static",
    // The plugin's type knows OpenAPI 3.0 only; it hands the document through untouched.
    specification: { document: document as never },
  });
  await app.register(swaggerUi, {
    routePrefix: "/docs",
    staticCSP: docsPolicy,
    theme: { title: "Magpie HTTP API" },
    uiConfig: {
      layout: "BaseLayout", // without the bar for other documents
      deepLinking: true,
      docExpansion: "list",
      displayRequestDuration: true,
    },
  });
}

/** Decides what an address that names no operation and no file gets. */
export type PageFallback = (
  request: FastifyRequest,
  reply: FastifyReply,
) => FastifyReply | undefined;

/**
 * Serves the built storefront at /. Addresses of its own router get `index.html`; hashed assets
 * are kept by browsers for ever, the page itself is asked for anew.
 *
 * @throws {StoreError} `STOREFRONT_NOT_BUILT` when the folder has no index.html
 */
export async function serveStorefront(
  app: FastifyInstance,
  directory: string,
): Promise<PageFallback> {
  const root = resolve(directory);
  if (!existsSync(join(root, "index.html"))) {
    throw new StoreError(
      "STOREFRONT_NOT_BUILT",
      `The storefront folder ${root} has no index.html.`,
      "Build it first (npm run build in apps/storefront), or start without a storefront.",
    );
  }
  await app.register(fastifyStatic, {
    root,
    cacheControl: false,
    dotfiles: "ignore", // a forgotten .env stays at home
    setHeaders: (reply, path) => {
      reply.header("content-security-policy", storefrontPolicy);
      const isHashed = path.startsWith(join(root, "assets"));
      reply.header("cache-control", isHashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  return (request, reply) => (wantsPage(request) ? reply.sendFile("index.html") : undefined);
}

/** A browser that goes to an address of the storefront, not a program or a missing asset. */
function wantsPage(request: FastifyRequest): boolean {
  const path = request.url.split("?", 1)[0]!;
  return (
    (request.method === "GET" || request.method === "HEAD") &&
    !/^\/(v1|docs)(\/|$)/.test(path) &&
    !/\.[a-z\d]{1,8}$/i.test(path) &&
    (request.headers.accept ?? "").includes("text/html")
  );
}
