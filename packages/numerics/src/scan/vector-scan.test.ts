import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { seededRandom } from "../random.ts";
import { quantiseRows } from "./quantise.ts";
import { VectorScan } from "./vector-scan.ts";

/** The plain version of every scan, in double precision. */
function products(vectors: Float32Array, width: number, query: Float32Array): number[] {
  return Array.from({ length: vectors.length / width }, (_, row) =>
    query.reduce((sum, value, d) => sum + value * vectors[row * width + d]!, 0),
  );
}

function normal(count: number, seed: number, scale = 1): Float32Array {
  const random = seededRandom(seed, "scan-test");
  return Float32Array.from({ length: count }, () => scale * random.normal());
}

/** Matrix shapes that do and do not fill four rows, four floats, sixteen bytes. */
const anyShape = fc.record({
  rows: fc.integer({ min: 1, max: 23 }),
  width: fc.integer({ min: 1, max: 67 }),
  seed: fc.nat(),
  scale: fc.constantFrom(1e-6, 0.05, 1, 300),
});

const isClose = (actual: number, expected: number, size: number) =>
  assert.ok(
    Math.abs(actual - expected) <= 1e-5 * size + 1e-30,
    `${actual} is not close to ${expected}`,
  );

describe("the quantised rows", () => {
  test("use the whole range of a byte for the largest value of each row", () => {
    const { codes, scales, errors } = quantiseRows(
      Float32Array.of(1.27, -0.01, 0.5, 0, -254, 127),
      3,
      2,
    );
    assert.deepEqual([...codes], [127, -1, 127, 0, -127, 64]);
    isClose(scales[0]!, 0.01, 1);
    isClose(scales[2]!, 2, 1);
    isClose(errors[2]!, 1, 1); // 127 is between 63 and 64 steps of 2
    assert.ok(errors[1]! < 1e-7);
  });

  test("leave a row of zeros alone", () => {
    const { codes, scales, errors } = quantiseRows(new Float32Array(4), 2, 2);
    assert.deepEqual(
      [[...codes], [...scales], [...errors]],
      [
        [0, 0, 0, 0],
        [0, 0],
        [0, 0],
      ],
    );
  });

  test("lose no more than their errors say", () => {
    fc.assert(
      fc.property(anyShape, ({ rows, width, seed, scale }) => {
        const vectors = normal(rows * width, seed, scale);
        const { codes, scales, errors } = quantiseRows(vectors, rows, width);
        for (let row = 0; row < rows; row++) {
          let lost = 0;
          for (let i = row * width; i < (row + 1) * width; i++) {
            lost += (vectors[i]! - codes[i]! * scales[row]!) ** 2;
          }
          assert.ok(Math.sqrt(lost) <= errors[row]!);
        }
      }),
    );
  });
});

describe("the vector scan", () => {
  test("multiplies every row with the query, in floats", () => {
    fc.assert(
      fc.property(anyShape, ({ rows, width, seed, scale }) => {
        const vectors = normal(rows * width, seed, scale);
        const query = normal(width, seed + 1);
        const scan = new VectorScan(vectors, rows, width);
        const expected = products(vectors, width, query);
        const size = scale * width;
        scan.scanFloat(query).forEach((score, row) => isClose(score, expected[row]!, size));
      }),
    );
  });

  test("gathers the same numbers, to the last bit, for some rows in any order", () => {
    fc.assert(
      fc.property(anyShape, fc.array(fc.nat(), { maxLength: 23 }), (shape, picks) => {
        const { rows, width, seed, scale } = shape;
        const scan = new VectorScan(normal(rows * width, seed, scale), rows, width);
        const query = normal(width, seed + 1);
        const ids = Int32Array.from(picks.slice(0, rows), (pick) => pick % rows);
        const all = scan.scanFloat(query).slice();
        assert.deepEqual(
          scan.gatherFloat(query, ids),
          Float32Array.from(ids, (id) => all[id]!),
        );
      }),
    );
  });

  test("keeps the promise of its bytes: never further from the product than it says", () => {
    fc.assert(
      fc.property(anyShape, ({ rows, width, seed, scale }) => {
        const vectors = normal(rows * width, seed, scale);
        const query = normal(width, seed + 1, 1 / scale);
        const scan = new VectorScan(vectors, rows, width);
        const expected = products(vectors, width, query);
        const { scores, unit, errorFactor, errorConstant } = scan.scanInt8(query);
        const { errors } = scan.quantised;
        expected.forEach((product, row) => {
          const bound = (errors[row]! * errorFactor + errorConstant) * unit;
          assert.ok(Math.abs(product - scores[row]! * unit) <= bound);
        });
      }),
    );
  });

  test("stays inside 32 bits when every value is the largest", () => {
    const width = 2048;
    const scan = new VectorScan(new Float32Array(4 * width).fill(1), 4, width);
    const { scores, unit } = scan.scanInt8(new Float32Array(width).fill(-3));
    for (const score of scores) isClose(score * unit, -3 * width, 100 * width);
  });

  test("answers a query of zeros with zeros", () => {
    const scan = new VectorScan(normal(12, 1), 3, 4);
    assert.deepEqual(scan.scanInt8(new Float32Array(4)).unit, 0);
    assert.deepEqual([...scan.scanFloat(new Float32Array(4))], [0, 0, 0]);
  });

  test("gives back the vectors it copied, and takes quantised rows made earlier", () => {
    for (const [rows, width] of [
      [5, 3],
      [4, 16],
      [3, 64],
    ] as const) {
      const vectors = normal(rows * width, 7);
      const quantised = quantiseRows(vectors, rows, width);
      const scan = new VectorScan(vectors, rows, width, quantised);
      assert.deepEqual(scan.copyVectors(), vectors);
      assert.deepEqual(scan.quantised.codes, quantised.codes);
      assert.deepEqual(scan.quantised.scales, quantised.scales);
    }
  });

  test("works over no rows at all", () => {
    const scan = new VectorScan(new Float32Array(0), 0, 8);
    assert.equal(scan.scanFloat(new Float32Array(8)).length, 0);
    assert.equal(scan.scanInt8(new Float32Array(8)).scores.length, 0);
  });

  test("refuses shapes that do not fit", () => {
    assert.throws(() => new VectorScan(new Float32Array(5), 2, 3), /5 values are not 2 rows of 3/);
    const scan = new VectorScan(new Float32Array(6), 2, 3);
    assert.throws(() => scan.scanFloat(new Float32Array(4)), /query has 4 values/);
    assert.throws(() => scan.gatherFloat(new Float32Array(3), new Int32Array(3)), /3 ids/);
  });
});
