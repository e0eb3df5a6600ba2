import assert from "node:assert/strict";
import { itemIndex } from "@magpie/domain";
import { describe, test } from "vitest";
import { catalogueLikeness, vectorLikeness } from "./likeness.ts";

describe("likeness", () => {
  test("of vectors is their cosine, from 0 on", () => {
    // prettier-ignore
    const vectors = [[0, 0],  [3, 0],  [1, 1],  [-2, 0]];
    const like = vectorLikeness({
      rows: vectors.length,
      product: (a, b) => vectors[a]![0]! * vectors[b]![0]! + vectors[a]![1]! * vectors[b]![1]!,
    });
    const between = (a: number, b: number) => like(itemIndex(a), itemIndex(b));
    assert.equal(between(1, 1), 1);
    assert.ok(Math.abs(between(1, 2) - Math.SQRT1_2) < 1e-6);
    assert.equal(between(1, 3), 0);
    assert.equal(between(0, 1), 0);
    assert.equal(between(1, 99), 0);
  });

  test("by catalogue facts counts brand and shared categories", () => {
    const brands = [-1, 0, 0, 1, -1];
    const categories = [[], [0, 1], [0, 2], [0, 1], []].map((codes) => Int32Array.from(codes));
    const like = catalogueLikeness(
      { brandOf: (row) => brands[row]!, categoriesOf: (row) => categories[row]! },
      0.25,
    );
    const between = (a: number, b: number) => like(itemIndex(a), itemIndex(b));
    assert.equal(between(1, 1), 1);
    assert.equal(between(1, 2), 0.25 + 0.75 / 3);
    assert.equal(between(1, 3), 0.75);
    assert.equal(between(4, 4), 0);
    assert.equal(between(4, 1), 0);
  });
});
