import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { ExactVectorIndex, ItemSet } from "@magpie/retrieval";
import { SequenceItems } from "./sequence-items.ts";

// prettier-ignore
const index = new ExactVectorIndex(Float32Array.of(0, 0,  1, 0,  0, 1), 2);
const items = (): SequenceItems =>
  new SequenceItems(
    { itemCount: 2, itemsOfTexts: (texts) => texts.map((value) => 2 * value) },
    index,
  );
const all = ItemSet.of(8, [1, 2, 5]);

describe("items of a sequence model that reads texts", () => {
  test("have those that came later where their texts say", () => {
    const live = items();
    live.put(5, Float32Array.of(0.6, 0));
    const found = live.search(Float32Array.of(1, 0.5), 3, all);
    assert.deepEqual([...found.items], [5, 1, 2]);
    assert.ok(Math.abs(found.scores[0]! - 1.2) < 1e-6);
    live.put(5, undefined);
    assert.deepEqual([...live.search(Float32Array.of(1, 0.5), 3, all).items], [1, 2]);
  });

  test("keep what was trained, whatever its words are now, and no item without a text", () => {
    const live = items();
    live.put(1, Float32Array.of(-9, 0));
    live.put(5, Float32Array.of(0, 0));
    assert.deepEqual([...live.search(Float32Array.of(1, 0.5), 3, all).items], [1, 2]);
    assert.deepEqual([live.rows, live.width], [3, 2]);
    assert.deepEqual([...live.search(Float32Array.of(0, 1), 1).items], [2]);
  });
});
