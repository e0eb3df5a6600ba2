import { createClient, type TaskRecord } from "@magpie/client";
import { openEngine, type Engine } from "@magpie/engine";
import { readCard } from "@magpie/models";
import { startServer, type RunningServer } from "@magpie/server";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import {
  walkingEvents,
  walkingItems,
  walkingNowMs,
  walkingRecipe,
} from "../packages/engine/src/walking-shop.suite.ts";

/** Trained long enough that rounding to 8 bits moves few of its ranks, and nothing beside it. */
const recipe = {
  sasrec: { ...walkingRecipe["sasrec"], width: 32, epochs: 8 },
  ease: false,
  "two-tower": false,
} as const;

let directory: string;
let engine: Engine;
let server: RunningServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "magpie-http-train-"));
  engine = await openEngine(directory, { recipe, now: () => walkingNowMs });
  await engine.upsertItems(walkingItems());
  await engine.ingest(walkingEvents(), walkingNowMs);
  server = await startServer({ engine, port: 0, openMode: true });
});

afterEach(async () => {
  await server.close();
  await engine.close();
  await rm(directory, { recursive: true });
});

describe("POST /v1/train", () => {
  test("trains in as many processes as are asked for, in 8 bits, and serves what came of it", async () => {
    const client = createClient({ baseUrl: server.url });
    const { id } = await client.train({ seed: 2, workers: 2, int8: true });
    let task: TaskRecord | undefined;
    for await (const state of client.watchTask(id)) task = state;
    assert.equal(task?.status, "succeeded", JSON.stringify(task?.error));
    const { version } = task.result as { version: string };
    const { origin, precision } = await readCard(
      join(directory, "snapshots", version, "models", "sasrec"),
    );
    assert.deepEqual([origin?.seed, origin?.workers, precision], [2, 2, "int8"]);
    const served = await client.recommend("home-feed", { userId: "shopper-0", limit: 1 });
    assert.equal(served.snapshot, version);
  });
});
