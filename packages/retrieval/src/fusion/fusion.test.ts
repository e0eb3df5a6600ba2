import assert from "node:assert/strict";
import {
  itemId,
  itemIndex,
  type Candidate,
  type Contribution,
  type RetrievedList,
} from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { fuseByScore, normalise, type FusionInput } from "./normalised-scores.ts";
import { fuseByRank } from "./reciprocal-rank.ts";

const anyList = (retriever: string): fc.Arbitrary<RetrievedList> =>
  fc.uniqueArray(fc.integer({ min: 1, max: 25 }), { maxLength: 15 }).chain((rows) =>
    fc
      .array(fc.array(fc.double({ min: -2, max: 9, noNaN: true }), { maxLength: 3 }), {
        minLength: rows.length,
        maxLength: rows.length,
      })
      .map((amounts) => ({
        retriever,
        candidates: rows.map((row, place): Candidate => {
          const contributions = amounts[place]!.map((amount): Contribution => {
            return {
              stage: retriever,
              amount,
              reason: { kind: "similar-to", itemId: itemId("x") },
            };
          });
          const score = amounts[place]!.reduce((sum, amount) => sum + amount, 0);
          return { itemIndex: itemIndex(row), score, contributions };
        }),
      })),
  );
const anyLists = fc.tuple(anyList("a"), anyList("b"), anyList("c"));

const plain = (
  retriever: string,
  entries: readonly (readonly [number, number])[],
): RetrievedList => ({
  retriever,
  candidates: entries.map(([row, score]) => ({
    itemIndex: itemIndex(row),
    score,
    contributions: [{ stage: retriever, amount: score, reason: { kind: "sequence-model" } }],
  })),
});

const inputOf = (retriever: string): FusionInput => ({
  weight: retriever === "a" ? 0.5 : 1.5,
  normalisation: { kind: "min-max" },
});

for (const [name, fuse] of [
  ["by rank", (lists: readonly RetrievedList[]) => fuseByRank(lists, { a: 2 })],
  ["by score", (lists: readonly RetrievedList[]) => fuseByScore(lists, inputOf)],
] as const) {
  describe(`fusion ${name}`, () => {
    test("ignores the order of the lists", () => {
      fc.assert(
        fc.property(anyLists, ([a, b, c]) => {
          const expected = fuse([a, b, c]);
          assert.deepEqual(fuse([c, a, b]), expected);
          assert.deepEqual(fuse([b, c, a]), expected);
        }),
      );
    });

    test("has each item of each list once, best first, its contributions summing to its score", () => {
      fc.assert(
        fc.property(anyLists, (lists) => {
          const fused = fuse(lists);
          const rows = lists.flatMap(({ candidates }) => candidates.map((c) => c.itemIndex));
          assert.deepEqual(new Set(fused.map((c) => c.itemIndex)), new Set(rows));
          assert.equal(fused.length, new Set(rows).size);
          fused.forEach(({ score, contributions }, place) => {
            const sum = contributions.reduce((total, { amount }) => total + amount, 0);
            assert.ok(Math.abs(sum - score) < 1e-9);
            if (place > 0) assert.ok(score <= fused[place - 1]!.score);
          });
        }),
      );
    });
  });
}

describe("fusion by rank", () => {
  test("sums weight / (60 + rank)", () => {
    const lists = [
      plain("a", [
        [1, 9],
        [2, 8],
      ]),
      plain("b", [[2, 0.3]]),
    ];
    const fused = fuseByRank(lists, { b: 0.5 });
    assert.deepEqual(
      fused.map(({ itemIndex, score }) => [itemIndex, score]),
      [
        [2, 1 / 62 + 0.5 / 61],
        [1, 1 / 61],
      ],
    );
  });

  test("counts only the first place of an item that a list has twice", () => {
    const [only] = fuseByRank([
      plain("a", [
        [1, 9],
        [1, 8],
      ]),
    ]);
    assert.equal(only!.score, 1 / 61);
    assert.equal(only!.contributions.length, 1);
  });
});

describe("normalised scores", () => {
  test("lie between 0 and 1 along the list", () => {
    assert.deepEqual(normalise([8, 6, 5, 4], { kind: "min-max" }), [1, 0.625, 0.4375, 0.25]);
    assert.deepEqual(normalise([3, 3], { kind: "min-max" }), [1, 1]);
    assert.deepEqual(normalise([], { kind: "min-max" }), []);
  });

  test("by logistic are one half at the centre", () => {
    const [half, more] = normalise([2, 5], { kind: "logistic", centre: 2, scale: 3 });
    assert.equal(half, 0.5);
    assert.equal(more, 1 / (1 + Math.exp(-1)));
  });

  test("by rank are one half after the half-life", () => {
    assert.deepEqual(normalise([9, 9, 9], { kind: "rank", halfLife: 2 }), [1, 1 / 1.5, 0.5]);
  });
});
