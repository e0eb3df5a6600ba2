/** Metrics of all lists together: what the catalogue sees of a recommender. */

/**
 * Share of the catalogue that appears in at least one list.
 *
 * @param exposures  [items + 1]; how often each item was listed, from row 1
 */
export function coverage(exposures: ArrayLike<number>): number {
  let listed = 0;
  for (let item = 1; item < exposures.length; item++) if (exposures[item]! > 0) listed++;
  return listed / (exposures.length - 1);
}

/**
 * Gini coefficient of exposure: 0 when every item is listed equally often, near 1 when one item
 * takes all.
 *
 *     G = Σ_i (2 i - n - 1) x_i / (n Σ x),  x ascending, i from 1
 *
 * @param exposures  [items + 1]; row 0 is padding
 * @returns          NaN when nothing was listed
 */
export function gini(exposures: ArrayLike<number>): number {
  const sorted = Float64Array.from(exposures).subarray(1).sort();
  const n = sorted.length;
  let weighted = 0;
  let total = 0;
  sorted.forEach((x, index) => {
    weighted += (2 * (index + 1) - n - 1) * x;
    total += x;
  });
  return weighted / (n * total);
}

/**
 * Mean self-information of listed items, in bits: how surprising a list is to someone who knows
 * what is popular.
 *
 *     novelty = Σ_i exposure_i · -log2((users_i + 1) / (U + 1)) / Σ exposure
 *
 * One is added above and below, so that an item that nobody had yet counts as very, not
 * infinitely, surprising.
 *
 * @param userCounts  [items + 1]; number of training users with the item
 * @param users       U, number of training users
 * @returns           NaN when nothing was listed
 * @see Zhou et al. (2010), "Solving the apparent diversity-accuracy dilemma"
 */
export function novelty(
  exposures: ArrayLike<number>,
  userCounts: ArrayLike<number>,
  users: number,
): number {
  let bits = 0;
  let total = 0;
  for (let item = 1; item < exposures.length; item++) {
    bits -= exposures[item]! * Math.log2((userCounts[item]! + 1) / (users + 1));
    total += exposures[item]!;
  }
  return bits / total;
}
