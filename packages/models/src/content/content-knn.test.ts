import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { csrFromEntries } from "@magpie/numerics";
import { describe, test } from "vitest";
import { contentKnn } from "./content-knn.ts";

const context = { seed: 1, ...silentWork() };
const train: Sequences = {
  userCount: 1,
  itemCount: 3,
  offsets: Int32Array.of(0, 1),
  items: Int32Array.of(1),
};

describe("content-kNN", () => {
  test("sums cosines over the past, older items less", async () => {
    // Item 1: (3, 4, 0), item 2: (1, 0, 0), item 3: (0, 0, 2).
    const itemFeatures = csrFromEntries(
      4,
      3,
      Int32Array.of(1, 1, 2, 3),
      Int32Array.of(0, 1, 0, 2),
      Float32Array.of(3, 4, 1, 2),
    );
    const model = await contentKnn.train({ train, itemFeatures }, { recency: 0.5 }, context);
    const scores = new Float32Array(8);
    const pasts = [[1, 2], [3]].map((items) => ({ userIndex: -1, items: Int32Array.from(items) }));
    await model.scoreAll(pasts, scores);
    // Past 1, 2: half of item 1's cosines (1, .6, 0) and all of item 2's (.6, 1, 0).
    const expected = [-Infinity, 1.1, 1.3, 0, -Infinity, 0, 0, 1];
    expected.forEach((value, i) => {
      assert.ok(value === scores[i] || Math.abs(scores[i]! - value) < 1e-6, `${scores[i]}`);
    });
  });

  test("without features there is nothing to compare", async () => {
    await assert.rejects(async () => contentKnn.train({ train }, contentKnn.defaults, context), {
      code: "NEEDS_ITEM_FEATURES",
    });
  });
});
