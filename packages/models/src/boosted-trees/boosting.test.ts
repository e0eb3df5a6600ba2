import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { fitConditionalLogit } from "../blend/conditional-logit.ts";
import {
  boostingDefaults,
  lambdaMartDefaults,
  trainLambdaMart,
  trainLogisticTrees,
  type BoostingContext,
  type LabelledRows,
  type RankingRows,
} from "./boosting.ts";
import { BoostedForest } from "./forest.ts";
import { meanNdcg } from "./objectives.ts";

const { signal } = new AbortController();
const context = (featureNames: readonly string[], seed = 1): BoostingContext => ({
  featureNames,
  seed,
  signal,
});
const small = {
  ...lambdaMartDefaults,
  trees: 60,
  minLeafRows: 10,
  maxLeaves: 8,
  learningRate: 0.15,
};

/**
 * Queries whose taken candidate is the one where exactly one of two signs is positive: no weighted
 * sum of the two finds it. A third feature is noise, and a fifth of all numbers is missing there.
 */
function eitherOr(queries: number, seed: number): RankingRows {
  const random = seededRandom(seed, "either-or");
  const size = 6;
  const features = new Float32Array(queries * size * 3);
  const grades = new Uint8Array(queries * size);
  for (let row = 0; row < queries * size; row++) {
    const [a, b] = [random.normal(), random.normal()];
    features.set([a, b, random.next() < 0.2 ? NaN : random.normal()], row * 3);
    grades[row] = a > 0 !== b > 0 && random.next() < 0.9 ? 1 : 0;
  }
  return {
    features,
    grades,
    offsets: Int32Array.from({ length: queries + 1 }, (_, q) => q * size),
  };
}

const names = ["a", "b", "noise"];
const scoresOf = (forest: BoostedForest, { features }: RankingRows): Float64Array => {
  const scores = new Float64Array(features.length / forest.featureNames.length);
  forest.scoreRows(features, scores);
  return scores;
};

describe("LambdaMART", () => {
  const [train, validation, unseen] = [eitherOr(400, 1), eitherOr(150, 2), eitherOr(300, 3)];
  const { forest, curve } = trainLambdaMart(train, validation, small, context(names));

  test("finds what no weighted sum of the features can", () => {
    const linear = fitConditionalLogit(
      {
        featureCount: 3,
        features: train.features.map((value) => (Number.isNaN(value) ? 0 : value)),
        offsets: train.offsets,
        taken: train.grades,
      },
      1e-3,
    ).weights;
    const linearScores = Float64Array.from(unseen.grades, (_, row) =>
      [0, 1, 2].reduce((sum, f) => sum + linear[f]! * (unseen.features[row * 3 + f]! || 0), 0),
    );
    const byTrees = meanNdcg(unseen, scoresOf(forest, unseen), 10);
    const byWeights = meanNdcg(unseen, linearScores, 10);
    assert.ok(byTrees > 0.95, `NDCG@10 of the trees is ${byTrees}`);
    assert.ok(byWeights < 0.75, `NDCG@10 of the weighted sum is ${byWeights}`);
    const [first, second, last] = forest.importance();
    assert.deepEqual([first!.feature, second!.feature].sort(), ["a", "b"]);
    assert.equal(last!.feature, "noise");
    assert.ok(last!.share < 0.1);
  });

  test("keeps as many trees as rank the validation queries best", () => {
    const best = curve.indexOf(Math.max(...curve));
    assert.equal(forest.treeCount, best + 1);
    assert.equal(meanNdcg(validation, scoresOf(forest, validation), 10), curve[best]);
  });

  test("is the same for the same seed, and another for another", () => {
    const again = trainLambdaMart(train, validation, small, context(names));
    assert.deepEqual(again.forest.toBytes(), forest.toBytes());
    const other = trainLambdaMart(train, validation, small, context(names, 2));
    assert.notDeepEqual(other.forest.toBytes(), forest.toBytes());
  });

  test("corrects the scores that rows start with, and leaves right ones alone", () => {
    const perfect = Float64Array.from(train.grades, (grade) => 40 * grade);
    const held = Float64Array.from(validation.grades, (grade) => 40 * grade);
    const outcome = trainLambdaMart(
      { ...train, margins: perfect },
      { ...validation, margins: held },
      small,
      context(names),
    );
    assert.equal(outcome.forest.treeCount, 0);
    assert.equal(outcome.forest.score(Float32Array.of(1, 2, 3)), 0);
  });

  test("explains every score: the mean and the features' parts sum to it", () => {
    const parts = new Float64Array(3);
    for (let row = 0; row < unseen.grades.length; row++) {
      forest.contribute(unseen.features, row * 3, parts);
      const sum = forest.meanScore + parts[0]! + parts[1]! + parts[2]!;
      assert.ok(Math.abs(sum - forest.score(unseen.features, row * 3)) < 1e-9);
    }
  });

  test("survives its bytes", () => {
    const read = BoostedForest.fromBytes(forest.toBytes(), "forest");
    assert.deepEqual(scoresOf(read, unseen), scoresOf(forest, unseen));
    assert.deepEqual(read.importance(), forest.importance());
  });

  test("stops when it is told to", () => {
    const stopped = AbortSignal.abort(new Error("enough"));
    assert.throws(
      () => trainLambdaMart(train, validation, small, { ...context(names), signal: stopped }),
      /enough/,
    );
  });
});

