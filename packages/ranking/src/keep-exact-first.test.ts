import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { keepExactFirst } from "./keep-exact-first.ts";
import { anyRanking, assertExplained, candidates, rowsOf } from "./ranking.suite.ts";

const before = (...rows: number[]) => candidates(rows).map(({ itemIndex }) => itemIndex);

describe("keeping exact matches first", () => {
  test("lowers who would pass an exact match, and says so", () => {
    // 1 and 3 are named exactly; the new order puts 2 and 4 first.
    const exact = (row: number) => (row === 1 || row === 3 ? 2 : 0);
    const after = candidates([2, 4, 3, 1], [9, 8, 7, 6]);
    const kept = keepExactFirst(before(1, 2, 3, 4), after, exact);
    assert.deepEqual(rowsOf(kept), [3, 1, 2, 4]);
    assert.deepEqual(kept[2]!.contributions.at(-1)!.reason, { kind: "rule", rule: "exact-match" });
    assert.ok(kept[2]!.score < 6 && kept[2]!.score > 5.99);
    assertExplained(kept);
  });

  test("lets an item pass that the query names better", () => {
    const level = (row: number) => row - 1; // 2 is named better than 1
    const after = candidates([2, 1], [5, 4]);
    assert.deepEqual(rowsOf(keepExactFirst(before(1, 2), after, level)), [2, 1]);
  });

  test("changes nothing where all are named equally exactly", () => {
    fc.assert(
      fc.property(anyRanking, (after) => {
        const order = rowsOf(after).toReversed();
        assert.deepEqual(
          keepExactFirst(before(...order), after, () => 1),
          after,
        );
      }),
    );
  });

  test("no exact match ever falls behind a lesser one, whatever the new order", () => {
    fc.assert(
      fc.property(
        anyRanking,
        fc.array(fc.constantFrom(0, 1, 2), { minLength: 40 }),
        (after, all) => {
          const level = (row: number): number => all[row % all.length]!;
          const order = rowsOf(after).toSorted((a, b) => a - b);
          const kept = keepExactFirst(before(...order), after, level);
          const place = new Map(rowsOf(kept).map((row, i) => [row, i]));
          assert.deepEqual(
            rowsOf(kept).toSorted((a, b) => a - b),
            order,
          );
          assertExplained(kept);
          order.forEach((a, i) => {
            for (const b of order.slice(i + 1)) {
              if (level(a) > level(b)) assert.ok(place.get(a)! < place.get(b)!);
            }
          });
          kept.forEach(({ score }, i) => assert.ok(i === 0 || score <= kept[i - 1]!.score));
        },
      ),
    );
  });
});
