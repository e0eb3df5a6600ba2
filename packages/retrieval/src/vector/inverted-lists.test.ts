import assert from "node:assert/strict";
import { MagpieError } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { ItemSet } from "../filter/item-set.ts";
import { ExactVectorIndex } from "./exact.ts";
import { InvertedListsIndex } from "./inverted-lists.ts";
import { behavesAsVectorIndex, randomVectors } from "./vector-index.suite.ts";

behavesAsVectorIndex(
  "inverted lists of one list",
  (vectors, width) => InvertedListsIndex.build(vectors, width),
  { scoreError: 0.02, recallAt10: 1 },
);
behavesAsVectorIndex(
  "inverted lists of many lists, three in four of them read",
  (vectors, width) =>
    InvertedListsIndex.build(vectors, width, { lists: 40, minProbes: 4, probeShare: 0.75 }),
  { scoreError: 0.02, recallAt10: 0.9 },
);

/** Directions around a few centres, all of length 1, as text encoders give them. */
function unitVectors(rows: number, width: number, seed: number): Float32Array {
  const random = seededRandom(seed, "unit-vectors");
  const centres = randomVectors(rows / 100, width, seed);
  const vectors = new Float32Array(rows * width);
  for (let row = 1; row < rows; row++) {
    const vector = vectors.subarray(row * width, (row + 1) * width);
    const centre = random.int(rows / 100) * width;
    vector.forEach((_, d) => (vector[d] = centres[centre + d]! + 0.6 * random.normal()));
    const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
    vector.forEach((value, d) => (vector[d] = value / length));
  }
  return vectors;
}

describe("inverted lists", () => {
  const [rows, width] = [20_000, 48];
  const vectors = unitVectors(rows, width, 5);
  const index = InvertedListsIndex.build(vectors, width, { lists: 140, minProbes: 8 });
  const truth = new ExactVectorIndex(vectors, width);
  const queries = Array.from({ length: 40 }, (_, i) => {
    const row = 1 + 450 * i;
    return vectors.slice(row * width, (row + 1) * width);
  });
  const recall = (filter?: ItemSet): number => {
    let found = 0;
    for (const query of queries) {
      const expected = new Set(truth.search(query, 10, filter).items);
      for (const row of index.search(query, 10, filter).items) if (expected.has(row)) found++;
    }
    return found / (10 * queries.length);
  };

  test("find nine in ten of the best while reading a tenth of the rows", () => {
    assert.ok(recall() >= 0.9, `recall is ${recall()}`);
    assert.ok(index.scannedRows < rows / 8, `${index.scannedRows} rows were read`);
  });

  test("read on through a filter until enough is found", () => {
    // Passes a tenth of the rows, none of them among the nearest lists of the query.
    const query = queries[3]!;
    const near = new Set(index.search(query, 2_000).items);
    const random = seededRandom(3, "filter");
    const filter = new ItemSet(rows);
    for (let row = 1; row < rows; row++) {
      if (!near.has(row) && random.next() < 0.1) filter.add(row);
    }
    const { items } = index.search(query, 50, filter);
    assert.equal(items.length, 50);
    assert.ok(items.every((row) => filter.has(row)));
  });

  test("look at every row that passes when few do", () => {
    const filter = ItemSet.of(
      rows,
      Array.from({ length: 500 }, (_, i) => 1 + 37 * i),
    );
    assert.ok(recall(filter) >= 0.97, `recall is ${recall(filter)}`);
    assert.equal(index.scannedRows, 500);
  });

  test("open from their bytes with the same answers", () => {
    const opened = InvertedListsIndex.open(index.toBytes(), { minProbes: 8 });
    for (const query of queries)
      assert.deepEqual(opened.search(query, 20), index.search(query, 20));
    assert.equal(opened.rows, rows);
  });

  test("score chosen rows, and give 0 for rows that are not there", () => {
    const query = queries[0]!;
    const { items, scores } = index.search(query, 5);
    assert.deepEqual(
      index.scoresOf(query, [...items, rows + 7, 0]),
      Float32Array.of(...scores, 0, 0),
    );
    const vector = index.vectorOf(items[0]!);
    vector.forEach((value, d) => {
      assert.ok(Math.abs(value - vectors[items[0]! * width + d]!) < 0.01);
    });
    assert.deepEqual(index.vectorOf(rows + 7), new Float32Array(width));
  });

  test("take less than half of what float vectors would", () => {
    assert.ok(index.byteLength < (rows * width * 4) / 2);
  });

  test("refuse bytes that are not theirs", () => {
    assert.throws(
      () => InvertedListsIndex.open(new Uint8Array(64)),
      (error) => error instanceof MagpieError && error.code === "BAD_INDEX_FILE",
    );
  });

  test("hold zeros and more lists than rows", () => {
    const small = InvertedListsIndex.build(randomVectors(4, 3, 1), 3, { lists: 50 });
    assert.equal(small.search(Float32Array.of(1, 0, 0), 9).items.length, 3);
    const zeros = InvertedListsIndex.build(new Float32Array(30 * 3), 3, { lists: 5 });
    assert.equal(zeros.search(Float32Array.of(1, 0, 0), 9).items.length, 9);
  });
});
