import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import type { CsrMatrix } from "@magpie/numerics";
import { afterEach, beforeEach, describe, test } from "vitest";
import { identityOf, readCard, saveModel, type ModelOrigin } from "./model-files.ts";
import { allModels, modelByKind } from "./registry.ts";

/** Twelve shoppers on a ring of six items, with times. */
function ring(): Sequences {
  const items = Array.from({ length: 12 }, (_, u) => [0, 1, 2, 3].map((i) => 1 + ((u + i) % 6)));
  return {
    userCount: 12,
    itemCount: 6,
    offsets: Int32Array.from({ length: 13 }, (_, u) => 4 * u),
    items: Int32Array.from(items.flat()),
    timestampsMs: Float64Array.from({ length: 48 }, (_, e) => 1e12 + e * 1_000),
  };
}

const origin: ModelOrigin = {
  trainedMs: Date.UTC(2026, 10, 24),
  seed: 7,
  data: identityOf(ring()),
  measured: { protocol: "by hand", cases: 3, metrics: { ndcgAt10: 0.5 }, isOfTwin: true },
};

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "card-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function savedPopularity(): Promise<void> {
  const model = modelByKind("popularity");
  const trained = await model.train({ train: ring() }, model.defaults, {
    seed: 7,
    ...silentWork(),
  });
  await saveModel(trained, folder, origin);
}

describe("a model's card", () => {
  test("says where the model comes from, and names its parameters by their hash", async () => {
    await savedPopularity();
    const card = await readCard(folder);
    assert.equal(card.name, "popularity, all time");
    assert.equal(card.kind, "popularity");
    assert.deepEqual(card.origin, origin);
    assert.deepEqual(card.config, { windowDays: null, halfLifeDays: null });
    const bytes = await readFile(join(folder, "parameters.safetensors"));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    assert.deepEqual(card.parameters, { bytes: bytes.length, sha256 });
  });

  test("does not change what is loaded", async () => {
    await savedPopularity();
    const loaded = await modelByKind("popularity").load(folder);
    const scores = new Float32Array(7);
    await loaded.scoreAll([{ userIndex: -1, items: new Int32Array() }], scores);
    assert.deepEqual([...scores], [-Infinity, 8, 8, 8, 8, 8, 8]);
  });

  test("is written for every kind of model that learns in memory", async () => {
    // Each item has a feature of its own; row 0 is the padding item.
    const itemFeatures: CsrMatrix = {
      rows: 7,
      columns: 6,
      offsets: Int32Array.of(0, 0, 1, 2, 3, 4, 5, 6),
      indices: Int32Array.of(0, 1, 2, 3, 4, 5),
      values: new Float32Array(6).fill(1),
    };
    const data = { train: ring(), itemFeatures };
    // Those left out train for epochs or on held-out cases, and save through the same function.
    const slow = new Set(["sasrec", "lightgcn", "stacked-blend"]);
    for (const model of allModels.filter(({ kind, space }) => !slow.has(kind) && !space?.effort)) {
      const trained = await model.train(data, model.defaults, { seed: 7, ...silentWork() });
      const own = await mkdtemp(join(folder, model.kind));
      await saveModel(trained, own, origin);
      await trained.dispose();
      const card = await readCard(own);
      assert.equal(card.kind, model.kind);
      assert.deepEqual(card.origin, origin);
      await (await model.load(own)).dispose();
    }
  });

  test("is missed with words where a folder has none, or another file under its name", async () => {
    await assert.rejects(readCard(folder), { code: "NO_MODEL", kind: "not-found" });
    for (const text of ["", "[]", '{"kind":3}', '{"kind":"ease"']) {
      await writeFile(join(folder, "model.json"), text);
      await assert.rejects(readCard(folder), { code: "BAD_MODEL_CARD" });
    }
  });
});

describe("the identity of training data", () => {
  test("is equal for equal data, and another for any change of it", () => {
    const { sha256, ...counts } = identityOf(ring());
    assert.deepEqual(counts, { users: 12, items: 6, interactions: 48 });
    assert.equal(identityOf(ring()).sha256, sha256);
    const { timestampsMs, ...withoutTimes } = ring();
    const changes: Sequences[] = [
      { ...ring(), itemCount: 7 },
      { ...ring(), items: ring().items.toReversed() },
      { ...ring(), offsets: ring().offsets.with(1, 3) },
      { ...ring(), weights: new Float32Array(48).fill(1) },
      { ...withoutTimes },
      { ...ring(), timestampsMs: timestampsMs!.with(0, 0) },
    ];
    const hashes = changes.map((one) => identityOf(one).sha256);
    assert.equal(new Set([sha256, ...hashes]).size, changes.length + 1);
  });
});
