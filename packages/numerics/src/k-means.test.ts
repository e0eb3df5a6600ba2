import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { kMeans } from "./k-means.ts";

describe("k-means", () => {
  test("finds groups that stand apart, with their means as centres", () => {
    const points = Float32Array.of(0, 0, 0, 1, 10, 10, 10, 11, -10, 5);
    const { centres, clusterOf, distortion } = kMeans(points, 2, 3, { seed: 1 });
    assert.equal(clusterOf[0], clusterOf[1]);
    assert.equal(clusterOf[2], clusterOf[3]);
    assert.equal(new Set(clusterOf).size, 3);
    const own = clusterOf[0]!;
    assert.deepEqual([...centres.subarray(2 * own, 2 * own + 2)], [0, 0.5]);
    // Four points half a unit from their centre, one in its own.
    assert.ok(Math.abs(distortion - (4 * 0.25) / 5) < 1e-6);
  });

  test("gives every point its nearest centre, and repeats with the seed", () => {
    const anyPoints = fc.array(fc.float({ min: -5, max: 5, noNaN: true }), {
      minLength: 6,
      maxLength: 60,
    });
    fc.assert(
      fc.property(anyPoints, fc.integer({ min: 1, max: 5 }), (numbers, k) => {
        const points = Float32Array.from(numbers.slice(0, numbers.length - (numbers.length % 2)));
        const made = kMeans(points, 2, k, { seed: 3 });
        assert.deepEqual(kMeans(points, 2, k, { seed: 3 }), made);
        const distance = (i: number, c: number) =>
          (points[2 * i]! - made.centres[2 * c]!) ** 2 +
          (points[2 * i + 1]! - made.centres[2 * c + 1]!) ** 2;
        made.clusterOf.forEach((cluster, i) => {
          for (let c = 0; c < k; c++) assert.ok(distance(i, cluster) <= distance(i, c) + 1e-4);
        });
      }),
      { numRuns: 50 },
    );
  });

  test("more groups than points leave none without its own", () => {
    const { distortion } = kMeans(Float32Array.of(1, 2, 3), 1, 5, { seed: 1 });
    assert.ok(distortion < 1e-6);
  });

  test("needs points", () => {
    assert.throws(() => kMeans(new Float32Array(0), 2, 3, { seed: 1 }), RangeError);
  });
});
