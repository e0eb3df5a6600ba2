import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leaveOneOut, type HeldOut, type Sequences } from "@magpie/data";
import { silentWork, type History, type VectorScorer } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { afterEach, beforeEach, describe, test } from "vitest";
import { readCard, type PrecisionLoss } from "../model-files.ts";
import type { Model, TrainedModel } from "../model.ts";
import { exportOnnx } from "./onnx-export.ts";
import { measurePrecisionLoss } from "./precision-table.ts";
import { pruneSequenceModel } from "./pruning.ts";
import { QuantisedScorer, type Precision } from "./quantised-scorer.ts";
import { modelByKind } from "../registry.ts";
import { Int8SequenceModel } from "../sequence/int8-sequence-model.ts";
import type { SequenceConfig } from "../sequence/sequence-config.ts";
import { parameterCountOf, parametersOf } from "../sequence/sequence-graphs.ts";
import { SequenceModel } from "../sequence/sequence-model.ts";

const itemCount = 40;
const past = (...items: number[]): History => ({ userIndex: -1, items: Int32Array.from(items) });
const pasts = [past(3, 4, 5), past(7), past(), past(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)];

/** A sequence model whose weights are all drawn at random, its repeat bias too. */
function drawn(changes: object = {}): SequenceModel {
  const small = { width: 16, heads: 2, feedForward: 32, historyLimit: 8 };
  const config = { ...modelByKind("sasrec").defaults, ...small, ...changes } as SequenceConfig;
  const random = seededRandom(6, "weights");
  const normals = (count: number) => Float32Array.from({ length: count }, () => random.normal());
  const table = () => normals((itemCount + 1) * config.width).fill(0, 0, config.width);
  const inputItems = table();
  const outputItems = config.tied ? inputItems : table();
  const dense = normals(parameterCountOf(config)).map((value) => 0.3 * value);
  const cost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };
  return new SequenceModel(config, { dense, inputItems, outputItems }, [], cost);
}

async function scoresOf(model: Pick<TrainedModel, "scoreAll">): Promise<Float32Array> {
  const out = new Float32Array(pasts.length * (itemCount + 1));
  await model.scoreAll(pasts, out);
  return out;
}

/** Largest difference as a share of the range of the scores. */
function off(a: Float32Array, b: Float32Array): number {
  let [most, low, high] = [0, Infinity, -Infinity];
  a.forEach((value, i) => {
    if (i % (itemCount + 1) === 0) return assert.equal(b[i], -Infinity);
    most = Math.max(most, Math.abs(value - b[i]!));
    [low, high] = [Math.min(low, value), Math.max(high, value)];
  });
  return most / (high - low);
}

async function scoresIn(model: TrainedModel & VectorScorer, precision: Precision) {
  const served = new QuantisedScorer(model, precision);
  const scores = await scoresOf(served);
  await served.dispose();
  return { scores, bytes: served.bytes };
}

const float = { network: "float32", items: "float32" } as const;
const small = { network: "int8", items: "int8" } as const;
/** What an export without a card says of itself. */
const exportedAs = { kind: "sasrec", name: "SASRec, 8 bits", precision: "float32" };

describe("a model served in 8 bits", () => {
  test("in single precision gives the model's own scores, repeats included", async () => {
    for (const model of [drawn(), drawn({ tied: false, blocks: 2 })]) {
      assert.notEqual(model.repeatBias, 0);
      const { scores } = await scoresIn(model, float);
      assert.ok(off(await scoresOf(model), scores) < 1e-5);
      await model.dispose();
    }
  });

  test("in 8 bits gives nearly the same from a quarter of the bytes", async () => {
    for (const model of [drawn(), drawn({ tied: false })]) {
      const [whole, wanted] = [await scoresIn(model, float), await scoresOf(model)];
      for (const precision of [
        { ...small, network: "float32" },
        { ...small, items: "float32" },
        small,
      ]) {
        const { scores } = await scoresIn(model, precision as Precision);
        const difference = off(wanted, scores);
        assert.ok(
          difference > 0 && difference < 0.04,
          `${JSON.stringify(precision)} ${difference}`,
        );
      }
      const { bytes } = await scoresIn(model, small);
      // One byte and not four, but for scales, gains and biases, which count on so small a model.
      assert.ok(bytes < 0.45 * whole.bytes, `${bytes} of ${whole.bytes}`);
      await model.dispose();
    }
  });

  test("counts the bytes of weights, tables and scales", async () => {
    const model = drawn({ blocks: 0 });
    // [8, 16] positions, gain and bias of the last norm, repeat bias, [41, 16] items.
    assert.equal((await scoresIn(model, float)).bytes, 4 * (8 * 16 + 16 + 16 + 1 + 41 * 16));
    const scales = 4 * 8 + 4 * 41;
    assert.equal((await scoresIn(model, small)).bytes, 8 * 16 + 4 * 33 + 41 * 16 + scales);
  });

  test("works for any model of vectors, whose network it refuses to quantise", async () => {
    const train: Sequences = {
      userCount: 30,
      itemCount,
      offsets: Int32Array.from({ length: 31 }, (_, u) => 5 * u),
      items: Int32Array.from({ length: 150 }, (_, e) => 1 + ((e * 7) % itemCount)),
    };
    const als: Model = modelByKind("implicit-als");
    const config = { ...als.defaults, width: 16, epochs: 2 };
    const trained = await als.train({ train }, config, { seed: 1, ...silentWork() });
    const model = trained as TrainedModel & VectorScorer;
    const { scores } = await scoresIn(model, { network: "float32", items: "int8" });
    assert.ok(off(await scoresOf(model), scores) < 0.02);
    assert.throws(() => new QuantisedScorer(model, small), { code: "QUANTISE_UNSUPPORTED" });
    await model.dispose();
  });
});