describe("logistic trees", () => {
  const labelled = ({ features, grades }: RankingRows): LabelledRows => ({
    features,
    answers: grades,
  });

  test("predict calibrated chances", () => {
    const config = { ...boostingDefaults, trees: 120, minLeafRows: 10, learningRate: 0.1 };
    const { forest } = trainLogisticTrees(
      labelled(eitherOr(500, 1)),
      labelled(eitherOr(200, 2)),
      config,
      context(names),
    );
    const chance = (a: number, b: number): number =>
      1 / (1 + Math.exp(-forest.score(Float32Array.of(a, b, NaN))));
    // 0.9 where exactly one is positive, else 0.
    for (const [a, b] of [
      [1, -1],
      [-1, 1],
    ] as const) {
      assert.ok(Math.abs(chance(a, b) - 0.9) < 0.06, `${chance(a, b)}`);
    }
    assert.ok(chance(1, 1) < 0.05);
    assert.ok(chance(-1, -1) < 0.05);
  });

  test("know no more than the share of yes where nothing can be asked", () => {
    const rows = { features: new Float32Array(8), answers: Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 1) };
    const { forest } = trainLogisticTrees(rows, undefined, boostingDefaults, context(["flat"]));
    assert.equal(forest.treeCount, 1);
    assert.ok(Math.abs(forest.score(Float32Array.of(0)) - Math.log(2.5 / 6.5)) < 1e-6);
  });
});

describe("boosting refuses", () => {
  const rows = eitherOr(5, 1);

  test("settings that mean nothing", () => {
    for (const wrong of [
      { trees: 0 },
      { maxLeaves: 1 },
      { learningRate: 0 },
      { bagging: 1.5 },
      { l2: NaN },
      { cutoff: 0 },
    ]) {
      assert.throws(
        () => trainLambdaMart(rows, undefined, { ...small, ...wrong }, context(names)),
        { code: "BAD_CONFIG" },
      );
    }
  });

  test("rows whose parts do not fit together, and none at all", () => {
    for (const wrong of [
      { features: rows.features.subarray(1) },
      { weights: new Float32Array(3) },
      { margins: new Float64Array(3) },
      { features: new Float32Array(0), grades: new Uint8Array(0) },
    ]) {
      assert.throws(
        () => trainLambdaMart({ ...rows, ...wrong }, undefined, small, context(names)),
        {
          code: "BAD_TRAINING_ROWS",
        },
      );
    }
  });

  test("bytes that are no forest, or whose walks do not end", () => {
    const refused = { code: "BAD_PARAMETER_FILE" };
    assert.throws(() => BoostedForest.fromBytes(Uint8Array.of(1, 2, 3), "file"), refused);
    const { forest } = trainLambdaMart(eitherOr(60, 1), undefined, small, context(names));
    const bytes = forest.toBytes();
    assert.throws(() => BoostedForest.fromBytes(bytes.subarray(0, 400), "file"), refused);
    const loop = {
      starts: Int32Array.of(0, 3),
      features: Int32Array.of(0, 0, -1),
      thresholds: new Float32Array(3),
      children: Int32Array.of(1, 0, 0),
      missingLeft: new Int32Array(3),
      values: new Float32Array(3),
      gains: new Float32Array(1),
    };
    assert.throws(() => new BoostedForest(["a"], loop), /leads nowhere/);
  });
});
