import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { HeldOut } from "@magpie/data";
import { silentWork, userId } from "@magpie/domain";
import { initialise, parameterCountOf, readCard, sasRec, SequenceModel } from "@magpie/models";
import type { Engine, ServedRanking, Task } from "../engine.ts";
import { openEngine } from "../open-engine.ts";
import type { SnapshotManifest } from "../snapshot/manifest.ts";
import { walkingEvents, walkingItems, walkingNowMs, walkingRecipe } from "../walking-shop.suite.ts";
import { keepInInt8 } from "./keep-in-8-bits.ts";

/** Wide enough, and trained long enough, that rounding moves few of its ranks. */
const recipe = {
  ...walkingRecipe,
  sasrec: { ...walkingRecipe["sasrec"], width: 32, epochs: 8 },
  ease: false,
  "two-tower": false,
} as const;

const open = (directory: string): Promise<Engine> =>
  openEngine(directory, { now: () => walkingNowMs, recipe });

function finished(engine: Engine, { id }: Task): Promise<Task> {
  return new Promise((resolve) => {
    engine.watchTask(id, (task) => {
      if (task.finishedMs !== undefined) resolve(task);
    });
  });
}

describe("a snapshot whose sequence model is in 8 bits", () => {
  let directory: string;
  let engine: Engine;
  let snapshot: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "magpie-8-bits-"));
    engine = await open(directory);
    await engine.upsertItems(walkingItems());
    await engine.ingest(walkingEvents(), walkingNowMs);
    const task = await finished(engine, engine.train({ seed: 1, int8: true }));
    assert.equal(task.status, "succeeded", JSON.stringify(task.error));
    snapshot = join(directory, "snapshots", (task.result as { version: string }).version);
  });

  afterAll(async () => {
    await engine.close();
    await rm(directory, { recursive: true });
  });

  const feed = (): Promise<ServedRanking> =>
    engine.recommend("home-feed", { user: userId("shopper-1"), limit: 10, explain: true });

  test("says on its card what that saved and what it cost on validation", async () => {
    const card = await readCard(join(snapshot, "models", "sasrec"));
    assert.equal(card.precision, "int8");
    assert.equal(card.name, "SASRec, 8 bits");
    const { bytes, loss } = card.origin!.int8!;
    // 61 rows of 32 values: four bytes each, or one each and a scale.
    assert.equal(bytes.float32 - bytes.int8, 61 * (4 * 32 - (32 + 4)));
    assert.ok(card.parameters!.bytes < bytes.float32);
    const { float32, int8 } = loss.ndcgAt10;
    assert.ok(loss.cases >= 20 && int8 >= 0.95 * float32);
    assert.ok(Math.abs(loss.change.mean - (int8 - float32)) < 1e-9);
    const manifest = JSON.parse(
      await readFile(join(snapshot, "manifest.json"), "utf8"),
    ) as SnapshotManifest;
    assert.deepEqual(manifest.models.find(({ kind }) => kind === "sasrec")!.int8, { bytes, loss });
    assert.ok(manifest.notes.some((note) => note.startsWith("sasrec is kept in 8 bits: ")));
    assert.ok(manifest.measurement!.models.some(({ model }) => model === "SASRec, 8 bits"));
    assert.ok(manifest.models.every(({ kind, int8 }) => kind === "sasrec" || int8 === undefined));
  });

  test("keeps its index of vectors in bytes alone", async () => {
    const { size } = await stat(join(snapshot, "item-vectors.bin"));
    assert.ok(size < 4 * 61 * 32, `${size} bytes`);
  });

  test("serves pasts, reasons that sum up, and pages of items; opened again too", async () => {
    const before = await feed();
    await engine.close();
    engine = await open(directory);
    const ranking = await feed();
    assert.deepEqual(
      ranking.items.map(({ item }) => item.id),
      before.items.map(({ item }) => item.id),
    );
    const kinds = new Set<string>();
    for (const { score, contributions } of ranking.items) {
      const sum = contributions.reduce((total, { amount }) => total + amount, 0);
      assert.ok(Math.abs(sum - score) < 1e-6, `${sum} is not ${score}`);
      for (const { reason } of contributions) kinds.add(reason.kind);
    }
    assert.ok(kinds.has("sequence-model"), [...kinds].join());
    const similar = await engine.recommend("similar-items", { contextItemId: "cups-3", limit: 5 });
    assert.ok(similar.items.some(({ item }) => item.id.startsWith("cups-")));
  });
});

describe("keeping a model in 8 bits", () => {
  const [width, itemCount] = [8, 20];

  /** A model at random, whose item vectors may begin with one large value. */
  function modelOf(first: number): SequenceModel {
    const small = { width, blocks: 1, heads: 1, feedForward: 8, historyLimit: 4, tied: false };
    const config = { ...sasRec.defaults, ...small };
    const dense = new Float32Array(parameterCountOf(config));
    const tables = [0, 1].map(() => new Float32Array((itemCount + 1) * width));
    initialise({ ...config, embeddingDeviation: 1 }, 3, dense, tables);
    const [inputItems, outputItems] = tables as [Float32Array, Float32Array];
    if (first !== 0) {
      for (let item = 1; item <= itemCount; item++) outputItems[item * width] = first;
    }
    const cost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };
    return new SequenceModel(config, { dense, inputItems, outputItems }, [], cost);
  }

  /** Pasts of one item each, after which comes what the model itself ranks first. */
  async function favouritesOf(model: SequenceModel): Promise<HeldOut> {
    const pasts = Array.from({ length: itemCount }, (_, i) => ({
      userIndex: -1,
      items: Int32Array.of(1 + i),
    }));
    const size = itemCount + 1;
    const scores = new Float32Array(pasts.length * size);
    await model.scoreAll(pasts, scores);
    const targets = Int32Array.from(pasts, (_, i) => {
      const own = scores.subarray(i * size, (i + 1) * size);
      return own.indexOf(Math.max(...own));
    });
    const targetOffsets = Int32Array.from({ length: pasts.length + 1 }, (_, i) => i);
    return { pasts, targets, targetOffsets };
  }

  test("is refused where one value of each vector drowns the others", async () => {
    const model = modelOf(1_000);
    await assert.rejects(keepInInt8(model, await favouritesOf(model), silentWork()), {
      code: "INT8_LOSES_TOO_MUCH",
      message: /^SASRec, 8 bits: NDCG@10 0\.\d{4} for 1\.0000 .* at most [15] % may be lost\.$/,
    });
    await model.dispose();
  });

  test("is done where it costs next to nothing", async () => {
    const model = modelOf(0);
    const { kept, loss } = await keepInInt8(model, await favouritesOf(model), silentWork());
    assert.ok(loss.ndcgAt10.int8 >= 0.99, `${loss.ndcgAt10.int8}`);
    assert.equal(kept.itemCount, itemCount);
    for (const one of [model, kept]) await one.dispose();
  });
});
