import assert from "node:assert/strict";
import type { RetrievedList } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { LinearBlend } from "./linear-blend.ts";
import { anyRanking, assertExplained, candidates, request, rowsOf } from "./ranking.suite.ts";

const minMax = { kind: "min-max" } as const;
const list = (retriever: string, rows: number[], scores: number[]): RetrievedList => ({
  retriever,
  candidates: candidates(rows, scores),
});

describe("the linear blend", () => {
  test("adds up weighted, normalised scores, each item once", async () => {
    const blend = new LinearBlend({
      a: { weight: 2, normalisation: minMax },
      b: { weight: 1, normalisation: { kind: "logistic", centre: 0, scale: 1 } },
    });
    const ranking = await blend.rank(request(), [
      list("a", [1, 2, 3, 5], [30, 20, 10, 0]),
      list("b", [2, 4], [0, 0]),
    ]);
    assert.deepEqual(
      ranking.map(({ itemIndex, score }) => [itemIndex, score]),
      [
        [1, 2],
        [2, 2],
        [3, 1],
        [4, 0.5],
        [5, 0.5],
      ],
    );
    assert.deepEqual(
      ranking[1]!.contributions.map(({ amount }) => amount),
      [1.5, 0.5],
    );
  });

  test("explains every score, and does not care about the order of the lists", async () => {
    const blend = new LinearBlend({
      a: { weight: 0.7, normalisation: minMax },
      b: { weight: 0.2, normalisation: { kind: "rank", halfLife: 5 } },
      c: { weight: 1.1, normalisation: { kind: "logistic", centre: 1, scale: 2 } },
    });
    await fc.assert(
      fc.asyncProperty(anyRanking, anyRanking, anyRanking, async (a, b, c) => {
        const lists = [
          { retriever: "a", candidates: a },
          { retriever: "b", candidates: b },
          { retriever: "c", candidates: c },
        ];
        const ranking = await blend.rank(request(), lists);
        assertExplained(ranking);
        assert.deepEqual(await blend.rank(request(), lists.toReversed()), ranking);
        assert.deepEqual(
          new Set(rowsOf(ranking)),
          new Set(lists.flatMap(({ candidates }) => rowsOf(candidates))),
        );
      }),
    );
  });

  test("stops at a retriever it has no weight for", async () => {
    const blend = new LinearBlend({ a: { weight: 1, normalisation: minMax } });
    await assert.rejects(
      blend.rank(request(), [list("x", [1], [1])]),
      /retriever "x" has no weight/,
    );
  });

  test("refuses weights and scales that mean nothing", () => {
    for (const [weight, scale] of [
      [-1, 1],
      [NaN, 1],
      [1, 0],
      [1, Infinity],
    ] as const) {
      const normalisation = { kind: "logistic", centre: 0, scale } as const;
      assert.throws(() => new LinearBlend({ a: { weight, normalisation } }), /weights must be/);
    }
  });
});
