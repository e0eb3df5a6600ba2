import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { csrFromEntries, KernelMemory, seededRandom, type CsrMatrix } from "@magpie/numerics";
import {
  adamDefaults,
  GRADIENT,
  LOSS,
  openSession,
  rowGradient,
  sizeOf,
  type Values,
} from "@magpie/tensor";
import { describe, test } from "vitest";
import { FeatureSums } from "./feature-sums.ts";
import { TowerEncoder, TowerScorer } from "./two-tower-encoder.ts";
import { twoTower, TwoTowerModel } from "./two-tower-model.ts";
import { twoTowerParameters, twoTowerTraining, type TwoTowerConfig } from "./two-tower.ts";

const context = { seed: 1, threads: 1, ...silentWork() };
const small: TwoTowerConfig = {
  ...twoTower.defaults,
  width: 16,
  hidden: 8,
  historyLimit: 4,
  batchRows: 2,
  negatives: 3,
  dropout: 0,
};

const near = (actual: number, expected: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

/** Rows given as lists of [feature, weight]. */
function matrixOf(
  rows: readonly (readonly (readonly [number, number])[])[],
  columns: number,
): CsrMatrix {
  const entries = rows.flatMap((own, row) =>
    own.map(([column, value]) => ({ row, column, value })),
  );
  return csrFromEntries(
    rows.length,
    columns,
    Int32Array.from(entries, ({ row }) => row),
    Int32Array.from(entries, ({ column }) => column),
    Float32Array.from(entries, ({ value }) => value),
  );
}

describe("one training step of two towers", () => {
  test("has the gradient of its finite differences, in float64", async () => {
    const { width: D, historyLimit: T, batchRows: R, negatives: K } = small;
    const [n, contentWidth] = [R * T, 3];
    const all = 2 * n + K;
    const graph = twoTowerTraining(
      small,
      { rows: R, length: T, contentWidth, hasFeatures: true },
      "float64",
    );
    const random = seededRandom(5, "two-tower-gradient");
    const normals = (length: number) => Float64Array.from({ length }, () => random.normal());
    const learnt: Record<string, Float64Array> = { sums: normals(all * D) };
    for (const { name, shape } of graph.parameters) learnt[name] = normals(sizeOf(shape));
    const inputs: Record<string, Values> = {
      ...learnt,
      content: normals(all * contentWidth),
      likeness: normals(n * (n + K)),
      targetLikeness: normals(n * T),
      segments: Int32Array.of(0, 0, 0, 1, 0, 1, 1, 1),
      offsets: normals(n + K),
      excluded: Uint8Array.from({ length: n * (n + K) }, () => Number(random.next() < 0.2)),
      weights: Float64Array.of(1, 1, 1, 1, 1, 1, 1, 0).map((weight) => weight / 7),
    };
    const outputs = {
      [LOSS]: new Float64Array(1),
      [GRADIENT]: new Float64Array(graph.parameterCount),
      [rowGradient("sums")]: new Float64Array(all * D),
    };
    const session = await openSession(graph);
    const step = session.bind(inputs, outputs);
    await step.run();
    const gradientOf: Record<string, Float64Array> = {
      sums: outputs[rowGradient("sums")]!.slice(),
    };
    for (const { name, shape, offset } of graph.parameters) {
      gradientOf[name] = outputs[GRADIENT]!.slice(offset, offset + sizeOf(shape));
    }
    for (const [name, values] of Object.entries(learnt)) {
      // Along a random direction: one number that every entry takes part in.
      const direction = normals(values.length);
      const along = gradientOf[name]!.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      const at = async (shift: number): Promise<number> => {
        values.forEach((_, i) => (values[i]! += shift * direction[i]!));
        await step.run();
        values.forEach((_, i) => (values[i]! -= shift * direction[i]!));
        return outputs[LOSS]![0]!;
      };
      const h = 1e-5;
      near(((await at(h)) - (await at(-h))) / (2 * h), along, 1e-6 * Math.max(1, Math.abs(along)));
    }
    await session.dispose();
  });

  test("declares its parameters as they are laid out for serving", () => {
    for (const hasFeatures of [true, false]) {
      const shape = { rows: 2, length: 4, contentWidth: 3, hasFeatures };
      const { parameters } = twoTowerTraining(small, shape);
      assert.deepEqual(parameters, twoTowerParameters(small, shape));
    }
  });
});

describe("sums of features", () => {
  const features = matrixOf(
    [
      [],
      [
        [0, 1],
        [1, 0.5],
      ],
      [[1, 2]],
    ],
    2,
  );
  const width = 4;
  const opened = () =>
    new FeatureSums(new KernelMemory(FeatureSums.bytesFor(features, width)), features, width, {
      ...adamDefaults,
      learningRate: 1,
    });

  test("weigh each feature, and leave out an item's own where asked", () => {
    const sums = opened();
    // Table rows: padding, features 0 and 1, items 1 and 2.
    sums.table.weights.forEach((_, i, weights) => (weights[i] = 10 ** Math.floor(i / width)));
    const out = new Float32Array(4 * width);
    sums.read(Int32Array.of(1, 1, 2, 0), Uint8Array.of(1, 0, 1, 1), out);
    // Item 1: 1 · 10 + 0.5 · 100, and its own 10³; item 2: 2 · 100 and its own 10⁴.
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => out[i * width]),
      [1_060, 60, 10_200, 0],
    );
  });

  test("hand a gradient back by the same weights", () => {
    const sums = opened();
    const out = new Float32Array(2 * width);
    sums.read(Int32Array.of(1, 2), Uint8Array.of(0, 1), out);
    const gradient = new Float32Array(2 * width).fill(1, 0, 1).fill(-1, width, width + 1);
    sums.accumulate(gradient);
    sums.table.step();
    // Adam's first step moves by the learning rate, against the sign of the gradient: feature 0 has
    // 1, feature 1 has 0.5 - 2, item 2's own has -1, item 1's own none.
    const first = [1, 2, 3, 4].map((row) => Math.round(sums.table.weights[row * width]!));
    assert.deepEqual(first, [-1, 1, 0, 1]);
  });
});

