import type { FeatureBins } from "./feature-bins.ts";

/** How large and how careful a single tree is. */
export interface TreeConfig {
  readonly maxLeaves: number;
  /** Rows that a leaf holds at least. */
  readonly minLeafRows: number;
  /** Added to the second derivatives under a leaf's answer: keeps answers from few rows small. */
  readonly l2: number;
  /** What a leaf's answer is multiplied by. */
  readonly learningRate: number;
}

/** One grown tree; nodes as in `ForestArrays`, numbered from its own root. */
export interface GrownTree {
  readonly features: readonly number[];
  /** Bin up to which a row goes left. */
  readonly bins: readonly number[];
  readonly children: readonly number[];
  readonly missingLeft: readonly number[];
  readonly values: readonly number[];
  /** What each node's split gained; 0 in leaves. */
  readonly gains: readonly number[];
}

/** Sums of first and second derivatives and of rows, per feature and bin. */
type Histogram = Float64Array;
const binsKept = 256;
const sums = 3;

interface Split {
  readonly feature: number;
  readonly bin: number;
  readonly missingLeft: boolean;
  readonly gain: number;
}

interface Leaf {
  readonly node: number;
  /** Its rows stand in the shared list of rows from here … */
  readonly from: number;
  /** … to here. */
  readonly to: number;
  readonly histogram: Histogram;
  readonly split: Split | undefined;
}

/** Splits that gain less are noise of rounding. */
const leastGain = 1e-9;

/**
 * Grows regression trees leaf by leaf, each time splitting the leaf whose best split gains most:
 *
 *     gain = G_left² / (H_left + λ) + G_right² / (H_right + λ) − G² / (H + λ)      value = − rate · G / (H + λ)
 *
 * with G and H the sums of first and second derivatives of the loss over a node's rows. Only the
 * smaller child's histogram is added up; the larger one's is its parent's minus that. Missing numbers
 * go to the side that gains more, or with the majority where training has none.
 *
 * @see Friedman (2001); Chen & Guestrin (2016), "XGBoost"; Ke et al. (2017), "LightGBM"
 */
export class TreeGrower {
  readonly #bins: FeatureBins;
  readonly #codes: Uint8Array;
  readonly #config: TreeConfig;
  readonly #spare: Histogram[] = [];
  #gradients!: Float64Array;
  #hessians!: Float64Array;
  #rows!: Int32Array;
  #scratch = new Int32Array(0);
  #mayAsk!: Uint8Array;

  /** @param codes  [rows, features], by `bins` */
  constructor(bins: FeatureBins, codes: Uint8Array, config: TreeConfig) {
    this.#bins = bins;
    this.#codes = codes;
    this.#config = config;
  }

  /**
   * @param rows    rows to learn from; put into another order
   * @param mayAsk  [features]: 1 where this tree may split
   */
  grow(
    gradients: Float64Array,
    hessians: Float64Array,
    rows: Int32Array,
    mayAsk: Uint8Array,
  ): GrownTree {
    this.#gradients = gradients;
    this.#hessians = hessians;
    this.#rows = rows;
    this.#mayAsk = mayAsk;
    if (this.#scratch.length < rows.length) this.#scratch = new Int32Array(rows.length);

    const tree = new TreeParts();
    tree.addNode();
    const root = this.#histogramOf(0, rows.length);
    const leaves: Leaf[] = [this.#leaf(0, 0, rows.length, root)];
    while (leaves.length < this.#config.maxLeaves) {
      const next = bestOf(leaves);
      if (next === undefined) break;
      const [left, right] = this.#split(leaves[next]!, tree);
      leaves[next] = left;
      leaves.push(right);
    }
    for (const { node, from, to, histogram } of leaves) {
      const { gradient, hessian } = this.#totals(from, to);
      const { l2, learningRate } = this.#config;
      const value = hessian + l2 > 0 ? (-learningRate * gradient) / (hessian + l2) : 0;
      tree.close(node, Math.fround(value), to - from);
      this.#spare.push(histogram);
    }
    return tree.finish();
  }

  #split({ node, from, to, histogram, split }: Leaf, tree: TreeParts): [Leaf, Leaf] {
    const { feature, bin, missingLeft } = split!;
    const middle = this.#part(from, to, feature, bin, missingLeft);
    const left = tree.split(node, split!);
    // The parent's histogram becomes that of the larger child.
    const leftIsSmaller = middle - from < to - middle;
    const smaller = leftIsSmaller ? this.#histogramOf(from, middle) : this.#histogramOf(middle, to);
    for (let i = 0; i < histogram.length; i++) histogram[i]! -= smaller[i]!;
    return [
      this.#leaf(left, from, middle, leftIsSmaller ? smaller : histogram),
      this.#leaf(left + 1, middle, to, leftIsSmaller ? histogram : smaller),
    ];
  }

  /** Puts the rows that go left first, each side in its order; gives where the right side begins. */
  #part(from: number, to: number, feature: number, bin: number, missingLeft: boolean): number {
    const F = this.#bins.featureCount;
    const codes = this.#codes;
    const rows = this.#rows;
    const scratch = this.#scratch;
    let left = from;
    let right = 0;
    for (let i = from; i < to; i++) {
      const row = rows[i]!;
      const code = codes[row * F + feature]!;
      if (code === 0 ? missingLeft : code <= bin) rows[left++] = row;
      else scratch[right++] = row;
    }
    rows.set(scratch.subarray(0, right), left);
    return left;
  }

