import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { seededRandom } from "../random.ts";
import { CodeScan } from "./code-scan.ts";
import { quantiseRows } from "./quantise.ts";

describe("a scan over codes", () => {
  test("gives the products of decoded rows, for any range", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(1, 7, 16, 33),
        fc.nat(),
        (rows, width, seed) => {
          const random = seededRandom(seed, "rows");
          const vectors = Float32Array.from({ length: rows * width }, () => random.normal());
          const { codes, scales } = quantiseRows(vectors, rows, width);
          const scan = new CodeScan(rows, width);
          for (let row = 0; row < rows; row++) {
            scan.setRow(row, codes.subarray(row * width, (row + 1) * width), scales[row]!);
          }
          const query = Float32Array.from({ length: width }, () => random.normal());
          scan.setQuery(query);
          const from = random.int(rows);
          const to = from + 1 + random.int(rows - from);
          const out = scan.scan(from, to);
          for (let row = from; row < to; row++) {
            let expected = 0;
            let length = 0;
            for (let d = 0; d < width; d++) {
              const value = codes[row * width + d]! * scales[row]!;
              expected += value * query[d]!;
              length += Math.abs(value);
            }
            // Each value of the query is rounded to a unit: by half of one at most.
            const bound = (scan.unit / 2) * length + 1e-5 * (1 + length);
            assert.ok(Math.abs(out[row]! * scan.unit - expected) <= bound);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("gives zeros for a query of zeros and refuses one of another width", () => {
    const scan = new CodeScan(3, 2);
    scan.setRow(1, Int8Array.of(127, -3), 0.5);
    scan.setQuery(new Float32Array(2));
    assert.equal(scan.scan(0, 3)[1]! * scan.unit, 0);
    assert.throws(() => scan.setQuery(new Float32Array(3)), /3 values, rows have 2/);
  });
});
