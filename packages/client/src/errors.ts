import type { Problem, ProblemField } from "@magpie/contract";

/**
 * A call that failed, in the server's words where it gave any.
 *
 * `code` is stable and what programs branch on: one of the API's own (GET /v1/errors), or
 * `NETWORK` (no answer came), `TIMEOUT`, `NOT_MAGPIE` (the answer was not this API's).
 */
export class MagpieClientError extends Error {
  readonly code: string;
  /** What the caller can do next. */
  readonly hint: string;
  /** HTTP status; absent when no answer came. */
  readonly status: number | undefined;
  /** Places in the request that are wrong. */
  readonly fields: readonly ProblemField[];
  /** Finds the request in the server's log. */
  readonly requestId: string | undefined;

  constructor(
    facts: {
      readonly code: string;
      readonly message: string;
      readonly hint: string;
      readonly status?: number | undefined;
      readonly fields?: readonly ProblemField[] | undefined;
      readonly requestId?: string | undefined;
    },
    cause?: unknown,
  ) {
    super(facts.message, { cause });
    this.name = "MagpieClientError";
    this.code = facts.code;
    this.hint = facts.hint;
    this.status = facts.status;
    this.fields = facts.fields ?? [];
    this.requestId = facts.requestId;
  }
}

/** Reads the problem document of a refusal; anything else in its place is said to be so. */
export async function errorOf(response: Response): Promise<MagpieClientError> {
  const { status } = response;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem> | null;
  if (typeof problem?.code !== "string") {
    return new MagpieClientError({
      code: "NOT_MAGPIE",
      message: `The server answered ${status} without a problem document.`,
      hint: "Check baseUrl; a proxy may have answered in the server's place.",
      status,
    });
  }
  return new MagpieClientError({
    code: problem.code,
    message: problem.detail ?? problem.title ?? problem.code,
    hint: problem.hint ?? "",
    status,
    fields: problem.errors,
    requestId: problem.requestId,
  });
}
