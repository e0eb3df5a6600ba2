import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import type { ItemIndex, RetrievedList } from "@magpie/domain";
import { ndcg } from "@magpie/evaluation";
import { LinearBlend } from "@magpie/ranking";
import { smallRequest } from "../small-shop.suite.ts";
import { blendNormalisation, fitBlend, type BlendCase } from "./fit-blend.ts";

const list = (retriever: string, scores: Record<number, number>): RetrievedList => ({
  retriever,
  candidates: Object.entries(scores)
    .map(([item, score]) => ({
      itemIndex: Number(item) as ItemIndex,
      score,
      contributions: [],
    }))
    .sort((a, b) => b.score - a.score),
});

describe("fitting a blend", () => {
  test("trusts the retriever that is right", () => {
    const cases: BlendCase[] = [1, 2, 3].map((target) => ({
      lists: [
        list("right", { [target]: 1, 9: 0.5 }),
        list("wrong", { 9: 1, 8: 0.9, [target]: 0.1 }),
      ],
      relevant: new Set([target]),
    }));
    assert.deepEqual(fitBlend(["wrong", "right"], cases), {
      weights: { wrong: 0, right: 1 },
      ndcgAt10: 1,
      cases: 3,
    });
  });

  test("finds the mixture where each is right in part", () => {
    // The target is second in both lists; the leaders differ, so only the sum puts it first.
    const cases: BlendCase[] = [1, 2].map((target) => ({
      lists: [list("a", { 7: 1, [target]: 0.9, 5: 0 }), list("b", { 8: 1, [target]: 0.9, 6: 0 })],
      relevant: new Set([target]),
    }));
    const { weights, ndcgAt10 } = fitBlend(["a", "b"], cases);
    assert.equal(ndcgAt10, 1);
    assert.ok(weights["a"]! > 0 && weights["b"]! > 0);
  });

  test("keeps the first retriever where none helps, and floors in any case", () => {
    const cases: BlendCase[] = [
      { lists: [list("a", { 1: 1 }), list("b", { 1: 1 })], relevant: new Set([5]) },
    ];
    const { weights, ndcgAt10 } = fitBlend(["a", "b"], cases, { b: 0.02 });
    assert.equal(ndcgAt10, 0);
    assert.deepEqual(weights, { a: 1, b: 0.02 });
  });

  test("takes no retriever and no case", () => {
    assert.deepEqual(fitBlend([], []), { weights: {}, ndcgAt10: 0, cases: 0 });
  });

  test("measures what the ranker of serving gives", async () => {
    const scores = fc.dictionary(
      fc.integer({ min: 1, max: 30 }).map(String),
      fc.integer({ min: 0, max: 5 }),
      { minKeys: 1, maxKeys: 20 },
    );
    const relevant = fc.uniqueArray(fc.integer({ min: 1, max: 30 }), {
      minLength: 1,
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(scores, scores, relevant, async (a, b, targets) => {
        const one = { lists: [list("a", a), list("b", b)], relevant: new Set(targets) };
        const fitted = fitBlend(["a", "b"], [one]);
        const input = (name: string) => ({
          weight: fitted.weights[name]!,
          normalisation: blendNormalisation,
        });
        const blend = new LinearBlend({ a: input("a"), b: input("b") });
        const ranking = await blend.rank(smallRequest(), one.lists);
        const items = ranking.map(({ itemIndex }) => itemIndex);
        assert.ok(Math.abs(ndcg(items, one.relevant, 10) - fitted.ndcgAt10) < 1e-9);
      }),
      { numRuns: 50 },
    );
  });
});
