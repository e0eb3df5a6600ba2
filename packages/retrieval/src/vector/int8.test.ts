import assert from "node:assert/strict";
import { MagpieError } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ItemSet } from "../filter/item-set.ts";
import { ExactVectorIndex } from "./exact.ts";
import { Int8VectorIndex } from "./int8.ts";
import { behavesAsVectorIndex, clusteredVectors, randomVectors } from "./vector-index.suite.ts";

behavesAsVectorIndex("the int8 index", (vectors, width) => new Int8VectorIndex(vectors, width));

describe("the int8 index", () => {
  test("finds exactly what the float scan finds, scores and ties included", () => {
    fc.assert(
      fc.property(
        fc.record({
          rows: fc.integer({ min: 2, max: 400 }),
          width: fc.constantFrom(1, 5, 16, 64, 100),
          limit: fc.integer({ min: 1, max: 60 }),
          share: fc.constantFrom(0.05, 0.3, 0.9, 1),
          seed: fc.nat(),
          clustered: fc.boolean(),
          ties: fc.boolean(),
        }),
        ({ rows, width, limit, share, seed, clustered, ties }) => {
          const vectors = (clustered ? clusteredVectors : randomVectors)(rows, width, seed);
          if (ties && rows > 4) vectors.copyWithin(3 * width, width, 2 * width);
          const random = seededRandom(seed, "filter");
          const filter = new ItemSet(rows);
          for (let row = 1; row < rows; row++) if (random.next() < share) filter.add(row);
          const query = randomVectors(2, width, seed + 1).subarray(width);
          const float = new ExactVectorIndex(vectors, width);
          const int8 = new Int8VectorIndex(vectors, width);
          assert.deepEqual(int8.search(query, limit), float.search(query, limit));
          assert.deepEqual(int8.search(query, limit, filter), float.search(query, limit, filter));
        },
      ),
      { numRuns: 150 },
    );
  });

  test("settles a small share of the rows in float", () => {
    const vectors = randomVectors(20_000, 64, 2);
    const index = new Int8VectorIndex(vectors, 64);
    index.search(vectors.slice(640, 704), 10);
    assert.ok(index.settledRows >= 10);
    assert.ok(index.settledRows < 400, `${index.settledRows} of 20,000 rows were settled`);
  });

  test("opens from its bytes with the same answers", () => {
    const vectors = clusteredVectors(500, 24, 3);
    const index = new Int8VectorIndex(vectors, 24);
    const bytes = index.toBytes();
    const query = vectors.slice(240, 264);
    assert.deepEqual(Int8VectorIndex.open(bytes).search(query, 20), index.search(query, 20));

    // A buffer that starts at an odd address, as Node's pooled reads do.
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    assert.deepEqual(
      Int8VectorIndex.open(shifted.subarray(3)).search(query, 20),
      index.search(query, 20),
    );
  });

  test("says what is wrong with bytes that are not its own, or not whole", () => {
    const bytes = new Int8VectorIndex(randomVectors(9, 8, 1), 8).toBytes();
    const cases: [Uint8Array, RegExp][] = [
      [new Uint8Array(3), /only 3 bytes/],
      [new Uint8Array(64), /does not start like one/],
      [bytes.slice(0, 40), /ends inside its header/],
      [bytes.slice(0, -20), /inside its part "errors"/],
      [
        Buffer.from(Buffer.from(bytes).toString("latin1").replace("int8", "int9"), "latin1"),
        /int9/,
      ],
    ];
    for (const [broken, message] of cases) {
      assert.throws(
        () => Int8VectorIndex.open(broken),
        (error) =>
          error instanceof MagpieError &&
          error.code === "BAD_INDEX_FILE" &&
          message.test(error.message),
      );
    }
  });
});
