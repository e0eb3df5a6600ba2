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
import { strengthFactors } from "./rule-effects.ts";
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

  test("gives an item the score of the place whose worth it reaches, and says so", () => {
    const ranking = new RuleLifts([lift(64 / 62.5, 4), lift(61 / 64.5, 1)]).rerank(
      request(),
      candidates([1, 2, 3, 4, 5], [10, 6, 5, 4, 2]),
    );
    assert.deepEqual(rowsOf(ranking), [2, 4, 3, 1, 5]);
    const [, boosted, , buried] = ranking;
    assert.ok(Math.abs(boosted!.score - 5.5) < 1e-9);
    assert.ok(Math.abs(buried!.score - 3) < 1e-9);
    assert.deepEqual(boosted!.contributions.at(-1), {
      stage: "rules",
      amount: boosted!.score - 4,
      reason: { kind: "rule", rule: "A rule", ruleId: "r", effect: "boosted" },
    });
    assertExplained(ranking);
  });

  test("interpolates between places, and goes on past the ends", () => {
    const place = (to: number, from: number) => (60 + from) / (60 + to);
    const scoreOf = (to: number, from: number) => {
      const lifted = new RuleLifts([lift(place(to, from), from)]).rerank(
        request(),
        candidates([1, 2, 3], [10, 6, 2]),
      );
      return lifted.find(({ itemIndex }) => itemIndex === from)!.score;
    };
    for (const [to, from, score] of [
      [1.5, 3, 8],
      [2.25, 1, 5],
      [0, 3, 14],
      [4, 1, -2],
    ] as const) {
      assert.ok(Math.abs(scoreOf(to, from) - score) < 1e-9, `${from} to ${to}`);
    }
  });

  test.each([
    [strengthFactors.weak, 16],
    [strengthFactors.moderate, 37],
    [strengthFactors.strong, 92],
  ])("a strength of %d brings what stands at place %d to the top, whatever the scores", (f, at) => {
    const rows = Array.from({ length: 200 }, (_, i) => i + 1);
    for (const scores of [
      rows.map((row) => 1 / row),
      rows.map((row) => 3 - row),
      rows.map(() => 0),
    ]) {
      const placeOf = (row: number) =>
        rowsOf(new RuleLifts([lift(f, row)]).rerank(request(), candidates(rows, scores))).indexOf(
          row,
        ) + 1;
      assert.deepEqual([placeOf(at), placeOf(at + 1) > 1], [1, true]);
    }
  });

  test("what is boosted and buried alike stays", () => {
    const ranking = new RuleLifts([lift(1.6, 2), lift(1 / 1.6, 2)]).rerank(
      request(),
      candidates([1, 2, 3], [3, 2, 1]),
    );
    assert.deepEqual(rowsOf(ranking), [1, 2, 3]);
    assert.ok(Math.abs(ranking[1]!.score - 2) < 1e-12);
  });

  test("never lowers what it boosts and never raises what it buries", () => {
    const factor = fc.double({ min: 1.01, max: 4, noNaN: true });
    fc.assert(
      fc.property(anyRanking, factor, fc.nat(), (ranking, f, pick) => {
        if (ranking.length === 0) return;
        const at = pick % ranking.length;
        const { itemIndex: row, score } = ranking[at]!;
        const after = (by: number) => {
          const lifted = new RuleLifts([lift(by, row)]).rerank(request(), ranking);
          const place = rowsOf(lifted).indexOf(row);
          return { place, score: lifted[place]!.score };
        };
        const [up, down] = [after(f), after(1 / f)];
        assert.ok(up.score >= score - 1e-9 && up.place <= at);
        assert.ok(down.score <= score + 1e-9 && down.place >= at);
      }),
    );
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
