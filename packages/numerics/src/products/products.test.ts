import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { csrFromEntries, type CsrMatrix } from "../csr.ts";
import { seededRandom } from "../random.ts";
import { ScoreProduct } from "./score-product.ts";
import { SparseProducts } from "./sparse-product.ts";
import { symmetricEigen } from "./symmetric-eigen.ts";
import { truncatedSvd, truncatedSvdBytes } from "./truncated-svd.ts";

const near = (actual: number, expected: number, tolerance = 1e-4) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

const normals = (count: number, seed: number): Float32Array => {
  const random = seededRandom(seed, "products-test");
  return Float32Array.from({ length: count }, () => random.normal());
};

function sparse(rows: number, columns: number, entries: number, seed: number): CsrMatrix {
  const random = seededRandom(seed, "sparse-test");
  const rowOf = Int32Array.from({ length: entries }, () => random.int(rows));
  const columnOf = Int32Array.from({ length: entries }, () => random.int(columns));
  return csrFromEntries(rows, columns, rowOf, columnOf, normals(entries, seed));
}

/** [rows, columns] */
function denseOf({ rows, columns, offsets, indices, values }: CsrMatrix): number[][] {
  const out = Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0));
  for (let r = 0; r < rows; r++) {
    for (let p = offsets[r]!; p < offsets[r + 1]!; p++) out[r]![indices[p]!] = values[p]!;
  }
  return out;
}

