import assert from "node:assert/strict";
import { csrFromEntries } from "@magpie/numerics";
import { describe, test } from "vitest";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import { spectralStart } from "./spectral-start.ts";
import { userItemGraph } from "./user-item-graph.ts";

// Two groups that share nothing: users 0, 1 with items 1, 2, and users 2, 3 with items 3, 4. Item 5 has no user.
const items = Int32Array.of(1, 2, 1, 2, 3, 4, 3, 4);
const train = { userCount: 4, itemCount: 5, offsets: Int32Array.of(0, 2, 4, 6, 8), items };
const { taste } = userItemGraph(interactionMatrix(train, 0), undefined, 0);
const context = { seed: 1, signal: new AbortController().signal };

describe("a spectral start", () => {
  test("puts a group's users and items in one place, and other groups across", async () => {
    const width = 16;
    const table = await spectralStart(taste, width, 0.5, context);
    const row = (node: number) => table.subarray(node * width, (node + 1) * width);
    const product = (a: number, b: number) =>
      row(a).reduce((sum, value, d) => sum + value * row(b)[d]!, 0);
    const squared = width * 0.5 ** 2; // every length, squared
    for (const [a, b, cosine] of [
      [0, 1, 1],
      [0, 5, 1], // item 1 is node 4 + 1
      [5, 6, 1],
      [0, 2, 0],
      [0, 7, 0],
      [7, 8, 1],
    ] as const) {
      assert.ok(Math.abs(product(a, b) - squared * cosine) < 1e-3, `${a} and ${b}`);
    }
    for (const nothing of [4, 9]) assert.ok(row(nothing).every((value) => value === 0));
  });

  test("knows of nothing without interactions", async () => {
    const none = csrFromEntries(2, 3, new Int32Array(0), new Int32Array(0));
    const table = await spectralStart(none, 16, 0.1, context);
    assert.deepEqual(table, new Float32Array(5 * 16));
  });
});
