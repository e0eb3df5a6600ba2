import { RequestError } from "@magpie/domain";

/** A parameter of the dialect that cannot be understood: HTTP 400. */
export type DialectError = RequestError;

/**
 * @param parameter  its name, as the caller wrote it
 * @param what       what is wrong with it, with the place where there is one
 * @param hint       what to write in its place
 */
export function parameterError(parameter: string, what: string, hint: string): DialectError {
  return new RequestError("INVALID_PARAMETER", `${parameter}: ${what}.`, hint);
}
