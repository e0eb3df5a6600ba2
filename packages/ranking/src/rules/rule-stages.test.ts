import assert from "node:assert/strict";
import { itemIndex } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  anyRanking,
  assertExplained,
  behavesAsReranker,
  candidates,
  request,
  rowsOf,
} from "../ranking.suite.ts";
import { RuleLifts, RulePins, type PlacedPin } from "./rule-stages.ts";

const source = { id: "r", name: "A rule" };
const pin = (row: number, position: number): PlacedPin => ({
  itemIndex: itemIndex(row),
  position,
  rule: source,
});
const lift = (factor: number, ...rows: number[]) => ({
  factor,
  has: (row: number) => rows.includes(row),
  rule: source,
});

describe("lifting items", () => {
  behavesAsReranker(() => new RuleLifts([lift(2.5, 1, 2, 3), lift(0.4, 3, 4)]));

  test("multiplies scores, says so, and puts the ranking in order", () => {
    const ranking = new RuleLifts([lift(2.5, 3), lift(0.4, 1)]).rerank(
      request(),
      candidates([1, 2, 3], [1, 0.9, 0.8]),
    );
    assert.deepEqual(rowsOf(ranking), [3, 2, 1]);
    assert.deepEqual(
      ranking.map(({ score }) => Number(score.toFixed(9))),
      [2, 0.9, 0.4],
    );
    assert.deepEqual(ranking[0]!.contributions.at(-1), {
      stage: "rules",
      amount: 0.8 * 1.5,
      reason: { kind: "rule", rule: "A rule", ruleId: "r", effect: "boosted" },
    });
    assertExplained(ranking);
  });

  test("two factors multiply: what is boosted and buried alike stays", () => {
    const [first] = new RuleLifts([lift(1.6, 1), lift(1 / 1.6, 1)]).rerank(
      request(),
      candidates([1], [0.7]),
    );
    assert.ok(Math.abs(first!.score - 0.7) < 1e-12);
  });

  test("never lowers what it boosts, below zero either", () => {
    const [lifted] = new RuleLifts([lift(2.5, 1)]).rerank(request(), candidates([1], [-2]));
    assert.equal(lifted!.score, 1);
  });

  test("leaves what lies beyond the window where it is", () => {
    const ranking = new RuleLifts([lift(100, 4)], 3).rerank(request(), candidates([1, 2, 3, 4]));
    assert.deepEqual(rowsOf(ranking), [1, 2, 3, 4]);
  });
});

describe("pinning items", () => {
  test("puts them at their places around the others", () => {
    const pins = new RulePins([pin(9, 1), pin(3, 3)]);
    const ranking = pins.rerank(request(), candidates([1, 2, 3, 4]));
    assert.deepEqual(rowsOf(ranking), [9, 1, 3, 2, 4]);
    assert.deepEqual(ranking[0], {
      itemIndex: 9,
      score: 0,
      contributions: [
        {
          stage: "rules",
          amount: 0,
          reason: { kind: "rule", rule: "A rule", ruleId: "r", effect: "pinned" },
        },
      ],
    });
  });

  test("to one place stand one behind the other", () => {
    const ranking = new RulePins([pin(8, 2), pin(9, 2)]).rerank(request(), candidates([1, 2]));
    assert.deepEqual(rowsOf(ranking), [1, 8, 9, 2]);
  });

  test("past the end stand at the end of a whole ranking, and wait when it was cut", () => {
    const [whole, cut] = [true, false].map((isWhole) =>
      rowsOf(new RulePins([pin(2, 9)], () => isWhole).rerank(request(), candidates([1, 2, 3]))),
    );
    assert.deepEqual(whole, [1, 3, 2]);
    assert.deepEqual(cut, [1, 3]);
  });

  const anyPins = fc
    .uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 8 })
    .chain((rows) =>
      fc
        .array(fc.integer({ min: 1, max: 50 }), { minLength: rows.length, maxLength: rows.length })
        .map((places) =>
          rows.map((row, i) => pin(row, places[i]!)).sort((a, b) => a.position - b.position),
        ),
    );

  test("adds nothing but the pinned, repeats nothing, and keeps the order of the rest", () => {
    fc.assert(
      fc.property(anyRanking, anyPins, (ranking, pins) => {
        const after = new RulePins(pins).rerank(request(), ranking);
        const rows = rowsOf(after);
        const wanted = new Set<number>(pins.map((one) => one.itemIndex));
        assert.equal(new Set(rows).size, rows.length);
        assert.deepEqual(new Set(rows), new Set(rowsOf(ranking)).union(wanted));
        assert.deepEqual(
          rows.filter((row) => !wanted.has(row)),
          rowsOf(ranking).filter((row) => !wanted.has(row)),
        );
        assertExplained(after);
      }),
    );
  });

  test("pages cut from rankings of any depth fit together", () => {
    fc.assert(
      fc.property(anyPins, fc.integer({ min: 1, max: 7 }), (pins, size) => {
        const found = candidates(Array.from({ length: 40 }, (_, i) => i + 1));
        const rank = (depth: number) =>
          rowsOf(
            new RulePins(pins, ({ length }) => length === found.length).rerank(
              request(),
              found.slice(0, depth),
            ),
          );
        const whole = rank(found.length);
        const paged: number[] = [];
        for (let at = 0; at < whole.length; at += size) {
          paged.push(...rank(at + size + pins.length).slice(at, at + size));
        }
        assert.deepEqual(paged, whole);
      }),
    );
  });
});