describe("a sequence model kept in 8 bits", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "magpie-int8-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test.each([{}, { tied: false, blocks: 2 }])("scores as it is served: %j", async (changes) => {
    const model = drawn(changes);
    const { scores } = await scoresIn(model, small);
    const kept = Int8SequenceModel.of(model);
    assert.deepEqual(await scoresOf(kept), scores);
    assert.equal(kept.name, "SASRec, 8 bits");
    assert.equal(kept.repeatBias, model.repeatBias);
    for (const one of [model, kept]) await one.dispose();
  });

  test.each([{}, { tied: false }])("is the same when it is opened again: %j", async (changes) => {
    const model = drawn(changes);
    const kept = Int8SequenceModel.of(model);
    await kept.save(folder);
    const card = await readCard(folder);
    assert.deepEqual([card.kind, card.precision], ["sasrec", "int8"]);
    const opened = await modelByKind("sasrec").load(folder);
    assert.ok(opened instanceof Int8SequenceModel);
    assert.deepEqual(await scoresOf(opened), await scoresOf(kept));
    assert.deepEqual(opened.savedBytes, kept.savedBytes);
    const { size } = await stat(join(folder, "parameters.safetensors"));
    const { float32, int8 } = kept.savedBytes;
    assert.ok(size > int8 && size < int8 + 1_000, `${size} bytes for ${int8}`);
    const rows = (changes.tied === false ? 2 : 1) * (itemCount + 1);
    const network = 4 * model.weights.dense.length;
    assert.deepEqual([float32, int8], [network + rows * 4 * 16, network + rows * (16 + 4)]);
    for (const one of [model, kept, opened]) await one.dispose();
  });

  test("says what moved a score nearly as in single precision", async () => {
    const model = drawn();
    const kept = Int8SequenceModel.of(model);
    const items = Int32Array.of(3, 9, itemCount + 5);
    const [whole, coded] = [
      await model.explain(pasts[0]!, items),
      await kept.explain(pasts[0]!, items),
    ];
    assert.deepEqual(coded[2], []);
    for (const [i, effects] of whole.entries()) {
      for (const { position, effect } of effects) {
        const own = coded[i]!.find((other) => other.position === position)!;
        assert.ok(Math.abs(own.effect - effect) < 0.2, `${own.effect} for ${effect}`);
      }
    }
    for (const one of [model, kept]) await one.dispose();
  });

  test("is exported as the floats that its codes stand for", async () => {
    const kept = Int8SequenceModel.of(drawn());
    const weights = kept.toFloats();
    assert.equal(weights.inputItems, weights.outputItems);
    const inFloats = new SequenceModel(kept.config, weights, [], kept.cost);
    const { bytes, precision } = await exportOnnx(kept, folder);
    assert.equal(precision, "float32");
    assert.equal(bytes, inFloats.toOnnx({ metadata: exportedAs }).model.length);
    assert.ok(off(await scoresOf(inFloats), await scoresOf(kept)) < 0.04);
    for (const one of [kept, inFloats]) await one.dispose();
  });

  test("whose file was cut is refused", async () => {
    const kept = Int8SequenceModel.of(drawn());
    await kept.save(folder);
    await kept.dispose();
    const card = await readCard(folder);
    await writeFile(join(folder, "model.json"), JSON.stringify({ ...card, itemCount: 41 }));
    await assert.rejects(modelByKind("sasrec").load(folder), {
      code: "BAD_PARAMETER_FILE",
      message: /672 numbers named "inputCodes" for its 41 items, but has 656/,
    });
  });

  test("loses next to nothing of what it ranks, and most where one value drowns the others", async () => {
    /** How well the codes rank what the model itself ranks first. */
    const lossOf = async (model: SequenceModel): Promise<PrecisionLoss> => {
      const asked = Array.from({ length: 30 }, (_, i) => past(1 + i));
      const size = itemCount + 1;
      const scores = new Float32Array(asked.length * size);
      await model.scoreAll(asked, scores);
      const favourites = asked.map((_, i) => {
        const own = scores.subarray(i * size, (i + 1) * size);
        return own.indexOf(Math.max(...own));
      });
      const heldOut: HeldOut = {
        pasts: asked,
        targets: Int32Array.from(favourites),
        targetOffsets: Int32Array.from({ length: asked.length + 1 }, (_, i) => i),
      };
      const kept = Int8SequenceModel.of(model);
      const loss = await measurePrecisionLoss(model, kept, heldOut, { work: silentWork() });
      for (const one of [model, kept]) await one.dispose();
      return loss;
    };
    const { cases, ndcgAt10, change } = await lossOf(drawn());
    assert.deepEqual([cases, ndcgAt10.float32], [30, 1]);
    assert.ok(ndcgAt10.int8 > 0.95, `${ndcgAt10.int8}`);
    assert.ok(Math.abs(change.mean - (ndcgAt10.int8 - 1)) < 1e-12);
    assert.ok(change.low <= change.mean && change.mean <= change.high);

    const drowned = drawn({ tied: false });
    for (let item = 1; item <= itemCount; item++) drowned.weights.outputItems[16 * item] = 1_000;
    assert.ok((await lossOf(drowned)).ndcgAt10.int8 < 0.5);
  });
});

