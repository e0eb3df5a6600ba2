import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { InvertedListsIndex, ItemSet } from "@magpie/retrieval";
import { LiveCodes } from "./live-codes.ts";

const width = 8;
const anyVector = fc
  .array(fc.integer({ min: -100, max: 100 }), { minLength: width, maxLength: width })
  .map((values) => Float32Array.from(values));
const rows = 90;
const anyChange = fc.tuple(
  fc.integer({ min: 1, max: rows - 1 }),
  fc.option(anyVector, { nil: undefined }),
);

describe("live codes", () => {
  test("find and score what an index of all vectors as they are now does", () => {
    fc.assert(
      fc.property(
        fc.array(anyVector, { minLength: 1, maxLength: 10 }),
        fc.array(anyChange, { maxLength: 120 }),
        anyVector,
        (vectors, changes, query) => {
          const matrix = new Float32Array(rows * width);
          vectors.forEach((vector, i) => matrix.set(vector, (i + 1) * width));
          const live = new LiveCodes(
            InvertedListsIndex.build(matrix.slice(0, (vectors.length + 1) * width), width),
          );
          const present = new Set(vectors.map((_, i) => i + 1));
          for (const [row, vector] of changes) {
            live.put(row, vector);
            matrix.set(vector ?? new Float32Array(width), row * width);
            if (vector === undefined) present.delete(row);
            else present.add(row);
          }
          const passing = ItemSet.of(rows, [...present]);
          const expected = InvertedListsIndex.build(matrix, width).search(query, 20, passing);
          assert.deepEqual(live.search(query, 20, passing), expected);
        },
      ),
    );
  });
});
