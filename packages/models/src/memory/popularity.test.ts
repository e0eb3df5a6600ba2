import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { describe, test } from "vitest";
import { popularity, recentPopularity } from "./popularity.ts";

const day = 86_400_000;

/** Item 1 twice, long ago; item 2 once, today; item 3 never. */
const train: Sequences = {
  userCount: 2,
  itemCount: 3,
  offsets: Int32Array.of(0, 2, 3),
  items: Int32Array.of(1, 2, 1),
  timestampsMs: Float64Array.of(100 * day, 110 * day, 103 * day),
};
const context = { seed: 1, ...silentWork() };
const stranger = { userIndex: -1, items: new Int32Array(0) };

async function scoresOf(model: typeof popularity, config = model.defaults, data = train) {
  const trained = await model.train({ train: data }, config, context);
  const out = new Float32Array(4);
  await trained.scoreAll([stranger], out);
  return [...out];
}

describe("popularity", () => {
  test("of all time counts interactions, padding never", async () => {
    assert.deepEqual(await scoresOf(popularity), [-Infinity, 2, 1, 0]);
  });

  test("sums feedback weights where there are any", async () => {
    const weights = Float32Array.of(1, 5, 3);
    const data = { ...train, weights };
    assert.deepEqual(await scoresOf(popularity, popularity.defaults, data), [-Infinity, 4, 5, 0]);
  });

  test("decays with the half-life, from the newest event on", async () => {
    const scores = await scoresOf(recentPopularity, { windowDays: null, halfLifeDays: 7 });
    // Item 1: 10 and 7 days old.
    assert.deepEqual(scores, [-Infinity, Math.fround(2 ** (-10 / 7) + 1 / 2), 1, 0]);
  });

  test("counts only the window of the last days", async () => {
    const scores = await scoresOf(recentPopularity, { windowDays: 8, halfLifeDays: null });
    assert.deepEqual(scores, [-Infinity, 1, 1, 0]);
  });

  test("gives everybody the same", async () => {
    const trained = await popularity.train({ train }, popularity.defaults, context);
    const out = new Float32Array(8);
    await trained.scoreAll([stranger, { userIndex: 0, items: Int32Array.of(1, 2) }], out);
    assert.deepEqual(out.subarray(0, 4), out.subarray(4));
  });

  test("says that last days need times, and refuses a half-life that is none", async () => {
    const { timestampsMs: _, ...ordered } = train;
    await assert.rejects(scoresOf(recentPopularity, recentPopularity.defaults, ordered), {
      code: "NO_TIMES",
    });
    await assert.rejects(scoresOf(popularity, { windowDays: null, halfLifeDays: 0 }), {
      code: "BAD_CONFIG",
      message: /halfLifeDays is 0/,
    });
  });

  test("is the same after saving and loading", async () => {
    const folder = await mkdtemp(join(tmpdir(), "popularity-"));
    try {
      const trained = await popularity.train({ train }, popularity.defaults, context);
      await trained.save(folder);
      const opened = await popularity.load(folder);
      const out = new Float32Array(4);
      await opened.scoreAll([stranger], out);
      assert.deepEqual([...out], [-Infinity, 2, 1, 0]);
      assert.equal(opened.name, "popularity, all time");
      await assert.rejects(recentPopularity.load(folder), { code: "WRONG_MODEL_KIND" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
