import { Type, type Static } from "typebox";

/** What the documentation and a client know about one error code. */
export interface ErrorFacts {
  readonly status: number;
  /** The short, unchanging summary of the problem type (RFC 9457 `title`). */
  readonly title: string;
  /** When it happens and what to do about it, for the documentation. */
  readonly doc: string;
}

const facts = <const Codes extends Record<string, ErrorFacts>>(codes: Codes) => codes;

/** Every error code that the API gives by itself. Stable: codes are added, never renamed. */
export const errorCodes = facts({
  MALFORMED_JSON: {
    status: 400,
    title: "The body is not JSON",
    doc: "The body could not be parsed. `detail` says where. NaN, Infinity, comments and trailing commas are not JSON.",
  },
  INVALID_ENCODING: {
    status: 400,
    title: "The body is not UTF-8",
    doc: "Text crosses the API as UTF-8 only. `detail` names the first byte that is not.",
  },
  TOO_DEEP: {
    status: 400,
    title: "The body is nested too deeply",
    doc: "No request of this API needs more than a few levels; more than 64 are refused before they are parsed.",
  },
  EMPTY_BODY: {
    status: 400,
    title: "The body is missing",
    doc: "The operation takes a body and none was sent.",
  },
  INVALID_REQUEST: {
    status: 400,
    title: "A field of the request is wrong",
    doc: "The request does not follow its schema. `errors` lists each place with what was expected and what was found.",
  },
  INVALID_URL: {
    status: 400,
    title: "The address is not valid",
    doc: "The path holds an escape that is not UTF-8 or a part that is too long.",
  },
  MALFORMED_HTTP: {
    status: 400,
    title: "The request is not valid HTTP",
    doc: "The bytes received are not an HTTP/1.1 request. The connection is closed.",
  },
  DUPLICATE_HEADER: {
    status: 400,
    title: "A header is given twice",
    doc: "Headers that decide who asks and how the body is read may be given once only.",
  },
  EVENTS_REFUSED: {
    status: 400,
    title: "No event of the batch was accepted",
    doc: "Every event is wrong; `errors` says where. When at least one is good, the answer is 202 with a result for each.",
  },
  ITEMS_REFUSED: {
    status: 400,
    title: "No item of the batch was accepted",
    doc: "Every item is wrong; `errors` says where. When at least one is good, the answer is 200 with a result for each.",
  },
  MISSING_CONTEXT_ITEM: {
    status: 400,
    title: "The scenario needs an item",
    doc: "`similar-items` is asked for the item whose page is shown: send its id as `contextItemId`.",
  },
  INVALID_LIMIT: {
    status: 400,
    title: "The limit is out of bounds",
    doc: "`limit` is a whole number from 1; `detail` says up to how many.",
  },
  INVALID_OFFSET: {
    status: 400,
    title: "The offset is out of bounds",
    doc: "Pages are cut from a window of fixed size; `detail` says how far it reaches.",
  },
  UNKNOWN_FIELD: {
    status: 400,
    title: "No item has such a field",
    doc: "A condition, a facet or an order names a field that no item of the catalogue has; `detail` lists those there are.",
  },
  NOT_A_NUMBER_FIELD: {
    status: 400,
    title: "The field holds words, not numbers",
    doc: "Bounds, ranges and orders need a field with numbers; `detail` lists those there are.",
  },
  INVALID_RULES: {
    status: 400,
    title: "A rule is wrong",
    doc: "At least one rule cannot be taken, and nothing was changed. `errors` lists each place with what is wrong there.",
  },
  NOT_A_FACET: {
    status: 400,
    title: "The field is not offered as a facet",
    doc: "The shop's settings keep it from being one. Conditions on it are still possible.",
  },
  INVALID_SETTINGS: {
    status: 400,
    title: "The settings cannot be kept",
    doc: "`detail` names the setting that is wrong and why; nothing was changed.",
  },
  MISSING_KEY: {
    status: 401,
    title: "An API key is needed",
    doc: "Send `Authorization: Bearer mgp_…`. Only health, documentation and error pages are open to everyone.",
  },
  INVALID_KEY: {
    status: 401,
    title: "The API key is not valid",
    doc: "The key is unknown, revoked or past its expiry. Make a new one.",
  },
  INSUFFICIENT_SCOPE: {
    status: 403,
    title: "The API key may not do this",
    doc: "The key is valid, but lacks the scope that the operation needs; `hint` names it.",
  },
  FORBIDDEN_ORIGIN: {
    status: 403,
    title: "The page may not call this server",
    doc: "In open mode, a server on loopback answers its own pages and configured origins only, so that no other web page can act in your name.",
  },
  UNKNOWN_ROUTE: {
    status: 404,
    title: "There is no such operation",
    doc: "The method and path name nothing; /v1/openapi.json lists all operations.",
  },
  UNKNOWN_SCENARIO: {
    status: 404,
    title: "There is no such scenario",
    doc: "`hint` lists the scenarios that the server knows.",
  },
  UNKNOWN_ITEM: {
    status: 404,
    title: "There is no such item",
    doc: "The id is not in the catalogue; it may have been deleted.",
  },
  UNKNOWN_USER: {
    status: 404,
    title: "There is no such user",
    doc: "Nothing is recorded of this user. (Recommending for an unknown user is no error: a stranger is answered.)",
  },
  UNKNOWN_SNAPSHOT: {
    status: 404,
    title: "There is no such snapshot",
    doc: "GET /v1/snapshots lists the versions that can be activated.",
  },
  UNKNOWN_SYNONYM: {
    status: 404,
    title: "There is no such synonym",
    doc: "GET /v1/synonyms lists the synonyms, GET /v1/synonyms/candidates those to be decided about.",
  },
  INVALID_DICTIONARY: {
    status: 400,
    title: "A synonym or dictionary cannot be taken",
    doc: "The message names the entry and what it lacks; nothing was changed.",
  },
  UNKNOWN_RULE: {
    status: 404,
    title: "The draft has no such rule",
    doc: "GET /v1/rules/draft lists the rules of the draft.",
  },
  UNKNOWN_RULES_VERSION: {
    status: 404,
    title: "Rules were never published under this version",
    doc: "GET /v1/rules/versions lists the publications.",
  },
  UNKNOWN_TASK: {
    status: 404,
    title: "There is no such task",
    doc: "Tasks are kept while the server runs; GET /v1/tasks lists them.",
  },
  UNKNOWN_KEY: { status: 404, title: "There is no such key", doc: "GET /v1/keys lists the keys." },
  UNKNOWN_ERROR_CODE: {
    status: 404,
    title: "There is no such error code",
    doc: "GET /v1/errors lists all codes.",
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    title: "The path does not take this method",
    doc: "The `Allow` header lists the methods that it takes.",
  },
  REQUEST_TIMEOUT: {
    status: 408,
    title: "The request took too long to arrive",
    doc: "The server closed the connection because the request was not complete in time.",
  },
  TASK_FINISHED: {
    status: 409,
    title: "The task is over",
    doc: "A task that has ended cannot be cancelled.",
  },
  NO_FORMER_SNAPSHOT: {
    status: 409,
    title: "There is nothing to roll back to",
    doc: "No snapshot was active before the present one.",
  },
  RULES_CHANGED: {
    status: 412,
    title: "The draft is another one by now",
    doc: "Somebody else changed the rules since they were read. Read the draft again, and make the change on top of it.",
  },
  TOO_LARGE: {
    status: 413,
    title: "The body is too large",
    doc: "Send it in several requests, or use NDJSON for the catalogue.",
  },
  URL_TOO_LONG: {
    status: 414,
    title: "The address is too long",
    doc: "Use the POST form of the operation.",
  },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    title: "The body is in a form that this operation does not take",
    doc: "`hint` lists the content types that it takes.",
  },
  RATE_LIMITED: {
    status: 429,
    title: "Too many requests",
    doc: "Wait for the seconds in `Retry-After`, then go on.",
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    title: "The headers are too large",
    doc: "All headers together may take 16 KiB.",
  },
  INTERNAL: {
    status: 500,
    title: "Something broke on our side",
    doc: "The server's log has the cause under the request id in `X-Request-Id`.",
  },
  NO_SNAPSHOT: {
    status: 503,
    title: "Nothing is published yet",
    doc: "Train first (POST /v1/train), or wait for the training that is going on.",
  },
  SNAPSHOT_DAMAGED: {
    status: 503,
    title: "A file of the snapshot is damaged",
    doc: "The snapshot cannot be served; the one before it goes on serving. Train a new one.",
  },
  STORE_CLOSED: {
    status: 503,
    title: "The store is closed",
    doc: "The server is shutting down. Ask again in a moment.",
  },
  SHUTTING_DOWN: {
    status: 503,
    title: "The server is shutting down",
    doc: "Ask again in a moment.",
  },
  HANDLER_TIMEOUT: {
    status: 503,
    title: "The answer took too long",
    doc: "The server gave up on the request; it may be overloaded. Ask again with back-off.",
  },
});

