import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { FeatureBins } from "./feature-bins.ts";
import { TreeGrower, type GrownTree, type TreeConfig } from "./tree-grower.ts";

const plain: TreeConfig = { maxLeaves: 2, minLeafRows: 1, l2: 0, learningRate: 1 };

/** Grows one tree; every second derivative is 1, so leaves answer with minus the mean gradient. */
function grow(
  features: Float32Array,
  F: number,
  gradients: readonly number[],
  config: Partial<TreeConfig> = {},
): GrownTree {
  const bins = FeatureBins.of(features, F);
  const grower = new TreeGrower(bins, bins.encode(features), { ...plain, ...config });
  return grower.grow(
    Float64Array.from(gradients),
    new Float64Array(gradients.length).fill(1),
    Int32Array.from(gradients, (_, row) => row),
    new Uint8Array(F).fill(1),
  );
}

/** The answer of a tree for each row, by raw numbers: the reference walk. */
function answers(tree: GrownTree, features: Float32Array, F: number): number[] {
  const bins = FeatureBins.of(features, F);
  const codes = bins.encode(features);
  return Array.from({ length: features.length / F }, (_, row) => {
    let node = 0;
    while (tree.features[node] !== -1) {
      const code = codes[row * F + tree.features[node]!]!;
      const left = code === 0 ? tree.missingLeft[node] === 1 : code <= tree.bins[node]!;
      node = tree.children[node]! + (left ? 0 : 1);
    }
    return tree.values[node]!;
  });
}

describe("growing a tree", () => {
  test("splits where the gain is greatest, worked out by hand", () => {
    // Gradients −3, −3, 1, 1 at 1, 2, 3, 4: parting after 2 gains 36/2 + 4/2 − 16/4 = 16; after 1 it
    // gains 9 + 1/3 − 4, after 3 it gains 25/3 + 1 − 4.
    const tree = grow(Float32Array.of(1, 2, 3, 4), 1, [-3, -3, 1, 1]);
    assert.deepEqual(tree.features, [0, -1, -1]);
    assert.equal(tree.bins[0], 2);
    assert.equal(tree.gains[0], 16);
    assert.deepEqual(tree.values, [1, 3, -1]);
  });

  test("L2 makes answers smaller, the learning rate too", () => {
    const tree = grow(Float32Array.of(1, 2), 1, [-4, 2], { l2: 1, learningRate: 0.5 });
    assert.deepEqual(tree.values.slice(1), [1, -0.5]);
  });

  test("a leaf holds at least so many rows", () => {
    const tree = grow(Float32Array.of(1, 2, 3, 4), 1, [-9, 1, 1, 1], { minLeafRows: 2 });
    assert.equal(tree.bins[0], 2);
    assert.equal(
      grow(Float32Array.of(1, 2, 3), 1, [-9, 1, 1], { minLeafRows: 2 }).features.length,
      1,
    );
  });

  test("what is missing goes to the side that it is like", () => {
    const features = Float32Array.of(1, 2, NaN, NaN, 3, 4);
    const left = grow(features, 1, [-2, -2, -2, -2, 2, 2]);
    assert.deepEqual([left.bins[0], left.missingLeft[0]], [2, 1]);
    const right = grow(features, 1, [-2, -2, 2, 2, 2, 2]);
    assert.deepEqual([right.bins[0], right.missingLeft[0]], [2, 0]);
    // Only whether it is known tells anything: all known values left, missing ones right.
    const known = grow(features, 1, [-2, -2, 2, 2, -2, -2]);
    assert.deepEqual(answers(known, features, 1), [2, 2, -2, -2, 2, 2]);
  });

  test("does not split where nothing tells rows apart", () => {
    assert.equal(grow(Float32Array.of(7, 7, 7), 1, [-1, 2, 5]).features.length, 1);
    assert.equal(grow(Float32Array.of(1, 2, 3), 1, [2, 2, 2]).features.length, 1);
  });

  test("equals a plain search that sorts and tries every threshold", () => {
    const random = seededRandom(11, "reference-tree");
    for (let round = 0; round < 25; round++) {
      const F = 1 + random.int(4);
      const rows = 20 + random.int(60);
      const features = Float32Array.from({ length: rows * F }, () =>
        random.next() < 0.15 ? NaN : Math.round(8 * random.normal()),
      );
      const gradients = Array.from({ length: rows }, () => random.normal());
      const config = { maxLeaves: 2 + random.int(7), minLeafRows: 1 + random.int(4), l2: 0.5 };
      const grown = answers(grow(features, F, gradients, config), features, F);
      const wanted = referenceAnswers(features, F, gradients, config);
      grown.forEach((answer, row) => assert.ok(Math.abs(answer - wanted[row]!) < 1e-6));
    }
  });
});

/** Leaf-wise growth by brute force: sets of rows, every feature, threshold and side of the missing. */
function referenceAnswers(
  features: Float32Array,
  F: number,
  gradients: readonly number[],
  { maxLeaves, minLeafRows, l2 }: { maxLeaves: number; minLeafRows: number; l2: number },
): number[] {
  const worth = (rows: readonly number[]): number =>
    rows.reduce((sum, row) => sum + gradients[row]!, 0) ** 2 / (rows.length + l2);
  const bestSplit = (
    rows: readonly number[],
  ): { gain: number; sides: [number[], number[]] } | undefined => {
    let best: { gain: number; sides: [number[], number[]] } | undefined;
    for (let f = 0; f < F; f++) {
      const valueOf = (row: number): number => features[row * F + f]!;
      const known = rows.map(valueOf).filter((value) => !Number.isNaN(value));
      for (const threshold of [...new Set(known)].sort((a, b) => a - b)) {
        for (const missingLeft of [false, true]) {
          const isLeft = (row: number): boolean =>
            Number.isNaN(valueOf(row)) ? missingLeft : valueOf(row) <= threshold;
          const sides: [number[], number[]] = [
            rows.filter(isLeft),
            rows.filter((row) => !isLeft(row)),
          ];
          if (sides.some(({ length }) => length < minLeafRows)) continue;
          const gain = worth(sides[0]) + worth(sides[1]) - worth(rows);
          if (gain > Math.max(1e-9, best?.gain ?? 0) + 1e-12) best = { gain, sides };
        }
      }
    }
    return best;
  };
  let leaves: number[][] = [gradients.map((_, row) => row)];
  while (leaves.length < maxLeaves) {
    const splits = leaves.map(bestSplit);
    const next = splits.reduce(
      (best, split, i) =>
        split !== undefined && split.gain > (splits[best]?.gain ?? 0) + 1e-12 ? i : best,
      -1,
    );
    if (next === -1) break;
    leaves = leaves.flatMap((leaf, i) => (i === next ? splits[i]!.sides : [leaf]));
  }
  const answer = gradients.map(() => 0);
  for (const leaf of leaves) {
    const sum = leaf.reduce((total, row) => total + gradients[row]!, 0);
    for (const row of leaf) answer[row] = -sum / (leaf.length + l2);
  }
  return answer;
}
