import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { silentWork, type History, type VectorScorer } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { openModelFile, type ModelInput } from "@magpie/tensor";
import { afterEach, beforeEach, describe, test } from "vitest";
import { identityOf } from "../model-files.ts";
import type { Model, TrainedModel } from "../model.ts";
import { exportOnnx, type ExportedModel } from "./onnx-export.ts";
import { modelByKind } from "../registry.ts";
import type { SequenceConfig } from "../sequence/sequence-config.ts";
import { parameterCountOf } from "../sequence/sequence-graphs.ts";
import { SequenceModel } from "../sequence/sequence-model.ts";

/** Shoppers who walk a ring of 30 items, with times. */
function walks(): Sequences {
  const random = seededRandom(2, "walks");
  const items = Array.from({ length: 90 }, () => {
    const start = random.int(30);
    return Array.from({ length: 7 }, (_, i) => 1 + ((start + i * (1 + (start % 2))) % 30));
  });
  return {
    userCount: 90,
    itemCount: 30,
    offsets: Int32Array.from({ length: 91 }, (_, u) => 7 * u),
    items: Int32Array.from(items.flat()),
    timestampsMs: Float64Array.from({ length: 630 }, (_, e) => 1e12 + e * 600_000),
  };
}

const train = walks();
const past = (...items: number[]): History => ({ userIndex: -1, items: Int32Array.from(items) });
const pasts = [past(3, 4, 5), past(7), past(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 2), past(), past(9, 9)];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onnx-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function trained(kind: string, changes: object = {}): Promise<TrainedModel> {
  const model: Model = modelByKind(kind);
  const config = { ...model.defaults, ...changes };
  return model.train({ train }, config, { seed: 1, threads: 1, ...silentWork() });
}

const small = { width: 16, heads: 2, feedForward: 32, historyLimit: 8 };

/** A sequence model whose weights are all drawn at random, its repeat bias too: training adds nothing here. */
function drawn(kind: string, changes: object = {}): SequenceModel {
  const config = { ...modelByKind(kind).defaults, ...small, ...changes } as SequenceConfig;
  const random = seededRandom(6, "weights");
  const normals = (count: number, deviation: number) =>
    Float32Array.from({ length: count }, () => deviation * random.normal());
  const table = () => normals(31 * config.width, 0.3).fill(0, 0, config.width);
  const inputItems = table();
  const outputItems = config.tied ? inputItems : table();
  const dense = normals(parameterCountOf(config), 0.3);
  const cost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };
  return new SequenceModel(config, { dense, inputItems, outputItems }, [], cost);
}

async function scoresOf(model: TrainedModel): Promise<Float32Array> {
  const out = new Float32Array(pasts.length * (model.itemCount + 1));
  await model.scoreAll(pasts, out);
  return out;
}

/** Runs the exported file as another program would. */
async function runExported(
  inputs: Readonly<Record<string, ModelInput>>,
  output: string,
): Promise<Float32Array> {
  const file = await openModelFile(join(folder, "model.onnx"), { engine: "native" });
  try {
    return (await file.run(inputs, output)).values;
  } finally {
    await file.dispose();
  }
}

/** Pasts as `interface.json` asks for them. */
function historyInput({ inputs }: ExportedModel): ModelInput {
  const length = inputs[0]!.shape[1] as number;
  const values = new BigInt64Array(pasts.length * length);
  pasts.forEach(({ items }, b) => {
    items.subarray(-length).forEach((item, t) => (values[b * length + t] = BigInt(item)));
  });
  return { values, shape: [pasts.length, length] };
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  assert.equal(a.length, b.length);
  let most = 0;
  a.forEach((value, i) => {
    if (value === -Infinity) assert.equal(b[i], -Infinity);
    else most = Math.max(most, Math.abs(value - b[i]!));
  });
  return most;
}

