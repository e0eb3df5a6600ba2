/**
 * Errors that a person can act on. `message` says what happened with the actual values, `hint`
 * what to do next; `code` is stable and part of the API, the words may improve.
 */

/** Which part of a person's work the error belongs to; decides HTTP status and exit code. */
export type ErrorKind =
  /** The input is wrong: HTTP 400, exit code 2. */
  | "invalid"
  /** No or insufficient key: HTTP 401 or 403. */
  | "unauthorized"
  | "forbidden"
  /** HTTP 404, exit code 3. */
  | "not-found"
  /** The state does not allow it now: HTTP 409, exit code 4. */
  | "conflict"
  /** HTTP 413. */
  | "too-large"
  /** HTTP 429. */
  | "rate-limited"
  /** Ours to mend or to wait for: HTTP 503, exit code 5. */
  | "unavailable";

export class MagpieError extends Error {
  readonly code: string;
  readonly kind: ErrorKind;
  readonly hint: string;

  /**
   * @param code     stable, SCREAMING_SNAKE_CASE
   * @param message  what happened, with the values and the place (line, field)
   * @param hint     what the reader can do next
   */
  constructor(
    code: string,
    message: string,
    hint: string,
    options: { kind?: ErrorKind; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.kind = options.kind ?? "invalid";
    this.hint = hint;
  }
}

/** Something is wrong with a file, a row or a field that a shop gave us. */
export class DataError extends MagpieError {}

/** Something is wrong with what a caller asked for. */
export class RequestError extends MagpieError {}

/** The data folder or its state does not allow the operation. */
export class StoreError extends MagpieError {}

/** A training, evaluation or snapshot step cannot go on. */
export class TrainingError extends MagpieError {}
