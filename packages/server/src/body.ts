import type { Route } from "@magpie/contract";
import { isUtf8 } from "node:buffer";
import type { Readable } from "node:stream";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { HttpError } from "./problems.ts";

/** No request of ours needs more levels; hostile nesting is refused before it is parsed. */
const maxDepth = 64;

/**
 * Under which JSON comes: its own type, and where the operation allows it those that need no preflight,
 * as navigator.sendBeacon and Algolia's clients send it.
 */
const jsonTypes = ["application/json", "text/plain", "application/x-www-form-urlencoded"] as const;

/** Installs what reads bodies: JSON, and NDJSON as a stream that the handler reads. */
export function readBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  const whole = { parseAs: "buffer" } as const;
  for (const type of jsonTypes) {
    app.addContentTypeParser(type, whole, async (request: FastifyRequest, body: Buffer) => {
      refuseOtherForms(request, type);
      return parseJson(body);
    });
  }
  app.addContentTypeParser(
    "application/x-ndjson",
    async (request: FastifyRequest, body: Readable) => {
      refuseOtherForms(request, "application/x-ndjson");
      return body;
    },
  );
  // Without a known type only nothing at all can be read, as from a client that sends no body in chunks.
  app.addContentTypeParser("*", whole, async (request: FastifyRequest, body: Buffer) => {
    if (body.length > 0)
      refuseOtherForms(request, request.mediaType ?? "a body without Content-Type");
  });
}

/** Refuses content types, encodings and character sets that the operation does not take. */
function refuseOtherForms(request: FastifyRequest, type: string): void {
  const route = request.routeOptions.config.contract as Route | undefined;
  const taken = ["application/json", ...Object.keys(route?.otherBodies ?? {})];
  const refuse = (what: string) =>
    new HttpError(
      "UNSUPPORTED_MEDIA_TYPE",
      what,
      `Send plain UTF-8 as one of: ${taken.join(", ")}.`,
    );
  if (!taken.includes(type)) throw refuse(`This operation does not take ${type}.`);
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw refuse(`The body is encoded as "${encoding}", which this server does not read.`);
  }
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(
    request.headers["content-type"] ?? "",
  )?.[1];
  if (charset !== undefined && !/^(utf-?8|us-ascii)$/i.test(charset)) {
    throw refuse(`The body is in the character set "${charset}".`);
  }
}

/**
 * Parses a whole body. An empty one is `undefined`: whether that is allowed is the route's affair.
 *
 * @throws {HttpError} `INVALID_ENCODING`, `TOO_DEEP`, `MALFORMED_JSON`, each with its place
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) {
    throw new HttpError(
      "INVALID_ENCODING",
      `Byte ${firstInvalidByte(bytes)} of the body is not part of UTF-8 text.`,
      "Encode the body as UTF-8; text from files often is GBK, Big5 or Windows-1252.",
    );
  }
  if (nestedDeeperThan(bytes, maxDepth)) {
    throw new HttpError(
      "TOO_DEEP",
      `The body is nested more than ${maxDepth} levels deep.`,
      "Send flat objects; /docs shows the form of every body.",
    );
  }
  const text = bytes.toString("utf8");
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch (error) {
    throw new HttpError(
      "MALFORMED_JSON",
      `The body is not JSON: ${(error as Error).message}.`,
      "Build the body with a JSON library; NaN, Infinity, comments and trailing commas are not JSON.",
      { cause: error },
    );
  }
}

/** Index of the first byte of `bytes` that does not begin a character of UTF-8. */
function firstInvalidByte(bytes: Buffer): number {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      i += 1;
      continue;
    }
    const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!isUtf8(bytes.subarray(i, i + length))) return i;
    i += length;
  }
  return i;
}

/** Counts brackets outside strings; a body that is not JSON may get any answer, but a quick one. */
function nestedDeeperThan(bytes: Buffer, limit: number): boolean {
  const quote = 0x22;
  const backslash = 0x5c;
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === quote) {
      for (i++; i < bytes.length && bytes[i] !== quote; i++) {
        if (bytes[i] === backslash) i++;
      }
    } else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > limit) return true;
    } else if (byte === 0x5d || byte === 0x7d) {
      depth--;
    }
  }
  return false;
}
