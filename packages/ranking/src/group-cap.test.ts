import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { GroupCap } from "./group-cap.ts";
import { behavesAsReranker, candidates, request, rowsOf } from "./ranking.suite.ts";

const byTen = (item: number) => [Math.floor(item / 10)];
const cap = (atMost: number, within: number, groupsOf = byTen) =>
  new GroupCap({ group: "brand", groupsOf, atMost, within });

describe("the cap on a group", () => {
  behavesAsReranker(() => cap(2, 5));

  test("moves what is over the cap behind the first places and says so", () => {
    const ranking = cap(2, 4).rerank(request(), candidates([11, 12, 13, 21, 14, 31, 15, 41]));
    assert.deepEqual(rowsOf(ranking), [11, 12, 21, 31, 13, 14, 15, 41]);
    assert.deepEqual(ranking[4]!.contributions.at(-1), {
      stage: "brand-cap",
      amount: 0,
      reason: { kind: "rule", rule: "brand-cap" },
    });
  });

  test("fills up with them when nothing else is left", () => {
    assert.deepEqual(
      rowsOf(cap(1, 10).rerank(request(), candidates([11, 12, 21, 13]))),
      [11, 21, 12, 13],
    );
  });

  test("leaves items without a group alone", () => {
    assert.deepEqual(
      rowsOf(cap(1, 10, () => [-1]).rerank(request(), candidates([11, 12, 13]))),
      [11, 12, 13],
    );
  });

  test("refuses a cap of none", () => {
    assert.throws(() => cap(0, 10), /cap of 0 within 10/);
  });
});
