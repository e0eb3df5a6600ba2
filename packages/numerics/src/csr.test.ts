import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { csrFromEntries, type CsrMatrix, multiply, timesVector, transpose } from "./csr.ts";

const entries = (rows: number, columns: number) =>
  fc.array(
    fc.record({
      row: fc.nat(rows - 1),
      column: fc.nat(columns - 1),
      value: fc.integer({ min: -9, max: 9 }),
    }),
    { maxLength: 40 },
  );

function sparse(
  rows: number,
  columns: number,
  list: readonly { row: number; column: number; value: number }[],
): CsrMatrix {
  return csrFromEntries(
    rows,
    columns,
    Int32Array.from(list, (e) => e.row),
    Int32Array.from(list, (e) => e.column),
    Float32Array.from(list, (e) => e.value),
  );
}

/** Rows of plain numbers. */
function dense(matrix: CsrMatrix): number[][] {
  return Array.from({ length: matrix.rows }, (_, row) => {
    const line = Array.from({ length: matrix.columns }, () => 0);
    for (let p = matrix.offsets[row]!; p < matrix.offsets[row + 1]!; p++) {
      line[matrix.indices[p]!]! += matrix.values[p]!;
    }
    return line;
  });
}

describe("a sparse matrix", () => {
  test("is built from entries in any order, equal places summed", () => {
    const matrix = csrFromEntries(
      3,
      3,
      Int32Array.of(2, 0, 0, 2),
      Int32Array.of(1, 2, 0, 1),
      Float32Array.of(3, 2, 5, 4),
    );
    assert.deepEqual([...matrix.offsets], [0, 2, 2, 3]);
    assert.deepEqual([...matrix.indices], [0, 2, 1]);
    assert.deepEqual([...matrix.values], [5, 2, 7]);
  });

  test("counts entries when no values are given", () => {
    const matrix = csrFromEntries(1, 2, Int32Array.of(0, 0), Int32Array.of(1, 1));
    assert.deepEqual(dense(matrix), [[0, 2]]);
  });

  test("names an entry that lies outside", () => {
    assert.throws(
      () => csrFromEntries(2, 2, Int32Array.of(0, 1), Int32Array.of(1, 2)),
      /entry 1 is at \(1, 2\), outside a 2 × 2 matrix/,
    );
  });

  test("transposed twice is itself", () => {
    fc.assert(
      fc.property(entries(5, 7), (list) => {
        const matrix = sparse(5, 7, list);
        assert.deepEqual(transpose(transpose(matrix)), matrix);
        const turned = dense(transpose(matrix));
        dense(matrix).forEach((line, r) => line.forEach((x, c) => assert.equal(turned[c]![r], x)));
      }),
    );
  });

  test("multiplies as a dense matrix does", () => {
    fc.assert(
      fc.property(entries(4, 6), entries(6, 3), (a, b) => {
        const left = sparse(4, 6, a);
        const right = sparse(6, 3, b);
        const [x, y] = [dense(left), dense(right)];
        const expected = x.map((line) =>
          [0, 1, 2].map((c) => line.reduce((sum, v, k) => sum + v * y[k]![c]!, 0)),
        );
        const product = multiply(left, right);
        assert.deepEqual(dense(product), expected);
        for (let p = 1; p < product.indices.length; p++) {
          const startsRow = product.offsets.includes(p);
          assert.ok(startsRow || product.indices[p]! > product.indices[p - 1]!);
        }
      }),
    );
  });

  test("times a vector is the vector of its rows' sums", () => {
    const matrix = sparse(2, 3, [
      { row: 0, column: 0, value: 2 },
      { row: 0, column: 2, value: -1 },
    ]);
    assert.deepEqual([...timesVector(matrix, Float32Array.of(3, 100, 4))], [2, 0]);
    assert.throws(() => timesVector(matrix, new Float32Array(2)), /vector of 2 against 3 columns/);
  });

  test("refuses shapes that do not fit", () => {
    assert.throws(() => multiply(sparse(1, 2, []), sparse(3, 1, [])), /2 columns against 3 rows/);
  });
});
