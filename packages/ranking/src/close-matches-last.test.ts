import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { CloseMatchesLast } from "./close-matches-last.ts";
import { behavesAsReranker, candidates, request, rowsOf } from "./ranking.suite.ts";

const even = (_: unknown, item: number) => item % 2 === 0;

describe("close matches", () => {
  behavesAsReranker(() => new CloseMatchesLast(even));

  test("go behind what has all words, in their order, and say so", () => {
    const ranking = new CloseMatchesLast(even).rerank(request(), candidates([2, 1, 4, 3]));
    assert.deepEqual(rowsOf(ranking), [1, 3, 2, 4]);
    assert.deepEqual(ranking[2]!.contributions.at(-1), {
      stage: "close-matches",
      amount: 0,
      reason: { kind: "rule", rule: "close-match" },
    });
  });

  test("are a fact of the request", () => {
    const asked = request();
    const rule = new CloseMatchesLast((of, item) => of !== asked && even(of, item));
    assert.deepEqual(rowsOf(rule.rerank(asked, candidates([2, 1]))), [2, 1]);
    assert.deepEqual(rowsOf(rule.rerank(request(), candidates([2, 1]))), [1, 2]);
  });
});
