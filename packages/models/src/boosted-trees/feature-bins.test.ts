import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { FeatureBins } from "./feature-bins.ts";

describe("bins of features", () => {
  test("each of a few values has its own, and what is missing has bin 0", () => {
    // prettier-ignore
    const rows = Float32Array.of(5, 0,  NaN, 0,  1, 0,  3, 0,  3, 0);
    const bins = FeatureBins.of(rows, 2);
    assert.deepEqual([...bins.encode(rows)], [3, 1, 0, 1, 1, 1, 2, 1, 2, 1]);
    assert.equal(bins.countOf(0), 4);
    assert.equal(bins.thresholdOf(0, 1), 2);
    assert.equal(bins.thresholdOf(0, 2), 4);
    assert.equal(bins.countOf(1), 2);
  });

  test("many values share 255 bins of about equally many rows", () => {
    const rows = Float32Array.from({ length: 25_500 }, (_, i) => i);
    const bins = FeatureBins.of(rows, 1);
    assert.equal(bins.countOf(0), 256);
    const sizes = new Int32Array(256);
    for (const code of bins.encode(rows)) sizes[code]!++;
    assert.equal(sizes[0], 0);
    for (const size of sizes.subarray(1)) assert.ok(size >= 99 && size <= 101, `${size} rows`);
  });

  test("a value that most rows have costs the others no bins", () => {
    const rows = Float32Array.from({ length: 10_000 }, (_, i) => (i < 9_000 ? 0 : i));
    assert.ok(FeatureBins.of(rows, 1).countOf(0) > 250);
  });

  test("a threshold parts numbers as it parts their bins, neighbouring floats too", () => {
    const number = fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(1, 1.0000001192092896, 0, 1.401298464324817e-45, -1),
      fc.constant(NaN),
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 400 }), (numbers) => {
        const rows = Float32Array.from(numbers);
        const bins = FeatureBins.of(rows, 1);
        const codes = bins.encode(rows);
        for (let bin = 1; bin < bins.countOf(0) - 1; bin++) {
          const threshold = bins.thresholdOf(0, bin);
          rows.forEach((value, i) => {
            if (!Number.isNaN(value)) assert.equal(value <= threshold, codes[i]! <= bin);
          });
        }
      }),
    );
  });
});