describe("pruning by magnitude", () => {
  const walks: Sequences = {
    userCount: 60,
    itemCount,
    offsets: Int32Array.from({ length: 61 }, (_, u) => 6 * u),
    items: Int32Array.from({ length: 360 }, (_, e) => 1 + ((Math.floor(e / 6) + e) % itemCount)),
  };
  const { train } = leaveOneOut(walks);
  const context = { seed: 1, threads: 1, ...silentWork() };
  const zeros = ({ config, weights }: SequenceModel): { zeros: number; weights: number } => {
    const matrices = parametersOf(config).filter(
      ({ name, shape }) => shape.length === 2 && !name.endsWith("Embeddings"),
    );
    const values = matrices.flatMap(({ shape, offset }) => [
      ...weights.dense.subarray(offset, offset + shape[0]! * shape[1]!),
    ]);
    return { zeros: values.filter((value) => value === 0).length, weights: values.length };
  };

  test("sets the smallest share of the matrices to 0 and leaves the rest as it was", async () => {
    const model = drawn();
    const options = { share: 0.5, epochs: 0, learningRate: 1e-3 };
    const pruned = await pruneSequenceModel(model, train, options, context);
    const counted = zeros(pruned);
    assert.equal(counted.zeros, counted.weights / 2);
    const [before, after] = [model.weights.dense, pruned.weights.dense];
    let [largestGone, smallestKept] = [0, Infinity];
    for (const { name, shape, offset } of parametersOf(model.config)) {
      const isMatrix = shape.length === 2 && !name.endsWith("Embeddings");
      const count = shape.reduce((a, b) => a * b);
      for (let i = offset; i < offset + count; i++) {
        if (after[i] !== 0 || !isMatrix) assert.equal(after[i], before[i]);
        const size = Math.abs(before[i]!);
        if (isMatrix && after[i] === 0) largestGone = Math.max(largestGone, size);
        if (isMatrix && after[i] !== 0) smallestKept = Math.min(smallestKept, size);
      }
    }
    assert.ok(largestGone <= smallestKept);
    assert.deepEqual(pruned.weights.inputItems, model.weights.inputItems);
  });

  test("keeps what was pruned at 0 while the rest learns on", async () => {
    const model = drawn();
    const options = { share: 0.8, epochs: 2, learningRate: 1e-2 };
    const pruned = await pruneSequenceModel(model, train, options, context);
    const counted = zeros(pruned);
    assert.equal(counted.zeros, Math.round(0.8 * counted.weights));
    assert.notDeepEqual(pruned.weights.inputItems, model.weights.inputItems);
    const again = await pruneSequenceModel(model, train, options, context);
    assert.deepEqual(again.weights.dense, pruned.weights.dense);
  });

  test("refuses a share that leaves nothing", async () => {
    const options = { share: 1, epochs: 0, learningRate: 1e-3 };
    await assert.rejects(pruneSequenceModel(drawn(), train, options, context), {
      code: "BAD_CONFIG",
    });
  });
});
