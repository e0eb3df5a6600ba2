import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { Mmr } from "./mmr.ts";
import { anyRanking, behavesAsReranker, candidates, request, rowsOf } from "./ranking.suite.ts";

/** Rows of one ten are the same kind of thing. */
const sameTen = (a: number, b: number) => (Math.floor(a / 10) === Math.floor(b / 10) ? 1 : 0);
const smooth = (a: number, b: number) => 1 / (1 + Math.abs(a - b));

describe("diversity by MMR", () => {
  behavesAsReranker(() => new Mmr(smooth, { lambda: 0.6, window: 12 }));

  test("takes another kind before a second of the same", () => {
    // Scores 10, 9, 8 over a range of 2: λ = 1/2 deducts 2 from 12, which falls behind 21.
    const ranking = new Mmr(sameTen, { lambda: 0.5 }).rerank(request(), candidates([11, 12, 21]));
    assert.deepEqual(rowsOf(ranking), [11, 21, 12]);
    assert.deepEqual(
      ranking.map(({ score }) => score),
      [10, 8, 7],
    );
    assert.deepEqual(ranking[2]!.contributions.at(-1), {
      stage: "mmr",
      amount: -2,
      reason: { kind: "diversity" },
    });
  });

  test("changes nothing at λ = 1", () => {
    fc.assert(
      fc.property(anyRanking, (ranking) => {
        assert.deepEqual(new Mmr(smooth, { lambda: 1 }).rerank(request(), ranking), ranking);
      }),
    );
  });

  test("loses no item, keeps the first, and lets no score rise inside the window", () => {
    fc.assert(
      fc.property(anyRanking, fc.double({ min: 0.05, max: 0.99, noNaN: true }), (input, lambda) => {
        const ranking = new Mmr(smooth, { lambda, window: 15 }).rerank(request(), input);
        assert.deepEqual(new Set(rowsOf(ranking)), new Set(rowsOf(input)));
        assert.equal(ranking[0]?.itemIndex, input[0]?.itemIndex);
        const scores = ranking.slice(0, 15).map(({ score }) => score);
        for (let i = 1; i < scores.length; i++) assert.ok(scores[i]! <= scores[i - 1]! + 1e-9);
        assert.deepEqual(rowsOf(ranking.slice(15)), rowsOf(input.slice(15)));
      }),
    );
  });

  test("chooses what the formula chooses", () => {
    fc.assert(
      fc.property(anyRanking, fc.constantFrom(0.3, 0.5, 0.8), (input, lambda) => {
        const scores = input.map(({ score }) => score);
        fc.pre(input.length > 1 && scores[0]! - scores.at(-1)! > 1e-3);
        const relevance = (score: number) =>
          (score - scores.at(-1)!) / (scores[0]! - scores.at(-1)!);
        const left = [...input];
        const plain: number[] = [];
        while (left.length > 0) {
          const value = left.map(
            ({ itemIndex, score }) =>
              lambda * relevance(score) -
              (1 - lambda) * Math.max(0, ...plain.map((row) => smooth(itemIndex, row))),
          );
          const best = value.findIndex((v) => v >= Math.max(...value) - 1e-12);
          plain.push(left.splice(best, 1)[0]!.itemIndex);
        }
        const ranking = new Mmr(smooth, { lambda, window: 99 }).rerank(request(), input);
        assert.deepEqual(rowsOf(ranking), plain);
      }),
      { numRuns: 60 },
    );
  });

  test("spreads equally relevant items too", () => {
    const ranking = new Mmr(sameTen).rerank(request(), candidates([11, 12, 21], [1, 1, 1]));
    assert.deepEqual(rowsOf(ranking), [11, 21, 12]);
  });

  test("refuses a λ that means nothing", () => {
    for (const lambda of [0, -1, 1.01, NaN]) {
      assert.throws(() => new Mmr(smooth, { lambda }), /lambda is/);
    }
  });
});
