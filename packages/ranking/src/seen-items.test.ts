import assert from "node:assert/strict";
import { itemIndex } from "@magpie/domain";
import { describe, test } from "vitest";
import { act, behavesAsReranker, candidates, request, rowsOf } from "./ranking.suite.ts";
import { SeenItems } from "./seen-items.ts";

describe("the seen-item rule", () => {
  behavesAsReranker(() => new SeenItems({ isRepeatable: (item) => item % 2 === 0 }));

  test("removes what the user knows and the item whose page is shown", () => {
    const asked = request({ history: [act(2, 5), act(4, 1)], contextItem: itemIndex(5) });
    const ranking = new SeenItems().rerank(asked, candidates([1, 2, 3, 4, 5]));
    assert.deepEqual(rowsOf(ranking), [1, 3]);
  });

  test("does not count acts of little weight, when told so", () => {
    const asked = request({ history: [act(1, 1, 1), act(2, 1, 5)] });
    assert.deepEqual(
      rowsOf(new SeenItems({ minWeight: 5 }).rerank(asked, candidates([1, 2, 3]))),
      [1, 3],
    );
  });

  test("lets repeatable items come back after a while, counted from the latest act", () => {
    const rule = new SeenItems({ isRepeatable: (item) => item < 4 });
    const asked = request({ history: [act(1, 30), act(2, 30), act(4, 30), act(2, 3)] });
    const ranking = rule.rerank(asked, candidates([1, 2, 3, 4]));
    assert.deepEqual(rowsOf(ranking), [1, 3]);
    assert.deepEqual(ranking[0]!.contributions.at(-1), {
      stage: "seen-items",
      amount: 0,
      reason: { kind: "rule", rule: "repeat-purchase" },
    });
  });
});
