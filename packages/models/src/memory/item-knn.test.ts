import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { type History, itemIndex, silentWork } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { itemKnn } from "./item-knn.ts";
import { LinearItemModel } from "../linear/linear-item-model.ts";

const context = { seed: 1, ...silentWork() };
const plain = { neighbours: 10, shrinkage: 0, userDamping: 0, recency: 1 };

function sequencesOf(users: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => (offsets[u + 1] = offsets[u]! + user.length));
  return { userCount: users.length, itemCount, offsets, items: Int32Array.from(users.flat()) };
}

async function trainKnn(users: readonly (readonly number[])[], itemCount: number, config = plain) {
  const trained = await itemKnn.train({ train: sequencesOf(users, itemCount) }, config, context);
  assert.ok(trained instanceof LinearItemModel);
  return trained;
}

async function scores(model: LinearItemModel, past: History): Promise<number[]> {
  const out = new Float32Array(model.itemCount + 1);
  await model.scoreAll([past], out);
  return [...out];
}

const past = (...items: number[]): History => ({ userIndex: -1, items: Int32Array.from(items) });
const near = (actual: number | undefined, expected: number) =>
  assert.ok(Math.abs(actual! - expected) < 1e-6, `${actual} is not ${expected}`);

// Item 1 has users a, b, c; item 2 has a, b; item 3 has c; item 4 nobody.
const users = [
  [1, 2],
  [1, 2],
  [1, 3],
];

describe("item-kNN", () => {
  test("weighs items by the cosine of their users", async () => {
    const model = await trainKnn(users, 4);
    const [padding, own, two, three, four] = await scores(model, past(1));
    assert.equal(padding, -Infinity);
    near(own, 0);
    near(two, 2 / Math.sqrt(3 * 2));
    near(three, 1 / Math.sqrt(3 * 1));
    near(four, 0);
  });

  test("shrinks what few users vouch for", async () => {
    const model = await trainKnn(users, 4, { ...plain, shrinkage: 2 });
    near((await scores(model, past(1)))[3], 1 / (Math.sqrt(3) + 2));
  });

  test("sums over the past, newer items counting more where recency is below 1", async () => {
    const model = await trainKnn(users, 4, { ...plain, recency: 0.5 });
    const [toOne, toTwo] = [1 / Math.sqrt(3), 2 / Math.sqrt(6)];
    near((await scores(model, past(3, 2)))[1], 0.5 * toOne + toTwo);
    near((await scores(model, past(2, 3)))[1], 0.5 * toTwo + toOne);
  });

  test("lets items of one moment count alike", async () => {
    const model = await trainKnn(users, 4, { ...plain, recency: 0.5 });
    const [toOne, toTwo] = [1 / Math.sqrt(3), 2 / Math.sqrt(6)];
    const basket = { ...past(3, 2), timestampsMs: Float64Array.of(7, 7) };
    near((await scores(model, basket))[1], toOne + toTwo);
    const visits = { ...past(3, 2), timestampsMs: Float64Array.of(6, 7) };
    near((await scores(model, visits))[1], 0.5 * toOne + toTwo);
  });

  test("counts a feedback weight of 3 as log2(4) = 2", async () => {
    const model = await trainKnn(users, 4);
    const weighted = { ...past(2), weights: Float32Array.of(3) };
    near((await scores(model, weighted))[1], (2 * 2) / Math.sqrt(6));
  });

  test("keeps only the nearest neighbours, ties by lower row", async () => {
    const model = await trainKnn(users, 4, { ...plain, neighbours: 1 });
    assert.deepEqual([...model.similar(itemIndex(1), 5).items], [2]);
    near((await scores(model, past(1)))[3], 0);
  });

  test("lists similar items, best first, the item itself not among them", async () => {
    const { items, scores: values } = (await trainKnn(users, 4)).similar(itemIndex(1), 2);
    assert.deepEqual([...items], [2, 3]);
    near(values[0], 2 / Math.sqrt(6));
    assert.equal((await trainKnn(users, 4)).similar(itemIndex(4), 3).items.length, 0);
  });

  test("explains a score by terms that add up to it", async () => {
    const anyUser = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyUser, { minLength: 1, maxLength: 6 }),
        anyUser,
        async (data, items) => {
          const model = await trainKnn(data, 6, { ...plain, recency: 0.7 });
          const all = await scores(model, past(...items));
          const effects = await model.explain(past(...items), Int32Array.of(1, 2, 3, 4, 5, 6));
          effects.forEach((list, i) => {
            near(
              list.reduce((sum, { effect }) => sum + effect, 0),
              all[i + 1]!,
            );
            assert.deepEqual(
              list.map((e) => e.effect),
              list.map((e) => e.effect).sort((a, b) => b - a),
            );
          });
        },
      ),
      { numRuns: 50 },
    );
  });

  test("is the same after saving and loading", async () => {
    const folder = await mkdtemp(join(tmpdir(), "item-knn-"));
    try {
      const model = await trainKnn(users, 4);
      await model.save(folder);
      const opened = await itemKnn.load(folder);
      assert.ok(opened instanceof LinearItemModel);
      assert.deepEqual(await scores(opened, past(1, 3)), await scores(model, past(1, 3)));
      assert.deepEqual(opened.config, plain);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("stops when asked, and refuses a recency that is none", async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(
      itemKnn.train({ train: sequencesOf(users, 4) }, plain, { ...context, signal }),
      { name: "AbortError" },
    );
    await assert.rejects(trainKnn(users, 4, { ...plain, recency: 0 }), { code: "BAD_CONFIG" });
  });
});
