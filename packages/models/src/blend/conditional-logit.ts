import { factorCholesky, solveCholesky } from "@magpie/numerics";

/** Choices to learn from: in each case some candidates, of which some were taken. */
export interface Choices {
  readonly featureCount: number;
  /** [candidates, featureCount], cases one after the other. */
  readonly features: Float32Array;
  /** [cases + 1]: case `c` owns the candidates from `offsets[c]` to `offsets[c + 1]`. */
  readonly offsets: Int32Array;
  /** [candidates]: 1 where the candidate was taken. Cases without a taken one teach nothing. */
  readonly taken: Uint8Array;
}

export interface ConditionalLogitFit {
  /** [featureCount] */
  readonly weights: Float64Array;
  /** Mean negative log-likelihood of a taken candidate, before the ridge. */
  readonly loss: number;
  readonly iterations: number;
}

const maxIterations = 30;
/** A step that gains less is the last. */
const smallestGain = 1e-7;
const maxHalvings = 20;

/**
 * Weights under which the taken candidates are likeliest, by Newton's method:
 *
 *     P(i | case) = exp(w · f(i)) / Σ_j exp(w · f(j))
 *     minimise    − Σ_cases mean_{i taken} log P(i | case) / cases + ridge / 2 · ‖w‖²
 *
 * The problem is convex, so the answer does not depend on a start or on chance.
 *
 * @param ridge  above 0; keeps weights of features that say the same small
 * @see McFadden (1974), "Conditional logit analysis of qualitative choice behavior"
 */
export function fitConditionalLogit(choices: Choices, ridge: number): ConditionalLogitFit {
  const F = choices.featureCount;
  let weights = new Float64Array(F);
  let point = evaluateLogit(choices, weights, ridge);
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    const step = point.gradient.slice();
    const hessian = point.hessian.slice();
    factorCholesky(hessian, F);
    solveCholesky(hessian, F, step);
    let next = point;
    let tried = weights;
    for (let half = 0, scale = 1; half < maxHalvings; half++, scale /= 2) {
      tried = weights.map((weight, f) => weight - scale * step[f]!);
      next = evaluateLogit(choices, tried, ridge);
      if (next.objective < point.objective) break;
    }
    const gain = point.objective - next.objective;
    if (!(gain > 0)) return { weights, loss: point.loss, iterations: iteration };
    [weights, point] = [tried, next];
    if (gain < smallestGain) return { weights, loss: point.loss, iterations: iteration };
  }
  return { weights, loss: point.loss, iterations: maxIterations };
}

/** Objective, gradient and Hessian at some weights. */
export function evaluateLogit(
  { featureCount: F, features, offsets, taken }: Choices,
  weights: Float64Array,
  ridge: number,
): { loss: number; objective: number; gradient: Float64Array; hessian: Float64Array } {
  const gradient = new Float64Array(F);
  const hessian = new Float64Array(F * F);
  const expected = new Float64Array(F);
  let probabilities = new Float64Array(0);
  let loss = 0;
  let cases = 0;
  for (let c = 0; c + 1 < offsets.length; c++) {
    const [from, to] = [offsets[c]!, offsets[c + 1]!];
    let takenCount = 0;
    for (let i = from; i < to; i++) takenCount += taken[i]!;
    if (takenCount === 0) continue;
    cases++;
    if (probabilities.length < to - from) probabilities = new Float64Array(2 * (to - from));
    let most = -Infinity;
    for (let i = from; i < to; i++) {
      let utility = 0;
      for (let f = 0; f < F; f++) utility += weights[f]! * features[i * F + f]!;
      probabilities[i - from] = utility;
      if (utility > most) most = utility;
    }
    let sum = 0;
    let takenUtility = 0;
    for (let i = from; i < to; i++) {
      const utility = probabilities[i - from]!;
      if (taken[i] === 1) takenUtility += utility / takenCount;
      probabilities[i - from] = Math.exp(utility - most);
      sum += probabilities[i - from]!;
    }
    loss += most + Math.log(sum) - takenUtility;
    expected.fill(0);
    for (let i = from; i < to; i++) {
      const p = probabilities[i - from]! / sum;
      const share = taken[i]! / takenCount;
      for (let f = 0; f < F; f++) {
        const value = features[i * F + f]!;
        if (value === 0) continue;
        expected[f]! += p * value;
        gradient[f]! += (p - share) * value;
        const weighted = p * value;
        for (let g = 0; g <= f; g++) hessian[f * F + g]! += weighted * features[i * F + g]!;
      }
    }
    for (let f = 0; f < F; f++) {
      for (let g = 0; g <= f; g++) hessian[f * F + g]! -= expected[f]! * expected[g]!;
    }
  }
  const scale = 1 / Math.max(1, cases);
  let penalty = 0;
  for (let f = 0; f < F; f++) {
    gradient[f] = gradient[f]! * scale + ridge * weights[f]!;
    penalty += (ridge / 2) * weights[f]! ** 2;
    for (let g = 0; g <= f; g++) hessian[g * F + f] = hessian[f * F + g]! *= scale;
  }
  for (let f = 0; f < F; f++) hessian[f * F + f]! += ridge;
  return { loss: loss * scale, objective: loss * scale + penalty, gradient, hessian };
}
