import type { FastifyRequest, FastifyServerOptions } from "fastify";

/** Where the log goes, and how much of it. */
export interface LogOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  /** Standard output when absent. */
  readonly stream?: { write(line: string): void };
}

/** A logger that never writes secrets: headers are left out, and keys in addresses are struck. */
export function loggerOf(options: LogOptions | false): NonNullable<FastifyServerOptions["logger"]> {
  if (options === false) return false;
  return {
    level: options.level,
    ...(options.stream && { stream: options.stream }),
    base: { name: "magpie" },
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        url: withoutSecrets(request.url),
        address: request.ip,
      }),
    },
    // Belt and braces: whoever logs headers, bodies or keys some day does not leak them.
    redact: {
      paths: [
        "secret",
        "*.secret",
        "authorization",
        "*.authorization",
        "headers.authorization",
        "*.headers.authorization",
        "headers.cookie",
        "*.headers.cookie",
      ],
      censor: "[removed]",
    },
  };
}

/** An address without the values of `key` parameters, and without anything that looks like a key. */
export function withoutSecrets(url: string): string {
  return url
    .replaceAll(/([?&](?:x-algolia-api-)?key=)[^&#]*/gi, "$1[removed]")
    .replaceAll(/mgp_[\w-]+/g, "[removed]");
}
