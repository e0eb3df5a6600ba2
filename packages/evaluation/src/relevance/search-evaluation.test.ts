import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { compareSearch, evaluateSearch } from "./search-evaluation.ts";

const judgements = new Map([
  [
    "shoes",
    new Map([
      ["a", 1],
      ["b", 0],
    ]),
  ],
  [
    "bags",
    new Map([
      ["c", 1],
      ["a", 0],
    ]),
  ],
  ["hats", new Map([["d", 1]])],
  ["nothing", new Map([["a", 0]])],
]);
const answersOf = (answers: Record<string, string[]>) => (query: string) => answers[query] ?? [];
const better = answersOf({ shoes: ["a", "b"], bags: ["a", "c"], hats: ["x", "d"] });
const worse = answersOf({ shoes: ["b", "a"], bags: ["a", "c"], hats: ["d"] });

describe("evaluating a search", () => {
  test("leaves out queries that can only be answered wrongly, and counts them", async () => {
    const evaluation = await evaluateSearch("better", judgements, better);
    assert.deepEqual(evaluation.queries, ["shoes", "bags", "hats"]);
    assert.equal(evaluation.skippedQueries, 1);
    assert.deepEqual([...evaluation.perQuery.mrrAt10], [1, 1 / 2, 1 / 2]);
  });

  test("refuses a list without anything relevant", async () => {
    await assert.rejects(evaluateSearch("any", new Map([["q", new Map([["a", 0]])]]), better), {
      code: "NO_RELEVANT_ITEMS",
    });
  });
});

describe("two searches side by side", () => {
  test("are told apart query by query, with the interval of the paired difference", async () => {
    const before = await evaluateSearch("worse", judgements, worse);
    const after = await evaluateSearch("better", judgements, better);
    const comparison = compareSearch(before, after, "mrrAt10");
    // shoes 1/2 → 1, bags 1/2 → 1/2, hats 1 → 1/2: differences 1/2, 0, -1/2
    assert.equal(comparison.difference.mean, 0);
    assert.equal(comparison.pValue, 1);
    assert.deepEqual(
      comparison.wins.map(({ query, difference }) => [query, difference]),
      [["shoes", 1 / 2]],
    );
    assert.deepEqual(
      comparison.losses.map(({ query, difference }) => [query, difference]),
      [["hats", -1 / 2]],
    );
    assert.equal(comparison.ties, 1);
    // t(0.975, 2) · sd 0.5 / √3
    assert.ok(Math.abs(comparison.difference.high - (4.302652729749464 * 0.5) / 3 ** 0.5) < 1e-9);
    assert.deepEqual(comparison.wins[0]!.afterItems, ["a", "b"]);
  });

  test("are refused when they answered different queries", async () => {
    const before = await evaluateSearch("all", judgements, worse);
    const after = await evaluateSearch("one", new Map([...judgements].slice(0, 1)), worse);
    assert.throws(() => compareSearch(before, after, "mrrAt10"), { code: "DIFFERENT_PROTOCOLS" });
    assert.throws(() => compareSearch(after, after, "mrrAt10"), { code: "TOO_FEW_QUERIES" });
  });
});
