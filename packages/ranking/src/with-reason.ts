import type { Candidate, Reason } from "@magpie/domain";

/** The candidate after a stage changed its score by `amount` (0 when only its place changed). */
export function withReason(
  candidate: Candidate,
  stage: string,
  amount: number,
  reason: Reason,
): Candidate {
  return {
    itemIndex: candidate.itemIndex,
    score: candidate.score + amount,
    contributions: [...candidate.contributions, { stage, amount, reason }],
  };
}
