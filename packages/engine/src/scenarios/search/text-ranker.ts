import type {
  Candidate,
  Contribution,
  Ranker,
  RetrievedList,
  ServingRequest,
} from "@magpie/domain";
import type { ServedModels } from "../retrievers.ts";
import type { LikelyCategory } from "./likely-category.ts";

/** What popularity can add to a score whose best text match is 1. */
const popularityShare = 0.15;

/**
 * Orders text hits: their match as a share of the best one, plus a little for what others take, so
 * that of two equal matches the one that sells is first.
 *
 *     score = match / best match + 0.15 · ln(1 + popularity) / ln(1 + highest popularity)
 *             + what the item's category gets, where the query is likely about it
 *
 * Only the first `window` hits are ordered anew, so that deeper pages continue what the first ones
 * began; the rest follow in order of their match.
 */
export class TextRanker implements Ranker {
  readonly name = "search-blend";
  readonly #window: number;
  readonly #popularity: ServedModels["popularity"];
  readonly #categories: LikelyCategory | undefined;
  #highest: { readonly of: Float32Array; readonly score: number } | undefined;

  /** @param popularity  its scores may be replaced as a whole: training looks back in time so */
  constructor(window: number, popularity: ServedModels["popularity"], categories?: LikelyCategory) {
    this.#window = window;
    this.#popularity = popularity;
    this.#categories = categories;
  }

  async rank(request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    const hits = lists.flatMap(({ candidates }) => candidates);
    const best = hits.reduce((most, { score }) => Math.max(most, score), 0);
    if (best === 0) return hits;
    const categoryOf = this.#categories?.of(request);
    const inWindow = hits
      .slice(0, this.#window)
      .map((hit) =>
        ranked(hit, best, [this.#popularityOf(hit.itemIndex), categoryOf?.(hit.itemIndex)]),
      )
      .sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
    return [...inWindow, ...hits.slice(this.#window).map((hit) => ranked(hit, best, []))];
  }

  #popularityOf(row: number): Contribution | undefined {
    if (this.#popularity === undefined) return undefined;
    const { scores, days } = this.#popularity;
    const taken = scores[row] ?? 0;
    if (!(taken > 0)) return undefined;
    if (this.#highest?.of !== scores) {
      const score = scores.reduce((most, other) => Math.max(most, other), 0);
      this.#highest = { of: scores, score };
    }
    return {
      stage: "popularity",
      amount: (popularityShare * Math.log1p(taken)) / Math.log1p(this.#highest.score),
      reason: { kind: "popular", days },
    };
  }
}

/** A hit with its match as a share of the best one, and what it gets beside. */
function ranked(
  { itemIndex, score, contributions }: Candidate,
  best: number,
  beside: readonly (Contribution | undefined)[],
): Candidate {
  const own: Candidate = {
    itemIndex,
    score: score / best,
    contributions: contributions.map((part) => ({ ...part, amount: part.amount / best })),
  };
  for (const part of beside) {
    if (part === undefined || part.amount === 0) continue;
    own.score += part.amount;
    own.contributions.push(part);
  }
  return own;
}

/** Leaves hits in the order they were found in: by a field, or of a page without a query. */
export const asFound: Ranker = {
  name: "as-found",
  rank: async (_request, lists) => lists.flatMap(({ candidates }) => candidates),
};
