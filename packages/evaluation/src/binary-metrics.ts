import { EvaluationError } from "./errors.ts";

/**
 * Area under the ROC curve: the chance that a random positive stands above a random negative, ties
 * counting half.
 *
 * @param scores  any order-giving numbers
 * @param labels  0 or 1, one for each score
 * @throws {EvaluationError} `NO_BOTH_ANSWERS` when all labels are the same
 */
export function areaUnderCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  const count = scores.length;
  const order = Array.from({ length: count }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let positives = 0;
  let rankSum = 0;
  for (let from = 0; from < count;) {
    let to = from;
    while (to < count && scores[order[to]!] === scores[order[from]!]) to++;
    const rank = (from + to + 1) / 2;
    for (let i = from; i < to; i++) {
      if (labels[order[i]!] !== 1) continue;
      positives++;
      rankSum += rank;
    }
    from = to;
  }
  const negatives = count - positives;
  if (positives === 0 || negatives === 0) {
    throw new EvaluationError(
      "NO_BOTH_ANSWERS",
      `Of ${count} examples ${positives} are positive: there is no pair to compare.`,
      "Measure on more examples.",
    );
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** Probabilities are held away from 0 and 1 by this much. */
const nearest = 1e-7;

/** Mean of −log of the probability that was given to what happened. */
export function logLoss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < probabilities.length; i++) {
    const p = Math.min(1 - nearest, Math.max(nearest, probabilities[i]!));
    sum -= Math.log(labels[i] === 1 ? p : 1 - p);
  }
  return sum / probabilities.length;
}

/**
 * Expected calibration error: how far what was said is from what happened, on average over `bins` of
 * equally many examples in order of probability.
 *
 *     ECE = Σ_bins share of examples · |mean probability − share of positives|
 *
 * @see Naeini, Cooper & Hauskrecht (2015), "Obtaining well calibrated probabilities using Bayesian
 *   binning"; bins of equal counts rather than widths, since most probabilities of clicks lie near 0
 */
export function expectedCalibrationError(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  bins = 20,
): number {
  const count = probabilities.length;
  const order = Array.from({ length: count }, (_, i) => i).sort(
    (a, b) => probabilities[a]! - probabilities[b]! || a - b,
  );
  let error = 0;
  for (let bin = 0; bin < bins; bin++) {
    const own = order.slice(
      Math.floor((bin * count) / bins),
      Math.floor(((bin + 1) * count) / bins),
    );
    let gap = 0;
    for (const i of own) gap += probabilities[i]! - labels[i]!;
    error += Math.abs(gap);
  }
  return error / count;
}
