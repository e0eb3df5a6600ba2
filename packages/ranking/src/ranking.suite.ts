import assert from "node:assert/strict";
import {
  itemIndex,
  type Candidate,
  type HistoryEntry,
  type Reranker,
  type ServingRequest,
} from "@magpie/domain";
import * as fc from "fast-check";
import { test } from "vitest";

export const nowMs = Date.UTC(2026, 0, 15);

export function request(parts: Partial<ServingRequest> = {}): ServingRequest {
  return {
    requestId: "r",
    scenario: "home-feed",
    nowMs,
    limit: 10,
    locale: "en",
    history: [],
    filter: {},
    explain: true,
    ...parts,
  };
}

export const act = (row: number, daysAgo: number, weight = 1): HistoryEntry => ({
  itemIndex: itemIndex(row),
  timestampMs: nowMs - daysAgo * 86_400_000,
  weight,
});

/** Candidates of the given rows with falling scores 10, 9, 8 … unless scores are given. */
export function candidates(rows: readonly number[], scores?: readonly number[]): Candidate[] {
  return rows.map((row, place) => {
    const score = scores?.[place] ?? 10 - place;
    const reason = { kind: "sequence-model" } as const;
    return {
      itemIndex: itemIndex(row),
      score,
      contributions: [{ stage: "sequence", amount: score, reason }],
    };
  });
}

export const rowsOf = (ranking: readonly Candidate[]): number[] =>
  ranking.map(({ itemIndex }) => itemIndex);

export const anyRanking = fc
  .uniqueArray(fc.integer({ min: 1, max: 40 }), { maxLength: 30 })
  .chain((rows) =>
    fc
      .array(fc.double({ min: -5, max: 5, noNaN: true }), {
        minLength: rows.length,
        maxLength: rows.length,
      })
      .map((scores) =>
        candidates(
          rows,
          scores.toSorted((a, b) => b - a),
        ),
      ),
  );

export function assertExplained(ranking: readonly Candidate[]): void {
  for (const { score, contributions } of ranking) {
    const sum = contributions.reduce((total, { amount }) => total + amount, 0);
    assert.ok(Math.abs(sum - score) <= 1e-6, `contributions sum to ${sum}, the score is ${score}`);
  }
}

/** What every reranker promises, whatever its rule. */
export function behavesAsReranker(make: () => Reranker): void {
  const anyRequest = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 60 })))
    .map((acts) => request({ history: acts.map(([row, daysAgo]) => act(row, daysAgo)) }));

  test("never invents or repeats an item, and leaves its input alone", () => {
    fc.assert(
      fc.property(anyRanking, anyRequest, (ranking, asked) => {
        const before = structuredClone(ranking);
        const after = rowsOf(make().rerank(asked, ranking));
        assert.equal(new Set(after).size, after.length);
        assert.ok(new Set(after).isSubsetOf(new Set(rowsOf(before))));
        assert.deepEqual(ranking, before);
      }),
    );
  });

  test("keeps contributions that sum to the score", () => {
    fc.assert(
      fc.property(anyRanking, anyRequest, (ranking, asked) => {
        assertExplained(make().rerank(asked, ranking));
      }),
    );
  });
}
