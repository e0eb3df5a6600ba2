import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { Sequences } from "@magpie/data";
import { visitMoments } from "./moments.ts";

const minute = 60_000;

/** Users as lists of [item, minutes], oldest first. */
function log(...users: (readonly [number, number])[][]): Sequences {
  const flat = users.flat();
  const offsets = new Int32Array(users.length + 1);
  for (const [u, user] of users.entries()) offsets[u + 1] = offsets[u]! + user.length;
  return {
    userCount: users.length,
    itemCount: 9,
    offsets,
    items: Int32Array.from(flat, ([item]) => item),
    timestampsMs: Float64Array.from(flat, ([, minutes]) => minutes * minute),
  };
}

const period = { fromMs: 100 * minute, toMs: 200 * minute };

describe("moments within a visit", () => {
  test("ask for an act that follows another within half an hour, with all that came before", () => {
    const { pasts, targets } = visitMoments(
      log(
        [
          [1, 0],
          [2, 100],
          [3, 120],
        ],
        // A pause of 31 minutes: another visit.
        [
          [4, 100],
          [5, 131],
        ],
        // Within half an hour, but after the period.
        [
          [6, 199],
          [7, 201],
        ],
        [[8, 150]],
      ),
      period,
      1,
    );
    assert.deepEqual(
      pasts.map(({ items, userIndex }) => [userIndex, ...items]),
      [[0, 1, 2]],
    );
    assert.deepEqual([...targets], [3]);
  });

  test("are one per user, spread over the visit, and repeat by their seed", () => {
    const visit = Array.from({ length: 9 }, (_, i) => [i + 1, 100 + i] as const);
    const shop = log(...Array.from({ length: 200 }, () => visit));
    const first = visitMoments(shop, period, 1);
    assert.equal(first.pasts.length, 200);
    assert.deepEqual(visitMoments(shop, period, 1).targets, first.targets);
    assert.deepEqual(new Set(first.targets), new Set([2, 3, 4, 5, 6, 7, 8, 9]));
    for (const [i, { items }] of first.pasts.entries()) {
      assert.equal(items.at(-1), first.targets[i]! - 1);
    }
  });

  test("are none without times", () => {
    const { timestampsMs: _, ...timeless } = log([
      [1, 100],
      [2, 101],
    ]);
    assert.equal(visitMoments(timeless, period, 1).pasts.length, 0);
  });
});
