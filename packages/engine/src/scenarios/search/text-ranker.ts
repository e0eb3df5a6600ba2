import type { Candidate, Ranker, RetrievedList, ServingRequest } from "@magpie/domain";
import type { ServedModels } from "../retrievers.ts";

/** What popularity can add to a score whose best text match is 1. */
const popularityShare = 0.15;

/**
 * Orders text hits: their match as a share of the best one, plus a little for what others take, so
 * that of two equal matches the one that sells is first.
 *
 *     score = match / best match + 0.15 · ln(1 + popularity) / ln(1 + highest popularity)
 *
 * Only the first `window` hits are ordered anew, so that deeper pages continue what the first ones
 * began; the rest follow in order of their match.
 */
export class TextRanker implements Ranker {
  readonly name = "search-blend";
  readonly #window: number;
  readonly #popularity: ServedModels["popularity"];
  readonly #highest: number;

  constructor(window: number, models: ServedModels["popularity"]) {
    this.#window = window;
    this.#popularity = models;
    this.#highest = models?.scores.reduce((most, score) => Math.max(most, score), 0) ?? 0;
  }

  async rank(_request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    const hits = lists.flatMap(({ candidates }) => candidates);
    const best = hits.reduce((most, { score }) => Math.max(most, score), 0);
    if (best === 0) return hits;
    const inWindow = hits
      .slice(0, this.#window)
      .map((hit) => this.#ranked(hit, best, this.#popularityOf(hit.itemIndex)))
      .sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
    return [...inWindow, ...hits.slice(this.#window).map((hit) => this.#ranked(hit, best, 0))];
  }

  #ranked({ itemIndex, score, contributions }: Candidate, best: number, popular: number) {
    const ranked: Candidate = {
      itemIndex,
      score: score / best + popular,
      contributions: contributions.map((part) => ({ ...part, amount: part.amount / best })),
    };
    if (popular !== 0) {
      ranked.contributions.push({
        stage: "popularity",
        amount: popular,
        reason: { kind: "popular", days: this.#popularity!.days },
      });
    }
    return ranked;
  }

  #popularityOf(row: number): number {
    const taken = this.#popularity?.scores[row] ?? 0;
    if (!(taken > 0)) return 0;
    return (popularityShare * Math.log1p(taken)) / Math.log1p(this.#highest);
  }
}

/** Leaves hits in the order they were found in: by a field, or of a page without a query. */
export const asFound: Ranker = {
  name: "as-found",
  rank: async (_request, lists) => lists.flatMap(({ candidates }) => candidates),
};
