import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { SearchBehaviour } from "./search-behaviour.ts";

/** 20 looks at item 1 of which 5 led to a choice, one of them to an order; 30 at item 2 of which none. */
function lamps(): SearchBehaviour {
  const behaviour = new SearchBehaviour();
  for (let n = 0; n < 20; n++) behaviour.record("lamp", 1, 1, n === 0 ? 3 : n < 5 ? 1 : 0);
  for (let n = 0; n < 30; n++) behaviour.record("lamp", 2, 1, 0);
  return behaviour;
}

describe("behaviour in searches", () => {
  test("rates are smoothed towards those of all items, worked out by hand", () => {
    const behaviour = lamps();
    const mean = 5 / 50;
    assert.equal(behaviour.choiceRate(1), (5 + 10 * mean) / 30);
    assert.equal(behaviour.choiceRate(2), (10 * mean) / 40);
    assert.equal(behaviour.choiceRate(3), mean);
    assert.equal(behaviour.earnestRate(1), (2 + 10 * (2 / 50)) / 30);
  });

  test("after a query, towards the item's own", () => {
    const behaviour = lamps();
    const after = behaviour.after("lamp")!;
    assert.equal(after.choiceRate(1), (5 + 4 * behaviour.choiceRate(1)) / 24);
    assert.equal(after.choiceRate(3), behaviour.choiceRate(3));
    assert.equal(after.choiceShare(1), 5 / 8);
    assert.equal(behaviour.after("tent"), undefined);
  });

  test("a place that is hardly looked at hardly counts as seen", () => {
    const behaviour = new SearchBehaviour();
    for (let n = 0; n < 40; n++) {
      behaviour.record("lamp", 1, 1, n < 8 ? 1 : 0);
      behaviour.record("lamp", 2, 0.25, n < 4 ? 1 : 0);
    }
    assert.ok(behaviour.choiceRate(2) > behaviour.choiceRate(1));
  });

  test("survives its bytes, without queries that may not be kept", () => {
    const act = fc.tuple(
      fc.constantFrom("lamp", "tent", "12 Elm Street"),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(1, 0.5, 0.25),
      fc.integer({ min: 0, max: 3 }),
    );
    fc.assert(
      fc.property(fc.array(act), (acts) => {
        const behaviour = new SearchBehaviour();
        for (const one of acts) behaviour.record(...one);
        const bytes = behaviour.toBytes((query) => !query.includes("Elm"));
        assert.ok(!Buffer.from(bytes).includes("Elm"));
        const read = SearchBehaviour.open(bytes);
        assert.equal(read.after("12 Elm Street"), undefined);
        for (let row = 1; row <= 9; row++) {
          assert.equal(read.choiceRate(row), behaviour.choiceRate(row));
          assert.equal(read.earnestRate(row), behaviour.earnestRate(row));
          for (const query of ["lamp", "tent"]) {
            const after = read.after(query);
            // A query after which nothing was chosen tells nothing, and is not kept.
            if (after === undefined) continue;
            assert.equal(after.choiceRate(row), behaviour.after(query)!.choiceRate(row));
            assert.equal(after.choiceShare(row), behaviour.after(query)!.choiceShare(row));
          }
        }
      }),
    );
  });
});
