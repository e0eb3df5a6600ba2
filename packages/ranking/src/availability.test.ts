import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { Availability } from "./availability.ts";
import { behavesAsReranker, candidates, request, rowsOf } from "./ranking.suite.ts";

const odd = (item: number) => item % 2 === 1;

describe("the availability rule", () => {
  behavesAsReranker(() => new Availability(odd, "move-last"));

  test("removes what cannot be bought", () => {
    assert.deepEqual(
      rowsOf(new Availability(odd).rerank(request(), candidates([1, 2, 3, 4]))),
      [1, 3],
    );
  });

  test("or moves it last, in its order, and says so", () => {
    const ranking = new Availability(odd, "move-last").rerank(request(), candidates([2, 1, 4, 3]));
    assert.deepEqual(rowsOf(ranking), [1, 3, 2, 4]);
    assert.deepEqual(ranking[2]!.contributions.at(-1)!.reason, {
      kind: "rule",
      rule: "out-of-stock",
    });
    assert.equal(ranking[2]!.score, 10);
  });

  test("moves nothing past the window that is ranked", () => {
    const rule = new Availability(odd, "move-last", 3);
    assert.deepEqual(
      rowsOf(rule.rerank(request(), candidates([2, 1, 4, 3, 6, 5]))),
      [1, 2, 4, 3, 6, 5],
    );
  });
});