  #histogramOf(from: number, to: number): Histogram {
    const F = this.#bins.featureCount;
    const histogram = this.#spare.pop()?.fill(0) ?? new Float64Array(F * binsKept * sums);
    const codes = this.#codes;
    const rows = this.#rows;
    const gradients = this.#gradients;
    const hessians = this.#hessians;
    for (let i = from; i < to; i++) {
      const row = rows[i]!;
      const gradient = gradients[row]!;
      const hessian = hessians[row]!;
      const start = row * F;
      for (let f = 0; f < F; f++) {
        const at = (f * binsKept + codes[start + f]!) * sums;
        histogram[at]! += gradient;
        histogram[at + 1]! += hessian;
        histogram[at + 2]!++;
      }
    }
    return histogram;
  }

  #leaf(node: number, from: number, to: number, histogram: Histogram): Leaf {
    return { node, from, to, histogram, split: this.#bestSplit(from, to, histogram) };
  }

  #bestSplit(from: number, to: number, histogram: Histogram): Split | undefined {
    const { minLeafRows, l2 } = this.#config;
    const rows = to - from;
    if (rows < 2 * minLeafRows) return undefined;
    const { gradient: G, hessian: H } = this.#totals(from, to);
    const worth = (gradient: number, hessian: number): number =>
      hessian + l2 > 0 ? (gradient * gradient) / (hessian + l2) : 0;
    const whole = worth(G, H);
    let best: Split | undefined;
    let bestGain = leastGain;
    for (let feature = 0; feature < this.#bins.featureCount; feature++) {
      if (this.#mayAsk[feature] === 0) continue;
      const start = feature * binsKept * sums;
      const missing = histogram[start + 2]!;
      const consider = (bin: number, g: number, h: number, n: number, side: boolean): void => {
        if (n < minLeafRows || rows - n < minLeafRows) return;
        const gain = worth(g, h) + worth(G - g, H - h) - whole;
        if (!(gain > bestGain)) return;
        bestGain = gain;
        best = { feature, bin, missingLeft: side, gain };
      };
      let [g, h, n] = [0, 0, 0];
      const last = this.#bins.countOf(feature) - 1;
      for (let bin = 1; bin <= last; bin++) {
        const at = start + bin * sums;
        if (histogram[at + 2] === 0) continue; // parts nothing that the bin before did not
        g += histogram[at]!;
        h += histogram[at + 1]!;
        n += histogram[at + 2]!;
        if (missing === 0) {
          if (bin < last) consider(bin, g, h, n, n > rows - n);
          continue;
        }
        consider(bin, g, h, n, false);
        if (bin < last) {
          consider(bin, g + histogram[start]!, h + histogram[start + 1]!, n + missing, true);
        }
      }
    }
    return best;
  }

  #totals(from: number, to: number): { gradient: number; hessian: number } {
    let gradient = 0;
    let hessian = 0;
    for (let i = from; i < to; i++) {
      gradient += this.#gradients[this.#rows[i]!]!;
      hessian += this.#hessians[this.#rows[i]!]!;
    }
    return { gradient, hessian };
  }
}

/** Place of the leaf whose split gains most; undefined when none can be split. */
function bestOf(leaves: readonly Leaf[]): number | undefined {
  let best: number | undefined;
  leaves.forEach(({ split }, place) => {
    if (split === undefined) return;
    if (best === undefined || split.gain > leaves[best]!.split!.gain) best = place;
  });
  return best;
}

/** The nodes of a tree while it grows. */
class TreeParts {
  readonly #features: number[] = [];
  readonly #bins: number[] = [];
  readonly #children: number[] = [];
  readonly #missingLeft: number[] = [];
  readonly #values: number[] = [];
  readonly #gains: number[] = [];
  readonly #rows: number[] = [];

  addNode(): number {
    this.#features.push(-1);
    this.#bins.push(0);
    this.#children.push(0);
    this.#missingLeft.push(0);
    this.#values.push(0);
    this.#gains.push(0);
    return this.#rows.push(0) - 1;
  }

  /** @returns the left child; the right one follows it */
  split(node: number, { feature, bin, missingLeft, gain }: Split): number {
    const left = this.addNode();
    this.addNode();
    this.#features[node] = feature;
    this.#bins[node] = bin;
    this.#children[node] = left;
    this.#missingLeft[node] = missingLeft ? 1 : 0;
    this.#gains[node] = gain;
    return left;
  }

  close(node: number, value: number, rows: number): void {
    this.#values[node] = value;
    this.#rows[node] = rows;
  }

  /** Gives every inner node the mean answer of its rows: children stand behind their parents. */
  finish(): GrownTree {
    for (let node = this.#features.length - 1; node >= 0; node--) {
      if (this.#features[node] === -1) continue;
      const [left, right] = [this.#children[node]!, this.#children[node]! + 1];
      const rows = this.#rows[left]! + this.#rows[right]!;
      const sum =
        this.#values[left]! * this.#rows[left]! + this.#values[right]! * this.#rows[right]!;
      this.#rows[node] = rows;
      this.#values[node] = Math.fround(sum / rows);
    }
    return {
      features: this.#features,
      bins: this.#bins,
      children: this.#children,
      missingLeft: this.#missingLeft,
      values: this.#values,
      gains: this.#gains,
    };
  }
}
