import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { CodedItems, FloatItems, type ItemTable } from "./item-table.ts";

const width = 3;
// prettier-ignore
const vectors = Float32Array.of(0, 0, 0,  1, -2, 0.5,  127, 1, -64,  0, 0, 0.25);

const rowOf = (table: ItemTable, row: number): number[] => {
  const out = new Float32Array(width + 2);
  table.copyRow(row, out, 1);
  assert.deepEqual([out[0], out[width + 1]], [0, 0]);
  return [...out.subarray(1, width + 1)];
};

describe("item tables", () => {
  test("of floats give rows and products as they are", () => {
    const table = new FloatItems(vectors, width);
    assert.equal(table.rows, 4);
    assert.equal(table.bytes, 4 * 4 * width);
    assert.deepEqual(rowOf(table, 1), [1, -2, 0.5]);
    assert.equal(table.product(1, 2), 127 - 2 - 32);
    assert.equal(table.dot(Float32Array.of(2, 0, 4), 1), 4);
  });

  test("of bytes give what the codes stand for: steps of a 127th of a row's largest value", () => {
    const table = CodedItems.of(vectors, width);
    assert.equal(table.bytes, 4 * width + 4 * 4);
    assert.deepEqual(rowOf(table, 0), [0, 0, 0]);
    // Row 2 has a step of 1, so all its values are levels.
    assert.deepEqual(rowOf(table, 2), [127, 1, -64]);
    assert.equal(table.dot(Float32Array.of(1, 1, 0), 2), 128);
    assert.equal(table.product(2, 2), 127 ** 2 + 1 + 64 ** 2);
    // Row 1 has steps of 2 / 127: 1 is 63.5 of them, 0.5 is 31.75.
    const step = Math.fround(2 / 127);
    assert.deepEqual(
      rowOf(table, 1),
      [64, -127, 32].map((level) => Math.fround(level * step)),
    );
  });

  test("of bytes agree with themselves: rows, products, scans, and what is saved", () => {
    const value = fc.float({ min: -8, max: 8, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 2 * width, maxLength: 2 * width }),
        fc.array(value, { minLength: width, maxLength: width }),
        (rows, asked) => {
          const table = new CodedItems(
            CodedItems.of(Float32Array.from(rows), width).quantised(),
            width,
          );
          const floats = new FloatItems(table.toFloats(), width);
          const vector = Float32Array.from(asked);
          const products = table.scan(vector);
          for (const row of [0, 1]) {
            assert.ok(Math.abs(table.dot(vector, row) - floats.dot(vector, row)) < 1e-3);
            // The scan rounds the vector too, to 16,383 levels.
            assert.ok(Math.abs(products[row]! - floats.dot(vector, row)) < 0.02);
          }
          assert.ok(Math.abs(table.product(0, 1) - floats.product(0, 1)) < 1e-3);
        },
      ),
    );
  });
});