describe("an exported sequence model", () => {
  test("gives in another program the scores and vectors that it gives here", async () => {
    for (const [kind, changes] of [
      ["sasrec", { historyLimit: 12 }],
      ["sasrec", { tied: false, blocks: 2 }],
      ["sasrec", { itemTexts: true, textWidth: 5 }],
      ["esasrec", {}],
      ["hstu", { timeBuckets: 0 }],
    ] as const) {
      const model = drawn(kind, changes);
      const exported = await exportOnnx(model, folder);
      const history = historyInput(exported);
      const scores = await runExported({ history }, "scores");
      assert.ok(largestDifference(await scoresOf(model), scores) < 1e-5, kind);
      const users = new Float32Array(pasts.length * 16);
      await model.encode(pasts, users);
      assert.ok(largestDifference(users, await runExported({ history }, "user")) < 1e-5, kind);
      await model.dispose();
    }
  });

  test("takes the times between items where its network reads them", async () => {
    const model = drawn("hstu");
    const exported = await exportOnnx(model, folder);
    const [, gaps] = exported.inputs;
    assert.deepEqual([gaps!.name, ...gaps!.shape], ["timeGaps", "batch", 8, 8]);
    // The pasts above have no times, so all items are of one moment.
    const timeGaps = { values: new BigInt64Array(pasts.length * 64), shape: [pasts.length, 8, 8] };
    const inputs = { history: historyInput(exported), timeGaps };
    const scores = await runExported(inputs, "scores");
    assert.ok(largestDifference(await scoresOf(model), scores) < 1e-5);
    await model.dispose();
  });

  test("is nearly the same and much smaller in 8 bits", async () => {
    const model = drawn("sasrec", { width: 64, feedForward: 256 });
    const whole = await exportOnnx(model, folder);
    const exported = await exportOnnx(model, folder, { int8: true });
    assert.equal(exported.precision, "int8");
    assert.ok(exported.bytes < 0.4 * whole.bytes, `${exported.bytes} of ${whole.bytes}`);
    const scores = await scoresOf(model);
    const spread = Math.max(...scores) - Math.min(...scores.filter(Number.isFinite));
    const near = await runExported({ history: historyInput(exported) }, "scores");
    assert.ok(largestDifference(scores, near) < 0.05 * spread);
    await model.dispose();
  });

  test("says in interface.json what goes in, what comes out and where it is from", async () => {
    const model = drawn("sasrec");
    const origin = { trainedMs: 0, seed: 1, data: identityOf(train) };
    await exportOnnx(model, folder, { origin });
    await model.dispose();
    const said = JSON.parse(
      await readFile(join(folder, "interface.json"), "utf8"),
    ) as ExportedModel;
    assert.equal(said.itemCount, 30);
    assert.deepEqual(
      said.inputs.map(({ name, shape }) => [name, ...shape]),
      [["history", "batch", 8]],
    );
    assert.deepEqual(
      said.outputs.map(({ name, shape }) => [name, ...shape]),
      [
        ["user", "batch", 16],
        ["scores", "batch", 31],
      ],
    );
    assert.deepEqual(said.origin, origin);
  });
});

describe("an exported linear model", () => {
  test("gives the scores that it gives here, from what the past holds", async () => {
    for (const kind of ["item-knn", "ease"]) {
      const model = await trained(kind, { recency: 0.5 });
      const exported = await exportOnnx(model, folder);
      assert.match(exported.inputs[0]!.meaning, /0\.5 to the power of/);
      const values = new Float32Array(pasts.length * 31);
      pasts.forEach(({ items }, b) => {
        items.forEach((item, p) => (values[b * 31 + item]! += 0.5 ** (items.length - 1 - p)));
      });
      const interactions = { values, shape: [pasts.length, 31] };
      const scores = await runExported({ interactions }, "scores");
      assert.ok(largestDifference(await scoresOf(model), scores) < 1e-5, kind);
    }
  });
});

describe("an exported model of vectors", () => {
  test("gives the products with a user's vector", async () => {
    const model = (await trained("implicit-als", { width: 8, epochs: 2 })) as TrainedModel &
      VectorScorer;
    await exportOnnx(model, folder);
    const users = new Float32Array(pasts.length * 8);
    await model.encode(pasts, users);
    const scores = await runExported(
      { user: { values: users, shape: [pasts.length, 8] } },
      "scores",
    );
    assert.ok(largestDifference(await scoresOf(model), scores) < 1e-5);
    await model.dispose();
  });
});

describe("models without a graph", () => {
  test("are refused with words", async () => {
    const refused = { code: "EXPORT_UNSUPPORTED" };
    await assert.rejects(exportOnnx(await trained("popularity"), folder), refused);
    await assert.rejects(exportOnnx(drawn("gru4rec"), folder), refused);
    await assert.rejects(exportOnnx(drawn("fuxi"), folder), refused);
    const knn = await trained("item-knn");
    await assert.rejects(exportOnnx(knn, folder, { int8: true }), refused);
  });
});
