import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { emptyBatch, packedBatches, spansOf } from "./sequence-batches.ts";

function sequencesOf(...pasts: readonly (readonly number[])[]): Sequences {
  const offsets = [0];
  for (const past of pasts) offsets.push(offsets.at(-1)! + past.length);
  const items = Int32Array.from(pasts.flat());
  return {
    userCount: pasts.length,
    itemCount: Math.max(0, ...items),
    offsets: Int32Array.from(offsets),
    items,
  };
}

describe("spansOf", () => {
  test("leaves the last item of a past to be a target", () => {
    assert.deepEqual(spansOf(sequencesOf([1, 2, 3], [4], [5, 6]), 10), [
      { from: 0, inputs: 2 },
      { from: 4, inputs: 1 },
    ]);
  });

  test("cuts a long past from its end, each item being a target once", () => {
    // 1 2 3 4 5 6 7: targets 5, 6, 7 after 4, 5, 6; targets 2, 3, 4 after 1, 2, 3
    assert.deepEqual(spansOf(sequencesOf([1, 2, 3, 4, 5, 6, 7]), 3), [
      { from: 3, inputs: 3 },
      { from: 0, inputs: 3 },
    ]);
  });
});

describe("packedBatches", () => {
  test("puts pasts side by side, each with segments and positions of its own", () => {
    const sequences = sequencesOf([1, 2, 3], [4, 5]);
    const batch = emptyBatch(1, 4);
    const targets = [
      ...packedBatches(sequences, spansOf(sequences, 4), batch, seededRandom(2, "order")),
    ];
    assert.deepEqual(targets, [3]);
    const isFirst = batch.items[0] === 1;
    assert.deepEqual([...batch.items], isFirst ? [1, 2, 4, 0] : [4, 1, 2, 0]);
    assert.deepEqual([...batch.targets], isFirst ? [2, 3, 5, 0] : [5, 2, 3, 0]);
    assert.deepEqual([...batch.segments], isFirst ? [0, 0, 1, 2] : [0, 1, 1, 2]);
    assert.deepEqual([...batch.positions], isFirst ? [1, 0, 0, 0] : [0, 1, 0, 0]);
    assert.deepEqual([...batch.weights], [...Float32Array.of(1 / 3, 1 / 3, 1 / 3, 0)]);
  });

  test("shows every pair of neighbours exactly once an epoch, whatever the shapes", () => {
    const anyPasts = fc.array(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 12 }), {
      maxLength: 20,
    });
    const anyShape = fc.record({
      rows: fc.integer({ min: 1, max: 4 }),
      length: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(anyPasts, anyShape, fc.nat(), (pasts, { rows, length }, seed) => {
        const sequences = sequencesOf(...pasts);
        const batch = emptyBatch(rows, length);
        const seen: string[] = [];
        const batches = packedBatches(
          sequences,
          spansOf(sequences, length),
          batch,
          seededRandom(seed, "order"),
        );
        for (const targets of batches) {
          let weight = 0;
          batch.weights.forEach((w, i) => {
            weight += w;
            if (w === 0) return;
            seen.push(`${batch.items[i]}>${batch.targets[i]}`);
            // Within a segment the next input is this target.
            const isNext =
              (i + 1) % length !== 0 &&
              batch.segments[i] === batch.segments[i + 1] &&
              batch.weights[i + 1] !== 0;
            if (isNext) assert.equal(batch.items[i + 1], batch.targets[i]);
          });
          assert.ok(Math.abs(weight - 1) < 1e-5);
          assert.equal(batch.weights.filter((w) => w > 0).length, targets);
        }
        const expected = pasts.flatMap((past) =>
          past.slice(1).map((item, i) => `${past[i]}>${item}`),
        );
        assert.deepEqual(seen.sort(), expected.sort());
      }),
    );
  });
});
