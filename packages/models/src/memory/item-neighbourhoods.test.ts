import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { pairsEstimate } from "./item-neighbourhoods.ts";

function sequencesOf(users: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => (offsets[u + 1] = offsets[u]! + user.length));
  return { userCount: users.length, itemCount, offsets, items: Int32Array.from(users.flat()) };
}

describe("the estimate of pairs that share a user", () => {
  test("counts a pair once, however many users it shares", () => {
    // 1-1, 1-2, 2-1, 2-2, 3-3; item 4 has no user.
    assert.equal(pairsEstimate(sequencesOf([[1, 2], [2, 1, 1], [3], []], 4)), 5);
    assert.equal(pairsEstimate(sequencesOf([], 0)), 0);
  });

  test("is near the count where items are too many to be counted each", () => {
    const itemCount = 5_000;
    const random = seededRandom(5, "popular-items");
    // Popularity falls off steeply: row ∝ uniform³.
    const users = Array.from({ length: 3_000 }, () =>
      Array.from({ length: 12 }, () => 1 + Math.floor(itemCount * random.next() ** 3)),
    );
    const pairs = new Set<number>();
    for (const items of users) {
      for (const a of items) for (const b of items) pairs.add(a * (itemCount + 1) + b);
    }
    const estimate = pairsEstimate(sequencesOf(users, itemCount));
    assert.ok(Math.abs(estimate / pairs.size - 1) < 0.05, `${estimate} for ${pairs.size}`);
  });
});
