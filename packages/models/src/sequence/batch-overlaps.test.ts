import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { OverlapFinder } from "./batch-overlaps.ts";
import { emptyBatch, type SequenceBatch } from "./sequence-batches.ts";

/** A batch of rows of pasts; a past of m items is m - 1 places with a target each. */
function batchOf(length: number, rows: readonly (readonly (readonly number[])[])[]): SequenceBatch {
  const batch = emptyBatch(rows.length, length);
  rows.forEach((pasts, row) => {
    let at = row * length;
    batch.segments.fill(pasts.length, at, at + length);
    pasts.forEach((past, segment) => {
      for (let i = 0; i + 1 < past.length; i++, at++) {
        batch.items[at] = past[i]!;
        batch.targets[at] = past[i + 1]!;
        batch.segments[at] = segment;
      }
    });
  });
  return batch;
}

describe("OverlapFinder", () => {
  test("finds targets and items that the past holds already, and negatives that are neither", () => {
    //     items 3 5 3 | 5 1 , targets 5 3 7 | 1 2
    const batch = batchOf(5, [
      [
        [3, 5, 3, 7],
        [5, 1, 2],
      ],
    ]);
    const finder = new OverlapFinder(batch, Int32Array.of(5, 7, 9), 9, true);
    finder.find();
    assert.deepEqual([...finder.repeats], [0, 1, 0, 0, 0]);
    assert.deepEqual([...finder.duplicates], [0, 0, 1, 0, 0]);
    // Negative 5: target of place 0, in the past from place 1 on; in the second past from its start.
    const of = (k: number) =>
      [0, 1, 2, 3, 4].map((place) => Number(finder.mask[place * 3 + k]! < -1e8));
    assert.deepEqual(of(0), [1, 1, 1, 1, 1]);
    assert.deepEqual(of(1), [0, 0, 1, 0, 0]);
    assert.deepEqual(of(2), [0, 0, 0, 0, 0]);
  });

  test("leaves negatives of the past in when only targets are excluded", () => {
    const batch = batchOf(4, [[[3, 5, 3, 7]]]);
    const finder = new OverlapFinder(batch, Int32Array.of(5), 9, false);
    finder.find();
    assert.deepEqual([...finder.mask], [-1e9, 0, 0, 0]);
  });

  test("adds corrections, the same or new ones in the next batch", () => {
    const batch = batchOf(3, [[[3, 5, 7]]]);
    const negatives = Int32Array.of(5, 7);
    const finder = new OverlapFinder(batch, negatives, 9, true);
    finder.find(Float32Array.of(0.5, 2));
    assert.deepEqual([...finder.mask], [-1e9, 2, -1e9, -1e9, 0.5, 2]);
    negatives.fill(9);
    finder.find(Float32Array.of(0.5, 2));
    assert.deepEqual([...finder.mask], [0.5, 2, 0.5, 2, 0.5, 2]);
    finder.find(Float32Array.of(0.5, 3));
    assert.deepEqual([...finder.mask], [0.5, 3, 0.5, 3, 0.5, 3]);
  });

  test("agrees with looking at every pair, batch after batch", () => {
    const anyPast = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 5 });
    const anyRow = fc.array(anyPast, { maxLength: 2 });
    const anyBatch = fc.array(anyRow, { minLength: 2, maxLength: 2 });
    const batch = batchOf(10, [[], []]);
    const negatives = new Int32Array(4);
    const finder = new OverlapFinder(batch, negatives, 6, true);
    fc.assert(
      fc.property(anyBatch, fc.array(fc.integer({ min: 1, max: 6 })), (rows, drawn) => {
        const next = batchOf(10, rows);
        batch.items.set(next.items);
        batch.targets.set(next.targets);
        batch.segments.set(next.segments);
        negatives.fill(1);
        negatives.set(drawn.slice(0, 4));
        finder.find();
        for (let place = 0; place < 20; place++) {
          const target = batch.targets[place]!;
          if (target === 0) continue;
          const past: number[] = [];
          for (let other = 10 * Math.floor(place / 10); other <= place; other++) {
            if (batch.segments[other] === batch.segments[place]) past.push(batch.items[other]!);
          }
          assert.equal(finder.repeats[place], past.includes(target) ? 1 : 0);
          assert.equal(finder.duplicates[place], past.slice(0, -1).includes(past.at(-1)!) ? 1 : 0);
          negatives.forEach((id, k) =>
            assert.equal(
              Number(finder.mask[place * 4 + k]! < -1e8),
              id === target || past.includes(id) ? 1 : 0,
            ),
          );
        }
      }),
    );
  });
});
