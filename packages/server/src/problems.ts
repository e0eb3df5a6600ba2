import {
  errorCodes,
  problemType,
  type ErrorCode,
  type Problem,
  type ProblemField,
} from "@magpie/contract";
import { MagpieError, RequestError, type ErrorKind, type Violation } from "@magpie/domain";
import type { FastifyError } from "fastify";

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  "not-found": 404,
  conflict: 409,
  "too-large": 413,
  "rate-limited": 429,
  unavailable: 503,
};

/** A request that the border refuses, under one of the API's own codes. */
export class HttpError extends RequestError {
  declare readonly code: ErrorCode;
  readonly fields: readonly ProblemField[];
  /** Headers that belong to the refusal, such as `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    message: string,
    hint: string,
    options: {
      fields?: readonly ProblemField[];
      headers?: Readonly<Record<string, string>>;
      cause?: unknown;
    } = {},
  ) {
    super(code, message, hint, { cause: options.cause });
    this.fields = options.fields ?? [];
    this.headers = options.headers ?? {};
  }

  get status(): number {
    return errorCodes[this.code].status;
  }
}

/** A request that does not follow its schema; `part` says which part of it. */
export function invalidRequest(
  part: "body" | "query" | "path",
  violations: readonly Violation[],
): HttpError {
  const fields = violations.map(({ field, message }) => ({
    field: part === "body" ? field : [part, field].filter(Boolean).join("."),
    message,
  }));
  const { field, message } = fields[0]!;
  return new HttpError(
    "INVALID_REQUEST",
    field === "" ? `The body ${message}.` : `${field}: ${message}.`,
    field === ""
      ? "Send a JSON object; /v1/openapi.json and /docs show its form."
      : `Correct ${field} and send the request again; /docs shows the form of every field.`,
    { fields },
  );
}

/** What Fastify and Node raise by themselves, in our words. */
function ofFramework(error: unknown): HttpError | undefined {
  const refuse = (code: ErrorCode, message: string, hint: string) =>
    new HttpError(code, message, hint, { cause: error });
  switch ((error as FastifyError | null | undefined)?.code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return refuse(
        "TOO_LARGE",
        "The body is larger than this operation takes.",
        "Send it in several requests; a whole catalogue goes as application/x-ndjson.",
      );
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return refuse(
        "UNSUPPORTED_MEDIA_TYPE",
        "The Content-Type is missing or not one that this operation takes.",
        "Send Content-Type: application/json.",
      );
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return refuse(
        "MALFORMED_HTTP",
        "The body is not as long as Content-Length says.",
        "Leave Content-Length to the HTTP library.",
      );
    case "FST_ERR_BAD_URL":
      return refuse(
        "INVALID_URL",
        "The path holds an escape that is not UTF-8.",
        "Encode ids with encodeURIComponent before putting them into a path.",
      );
    case "FST_ERR_HANDLER_TIMEOUT":
      return refuse(
        "HANDLER_TIMEOUT",
        "No answer was ready in time.",
        "Ask again with back-off; if it persists, look at the stage times in /v1/metrics.",
      );
  }
  // Plugins throw plain errors with a status, such as 403 for a path that leads out of a folder.
  const status = (error as FastifyError | null | undefined)?.statusCode ?? 500;
  if (status === 403 || status === 404) {
    return refuse(
      "UNKNOWN_ROUTE",
      "There is nothing at this address.",
      "All operations are listed at /docs.",
    );
  }
  if (status >= 400 && status < 500) {
    return refuse(
      "MALFORMED_HTTP",
      `The request is refused: ${(error as Error).message}.`,
      "All operations are shown with examples at /docs.",
    );
  }
  return undefined;
}

/** An error as it goes over the wire, with the status and headers that go with it. */
export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** The fault is ours: log it with its stack. */
  readonly unexpected: boolean;
}

/** Turns anything thrown into a problem document. What is not meant for callers stays in the log. */
export function toProblem(error: unknown, requestId: string): ProblemAnswer {
  const known = error instanceof MagpieError ? error : ofFramework(error);
  if (known === undefined) {
    const { status, title } = errorCodes.INTERNAL;
    return {
      problem: {
        type: problemType("INTERNAL"),
        title,
        status,
        detail: "The request could not be answered because of a fault in the server.",
        code: "INTERNAL",
        hint: `Report it with the request id ${requestId}; the server's log has the cause under it.`,
        requestId,
      },
      headers: {},
      unexpected: true,
    };
  }
  const facts = known.code in errorCodes ? errorCodes[known.code as ErrorCode] : undefined;
  const fields = known instanceof HttpError ? known.fields : [];
  return {
    problem: {
      type: problemType(known.code),
      title: facts?.title ?? titleOf(known.code),
      status: facts?.status ?? statusOfKind[known.kind],
      detail: known.message,
      code: known.code,
      hint: known.hint,
      requestId,
      ...(fields.length > 0 && { errors: [...fields] }),
    },
    headers: known instanceof HttpError ? known.headers : {},
    unexpected: false,
  };
}

/** "SNAPSHOT_DAMAGED" → "Snapshot damaged": the title of a code that a deeper layer added. */
function titleOf(code: string): string {
  const words = code.toLowerCase().replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
