import type { Candidate, RetrievedList } from "@magpie/domain";
import { mergeLists } from "./merge-lists.ts";

/** The constant of the paper: how far down a list a place still counts much. */
export const reciprocalRankConstant = 60;

/**
 * Reciprocal rank fusion: looks at places only, so lists of any scale can be joined.
 *
 *     score(item) = Σ_lists weight / (constant + rank)        ranks start at 1
 *
 * @param weights  per retriever name; 1 for those not named
 * @returns        each item once, best first, whatever the order of the lists
 * @see Cormack, Clarke & Büttcher (2009), "Reciprocal rank fusion outperforms Condorcet"
 */
export function fuseByRank(
  lists: readonly RetrievedList[],
  weights: Readonly<Record<string, number>> = {},
  constant = reciprocalRankConstant,
): Candidate[] {
  return mergeLists(lists, ({ retriever, candidates }) => {
    const weight = weights[retriever] ?? 1;
    return candidates.map((_, place) => weight / (constant + place + 1));
  });
}
