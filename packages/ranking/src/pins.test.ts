import assert from "node:assert/strict";
import { itemIndex } from "@magpie/domain";
import { describe, test } from "vitest";
import { Pins } from "./pins.ts";
import { behavesAsReranker, candidates, request, rowsOf } from "./ranking.suite.ts";

const pin = (row: number, position: number) => ({ itemIndex: itemIndex(row), position });
const rerank = (pins: Pins, rows: number[]) => rowsOf(pins.rerank(request(), candidates(rows)));

describe("pins and exclusions", () => {
  behavesAsReranker(() => new Pins([pin(3, 1), pin(5, 4), pin(7, 4)], new Set([itemIndex(9)])));

  test("put items at their places and remove others", () => {
    const pins = new Pins([pin(4, 1), pin(2, 3)], new Set([itemIndex(1)]));
    assert.deepEqual(rerank(pins, [1, 2, 3, 4, 5]), [4, 3, 2, 5]);
  });

  test("do not bring in what was not found", () => {
    assert.deepEqual(rerank(new Pins([pin(9, 1)]), [1, 2]), [1, 2]);
  });

  test("stand one behind the other when they want the same place", () => {
    assert.deepEqual(rerank(new Pins([pin(3, 1), pin(4, 1)]), [1, 2, 3, 4]), [3, 4, 1, 2]);
  });

  test("move up when the ranking is shorter than their place", () => {
    assert.deepEqual(rerank(new Pins([pin(1, 50)]), [1, 2]), [2, 1]);
  });

  test("say so", () => {
    const [first] = new Pins([pin(2, 1)]).rerank(request(), candidates([1, 2]));
    assert.deepEqual(first!.contributions.at(-1)!.reason, { kind: "rule", rule: "pinned" });
  });

  test("refuse places before the first", () => {
    assert.throws(() => new Pins([pin(2, 0)]), /places start at 1/);
  });
});
