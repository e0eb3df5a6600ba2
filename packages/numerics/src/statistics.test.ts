import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { seededRandom } from "./random.ts";
import {
  bootstrapInterval,
  mean,
  meanInterval,
  pairedDifference,
  standardDeviation,
  studentCdf,
  studentQuantile,
} from "./statistics.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

describe("mean and standard deviation", () => {
  test("of 2, 4, 4, 4, 5, 5, 7, 9 are 5 and √(32/7)", () => {
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    assert.equal(mean(values), 5);
    near(standardDeviation(values), Math.sqrt(32 / 7), 1e-15);
  });

  test("are NaN where they are not defined", () => {
    assert.ok(Number.isNaN(mean([])));
    assert.ok(Number.isNaN(standardDeviation([1])));
  });
});

describe("Student's distribution", () => {
  test("gives the quantiles of the printed tables", () => {
    const table: [p: number, df: number, t: number][] = [
      [0.975, 1, 12.7062],
      [0.975, 2, 4.30265],
      [0.975, 4, 2.77645],
      [0.95, 10, 1.81246],
      [0.975, 30, 2.04227],
      [0.995, 5, 4.03214],
      [0.975, 100_000, 1.95998],
    ];
    for (const [p, df, t] of table) near(studentQuantile(p, df), t, 6e-5);
  });

  test("with one degree of freedom is Cauchy's: P(T ≤ 1) = 3/4", () => {
    near(studentCdf(1, 1), 0.75, 1e-14);
    near(studentCdf(-1, 1), 0.25, 1e-14);
    assert.equal(studentCdf(0, 7), 0.5);
  });

  test("refuses a probability outside (0, 1)", () => {
    assert.throws(() => studentQuantile(1, 3), RangeError);
  });
});

describe("the interval of a mean", () => {
  test("of three seeds uses t(2)", () => {
    const interval = meanInterval([1, 2, 3]);
    assert.equal(interval.mean, 2);
    near(interval.high - 2, 4.30265 / Math.sqrt(3), 1e-5);
    near(2 - interval.low, 4.30265 / Math.sqrt(3), 1e-5);
    assert.equal(interval.count, 3);
  });

  test("of one value has no width and says that it is one", () => {
    assert.deepEqual(meanInterval([0.4]), { mean: 0.4, low: 0.4, high: 0.4, count: 1 });
  });

  test("holds the true mean in about 95 of 100 samples", () => {
    const random = seededRandom(7, "interval-test");
    let held = 0;
    for (let s = 0; s < 2_000; s++) {
      const { low, high } = meanInterval(Array.from({ length: 5 }, () => 3 + random.normal()));
      if (low <= 3 && 3 <= high) held++;
    }
    near(held / 2_000, 0.95, 0.015);
  });
});

describe("a paired difference", () => {
  test("sees what the spread between cases hides", () => {
    // Differences 1, 2, 3: mean 2, sd 1, t = 2·√3, and with 2 df P(T ≤ t) = ½ + t / (2√(2 + t²)).
    const { difference, pValue } = pairedDifference([101, 12, 53], [100, 10, 50]);
    assert.equal(difference.mean, 2);
    const t = 2 * Math.sqrt(3);
    near(pValue, 1 - t / Math.sqrt(2 + t * t), 1e-12);
  });

  test("of equal lists is 0 with p = 1", () => {
    const same = pairedDifference([1, 2], [1, 2]);
    assert.equal(same.difference.mean, 0);
    assert.equal(same.pValue, 1);
  });

  test("refuses lists that are not pairs", () => {
    assert.throws(() => pairedDifference([1, 2], [1]), /2 against 1 values/);
  });
});

describe("the bootstrap interval", () => {
  test("of many normal values agrees with Student's", () => {
    const random = seededRandom(3, "bootstrap-values");
    const values = Float64Array.from({ length: 400 }, () => random.normal());
    const student = meanInterval(values);
    const bootstrap = bootstrapInterval(values, seededRandom(3, "bootstrap"));
    near(bootstrap.low, student.low, 0.02);
    near(bootstrap.high, student.high, 0.02);
  });

  test("repeats with the seed", () => {
    const run = () => bootstrapInterval([1, 5, 9, 2], seededRandom(1, "b"), { resamples: 50 });
    assert.deepEqual(run(), run());
  });
});
