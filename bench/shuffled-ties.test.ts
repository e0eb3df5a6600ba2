import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { withTiesShuffled } from "./shuffled-ties.ts";

describe("shuffled ties", () => {
  // Two users: one took eight items at once and two later, the other one of each moment.
  const given = {
    userCount: 2,
    itemCount: 10,
    offsets: Int32Array.of(0, 10, 13),
    items: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3, 2, 1),
    timestampsMs: Float64Array.of(5, 5, 5, 5, 5, 5, 5, 5, 6, 7, 5, 6, 7),
    weights: Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 3, 2, 1),
  };

  test("change the order of one moment alone, and weights go with their items", () => {
    const shuffled = withTiesShuffled(given, 1);
    assert.notDeepEqual(shuffled.items, given.items);
    assert.deepEqual([...shuffled.items.subarray(0, 8)].sort(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual([...shuffled.items.subarray(8)], [9, 10, 3, 2, 1]);
    assert.deepEqual([...shuffled.weights!], [...shuffled.items]);
    assert.deepEqual(shuffled.timestampsMs, given.timestampsMs);
  });

  test("are the same for the same seed and others for another", () => {
    assert.deepEqual(withTiesShuffled(given, 1), withTiesShuffled(given, 1));
    assert.notDeepEqual(withTiesShuffled(given, 1).items, withTiesShuffled(given, 2).items);
  });

  test("are refused where there are no times", () => {
    const { timestampsMs: _, ...untimed } = given;
    assert.throws(() => withTiesShuffled(untimed, 1), /no times/);
  });
});
