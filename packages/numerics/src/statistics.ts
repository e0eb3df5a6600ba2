import type { Random } from "./random.ts";

/** Arithmetic mean. NaN for no values. */
export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

/** Sample standard deviation, with n - 1 below. NaN for fewer than two values. */
export function standardDeviation(values: ArrayLike<number>): number {
  if (values.length < 2) return NaN;
  const center = mean(values);
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - center) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}

/** A mean with the range in which the true mean lies at the stated level of confidence. */
export interface Interval {
  readonly mean: number;
  /** Equal to `mean` when one value tells nothing about spread. */
  readonly low: number;
  readonly high: number;
  /** Number of values behind it. */
  readonly count: number;
}

/**
 * Student's interval of a mean: mean ± t(n - 1) · sd / √n.
 *
 * A single value gives an interval of no width and `count` 1: say so where it is shown.
 *
 * @param level  confidence, 0.95 unless told
 */
export function meanInterval(values: ArrayLike<number>, level = 0.95): Interval {
  const count = values.length;
  const center = mean(values);
  if (count < 2) return { mean: center, low: center, high: center, count };
  const t = studentQuantile(0.5 + level / 2, count - 1);
  const half = (t * standardDeviation(values)) / Math.sqrt(count);
  return { mean: center, low: center - half, high: center + half, count };
}

/** How two systems differ on the same cases. */
export interface PairedDifference {
  /** Of `a - b`. */
  readonly difference: Interval;
  /** Chance of a difference at least this large if there were none (two-sided t test). */
  readonly pValue: number;
}

/**
 * Compares two systems measured on the same cases (users, seeds): the spread between cases, which
 * both share, drops out.
 *
 * @throws {RangeError} when the lengths differ or there are fewer than two pairs
 */
export function pairedDifference(a: ArrayLike<number>, b: ArrayLike<number>): PairedDifference {
  if (a.length !== b.length || a.length < 2) {
    throw new RangeError(`${a.length} against ${b.length} values; two equal lists of 2 or more`);
  }
  const differences = Float64Array.from(a, (value, i) => value - b[i]!);
  const difference = meanInterval(differences);
  const error = standardDeviation(differences) / Math.sqrt(differences.length);
  if (error === 0) return { difference, pValue: difference.mean === 0 ? 1 : 0 };
  const t = Math.abs(difference.mean / error);
  return { difference, pValue: 2 * (1 - studentCdf(t, differences.length - 1)) };
}

/**
 * Percentile bootstrap interval of the mean: for values whose distribution is nothing like normal,
 * as per-user metrics are.
 *
 * @param random  decides the resamples
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  random: Random,
  options: { readonly resamples?: number; readonly level?: number } = {},
): Interval {
  const { resamples = 1_000, level = 0.95 } = options;
  const count = values.length;
  const center = mean(values);
  if (count < 2) return { mean: center, low: center, high: center, count };
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[random.int(count)]!;
    means[r] = sum / count;
  }
  means.sort();
  const tail = (1 - level) / 2;
  const at = (p: number) => means[Math.min(resamples - 1, Math.floor(p * resamples))]!;
  return { mean: center, low: at(tail), high: at(1 - tail), count };
}

/** P(T ≤ t) of Student's distribution with `df` degrees of freedom. */
export function studentCdf(t: number, df: number): number {
  const tail = 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
  return t >= 0 ? 1 - tail : tail;
}

/** The t with P(T ≤ t) = p, by bisection of the distribution function. */
export function studentQuantile(p: number, df: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`p is ${p}; it must lie between 0 and 1`);
  if (p < 0.5) return -studentQuantile(1 - p, df);
  let low = 0;
  let high = 1;
  while (studentCdf(high, df) < p) high *= 2;
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (studentCdf(middle, df) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * Regularised incomplete beta function, by its continued fraction (Lentz's evaluation).
 *
 * @see DLMF 8.17.22
 */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges fast only on this side; the other side follows by symmetry.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(
    a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b),
  );
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), tiny);
  let fraction = d;
  for (let m = 1; m < 500; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d, tiny);
    c = nonZero(1 + even / c, tiny);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d, tiny);
    c = nonZero(1 + odd / c, tiny);
    const change = d * c;
    fraction *= change;
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return (front * fraction) / a;
}

const nonZero = (value: number, tiny: number): number => (Math.abs(value) < tiny ? tiny : value);

/** ln Γ(x) for x > 0: Stirling's series, after raising x to where it is exact to 1e-15. */
function logGamma(x: number): number {
  let shift = 0;
  let y = x;
  while (y < 12) {
    shift += Math.log(y);
    y++;
  }
  const z = 1 / (y * y);
  const series = (1 / 12 - z * (1 / 360 - z * (1 / 1260 - z * (1 / 1680 - z / 1188)))) / y;
  return (y - 0.5) * Math.log(y) - y + 0.5 * Math.log(2 * Math.PI) + series - shift;
}