describe("towers that have learnt nothing", () => {
  /** All zero but the say of age: one place back counts half. */
  const dense = (): Float32Array => {
    const slots = twoTowerParameters(small, { contentWidth: 0, hasFeatures: true });
    const values = new Float32Array(slots.reduce((sum, { shape }) => sum + sizeOf(shape), 0));
    const recency = slots.find(({ name }) => name === "user.recency")!;
    for (let age = 0; age < small.historyLimit; age++) {
      values[recency.offset + age] = -age * Math.LN2;
    }
    values[slots.find(({ name }) => name === "likenessShare")!.offset] = 0.5;
    return values;
  };
  const unit = (axis: number) => Float32Array.from({ length: 16 }, (_, d) => Number(d === axis));
  const embeddings = new Float32Array(16 * 6);
  embeddings.set(unit(0), 16);
  embeddings.set(unit(1), 32);
  const features = matrixOf([[], [[0, 2]], [[1, 1]], []], 2);
  const encoder = new TowerEncoder(small, { dense: dense(), embeddings, features }, 0);

  test("give an item its features at length 1, and nothing where nothing is known", async () => {
    const vectors = await encoder.items(undefined);
    vectors.forEach((value, i) => near(value, i === 16 || i === 33 ? 1 : 0));
  });

  test("pool a past by age, and pass over what is unknown", async () => {
    const vectors = await encoder.items(undefined);
    const users = new Float32Array(3 * 16);
    const pasts = [[1, 3, 2, 99], [2], [3]].map((items) => ({
      userIndex: -1,
      items: Int32Array.from(items),
    }));
    const vectorOf = (item: number) =>
      item < 3 ? vectors.subarray(item * 16, (item + 1) * 16) : undefined;
    const pooled = await encoder.users(pasts, vectorOf, users);
    // Newest is item 2 with 2/3, then item 1 with 1/3; scaled to length 1.
    near(users[0]!, 1 / Math.sqrt(5));
    near(users[1]!, 2 / Math.sqrt(5));
    near(users[16 + 1]!, 1);
    assert.deepEqual(
      pooled.map((past) => past.map(([item]) => item)),
      [[2, 1], [2], []],
    );
    near(pooled[0]![0]![1], 2 / 3);
    near(pooled[0]![1]![1], 1 / 3);
    assert.ok(users.subarray(32).every((value) => value === 0));
  });

  test("score by vectors and, beside them, by what features share", async () => {
    const scorer = new TowerScorer(encoder, await encoder.items(undefined));
    const scores = new Float32Array(4);
    await scorer.scoreAll([{ userIndex: -1, items: Int32Array.of(1, 2) }], scores);
    // Item 1: 1/√5 by vectors, and λ = .5 of its share 1/3; its features are of length 2.
    near(scores[1]!, 1 / Math.sqrt(5) + (0.5 * 4) / 3);
    near(scores[2]!, 2 / Math.sqrt(5) + (0.5 * 2) / 3);
    assert.equal(scores[3], 0);
  });
});

