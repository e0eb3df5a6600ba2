import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ItemSet } from "../filter/item-set.ts";
import type { VectorIndex } from "./vector-index.ts";

/** Independent directions: the friendly case. */
export function randomVectors(rows: number, width: number, seed: number): Float32Array {
  const random = seededRandom(seed, "random-vectors");
  return Float32Array.from({ length: rows * width }, (_, i) => (i < width ? 0 : random.normal()));
}

/** A few directions with little noise around them, lengths spread widely: the hard case. */
export function clusteredVectors(rows: number, width: number, seed: number): Float32Array {
  const random = seededRandom(seed, "clustered-vectors");
  const clusters = Math.max(1, Math.ceil(rows / 150));
  const centres = Float32Array.from({ length: clusters * width }, () => random.normal());
  const vectors = new Float32Array(rows * width);
  for (let row = 1; row < rows; row++) {
    const centre = random.int(clusters) * width;
    const length = Math.exp(random.normal());
    for (let d = 0; d < width; d++) {
      vectors[row * width + d] = length * (centres[centre + d]! + 0.05 * random.normal());
    }
  }
  return vectors;
}

/** The answer worked out in double precision by sorting everything. */
function sorted(
  vectors: Float32Array,
  width: number,
  query: Float32Array,
  filter?: ItemSet,
): { row: number; score: number }[] {
  return Array.from({ length: vectors.length / width }, (_, row) => ({
    row,
    score: query.reduce((sum, value, d) => sum + value * vectors[row * width + d]!, 0),
  }))
    .filter(({ row }) => row > 0 && (filter === undefined || filter.has(row)))
    .toSorted((a, b) => b.score - a.score || a.row - b.row);
}

/** How far an index may be from the truth. */
export interface Approximation {
  /** Largest error of a score, as a share of the largest score there is. */
  readonly scoreError: number;
  /** Share of the true ten best that are found, over all queries of a kind. */
  readonly recallAt10: number;
}

const exact: Approximation = { scoreError: 0, recallAt10: 1 };

/** What every vector index promises; an approximate one says how nearly. */
export function behavesAsVectorIndex(
  name: string,
  open: (itemVectors: Float32Array, width: number) => VectorIndex,
  { scoreError, recallAt10 }: Approximation = exact,
): void {
  describe(`${name} as a vector index`, () => {
    test("answers best first, with scores, without the padding row", () => {
      // prettier-ignore
      const index = open(Float32Array.of(9, 9,  1, 0,  0, 1,  2, 2,  -1, 0), 2);
      const { items, scores } = index.search(Float32Array.of(1, 0.5), 3);
      assert.deepEqual([...items], [3, 1, 2]);
      [3, 1, 0.5].forEach((score, place) => {
        assert.ok(Math.abs(scores[place]! - score) <= 3 * scoreError);
      });
      assert.equal(index.rows, 5);
      assert.equal(index.width, 2);
    });

    test("orders equal scores by row", () => {
      const index = open(new Float32Array(40 * 3).fill(1), 3);
      assert.deepEqual([...index.search(Float32Array.of(1, 1, 1), 4).items], [1, 2, 3, 4]);
      assert.deepEqual([...index.search(new Float32Array(3), 3).items], [1, 2, 3]);
    });

    test("answers fewer when fewer pass, and nothing when nothing can", () => {
      const index = open(randomVectors(50, 8, 3), 8);
      const query = randomVectors(2, 8, 4).subarray(8);
      assert.equal(index.search(query, 100).items.length, 49);
      assert.deepEqual([...index.search(query, 100, ItemSet.of(50, [7])).items], [7]);
      assert.equal(index.search(query, 10, new ItemSet(50)).items.length, 0);
      assert.equal(index.search(query, 0).items.length, 0);
      assert.equal(open(new Float32Array(8), 8).search(query, 10).items.length, 0);
    });

    test("takes a filter that knows more rows, or fewer, than the index", () => {
      const index = open(randomVectors(50, 8, 3), 8);
      const query = randomVectors(2, 8, 4).subarray(8);
      assert.deepEqual([...index.search(query, 9, ItemSet.of(200, [3, 150])).items], [3]);
      assert.deepEqual([...index.search(query, 9, ItemSet.of(20, [3])).items], [3]);
      const many = ItemSet.all(40);
      assert.equal(index.search(query, 49, many).items.length, 39);
    });

    test("refuses a query of another width", () => {
      assert.throws(() => open(randomVectors(9, 4, 1), 4).search(new Float32Array(5), 3), /5/);
    });

    for (const [kind, make] of [
      ["random", randomVectors],
      ["clustered", clusteredVectors],
    ] as const) {
      test(`finds ${Math.round(100 * recallAt10)} % of the true ten best among 4,000 ${kind} vectors, filtered or not`, () => {
        const [rows, width] = [4_000, 64];
        const vectors = make(rows, width, 11);
        const index = open(vectors, width);
        const random = seededRandom(5, "filters");
        let found10 = 0;
        for (let i = 0; i < 12; i++) {
          const query = vectors.slice((i + 1) * width, (i + 2) * width);
          const share = [1, 0.6, 0.3, 0.01][i % 4]!;
          const filter = ItemSet.all(rows);
          for (let row = 1; row < rows; row++) if (random.next() > share) filter.delete(row);
          const found = index.search(query, 10, i < 4 ? undefined : filter);
          const truth = sorted(vectors, width, query, i < 4 ? undefined : filter);
          // Float32 may swap two that differ in the seventh digit; none may be worse than the tenth.
          const tenth = truth[9]!.score;
          const slack = (1e-5 + scoreError) * Math.abs(truth[0]!.score);
          found.items.forEach((row, place) => {
            const { score } = truth.find((entry) => entry.row === row)!;
            if (score >= tenth - slack) found10++;
            assert.ok(Math.abs(score - found.scores[place]!) <= slack);
          });
          assert.equal(found.items.length, 10);
        }
        assert.ok(found10 >= 120 * recallAt10, `${found10} of 120 were found`);
      });
    }

    test("never answers a row twice, and scores never rise along the answer", () => {
      fc.assert(
        fc.property(
          fc.integer({ min: 1, max: 90 }),
          fc.integer({ min: 1, max: 40 }),
          fc.integer({ min: 1, max: 100 }),
          fc.nat(),
          (rows, width, limit, seed) => {
            const index = open(clusteredVectors(rows, width, seed), width);
            const { items, scores } = index.search(
              randomVectors(2, width, seed).subarray(width),
              limit,
            );
            assert.equal(items.length, Math.min(limit, rows - 1));
            assert.equal(new Set(items).size, items.length);
            for (let i = 1; i < scores.length; i++) assert.ok(scores[i]! <= scores[i - 1]!);
          },
        ),
        { numRuns: 40 },
      );
    });
  });
}
