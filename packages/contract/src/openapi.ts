import type { TSchema } from "typebox";
import { errorCodes, problemSchema, type ErrorCode, type Problem } from "./problem.ts";
import { routes, type Route } from "./routes.ts";
import { scopeMeanings } from "./scopes.ts";

type Json = Record<string, unknown>;

/** An OpenAPI 3.1 document, as far as our own code looks into it. */
export interface OpenApiDocument extends Json {
  readonly openapi: "3.1.1";
  readonly paths: Record<string, Record<string, Json>>;
  readonly components: { readonly schemas: Record<string, Json>; readonly securitySchemes: Json };
}

/** Codes that any operation may give, by what it takes. */
function errorsOf(route: Route): ErrorCode[] {
  const codes: ErrorCode[] = [
    "RATE_LIMITED",
    "INTERNAL",
    "HANDLER_TIMEOUT",
    ...(route.errors ?? []),
  ];
  if (route.scope !== null) codes.push("MISSING_KEY", "INVALID_KEY", "INSUFFICIENT_SCOPE");
  if (route.params || route.querystring || route.body) codes.push("INVALID_REQUEST");
  if (route.body) {
    codes.push("MALFORMED_JSON", "INVALID_ENCODING", "TOO_DEEP", "TOO_LARGE");
    codes.push("UNSUPPORTED_MEDIA_TYPE");
    if (!route.bodyOptional) codes.push("EMPTY_BODY");
  }
  return codes;
}

/**
 * Describes the API from the same schemas that validate requests. Schemas with a `title` become
 * components and are referred to; the document is plain JSON.
 */
export function openApiDocument(version: string): OpenApiDocument {
  const schemas: Record<string, Json> = {};

  /** The schema with every titled part replaced by a reference to its component. */
  const refer = (value: unknown, isRoot = false): unknown => {
    if (Array.isArray(value)) return value.map((part) => refer(part));
    if (typeof value !== "object" || value === null) return value;
    const schema = value as Json;
    const title = schema["title"];
    if (!isRoot && typeof title === "string" && /^[A-Z]\w+$/.test(title)) {
      if (!(title in schemas)) {
        schemas[title] = {}; // before descending, so that a schema may refer to itself
        schemas[title] = refer(schema, true) as Json;
      }
      return { $ref: `#/components/schemas/${title}` };
    }
    return Object.fromEntries(Object.entries(schema).map(([key, part]) => [key, refer(part)]));
  };
  const content = (type: string, schema: TSchema, example: unknown) => ({
    [type]: { schema: refer(schema), ...(example !== undefined && { example }) },
  });

  const paths: Record<string, Record<string, Json>> = {};
  for (const route of Object.values<Route>(routes)) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = {
      operationId: route.id,
      tags: [route.tag],
      summary: route.summary,
      description: [
        route.description,
        route.scope === null
          ? "Needs no key."
          : `Needs a key with the scope \`${route.scope}\` (${scopeMeanings[route.scope].toLowerCase()}).`,
      ]
        .filter(Boolean)
        .join("\n\n"),
      security: securityOf(route),
      parameters: [
        ...parametersOf(route.params, "path", refer),
        ...parametersOf(route.querystring, "query", refer),
      ],
      ...(route.body && {
        requestBody: {
          required: !route.bodyOptional,
          content: {
            ...content("application/json", route.body, route.bodyExample),
            ...Object.fromEntries(
              Object.entries(route.otherBodies ?? {}).map(([type, description]) => [
                type,
                { schema: { type: "string", description } },
              ]),
            ),
          },
        },
      }),
      responses: {
        ...Object.fromEntries(
          Object.entries(route.answers).map(([status, answer]) => [
            status,
            {
              description: answer.description,
              ...(answer.schema && {
                content: content(
                  answer.contentType ?? "application/json",
                  answer.schema,
                  answer.example,
                ),
              }),
            },
          ]),
        ),
        ...problemsOf(route, refer),
      },
    };
  }

  return {
    openapi: "3.1.1",
    info: {
      title: "Magpie",
      version,
      summary: "Search and recommendation for shops",
      description:
        "Send behaviour events, ask for recommendations and search results, and read why each item is shown. Every error is a problem document (RFC 9457) with a stable `code` and a `hint`.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "This server" }],
    tags: [...new Set(Object.values<Route>(routes).map(({ tag }) => tag))].map((name) => ({
      name,
    })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: {
          type: "http",
          scheme: "bearer",
          description: `API key, \`mgp_…\`. Scopes: ${Object.entries(scopeMeanings)
            .map(([scope, meaning]) => `\`${scope}\` (${meaning.toLowerCase()})`)
            .join("; ")}.`,
        },
        beaconKey: {
          type: "apiKey",
          in: "query",
          name: "key",
          description: "For navigator.sendBeacon on POST /v1/events only",
        },
      },
    },
  };
}

function securityOf(route: Route): Json[] {
  if (route.scope === null) return [];
  const bearer = { key: [route.scope] };
  return route.id === "postEvents" ? [bearer, { beaconKey: [route.scope] }] : [bearer];
}

function parametersOf(
  schema: TSchema | undefined,
  place: "path" | "query",
  refer: (value: unknown) => unknown,
): Json[] {
  const { properties = {}, required = [] } = (schema ?? {}) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: required.includes(name),
      ...(description !== undefined && { description }),
      ...(property["type"] === "array" && { style: "form", explode: true }),
      schema: refer(rest),
    };
  });
}

/** One answer per status, with an example per code. */
function problemsOf(route: Route, refer: (value: unknown) => unknown): Json {
  const byStatus = Map.groupBy(new Set(errorsOf(route)), (code) => errorCodes[code].status);
  return Object.fromEntries(
    [...byStatus]
      .filter(([status]) => !(status in route.answers))
      .map(([status, codes]) => [
        status,
        {
          description: codes.map((code) => `\`${code}\`: ${errorCodes[code].title}`).join("\n\n"),
          content: {
            "application/problem+json": {
              schema: refer(problemSchema),
              examples: Object.fromEntries(
                codes.map((code) => [code, { value: exampleProblem(code) }]),
              ),
            },
          },
        },
      ]),
  );
}

function exampleProblem(code: ErrorCode): Problem {
  const { status, title, doc } = errorCodes[code];
  return { type: problemType(code), title, status, detail: `${title}.`, code, hint: doc };
}

/** Address of a code's description: the `type` of its problems. */
export function problemType(code: string): string {
  return `/v1/errors/${code}`;
}
