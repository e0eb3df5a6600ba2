import { ScoreProduct } from "./products/score-product.ts";
import { seededRandom } from "./random.ts";

/** Points in groups, each around its centre. */
export interface Clusters {
  /** [k, width] */
  readonly centres: Float32Array;
  /** [points] */
  readonly clusterOf: Int32Array;
  /** Mean squared distance of a point from its centre. */
  readonly distortion: number;
}

export interface KMeansOptions {
  readonly seed: number;
  /** Rounds at most; it ends sooner when no point changes its group (default 15). */
  readonly iterations?: number;
}

const block = 256;

/**
 * Groups points around `k` centres: starts far apart (k-means++), then moves each centre to the mean of its
 * points in turns. A group that loses all its points starts anew at the point farthest from its centre. With
 * fewer points than `k`, centres repeat points.
 *
 * @param points  [n, width], finite
 * @see Arthur & Vassilvitskii (2007), "k-means++: The advantages of careful seeding"
 * @throws {RangeError} when there is no point or no centre
 */
export function kMeans(
  points: Float32Array,
  width: number,
  k: number,
  { seed, iterations = 15 }: KMeansOptions,
): Clusters {
  const count = points.length / width;
  if (!(Number.isInteger(count) && count >= 1 && k >= 1)) {
    throw new RangeError(`${points.length} numbers of width ${width} cannot form ${k} groups`);
  }
  const centres = farApart(points, width, k, seed);
  const clusterOf = new Int32Array(count).fill(-1);
  const distances = new Float64Array(count);
  for (let round = 0; round < iterations; round++) {
    if (assign(points, width, centres, clusterOf, distances) === 0) break;
    const sums = new Float64Array(k * width);
    const sizes = new Int32Array(k);
    for (let i = 0; i < count; i++) {
      const cluster = clusterOf[i]!;
      sizes[cluster]!++;
      for (let d = 0; d < width; d++) sums[cluster * width + d]! += points[i * width + d]!;
    }
    for (let cluster = 0; cluster < k; cluster++) {
      if (sizes[cluster] === 0) {
        const far = farthest(distances);
        distances[far] = 0;
        centres.set(points.subarray(far * width, (far + 1) * width), cluster * width);
        continue;
      }
      for (let d = 0; d < width; d++) {
        centres[cluster * width + d] = sums[cluster * width + d]! / sizes[cluster]!;
      }
    }
  }
  assign(points, width, centres, clusterOf, distances);
  const distortion = distances.reduce((sum, distance) => sum + distance, 0) / count;
  return { centres, clusterOf, distortion };
}

/** Gives each point its nearest centre, the first of equal ones; returns how many changed. */
function assign(
  points: Float32Array,
  width: number,
  centres: Float32Array,
  clusterOf: Int32Array,
  distances: Float64Array,
): number {
  const k = centres.length / width;
  const products = new ScoreProduct(centres, width, block);
  const out = new Float32Array(block * k);
  const halves = Float64Array.from({ length: k }, (_, c) => squareOf(centres, c, width) / 2);
  let changed = 0;
  for (let first = 0; first < clusterOf.length; first += block) {
    const last = Math.min(clusterOf.length, first + block);
    products.multiply(points.subarray(first * width, last * width), out);
    for (let i = first; i < last; i++) {
      let best = 0;
      let most = -Infinity;
      for (let c = 0; c < k; c++) {
        const closeness = out[(i - first) * k + c]! - halves[c]!;
        if (closeness > most) [best, most] = [c, closeness];
      }
      if (clusterOf[i] !== best) changed++;
      clusterOf[i] = best;
      distances[i] = Math.max(0, squareOf(points, i, width) - 2 * most);
    }
  }
  return changed;
}

/** First centres: each the likelier to be drawn, the farther it is from those before. */
function farApart(points: Float32Array, width: number, k: number, seed: number): Float32Array {
  const count = points.length / width;
  const random = seededRandom(seed, "k-means");
  const centres = new Float32Array(k * width);
  const nearest = new Float64Array(count).fill(Infinity);
  let drawn = random.int(count);
  for (let c = 0; c < k; c++) {
    const centre = points.subarray(drawn * width, (drawn + 1) * width);
    centres.set(centre, c * width);
    let total = 0;
    for (let i = 0; i < count; i++) {
      let distance = 0;
      for (let d = 0; d < width; d++) distance += (points[i * width + d]! - centre[d]!) ** 2;
      if (distance < nearest[i]!) nearest[i] = distance;
      total += nearest[i]!;
    }
    let left = random.next() * total;
    drawn = 0;
    while (drawn < count - 1 && (left -= nearest[drawn]!) > 0) drawn++;
  }
  return centres;
}

function squareOf(rows: Float32Array, row: number, width: number): number {
  let square = 0;
  for (let i = row * width; i < (row + 1) * width; i++) square += rows[i]! * rows[i]!;
  return square;
}

function farthest(distances: Float64Array): number {
  let far = 0;
  for (let i = 1; i < distances.length; i++) if (distances[i]! > distances[far]!) far = i;
  return far;
}
