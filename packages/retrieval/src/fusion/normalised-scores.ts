import type { Candidate, RetrievedList } from "@magpie/domain";
import { mergeLists } from "./merge-lists.ts";

/** How a retriever's scores become numbers in [0, 1] that can be added to those of others. */
export type Normalisation =
  /**
   * Along the list itself: its best is 1, the last of n is 1 / n, so that being found always counts
   * for more than being missing; all 1 when all are equal.
   */
  | { readonly kind: "min-max" }
  /** 1 / (1 + exp(−(score − centre) / scale)), fitted beforehand: means the same in every list. */
  | { readonly kind: "logistic"; readonly centre: number; readonly scale: number }
  /** 1 / (1 + (rank − 1) / halfLife): by place alone; half at rank 1 + halfLife. */
  | { readonly kind: "rank"; readonly halfLife: number };

/** Part of one retriever in a fused score. */
export interface FusionInput {
  readonly weight: number;
  readonly normalisation: Normalisation;
}

/**
 * Weighted sum of normalised scores. An item that a list does not have gets 0 from it.
 *
 *     score(item) = Σ_lists weight · normalise(score in list)
 *
 * @param inputOf  weight and normalisation of a retriever
 * @returns        each item once, best first, whatever the order of the lists
 */
export function fuseByScore(
  lists: readonly RetrievedList[],
  inputOf: (retriever: string) => FusionInput,
): Candidate[] {
  return mergeLists(lists, ({ retriever, candidates }) => {
    const { weight, normalisation } = inputOf(retriever);
    const amounts = normalise(
      candidates.map(({ score }) => score),
      normalisation,
    );
    return amounts.map((amount) => weight * amount);
  });
}

/**
 * @param scores  of one list, best first
 * @returns       one number in [0, 1] per score, in the same order
 */
export function normalise(scores: readonly number[], normalisation: Normalisation): number[] {
  switch (normalisation.kind) {
    case "min-max": {
      const most = scores.reduce((a, b) => Math.max(a, b), -Infinity);
      const least = scores.reduce((a, b) => Math.min(a, b), Infinity);
      const range = most - least;
      const last = 1 / scores.length;
      return scores.map((score) => (range > 0 ? last + (1 - last) * ((score - least) / range) : 1));
    }
    case "logistic": {
      const { centre, scale } = normalisation;
      return scores.map((score) => 1 / (1 + Math.exp(-(score - centre) / scale)));
    }
    case "rank":
      return scores.map((_, place) => 1 / (1 + place / normalisation.halfLife));
    default:
      return normalisation satisfies never;
  }
}
