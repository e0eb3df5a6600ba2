/** Bins of a feature's numbers; one more, bin 0, is for what is missing. */
const maxBins = 255;

/**
 * Features as one byte each, so that a split is found by adding up 256 bins instead of sorting rows.
 *
 *     bin 0: missing (NaN)   bin b: edges[b - 1] < x ≤ edges[b]   last bin: all above
 *
 * A feature with at most 255 different values has a bin for each; one with more has bins of about
 * equally many rows. Equal numbers never fall into different bins, so a bin's upper edge is a threshold
 * that parts raw numbers exactly as it parted the bins.
 */
export class FeatureBins {
  readonly featureCount: number;
  readonly #edges: readonly Float32Array[];

  private constructor(edges: readonly Float32Array[]) {
    this.#edges = edges;
    this.featureCount = edges.length;
  }

  /** @param features  [rows, featureCount]; NaN is missing */
  static of(features: Float32Array, featureCount: number): FeatureBins {
    const rows = features.length / featureCount;
    const column = new Float32Array(rows);
    const edges = Array.from({ length: featureCount }, (_, f) => {
      let known = 0;
      for (let row = 0; row < rows; row++) {
        const value = features[row * featureCount + f]!;
        if (!Number.isNaN(value)) column[known++] = value;
      }
      return edgesOf(column.subarray(0, known).sort());
    });
    return new FeatureBins(edges);
  }

  /** Bins of a feature, the one for what is missing included. */
  countOf(feature: number): number {
    return this.#edges[feature]!.length + 2;
  }

  /** The number that parts a feature's bins up to `bin` from those above. */
  thresholdOf(feature: number, bin: number): number {
    return this.#edges[feature]![bin - 1]!;
  }

  /**
   * @param features  [rows, featureCount]
   * @returns         [rows, featureCount]
   */
  encode(features: Float32Array): Uint8Array {
    const F = this.featureCount;
    const codes = new Uint8Array(features.length);
    for (let at = 0; at < features.length; at++) {
      const value = features[at]!;
      if (!Number.isNaN(value)) codes[at] = 1 + firstNotBelow(this.#edges[at % F]!, value);
    }
    return codes;
  }
}

/** Upper edges of all bins but the last, ascending. */
function edgesOf(sorted: Float32Array): Float32Array {
  const ends: number[] = []; // last place of each run of equal values
  for (let i = 0; i < sorted.length; i++) {
    if (i + 1 === sorted.length || sorted[i + 1] !== sorted[i]) ends.push(i);
  }
  const edges: number[] = [];
  const fewValues = ends.length <= maxBins;
  let wanted = sorted.length / maxBins;
  for (let e = 0; e + 1 < ends.length; e++) {
    const end = ends[e]!;
    if (!fewValues && end + 1 < wanted) continue;
    edges.push(between(sorted[end]!, sorted[end + 1]!));
    if (edges.length === maxBins - 1) break;
    // What is left is shared out anew: a value that many rows have must not cost others their bins.
    wanted = end + 1 + (sorted.length - end - 1) / (maxBins - edges.length);
  }
  return Float32Array.from(edges);
}

/** A 32-bit number at or above `low` and below `high`. */
function between(low: number, high: number): number {
  const middle = Math.fround(low + (high - low) / 2);
  return middle >= low && middle < high ? middle : low;
}

/** Index of the first edge that is not below `value`; the number of edges when all are. */
function firstNotBelow(edges: Float32Array, value: number): number {
  let low = 0;
  let high = edges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (edges[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
