import type { Candidate, Reranker, ServingRequest } from "@magpie/domain";
import type { ItemLikeness } from "./likeness.ts";
import { withReason } from "./with-reason.ts";

export interface MmrConfig {
  /** In (0, 1]: 1 leaves the ranking as it is, smaller numbers buy more variety with relevance. */
  readonly lambda: number;
  /** Candidates from the top that are rearranged; the rest follow as they were. */
  readonly window: number;
}

export const mmrDefaults: MmrConfig = { lambda: 0.8, window: 100 };

/**
 * Variety by maximal marginal relevance: again and again takes the candidate that is best after a
 * deduction for being like one that is already chosen.
 *
 *     next = argmax  λ · relevance(i) − (1 − λ) · max_chosen likeness(i, chosen)
 *
 * Relevance is the score brought to [0, 1] over the window. A candidate's score is lowered by its
 * deduction in the score's own units, (1 − λ) / λ · likeness · range, which gives the same order,
 * and the deduction is its contribution: the first is never lowered, and scores never rise along
 * the window. Expects a ranking in order of score; stands before reranks that only move.
 *
 * Costs about window² / 2 likenesses.
 *
 * @see Carbonell & Goldstein (1998), "The use of MMR, diversity-based reranking"
 */
export class Mmr implements Reranker {
  readonly name = "mmr";
  readonly #likeness: ItemLikeness;
  readonly #config: MmrConfig;

  constructor(likeness: ItemLikeness, config: Partial<MmrConfig> = {}) {
    this.#likeness = likeness;
    this.#config = { ...mmrDefaults, ...config };
    const { lambda } = this.#config;
    if (!(lambda > 0 && lambda <= 1)) {
      throw new RangeError(`lambda is ${lambda}; it must be above 0 and at most 1`);
    }
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const { lambda, window } = this.#config;
    const left = ranking.slice(0, window);
    const first = left[0];
    if (lambda === 1 || first === undefined) return [...ranking];
    const range = first.score - left[left.length - 1]!.score;
    // All equally relevant: any deduction then decides, so it is taken as small as it can be seen.
    const strength = ((1 - lambda) / lambda) * (range > 0 ? range : Math.abs(first.score) || 1);

    const chosen: Candidate[] = [];
    const nearest = new Float64Array(left.length); // max likeness to any chosen, per one left
    while (left.length > 0) {
      let best = 0;
      let bestScore = -Infinity;
      left.forEach(({ score }, i) => {
        const lowered = score - strength * nearest[i]!;
        if (lowered > bestScore) {
          best = i;
          bestScore = lowered;
        }
      });
      const taken = left[best]!;
      const deduction = strength * nearest[best]!;
      chosen.push(
        deduction === 0 ? taken : withReason(taken, this.name, -deduction, { kind: "diversity" }),
      );
      left.splice(best, 1);
      nearest.copyWithin(best, best + 1);
      left.forEach(({ itemIndex }, i) => {
        const likeness = this.#likeness(itemIndex, taken.itemIndex);
        if (likeness > nearest[i]!) nearest[i] = likeness;
      });
    }
    return [...chosen, ...ranking.slice(window)];
  }
}