/** Codes of a single event or item inside a batch; they stand in its result, not in a problem. */
const partCodes = {
  INVALID_EVENT: "The event does not follow its schema; `field` says where.",
  MISSING_ACTOR: "Neither `userId` nor `visitorId` is given.",
  MISSING_ITEMS: "An event of this type is about items, and none is named.",
  TIMESTAMP_IN_FUTURE: "The time lies ahead by more than clocks differ.",
  TIMESTAMP_TOO_OLD: "Events as old as this come from files, where they are cleaned as a whole.",
  INVALID_ITEM: "The item does not follow its schema; `field` says where.",
  INVALID_ENCODING: "The line is not UTF-8.",
  MALFORMED_JSON: "The line is not JSON.",
  TOO_LARGE: "The line has more than 2 MB.",
} as const;

/** The code of a refused part, documented with what each means. */
export const partCode = Type.String({
  description: Object.entries(partCodes)
    .map(([code, meaning]) => `\`${code}\`: ${meaning}`)
    .join(" "),
});

/** A code that the API gives by itself; deeper layers may add their own. */
export type ErrorCode = keyof typeof errorCodes;

/** One place in a request and what is wrong there. */
export const problemFieldSchema = Type.Object(
  {
    field: Type.String({
      description: 'Where, as the sender would write it: "events[0].items[1].quantity"',
    }),
    message: Type.String({ description: "What was expected and what was found" }),
  },
  { additionalProperties: false, title: "ProblemField" },
);

/** An error as it crosses the wire: RFC 9457 problem details, with our `code`, `hint` and `errors`. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: "Address of the code's description" }),
    title: Type.String({ description: "The same for every occurrence of the code" }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: "What happened this time, with the values" }),
    code: Type.String({ description: "Stable; what programs branch on" }),
    hint: Type.String({ description: "What the caller can do next" }),
    requestId: Type.Optional(Type.String({ description: "The same as the X-Request-Id header" })),
    errors: Type.Optional(Type.Array(problemFieldSchema)),
  },
  { additionalProperties: false, title: "Problem" },
);

export type ProblemField = Static<typeof problemFieldSchema>;
export type Problem = Static<typeof problemSchema>;
