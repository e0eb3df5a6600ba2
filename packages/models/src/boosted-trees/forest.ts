import { TrainingError } from "@magpie/domain";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "@magpie/tensor";

/** Grows when the arrays of a forest change their meaning. */
const format = "1";

/** The arrays of a forest: the trees one after the other, each from its root down. */
export interface ForestArrays {
  /** [trees + 1]: first node of each tree. */
  readonly starts: Int32Array;
  /** [nodes]: feature that is asked; -1 in a leaf. */
  readonly features: Int32Array;
  /** [nodes]: up to here, left. */
  readonly thresholds: Float32Array;
  /** [nodes]: the left child; the right one follows it. */
  readonly children: Int32Array;
  /** [nodes]: 1 where a missing number goes left. */
  readonly missingLeft: Int32Array;
  /** [nodes]: a leaf's answer; above leaves, the mean answer of the training rows that came by. */
  readonly values: Float32Array;
  /** [features]: how much of the training loss each feature's splits took away. */
  readonly gains: Float32Array;
}

/**
 * A sum of regression trees over named features, as flat arrays: scoring allocates nothing.
 *
 *     score(x) = Σ_trees value of the leaf that x falls into
 *
 * Contributions follow each tree's path: a step from a node to its child is credited to the
 * feature that was asked, with the change of the node's value (path attribution). What no step
 * explains, the sum of the roots' values, is the mean answer. They sum to the score exactly, cost one
 * more addition per step, and unlike Shapley values favour features asked far down the tree a little.
 *
 * @see Saabas (2014), "Interpreting random forests"
 */
export class BoostedForest {
  readonly featureNames: readonly string[];
  readonly treeCount: number;
  /** What a row scores before anything is asked about it. */
  readonly meanScore: number;
  readonly #arrays: ForestArrays;

  /** @throws {RangeError} when the arrays do not fit together */
  constructor(featureNames: readonly string[], arrays: ForestArrays) {
    checkArrays(featureNames.length, arrays);
    this.featureNames = featureNames;
    this.treeCount = arrays.starts.length - 1;
    this.#arrays = arrays;
    let mean = 0;
    for (let tree = 0; tree < this.treeCount; tree++) mean += arrays.values[arrays.starts[tree]!]!;
    this.meanScore = mean;
  }

  /** The score of the row of features that starts at `at`; NaN is missing. */
  score(features: Float32Array, at = 0): number {
    const { starts, features: asked, thresholds, children, missingLeft, values } = this.#arrays;
    let sum = 0;
    for (let tree = 0; tree < this.treeCount; tree++) {
      let node = starts[tree]!;
      for (let feature = asked[node]!; feature >= 0; feature = asked[node]!) {
        const value = features[at + feature]!;
        const goesLeft = value <= thresholds[node]! || (missingLeft[node] === 1 && value !== value);
        node = children[node]! + (goesLeft ? 0 : 1);
      }
      sum += values[node]!;
    }
    return sum;
  }

  /**
   * Scores rows of features.
   *
   * @param features  [rows, features]
   * @param out       [rows]
   */
  scoreRows(features: Float32Array, out: Float64Array): void {
    const width = this.featureNames.length;
    for (let row = 0; row < out.length; row++) out[row] = this.score(features, row * width);
  }

  /**
   * What each feature gave to a row's score: with `meanScore` they sum to it.
   *
   * @param out  [features]; what it held is replaced
   */
  contribute(features: Float32Array, at: number, out: Float64Array): void {
    const { starts, features: asked, thresholds, children, missingLeft, values } = this.#arrays;
    out.fill(0);
    for (let tree = 0; tree < this.treeCount; tree++) {
      let node = starts[tree]!;
      for (let feature = asked[node]!; feature >= 0; feature = asked[node]!) {
        const value = features[at + feature]!;
        const goesLeft = value <= thresholds[node]! || (missingLeft[node] === 1 && value !== value);
        const child = children[node]! + (goesLeft ? 0 : 1);
        out[feature]! += values[child]! - values[node]!;
        node = child;
      }
    }
  }

  /** Features with their share of all gains, the greatest first; 0 each where nothing was split. */
  importance(): { readonly feature: string; readonly share: number }[] {
    const { gains } = this.#arrays;
    const all = gains.reduce((sum, gain) => sum + gain, 0);
    return this.featureNames
      .map((feature, f) => ({ feature, share: all === 0 ? 0 : gains[f]! / all }))
      .sort((a, b) => b.share - a.share);
  }

  /** As a safetensors file, which any tool of the field reads; `fromBytes` reads it back. */
  toBytes(): Uint8Array {
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, values] of Object.entries(this.#arrays) as [
      string,
      Int32Array | Float32Array,
    ][]) {
      tensors[name] = { shape: [values.length], values };
    }
    const metadata = {
      kind: "boosted-forest",
      format,
      features: JSON.stringify(this.featureNames),
    };
    return encodeSafetensors({ tensors, metadata });
  }

  /**
   * @param source  named in errors, such as the path
   * @throws {TrainingError} `BAD_PARAMETER_FILE` when the bytes are cut off or hold something else
   */
  static fromBytes(bytes: Uint8Array, source: string): BoostedForest {
    const { tensors, metadata } = decodeSafetensors(bytes, source);
    const refuse = (what: string, cause?: unknown): never => {
      throw new TrainingError(
        "BAD_PARAMETER_FILE",
        `${source} holds no forest that this version reads: ${what}.`,
        "Train again, or restore the file from a copy.",
        { cause },
      );
    };
    if (metadata["kind"] !== "boosted-forest" || metadata["format"] !== format) {
      return refuse(`kind "${metadata["kind"]}" in format "${metadata["format"]}"`);
    }
    const array = <T>(name: string, type: new () => T): T => {
      const values = tensors[name]?.values;
      return values instanceof type ? values : refuse(`its array "${name}" is missing`);
    };
    try {
      return new BoostedForest(JSON.parse(metadata["features"] ?? "") as string[], {
        starts: array("starts", Int32Array),
        features: array("features", Int32Array),
        thresholds: array("thresholds", Float32Array),
        children: array("children", Int32Array),
        missingLeft: array("missingLeft", Int32Array),
        values: array("values", Float32Array),
        gains: array("gains", Float32Array),
      });
    } catch (error) {
      if (error instanceof TrainingError) throw error;
      return refuse(error instanceof Error ? error.message : String(error), error);
    }
  }
}

/** Every walk must end in a leaf of its own tree, whatever the numbers are. */
function checkArrays(featureCount: number, arrays: ForestArrays): void {
  const { starts, features, thresholds, children, missingLeft, values, gains } = arrays;
  const nodes = features.length;
  const fits =
    gains.length === featureCount &&
    [thresholds, children, missingLeft, values].every(({ length }) => length === nodes) &&
    starts[0] === 0 &&
    starts.at(-1) === nodes;
  if (!fits) throw new RangeError(`a forest of ${nodes} nodes whose arrays do not fit together`);
  for (let tree = 0; tree + 1 < starts.length; tree++) {
    const end = starts[tree + 1]!;
    if (starts[tree]! >= end) throw new RangeError(`tree ${tree} has no nodes`);
    for (let node = starts[tree]!; node < end; node++) {
      const feature = features[node]!;
      if (feature === -1) continue;
      // Children after their parent: no walk goes round in circles.
      const leads = children[node]! > node && children[node]! + 1 < end;
      if (feature >= 0 && feature < featureCount && leads) continue;
      throw new RangeError(
        `node ${node} of tree ${tree} asks feature ${feature} and leads nowhere`,
      );
    }
  }
}
