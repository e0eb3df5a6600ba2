import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ItemSet } from "./item-set.ts";

const size = 100;
const anyMembers = fc.uniqueArray(fc.integer({ min: 1, max: size - 1 }));
const ascending = (rows: Iterable<number>) => [...rows].toSorted((a, b) => a - b);

describe("the item set", () => {
  test("remembers its members, in order", () => {
    fc.assert(
      fc.property(anyMembers, (members) => {
        const set = ItemSet.of(size, members);
        assert.deepEqual([...set.toRows()], ascending(members));
        assert.equal(set.count(), members.length);
        for (let row = 0; row < size; row++) assert.equal(set.has(row), members.includes(row));
      }),
    );
  });

  test("joins sets as sets are joined", () => {
    fc.assert(
      fc.property(anyMembers, anyMembers, (a, b) => {
        const [x, y] = [new Set(a), new Set(b)];
        const set = () => ItemSet.of(size, a);
        assert.deepEqual(
          [...set().intersect(ItemSet.of(size, b)).toRows()],
          ascending(x.intersection(y)),
        );
        assert.deepEqual([...set().unite(ItemSet.of(size, b)).toRows()], ascending(x.union(y)));
        const clone = set().clone();
        for (const row of b) clone.delete(row);
        assert.deepEqual([...clone.toRows()], ascending(x.difference(y)));
      }),
    );
  });

  test("holds every row but the padding when it holds all", () => {
    for (const rows of [0, 1, 2, 31, 32, 33, 64, 65]) {
      const all = ItemSet.all(rows);
      assert.deepEqual(
        [...all.toRows()],
        Array.from({ length: Math.max(0, rows - 1) }, (_, i) => i + 1),
      );
    }
  });

  test("joins sets of different lengths: what is past the end is not a member", () => {
    assert.deepEqual(
      [
        ...ItemSet.of(90, [1, 80])
          .intersect(ItemSet.of(10, [1, 2]))
          .toRows(),
      ],
      [1],
    );
    assert.equal(ItemSet.of(10, [1]).has(80), false);
  });

  test("refuses the padding row and rows past its end", () => {
    for (const row of [0, -1, 10, 1.5 / 0]) {
      assert.throws(() => new ItemSet(10).add(row), /not among rows 1 to 9/);
    }
    assert.throws(() => new ItemSet(100, new Int32Array(3)), /3 words/);
  });
});
