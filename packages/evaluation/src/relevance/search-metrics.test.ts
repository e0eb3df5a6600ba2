import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import {
  cheatNdcg,
  firstRelevant,
  gradedRecall,
  judgedOnlyNdcg,
  judgedShare,
  trecNdcg,
} from "./search-metrics.ts";

const grades = new Map([
  ["a", 3],
  ["b", 2],
  ["c", 0],
  ["d", 1],
]);
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, not ${expected}`);
const log2 = Math.log2;

describe("the three nDCGs of one ranking", () => {
  const ranking = ["x", "b", "a"];

  test("trec: linear gains, log2 discount, ideal of all judged items", () => {
    near(trecNdcg(ranking, grades, 10), (2 / log2(3) + 3 / 2) / (3 + 2 / log2(3) + 1 / 2));
  });

  test("trec: what stands below the cutoff counts neither in the ranking nor in the ideal", () => {
    near(trecNdcg(ranking, grades, 2), 2 / log2(3) / (3 + 2 / log2(3)));
  });

  test("cheat: 1 / rank, and the top grade at all ranks of the ideal", () => {
    near(cheatNdcg(ranking, grades, 3, 3), (3 / 2 + 7 / 3) / (7 * (1 + 1 / 2 + 1 / 3)));
  });

  test("judged only: unjudged items leave, judged ones that are missing stand below, worst first", () => {
    // b a | c d
    near(
      judgedOnlyNdcg(ranking, grades),
      (2 + 3 / log2(3) + 1 / log2(5)) / (3 + 2 / log2(3) + 1 / 2),
    );
  });

  test("differ on the same ranking", () => {
    const values = [
      trecNdcg(ranking, grades, 10),
      cheatNdcg(ranking, grades, 10, 3),
      judgedOnlyNdcg(ranking, grades),
    ];
    assert.equal(new Set(values.map((value) => value.toFixed(3))).size, 3);
  });

  test("are 1 for the ideal order, but cheat, which wants ten of the top grade", () => {
    const ideal = ["a", "b", "d", "c"];
    near(trecNdcg(ideal, grades, 10), 1);
    near(judgedOnlyNdcg(ideal, grades), 1);
    assert.ok(cheatNdcg(ideal, grades, 10, 3) < 0.6);
  });

  test("never fall when an item moves up past one of a lower grade", () => {
    const items = fc.shuffledSubarray(["a", "b", "c", "d", "x", "y"], { minLength: 2 });
    fc.assert(
      fc.property(items, fc.nat(), (order, pick) => {
        const at = 1 + (pick % (order.length - 1));
        const moved = order.toSpliced(at - 1, 2, order[at]!, order[at - 1]!);
        const gain = (item: string) => grades.get(item) ?? 0;
        fc.pre(gain(order[at]!) > gain(order[at - 1]!));
        assert.ok(trecNdcg(moved, grades, 10) >= trecNdcg(order, grades, 10));
        assert.ok(cheatNdcg(moved, grades, 10, 3) >= cheatNdcg(order, grades, 10, 3));
        assert.ok(judgedOnlyNdcg(moved, grades) >= judgedOnlyNdcg(order, grades) - 1e-12);
      }),
    );
  });
});

describe("what else is measured of an answer", () => {
  test("the first relevant item's rank; an item of grade 0 is not relevant", () => {
    near(firstRelevant(["c", "x", "d"], grades, 10), 1 / 3);
    assert.equal(firstRelevant(["c", "x", "d"], grades, 2), 0);
  });

  test("how many of the relevant ones were found", () => {
    near(gradedRecall(["a", "c", "d"], grades, 10), 2 / 3);
    assert.ok(Number.isNaN(gradedRecall(["a"], new Map([["a", 0]]), 10)));
  });

  test("how much of it anybody judged, 0 where nothing was found", () => {
    near(judgedShare(["a", "x", "c", "y"], grades, 3), 2 / 3);
    assert.equal(judgedShare([], grades, 10), 0);
  });
});
