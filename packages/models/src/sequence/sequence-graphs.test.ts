import assert from "node:assert/strict";
import { seededRandom } from "@magpie/numerics";
import { GRADIENT, LOSS, openSession, rowGradient, sizeOf, type Values } from "@magpie/tensor";
import { describe, test } from "vitest";
import { OverlapFinder } from "./batch-overlaps.ts";
import { fuxiDefaults } from "./fuxi.ts";
import { gru4RecDefaults } from "./gru4rec.ts";
import { hstuDefaults } from "./hstu.ts";
import { ligrDefaults } from "./ligr.ts";
import { sasRecDefaults } from "./sasrec.ts";
import type { SequenceConfig, SequenceLoss } from "./sequence-config.ts";
import { trainingGraph } from "./sequence-graphs.ts";
import { batchTimeGaps } from "./sequence-times.ts";

const width = 4;
const itemCount = 9;
const [rows, length] = [2, 4];
const shared = { negatives: 3, uniformShare: 1, ownPast: true } as const;
const loss: SequenceLoss = { kind: "sampled-softmax", logQ: "all", ...shared };
const small = {
  width,
  historyLimit: length,
  batchRows: rows,
  blocks: 2,
  dropout: 0.25,
  loss,
} as const;

/** Erf, which gelu needs, exists in single precision only: the transformer is checked with silu. */
const networks: Readonly<Record<string, SequenceConfig>> = {
  SASRec: {
    ...sasRecDefaults,
    ...small,
    heads: 2,
    feedForward: 6,
    activation: "silu",
    pauseBuckets: 5,
  },
  eSASRec: { ...ligrDefaults, ...small, blocks: 1, heads: 2, feedForward: 6 },
  HSTU: { ...hstuDefaults, ...small, heads: 2, timeBuckets: 5 },
  FuXi: { ...fuxiDefaults, ...small, blocks: 1, heads: 2, feedForward: 6, timeBuckets: 5 },
  GRU4Rec: { ...gru4RecDefaults, ...small, pauseBuckets: 4 },
};

const losses: Readonly<Record<string, SequenceLoss>> = {
  "sampled softmax": loss,
  "full softmax": { kind: "full-softmax", ownPast: false },
  "full softmax with the own past": { kind: "full-softmax", ownPast: true },
  "binary cross-entropy": { kind: "bce" },
  "generalised cross-entropy": { kind: "gbce", calibration: 0.75, ...shared },
  "BPR-max": { kind: "bpr-max", regularisation: 0.5, ...shared },
};

/** Two rows: a past of two, one of one and padding; a past of four that holds an item twice. */
const batch = {
  rows,
  length,
  items: Int32Array.of(3, 7, 5, 0, 1, 2, 1, 8),
  segments: Int32Array.of(0, 0, 1, 2, 0, 0, 0, 0),
  positions: Int32Array.of(1, 0, 0, 0, 3, 2, 1, 0),
  targets: Int32Array.of(7, 4, 9, 0, 2, 1, 8, 3),
  weights: Float32Array.of(1, 1, 1, 0, 1, 1, 1, 1).map((w) => w / 7),
  timesMs: Float64Array.of(0, 9e4, 0, 0, 0, 3e5, 1e6, 1e7),
};

/** Compares all gradients of the step with central differences, in double precision. */
async function assertGradients(config: SequenceConfig): Promise<void> {
  const graph = trainingGraph(config, { rows, length, itemCount }, "float64");
  const random = seededRandom(6, "gradient-check");
  const n = rows * length;
  const isWhole = config.loss.kind === "full-softmax";
  const negatives = isWhole
    ? Int32Array.from({ length: itemCount + 1 }, (_, id) => id)
    : Int32Array.of(6, 2, 9);
  const overlaps = new OverlapFinder(batch, negatives, itemCount, true);
  const corrections = Float32Array.from(negatives, () => random.normal());
  if (isWhole) corrections[0] = -1e9;
  overlaps.find(corrections);
  const timeGaps = new Int32Array(n * length);
  batchTimeGaps(batch, timeGaps);
  const given: Record<string, Values> = {
    segments: batch.segments,
    positions: batch.positions,
    weights: Float64Array.from(batch.weights),
    targetIds: batch.targets,
    itemIds: batch.items,
    negativeMask: Float64Array.from(overlaps.mask),
    repeats: Float64Array.from(overlaps.repeats),
    duplicates: overlaps.duplicates,
    timeGaps,
  };
  /** Learnt numbers, and where the step puts their gradients. */
  const learnt: { values: Float64Array; gradient: Float64Array }[] = [];
  const outputs: Record<string, Values> = { [LOSS]: new Float64Array(1) };
  const dense = new Float64Array(graph.parameterCount);
  outputs[GRADIENT] = dense;
  for (const { name, shape, offset } of graph.parameters) {
    const values = new Float64Array(sizeOf(shape)).map(() => 0.7 * random.normal());
    given[name] = values;
    learnt.push({ values, gradient: dense.subarray(offset, offset + values.length) });
  }
  for (const { name, shape, role } of graph.inputs) {
    const size = sizeOf(shape);
    if (role === "noise") {
      given[name] = new Float64Array(size).map(() => (random.next() < 0.25 ? 0 : 4 / 3));
    } else if (role === "rows") {
      const values = new Float64Array(size).map(() => random.normal());
      const gradient = new Float64Array(size);
      given[name] = values;
      outputs[rowGradient(name)] = gradient;
      learnt.push({ values, gradient });
    } else {
      given[name] ??= new Float64Array(size).map(() => random.normal());
    }
  }
  const session = await openSession(graph);
  const step = session.bind(given, outputs);
  const lossNow = async (): Promise<number> => {
    await step.run();
    return (outputs[LOSS] as Float64Array)[0]!;
  };
  await lossNow();
  const emitted = learnt.map(({ gradient }) => gradient.slice());
  const size = 1e-5;
  for (const [part, { values }] of learnt.entries()) {
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!;
      values[i] = x + size;
      const above = await lossNow();
      values[i] = x - size;
      const below = await lossNow();
      values[i] = x;
      const difference = (above - below) / (2 * size);
      const gap = Math.abs(emitted[part]![i]! - difference);
      assert.ok(
        gap <= 1e-6 * Math.max(1, Math.abs(difference)),
        `part ${part}, element ${i}: emitted ${emitted[part]![i]}, central difference ${difference}`,
      );
    }
  }
  await session.dispose();
}

describe("gradients of a training step equal central differences", () => {
  for (const [name, config] of Object.entries(networks)) {
    test(`through ${name}`, () => assertGradients(config));
  }
  test("through texts of items, as input, target and negative", () =>
    assertGradients({
      ...networks["SASRec"]!,
      itemTexts: true,
      textWidth: 3,
      ownDropout: 0.25,
    }));
  for (const [name, loss] of Object.entries(losses)) {
    test(`of ${name}`, () => assertGradients({ ...networks["GRU4Rec"]!, blocks: 1, loss }));
  }
});
