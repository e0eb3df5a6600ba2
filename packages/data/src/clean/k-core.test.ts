import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { historyOf, type Sequences } from "../sequences.ts";
import { kCore } from "./k-core.ts";

function sequencesOf(histories: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = [0];
  for (const history of histories) offsets.push(offsets.at(-1)! + history.length);
  const items = Int32Array.from(histories.flat());
  return {
    userCount: histories.length,
    itemCount,
    offsets: Int32Array.from(offsets),
    items,
    timestampsMs: Float64Array.from(items, (_, i) => i),
  };
}

describe("kCore", () => {
  test("repeats until nothing changes: one user out pulls an item below its bound", () => {
    // Item 3 is rare, so user 2 falls below 2, so item 2 falls below 2, so user 1 falls too.
    const { sequences, users, removed } = kCore(
      sequencesOf(
        [
          [1, 4],
          [1, 2],
          [2, 3],
          [4, 1],
        ],
        4,
      ),
      { minPerUser: 2, minPerItem: 2 },
    );
    assert.deepEqual([...users], [0, 3]);
    assert.deepEqual([...historyOf(sequences, 1).items], [4, 1]);
    assert.deepEqual([...sequences.timestampsMs!], [0, 1, 6, 7]);
    assert.equal(removed, 4);
    assert.equal(sequences.itemCount, 4);
  });

  test("leaves everything in place with bounds of 1", () => {
    const before = sequencesOf([[1, 1], [], [2]], 2);
    const { sequences, users, removed } = kCore(before, { minPerUser: 1, minPerItem: 1 });
    assert.deepEqual([...sequences.items], [1, 1, 2]);
    assert.deepEqual([...users], [0, 2]);
    assert.equal(removed, 0);
  });

  test("satisfies both bounds, loses nothing else, and is a fixed point", () => {
    const anyHistories = fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 6 }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(anyHistories, fc.nat(3), fc.nat(3), (histories, minPerUser, minPerItem) => {
        const bounds = { minPerUser, minPerItem };
        const core = kCore(sequencesOf(histories, 6), bounds);
        const perItem = new Map<number, number>();
        for (const item of core.sequences.items) perItem.set(item, (perItem.get(item) ?? 0) + 1);
        for (const count of perItem.values()) assert.ok(count >= minPerItem);
        for (let u = 0; u < core.sequences.userCount; u++) {
          assert.ok(historyOf(core.sequences, u).items.length >= Math.max(1, minPerUser));
        }
        assert.equal(core.sequences.items.length + core.removed, histories.flat().length);
        assert.equal(kCore(core.sequences, bounds).removed, 0);
      }),
    );
  });
});
