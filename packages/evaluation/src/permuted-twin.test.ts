import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { compareWithTwin } from "./permuted-twin.ts";

describe("a model beside its twin trained on permuted labels", () => {
  test("is above it when the cases say so, and is then not warned about", () => {
    const one = compareWithTwin("net", "accuracy", [1, 1, 1, 1, 1, 1], [0, 1, 0, 0, 0, 0]);
    assert.equal(one.ofModel, 1);
    assert.equal(one.ofTwin, 1 / 6);
    // Differences 1, 0, 1, 1, 1, 1: mean 5/6, sd √(1/6); t = 5 with 5 degrees has p = .0041.
    const half = (2.570581836 * Math.sqrt(1 / 6)) / Math.sqrt(6);
    assert.ok(Math.abs(one.difference.low - (5 / 6 - half)) < 1e-8);
    assert.ok(Math.abs(one.pValue - 0.0041) < 1e-4);
    assert.equal(one.isAbove, true);
    assert.equal(one.warning, undefined);
  });

  test("is warned about when it is better by what luck may give", () => {
    // Differences 1, 0, 1, 0, 1, 1: p = .025.
    const one = compareWithTwin("net", "accuracy", [1, 1, 1, 0, 1, 1], [0, 1, 0, 0, 0, 0]);
    assert.ok(one.difference.low > 0);
    assert.equal(one.isAbove, false);
  });

  test("is warned about when both do equally well, with both numbers", () => {
    const one = compareWithTwin("net", "accuracy", [1, 0, 1, 0], [1, 0, 1, 0]);
    assert.equal(one.isAbove, false);
    assert.equal(one.pValue, 1);
    assert.match(
      one.warning!,
      /^net is not better .*accuracy 0\.5000 against 0\.5000 over 4 cases/,
    );
  });

  test("is warned about when it is below", () => {
    assert.match(compareWithTwin("net", "NDCG@10", [0, 0, 0.1], [1, 0.9, 1]).warning!, /NDCG@10/);
  });

  test("is rarely above it where nothing connects labels and cases: at most at the level of the test", () => {
    const random = seededRandom(3, "twins");
    const coin = () => Array.from({ length: 60 }, () => random.int(2));
    let above = 0;
    for (let i = 0; i < 400; i++) if (compareWithTwin("", "", coin(), coin()).isAbove) above++;
    // One side of p < .01: 2 of 400 are expected, more than 8 once in 4,000 times.
    assert.ok(above <= 8, `${above} of 400`);
  });

  test("needs the same cases on both sides", () => {
    assert.throws(() => compareWithTwin("", "", [1, 2], [1]), RangeError);
    assert.throws(() => compareWithTwin("", "", [1], [1]), RangeError);
  });
});