describe("items and users that training has not seen", () => {
  const [groups, size] = [4, 6];
  /** Item g · 6 + i + 1 is of group g; the last of each group is left to be found. */
  const itemFeatures = matrixOf(
    [
      [],
      ...Array.from({ length: groups * size }, (_, i): [number, number][] => [
        [Math.floor(i / size), 1],
        [groups + (i % size), 0.3],
      ]),
    ],
    groups + size,
  );
  const random = seededRandom(3, "two-tower-shoppers");
  const lists = Array.from({ length: 100 }, (_, user) => {
    const first = (user % groups) * size + 1;
    return random.shuffle(Array.from({ length: size - 1 }, (_, i) => first + i)).slice(0, 4);
  });
  const train: Sequences = {
    userCount: lists.length,
    itemCount: groups * size,
    offsets: Int32Array.from({ length: lists.length + 1 }, (_, u) => 4 * u),
    items: Int32Array.from(lists.flat()),
  };
  const config = { ...small, epochs: 6, historyLimit: 8, batchRows: 4 };

  test("an item without one act is found by a stranger of its group", async () => {
    const model = await twoTower.train({ train, itemFeatures }, config, context);
    for (let group = 0; group < groups; group++) {
      const first = group * size + 1;
      const past = { userIndex: -1, items: Int32Array.of(first, first + 1) };
      const scores = new Float32Array(train.itemCount + 1);
      await model.scoreAll([past], scores);
      const cold = first + size - 1;
      const better = scores.filter((score) => score > scores[cold]!).length;
      assert.ok(better < size, `${better} items stand above item ${cold}`);
    }
    await model.dispose();
  });

  test("an item that comes after training stands where it would have stood", async () => {
    const model = await twoTower.train({ train, itemFeatures }, config, context);
    assert.ok(model instanceof TwoTowerModel);
    const later = await model.encoder.newItems(itemFeatures);
    const cold = size; // the last of the first group
    const D = config.width;
    for (let d = 0; d < D; d++) near(later[cold * D + d]!, model.itemVectors[cold * D + d]!);
    await model.dispose();
  });

  test("content vectors do as well as features", async () => {
    const width = groups;
    const vectors = new Float32Array((train.itemCount + 1) * width);
    for (let i = 0; i < train.itemCount; i++) vectors[(i + 1) * width + Math.floor(i / size)] = 1;
    const data = { train, content: { width, vectors } };
    const model = await twoTower.train(data, config, context);
    const scores = new Float32Array(train.itemCount + 1);
    await model.scoreAll([{ userIndex: -1, items: Int32Array.of(1, 2) }], scores);
    const ofGroup = scores.subarray(1, size + 1).reduce((a, b) => Math.min(a, b));
    assert.ok(scores.subarray(size + 1).every((score) => score < ofGroup));
    await model.dispose();
  });

  test("features that are not of this catalogue are refused", async () => {
    const wrong = matrixOf([[], [[0, 1]]], 1);
    await assert.rejects(twoTower.train({ train, itemFeatures: wrong }, config, context), {
      code: "BAD_ITEM_FEATURES",
    });
  });

  test.each([
    ["width", 20],
    ["negatives", -1],
    ["idDropout", 1.1],
    ["featureDropout", -0.1],
    ["logQ", 2],
    ["temperature", 0],
    ["epochs", 1.5],
    ["weightDecay", -1],
    ["likeness", -1],
  ])("refuses %s %d", async (field, value) => {
    await assert.rejects(twoTower.train({ train }, { ...config, [field]: value }, context), {
      code: "BAD_CONFIG",
    });
  });

  test("without a user of two items there is nothing to learn from", async () => {
    const one = { ...train, userCount: 1, offsets: Int32Array.of(0, 1), items: Int32Array.of(1) };
    await assert.rejects(twoTower.train({ train: one, itemFeatures }, config, context), {
      code: "NO_TRAINING_EXAMPLES",
    });
  });
});
