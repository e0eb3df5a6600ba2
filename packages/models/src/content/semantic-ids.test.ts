import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { csrFromEntries } from "@magpie/numerics";
import { describe, test } from "vitest";
import { semanticIdsModel, SemanticIdsModel } from "./semantic-ids-model.ts";
import { beginningsOf, semanticIds } from "./semantic-ids.ts";

const context = { seed: 1, ...silentWork() };
const config = {
  ...semanticIdsModel.defaults,
  levels: 2,
  codes: 2,
  contentWidth: 4,
  behaviourWidth: 4,
};

/** Items 1 to 4 are teas, 5 to 8 cups; 4 and 8 have been taken by nobody. */
const itemFeatures = csrFromEntries(
  9,
  2,
  Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8),
  Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1),
);
const train: Sequences = {
  userCount: 6,
  itemCount: 8,
  offsets: Int32Array.of(0, 2, 4, 6, 8, 10, 12),
  items: Int32Array.of(1, 2, 2, 3, 1, 3, 5, 6, 6, 7, 5, 7),
};

describe("semantic ids", () => {
  test("begin alike for items that are alike, known and unknown ones", async () => {
    const { ids, levels } = await semanticIds({ train, itemFeatures }, config, 1);
    const first = (item: number) => ids[item * levels]!;
    assert.equal(new Set([1, 2, 3, 4].map(first)).size, 1);
    assert.equal(new Set([5, 6, 7, 8].map(first)).size, 1);
    assert.notEqual(first(1), first(5));
    assert.deepEqual([...ids.subarray(0, levels)], [-1, -1]);
  });

  test("are missing where nothing is known", async () => {
    const silent = csrFromEntries(9, 2, Int32Array.of(1, 5), Int32Array.of(0, 1));
    const { ids, levels } = await semanticIds({ train, itemFeatures: silent }, config, 1);
    // Item 4 has neither features nor acts, item 2 has acts.
    assert.equal(ids[4 * levels], -1);
    assert.ok(ids[2 * levels]! >= 0);
  });

  test("work by content alone before anybody has acted", async () => {
    const empty = { ...train, offsets: new Int32Array(7), items: new Int32Array(0) };
    const { ids, levels } = await semanticIds({ train: empty, itemFeatures }, config, 1);
    assert.equal(ids[levels], ids[2 * levels]);
    assert.notEqual(ids[levels], ids[5 * levels]);
  });

  test("multiply to what a common beginning tells", () => {
    // Four items: two begin with 0, of which one goes on with 1; two begin with 1 and are the same.
    const ids = Int32Array.of(-1, -1, 0, 0, 0, 1, 1, 0, 1, 0);
    const { offsets, indices, values } = beginningsOf({ ids, levels: 2 });
    const product = (a: number, b: number) => {
      let sum = 0;
      for (let p = offsets[a]!; p < offsets[a + 1]!; p++) {
        for (let q = offsets[b]!; q < offsets[b + 1]!; q++) {
          if (indices[p] === indices[q]) sum += values[p]! * values[q]!;
        }
      }
      return sum;
    };
    const near = (actual: number, expected: number) =>
      assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);
    near(product(1, 1), Math.log(4));
    near(product(1, 2), Math.log(2));
    near(product(3, 4), Math.log(2));
    near(product(1, 3), 0);
  });

  test("propose what begins as the past does, the best known of equals first", async () => {
    const model = await semanticIdsModel.train({ train, itemFeatures }, config, context);
    assert.ok(model instanceof SemanticIdsModel);
    const scores = new Float32Array(9);
    await model.scoreAll([{ userIndex: -1, items: Int32Array.of(1) }], scores);
    const cups = scores.subarray(5).reduce((a, b) => Math.max(a, b));
    assert.ok(scores[4]! > cups, "a tea that nobody has taken stands above every cup");
    assert.ok(scores[5]! > scores[8]!, "a cup that was taken stands above one that was not");
  });

  test("need something that is said of items", async () => {
    await assert.rejects(semanticIds({ train }, config, 1), { code: "NEEDS_ITEM_FEATURES" });
  });

  test.each([
    ["levels", 0],
    ["codes", 1.5],
    ["behaviourShare", 2],
  ])("refuse %s %d", async (field, value) => {
    await assert.rejects(semanticIds({ train, itemFeatures }, { ...config, [field]: value }, 1), {
      code: "BAD_CONFIG",
    });
  });
});
