import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { topK, TopKSelector } from "./top-k.ts";

describe("topK", () => {
  test("gives the best scores, best first", () => {
    const top = topK(Float32Array.of(0.1, 0.9, 0.5, 0.7), 3);
    assert.deepEqual([...top.indices], [1, 3, 2]);
    assert.deepEqual([...top.scores], [...Float32Array.of(0.9, 0.7, 0.5)]);
  });

  test("breaks ties by the lower index, also at the cut", () => {
    assert.deepEqual([...topK(Float32Array.of(1, 2, 1, 2, 1), 4).indices], [1, 3, 0, 2]);
    assert.deepEqual([...topK(new Float32Array(6), 2).indices], [0, 1]);
  });

  test("never selects NaN or -Infinity, and may then be shorter than k", () => {
    const top = topK(Float32Array.of(-Infinity, NaN, 3, -Infinity, 1, NaN), 5);
    assert.deepEqual([...top.indices], [2, 4]);
  });

  test("gives nothing for k = 0 and for no scores", () => {
    assert.equal(topK(Float32Array.of(1, 2), 0).indices.length, 0);
    assert.equal(topK(new Float32Array(0), 3).indices.length, 0);
  });

  test("refuses a k that is no count", () => {
    assert.throws(() => new TopKSelector(-1), RangeError);
    assert.throws(() => new TopKSelector(1.5), RangeError);
  });

  test("equals a full stable sort", () => {
    const score = fc.oneof(
      fc.integer({ min: -3, max: 3 }),
      fc.constant(NaN),
      fc.constant(-Infinity),
    );
    fc.assert(
      fc.property(fc.array(score, { maxLength: 60 }), fc.nat(70), (values, k) => {
        const sorted = values
          .map((value, index) => ({ value, index }))
          .filter((entry) => entry.value > -Infinity)
          .sort((a, b) => b.value - a.value)
          .slice(0, k);
        const top = topK(Float32Array.from(values), k);
        assert.deepEqual(
          [...top.indices],
          sorted.map((entry) => entry.index),
        );
        assert.deepEqual(
          [...top.scores],
          sorted.map((entry) => entry.value),
        );
      }),
    );
  });

  test("a selector remembers nothing of the array before", () => {
    const selector = new TopKSelector(2);
    selector.select(Float32Array.of(9, 8, 7));
    assert.deepEqual([...selector.select(Float32Array.of(1)).indices], [0]);
  });
});
