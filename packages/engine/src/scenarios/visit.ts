import type { ServingRequest } from "@magpie/domain";

/** A pause longer than this ends a visit; half an hour, as web analytics count them. */
export const visitGapMs = 30 * 60_000;

/** True when the user did something lately: the request is part of a visit that goes on. */
export function isInVisit({ history, nowMs }: Pick<ServingRequest, "history" | "nowMs">): boolean {
  const last = history.at(-1);
  return last !== undefined && nowMs - last.timestampMs <= visitGapMs;
}