describe("products of queries with a table", () => {
  test("are inner products, whatever the sizes", () => {
    const size = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(size, size, size, (rows, width, count) => {
        const table = normals(rows * width, 1);
        const queries = normals(count * width, 2);
        const out = new Float32Array(count * rows);
        new ScoreProduct(table, width, count).multiply(queries, out);
        for (let q = 0; q < count; q++) {
          for (let r = 0; r < rows; r++) {
            let sum = 0;
            for (let d = 0; d < width; d++) sum += queries[q * width + d]! * table[r * width + d]!;
            near(out[q * rows + r]!, sum);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test("reach over pieces of the table larger than a cache", () => {
    const [rows, width] = [5_001, 64];
    const table = normals(rows * width, 3);
    const out = new Float32Array(rows);
    new ScoreProduct(table, width, 8).multiply(table.subarray(0, width), out);
    const last = table.subarray((rows - 1) * width);
    let sum = 0;
    for (let d = 0; d < width; d++) sum += table[d]! * last[d]!;
    near(out[rows - 1]!, sum, 1e-3);
  });

  test("forget the queries of the call before", () => {
    const product = new ScoreProduct(Float32Array.of(1, 2), 1, 4);
    const out = new Float32Array(8);
    product.multiply(Float32Array.of(1, 2, 3, 4), out);
    product.multiply(Float32Array.of(5), out);
    assert.deepEqual([...out], [5, 10, 2, 4, 3, 6, 4, 8]);
  });

  test("refuse shapes that do not meet", () => {
    assert.throws(() => new ScoreProduct(new Float32Array(7), 2, 1), RangeError);
    const product = new ScoreProduct(new Float32Array(6), 2, 1);
    assert.throws(() => product.multiply(new Float32Array(4), new Float32Array(6)), RangeError);
    assert.throws(() => product.multiply(new Float32Array(2), new Float32Array(2)), RangeError);
  });
});

describe("products of sparse matrices with dense blocks", () => {
  test("are the products by definition, scaled and on top of a base", () => {
    const size = fc.integer({ min: 1, max: 12 });
    fc.assert(
      fc.property(
        size,
        size,
        fc.nat(60),
        fc.constantFrom(16, 32),
        (rows, columns, count, width) => {
          const matrix = sparse(rows, columns, count, 5);
          const products = new SparseProducts(
            width,
            SparseProducts.matrixBytes(rows, matrix.values.length) +
              SparseProducts.blockBytes(columns, width) +
              2 * SparseProducts.blockBytes(rows, width),
          );
          const placed = products.place(matrix);
          const [dense, base, out] = [
            products.block(columns),
            products.block(rows),
            products.block(rows),
          ];
          dense.values.set(normals(columns * width, 6));
          base.values.set(normals(rows * width, 7));
          const entries = denseOf(matrix);
          const expected = (r: number, c: number) =>
            entries[r]!.reduce((sum, value, k) => sum + value * dense.values[k * width + c]!, 0);
          products.multiply(placed, dense, out);
          for (let r = 0; r < rows; r++) {
            for (let c = 0; c < width; c++) near(out.values[r * width + c]!, expected(r, c));
          }
          products.multiply(placed, dense, out, { scale: -0.5, base });
          for (let r = 0; r < rows; r++) {
            for (let c = 0; c < width; c++) {
              near(out.values[r * width + c]!, base.values[r * width + c]! - 0.5 * expected(r, c));
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test("refuse what does not fit", () => {
    assert.throws(() => new SparseProducts(8, 100), RangeError);
    const products = new SparseProducts(16, 65_536);
    const placed = products.place(sparse(3, 4, 5, 1));
    assert.throws(
      () => products.multiply(placed, products.block(3), products.block(3)),
      RangeError,
    );
    assert.throws(() => products.block(2_000), RangeError);
  });
});

describe("eigenvalues of a symmetric matrix", () => {
  test("of [[2, 1], [1, 2]] are 3 and 1", () => {
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    near(values[0]!, 3, 1e-12);
    near(values[1]!, 1, 1e-12);
    near(Math.abs(vectors[0]!), Math.SQRT1_2, 1e-12);
    near(vectors[0]!, vectors[1]!, 1e-12);
    near(vectors[2]!, -vectors[3]!, 1e-12);
  });

  test("satisfy A v = λ v", () => {
    const n = 30;
    const random = seededRandom(3, "eigen-test");
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j <= i; j++) a[i * n + j] = a[j * n + i] = random.normal();
    }
    const { values, vectors } = symmetricEigen(a.slice(), n);
    for (let e = 0; e < n; e++) {
      for (let i = 0; i < n; i++) {
        let sum = 0;
        for (let j = 0; j < n; j++) sum += a[i * n + j]! * vectors[e * n + j]!;
        near(sum, values[e]! * vectors[e * n + i]!, 1e-9);
      }
    }
  });
});

describe("truncated singular value decomposition", () => {
  test("finds the singular values and vectors of AᵀA's own eigenproblem", async () => {
    const [rows, columns, rank] = [50, 40, 6];
    const matrix = sparse(rows, columns, 400, 9);
    const a = denseOf(matrix);
    const gram = new Float64Array(columns * columns);
    for (const row of a) {
      row.forEach((x, i) => row.forEach((y, j) => (gram[i * columns + j]! += x * y)));
    }
    const exact = symmetricEigen(gram, columns);
    const { values, vectors } = await truncatedSvd(matrix, rank, { seed: 1, iterations: 12 });
    for (let r = 0; r < rank; r++) {
      near(values[r]!, Math.sqrt(exact.values[r]!), 1e-3);
      let overlap = 0;
      for (let c = 0; c < columns; c++) {
        overlap += vectors[c * rank + r]! * exact.vectors[r * columns + c]!;
      }
      near(Math.abs(overlap), 1, 1e-3);
    }
  });

  test("gives zeros beyond the matrix's rank", async () => {
    // [1 1 0; 2 2 0] has rank 1: σ = √10, v = (1, 1, 0) / √2.
    const matrix = csrFromEntries(
      2,
      3,
      Int32Array.of(0, 0, 1, 1),
      Int32Array.of(0, 1, 0, 1),
      Float32Array.of(1, 1, 2, 2),
    );
    const { rank, values, vectors } = await truncatedSvd(matrix, 5, { seed: 1 });
    assert.equal(rank, 2);
    near(values[0]!, Math.sqrt(10), 1e-5);
    assert.equal(values[1], 0);
    near(Math.abs(vectors[0]!), Math.SQRT1_2, 1e-5);
    near(vectors[2 * rank]!, 0, 1e-6);
    assert.equal(vectors[1], 0);
    assert.ok(truncatedSvdBytes(2, 3, 4, 5) > 0);
  });
});
