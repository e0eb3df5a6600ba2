import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { factorCholesky, invertByCholesky, solveCholesky } from "./cholesky.ts";
import { seededRandom } from "./random.ts";
import { SpdMatrix } from "./spd-matrix.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

/** Xᵀ X + ridge · I of random 0/1 rows: what the models invert. */
function gram(n: number, rows: number, ridge: number, seed: number): Float64Array {
  const random = seededRandom(seed, "gram");
  const matrix = new Float64Array(n * n);
  for (let row = 0; row < rows; row++) {
    const items = Array.from({ length: 6 }, () => random.int(n));
    for (const i of items) for (const j of items) matrix[i * n + j]! += 1;
  }
  for (let i = 0; i < n; i++) matrix[i * n + i]! += ridge;
  return matrix;
}

describe("Cholesky", () => {
  test("factors [[4, 2], [2, 5]] into [[2], [1, 2]] and solves with it", () => {
    const matrix = Float64Array.of(4, 2, 2, 5);
    factorCholesky(matrix, 2);
    assert.deepEqual([matrix[0], matrix[2], matrix[3]], [2, 1, 2]);
    const b = Float64Array.of(8, 12); // 4·1 + 2·2, 2·1 + 5·2
    solveCholesky(matrix, 2, b);
    assert.deepEqual([...b], [1, 2]);
  });

  test("times its inverse is the identity", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(1_000), (n, seed) => {
        const matrix = gram(n, 10, 0.5, seed);
        const inverse = invertByCholesky(matrix.slice(), n);
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            let sum = 0;
            for (let k = 0; k < n; k++) sum += matrix[i * n + k]! * inverse[k * n + j]!;
            near(sum, i === j ? 1 : 0, 1e-9);
          }
        }
      }),
    );
  });

  test("says which pivot is not positive", () => {
    assert.throws(() => factorCholesky(Float64Array.of(1, 0, 2, 4), 2), /pivot 1 is 0/);
  });
});

describe("a large symmetric positive definite matrix", () => {
  test("is inverted as the plain double-precision reference does", async () => {
    for (const n of [1, 7, 128, 129, 300, 641]) {
      const matrix = gram(n, 4 * n, 3, n);
      const large = new SpdMatrix(n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j <= i; j++) large.values[i * large.stride + j] = matrix[i * n + j]!;
      }
      const panels: number[] = [];
      await large.invert((done) => void panels.push(done));
      const expected = invertByCholesky(matrix, n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          near(large.values[i * large.stride + j]!, expected[i * n + j]!, 2e-6);
        }
      }
      assert.equal(panels.length, Math.ceil(n / 128));
    }
  });

  test("reads the lower triangle only", async () => {
    const large = new SpdMatrix(2);
    large.values.set([4, 99], 0);
    large.values.set([2, 5], large.stride);
    await large.invert();
    // [[4, 2], [2, 5]]⁻¹ = [[5, -2], [-2, 4]] / 16
    near(large.values[0]!, 5 / 16, 1e-7);
    near(large.values[1]!, -2 / 16, 1e-7);
    near(large.values[large.stride]!, -2 / 16, 1e-7);
    near(large.values[large.stride + 1]!, 4 / 16, 1e-7);
  });

  test("refuses a matrix that is not positive definite, and sizes beyond its memory", async () => {
    const large = new SpdMatrix(2);
    large.values[0] = 1;
    large.values[large.stride] = 2;
    large.values[large.stride + 1] = 1;
    await assert.rejects(large.invert(), /not positive definite: columns 0 to 127/);
    assert.throws(() => new SpdMatrix(33_000), /size is 33000/);
    assert.throws(() => new SpdMatrix(0), RangeError);
  });

  test("can be given up between panels", async () => {
    const large = new SpdMatrix(300);
    for (let i = 0; i < 300; i++) large.values[i * large.stride + i] = 1;
    await assert.rejects(
      large.invert((done) => {
        if (done === 2) throw new Error("enough");
      }),
      /enough/,
    );
  });
});
