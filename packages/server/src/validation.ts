import type { TSchema } from "@fastify/type-provider-typebox";
import type { Route } from "@magpie/contract";
import { compile } from "@magpie/domain";
import { HttpError, invalidRequest } from "./problems.ts";

type Outcome = { value: unknown } | { error: Error };
type Check = (data: unknown) => Outcome;

/** Checks the parts of one route's requests, giving violations in the domain's words. */
export function validatorFor(route: Route) {
  return ({ schema, httpPart }: { schema: unknown; httpPart?: string }): Check => {
    const check = compile(schema as TSchema);
    switch (httpPart) {
      case "body":
        return (data) => {
          if (data === undefined || data === null) {
            return route.bodyOptional ? { value: {} } : { error: emptyBody(route) };
          }
          if (isStream(data)) return { value: data }; // read and checked line by line later
          const checked = check(data);
          return checked.ok
            ? { value: checked.value }
            : { error: invalidRequest("body", checked.violations) };
        };
      case "querystring":
        return (data) => {
          const checked = check(fromText(data as Record<string, string | string[]>, schema));
          return checked.ok
            ? { value: checked.value }
            : { error: invalidRequest("query", checked.violations) };
        };
      default:
        return (data) => {
          const checked = check(data);
          return checked.ok
            ? { value: checked.value }
            : { error: invalidRequest("path", checked.violations) };
        };
    }
  };
}

function emptyBody(route: Route): HttpError {
  return new HttpError(
    "EMPTY_BODY",
    `${route.method} ${route.path} takes a body and none was sent.`,
    "Send a JSON object with Content-Type: application/json.",
  );
}

function isStream(data: unknown): boolean {
  return typeof data === "object" && data !== null && "pipe" in data;
}

/**
 * Query parameters as the schema's types: a parameter that is a list may come once or repeatedly,
 * numbers and booleans are read only when their text is exactly one. Whatever does not fit stays
 * text, so that the violation shows what was sent.
 */
function fromText(query: Record<string, string | string[]>, schema: unknown): object {
  const { properties } = schema as { properties: Record<string, { type?: string }> };
  return Object.fromEntries(
    Object.entries(query).map(([name, value]) => {
      const type = Object.hasOwn(properties, name) ? properties[name]!.type : undefined;
      if (type === "array") return [name, Array.isArray(value) ? value : [value]];
      return [name, Array.isArray(value) ? value : scalar(value, type)];
    }),
  );
}

function scalar(text: string, type: string | undefined): unknown {
  if (type === "boolean" && (text === "true" || text === "false")) return text === "true";
  if ((type === "integer" || type === "number") && /^-?\d{1,15}(\.\d{1,15})?$/.test(text)) {
    return Number(text);
  }
  return text;
}
