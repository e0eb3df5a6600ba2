import { RequestError } from "@magpie/domain";
import type { RecommendOptions } from "../engine.ts";

/** Items of an answer when the caller does not say how many. */
const defaultLimit = 20;
const maxLimit = 100;

/**
 * Candidates asked of each retriever, and so the least number of items that a list can be paged
 * through. Fixed, so that the second page continues the first: both are cut from the same ranking.
 */
export const candidateWindow = 200;

/**
 * Candidates of the retrievers that only complement a blend; the others give a whole window. Fewer
 * candidates are less garbage: at 100,000 items a feed of whole windows allocates 1.7 MB.
 */
export const complementDepths: Readonly<Record<string, number>> = {
  "item-knn-session": 100,
  "two-tower": 100,
  popularity: 100,
  content: 100,
  newest: 20,
};

/** The part of a ranking that is asked for. */
export interface Page {
  readonly limit: number;
  readonly offset: number;
}

/**
 * @throws {RequestError} `INVALID_LIMIT`, `INVALID_OFFSET`
 */
export function pageOf(options: RecommendOptions): Page {
  const { limit = defaultLimit, offset = 0 } = options;
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new RequestError(
      "INVALID_LIMIT",
      `limit is ${limit}; it must be a whole number from 1 to ${maxLimit}.`,
      "Ask for fewer items and page through them with offset.",
    );
  }
  if (!Number.isInteger(offset) || offset < 0) {
    throw new RequestError(
      "INVALID_OFFSET",
      `offset is ${offset}; it must be a whole number from 0 on.`,
      "Leave it out for the first page.",
    );
  }
  return { limit, offset };
}
