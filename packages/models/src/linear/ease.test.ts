import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { itemIndex, silentWork } from "@magpie/domain";
import { invertByCholesky, seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { ease } from "./ease.ts";
import { LinearItemModel } from "./linear-item-model.ts";

const context = { seed: 1, ...silentWork() };
const plain = { ...ease.defaults, ridge: 2, recency: 1 };

function sequencesOf(users: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => (offsets[u + 1] = offsets[u]! + user.length));
  return { userCount: users.length, itemCount, offsets, items: Int32Array.from(users.flat()) };
}

async function trainEase(train: Sequences, config = plain): Promise<LinearItemModel> {
  const trained = await ease.train({ train }, config, context);
  assert.ok(trained instanceof LinearItemModel);
  return trained;
}

/** W[i][j], what item i adds to the score of item j. */
async function weightsOf(model: LinearItemModel): Promise<number[][]> {
  const pasts = Array.from({ length: model.itemCount }, (_, i) => ({
    userIndex: -1,
    items: Int32Array.of(i + 1),
  }));
  const width = model.itemCount + 1;
  const out = new Float32Array(pasts.length * width);
  await model.scoreAll(pasts, out);
  return pasts.map((_, i) => [...out.subarray(i * width + 1, (i + 1) * width)]);
}

const near = (actual: number | undefined, expected: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(actual! - expected) <= tolerance, `${actual} is not near ${expected}`);

const n = 40;
const random = seededRandom(5, "ease-test");
const mixed = sequencesOf(
  Array.from({ length: 60 }, () => [
    ...new Set(Array.from({ length: 6 }, () => 1 + random.int(n))),
  ]),
  n,
);

/** B from the definition, in double precision. */
function reference(data: Sequences, ridge: number): number[][] {
  const size = data.itemCount;
  const gram = new Float64Array(size * size);
  for (let u = 0; u < data.userCount; u++) {
    const own = data.items.subarray(data.offsets[u]!, data.offsets[u + 1]!);
    for (const i of own) for (const j of own) gram[(i - 1) * size + j - 1]! += 1;
  }
  for (let i = 0; i < size; i++) gram[i * size + i]! += ridge;
  const p = invertByCholesky(gram, size);
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: size }, (_, j) => (i === j ? 0 : -p[i * size + j]! / p[j * size + j]!)),
  );
}

describe("EASE", () => {
  test("of two items that two of three users share is worked out by hand", async () => {
    // XᵀX + 2I = [[3 + 2, 2], [2, 2 + 2]]; B[1, 2] = 2 / 5, B[2, 1] = 2 / 4.
    const weights = await weightsOf(await trainEase(sequencesOf([[1, 2], [1, 2], [1]], 2)));
    near(weights[0]![1], 2 / 5);
    near(weights[1]![0], 2 / 4);
    near(weights[0]![0], 0);
  });

  test("is the closed form", async () => {
    const weights = await weightsOf(await trainEase(mixed));
    const expected = reference(mixed, 2);
    weights.forEach((row, i) => row.forEach((weight, j) => near(weight, expected[i]![j]!)));
  });

  test("beyond the dense limit is the closed form, when every item may explain every other", async () => {
    // All pairs share a user, so nothing is left out of the neighbourhoods.
    const everybody = Array.from({ length: n }, (_, i) => i + 1);
    const data = sequencesOf(
      [
        everybody,
        ...Array.from({ length: mixed.userCount }, (_, u) => [
          ...mixed.items.subarray(mixed.offsets[u]!, mixed.offsets[u + 1]!),
        ]),
      ],
      n,
    );
    const weights = await weightsOf(await trainEase(data, { ...plain, denseLimit: 0 }));
    const expected = reference(data, 2);
    weights.forEach((row, i) => row.forEach((weight, j) => near(weight, expected[i]![j]!)));
  });

  test("beyond the dense limit uses at most the candidates it is given", async () => {
    const model = await trainEase(mixed, { ...plain, denseLimit: 0, candidates: 3 });
    const weights = await weightsOf(model);
    for (let j = 0; j < n; j++) assert.ok(weights.filter((row) => row[j] !== 0).length <= 3);
  });

  test("keeps the largest weights of each scored item", async () => {
    const all = await weightsOf(await trainEase(mixed));
    const cut = await weightsOf(await trainEase(mixed, { ...plain, neighbours: 5 }));
    for (let j = 0; j < n; j++) {
      const magnitudes = all.map((row) => Math.abs(row[j]!)).sort((a, b) => b - a);
      cut.forEach((row, i) => {
        const isKept = Math.abs(all[i]![j]!) >= magnitudes[4]! - 1e-9;
        near(row[j], isKept ? all[i]![j]! : 0, 1e-9);
      });
    }
  });

  test("lists similar items without those that speak against each other", async () => {
    const model = await trainEase(mixed);
    const weights = await weightsOf(model);
    const { items, scores } = model.similar(itemIndex(1), 4);
    const expected = [...weights[0]!].sort((a, b) => b - a).slice(0, 4);
    assert.deepEqual([...scores], expected);
    assert.ok(scores.every((score) => score > 0));
    assert.ok(!items.includes(1));
  });

  test("is the same after saving and loading", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ease-"));
    try {
      const model = await trainEase(mixed);
      await model.save(folder);
      const opened = await ease.load(folder);
      assert.ok(opened instanceof LinearItemModel);
      assert.deepEqual(await weightsOf(opened), await weightsOf(model));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("says what memory it will take, before it takes it", () => {
    const large = { ...mixed, itemCount: 12_101 };
    const dense = ease.expectedBytes({ train: large }, ease.defaults);
    assert.ok(dense > 4 * 12_101 ** 2 && dense < 1.2 * 4 * 12_101 ** 2);
    const sparse = ease.expectedBytes({ train: { ...large, itemCount: 200_000 } }, ease.defaults);
    assert.ok(sparse < 1e9);
  });

  test("stops when asked, and refuses settings that mean nothing", async () => {
    const signal = AbortSignal.abort();
    await assert.rejects(ease.train({ train: mixed }, plain, { ...context, signal }), {
      name: "AbortError",
    });
    await assert.rejects(trainEase(mixed, { ...plain, ridge: 0 }), { code: "BAD_CONFIG" });
    await assert.rejects(trainEase(mixed, { ...plain, recency: 2 }), { code: "BAD_CONFIG" });
  });
});
