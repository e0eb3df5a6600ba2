import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { type History, silentWork, type VectorScorer } from "@magpie/domain";
import { csrFromEntries, seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import { lightGcn } from "./lightgcn.ts";
import { LightGcnObjective } from "./lightgcn-objective.ts";
import { BprLoss, type PairBatch } from "./pair-losses.ts";
import { userItemGraph } from "./user-item-graph.ts";

function sequencesOf(users: readonly (readonly number[])[], itemCount: number): Sequences {
  const offsets = new Int32Array(users.length + 1);
  users.forEach((user, u) => (offsets[u + 1] = offsets[u]! + user.length));
  return { userCount: users.length, itemCount, offsets, items: Int32Array.from(users.flat()) };
}

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

// Users 0, 1, 2 and items 1 … 4; item 4 has no user. Users 0 and 2 are friends.
const train = sequencesOf([[1, 2], [1, 3], [3]], 4);
const friends = csrFromEntries(3, 3, Int32Array.of(0, 2), Int32Array.of(2, 0));
const graphOf = (friendWeight: number) =>
  userItemGraph(interactionMatrix(train, 0), friends, friendWeight);

/** [nodes, nodes], row by row. */
function dense(friendWeight: number): number[][] {
  const { offsets, indices, values, rows } = graphOf(friendWeight).adjacency;
  const out = Array.from({ length: rows }, () => Array.from({ length: rows }, () => 0));
  for (let row = 0; row < rows; row++) {
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) out[row]![indices[p]!] = values[p]!;
  }
  return out;
}

describe("the graph", () => {
  // Nodes: users 0 … 2, padding 3, items 1 … 4 as 4 … 7.
  test("divides by the roots of both degrees, both ways", () => {
    const matrix = dense(0);
    near(matrix[0]![4]!, 1 / 2, 1e-6); // user 0 has 2 items, item 1 has 2 users
    near(matrix[0]![5]!, 1 / Math.SQRT2, 1e-6);
    near(matrix[6]![2]!, 1 / Math.SQRT2, 1e-6);
    assert.deepEqual(matrix[3], Array(8).fill(0));
    assert.deepEqual(matrix[7], Array(8).fill(0));
    assert.equal(matrix[0]![2], 0);
  });

  test("lets those with friends share their neighbourhood with them, and changes nobody else", () => {
    const [without, matrix] = [dense(0), dense(0.25)];
    near(matrix[0]![2]!, 0.25, 1e-6); // each has one friend
    near(matrix[0]![4]!, 0.75 * without[0]![4]!, 1e-6);
    assert.deepEqual(matrix[1], without[1]);
    assert.deepEqual(matrix.slice(3), without.slice(3));
  });
});

const width = 16;
const nodes = 8;
// Items as nodes: after three users and the padding row.
const batch: PairBatch = {
  users: Int32Array.of(0, 1, 2, 0),
  taken: Int32Array.of(4, 6, 6, 5),
  others: Int32Array.of(5, 7, 4, 6),
};

function randomTable(): Float32Array {
  const random = seededRandom(3, "table");
  return Float32Array.from({ length: nodes * width }, () => random.normal());
}

/** Plain loops: the layers one after another. */
function layersPlainly(matrix: number[][], table: Float32Array, layers: number): Float64Array {
  let layer = Float64Array.from(table);
  const sum = layer.slice();
  for (let k = 0; k < layers; k++) {
    const next = new Float64Array(layer.length);
    for (let to = 0; to < nodes; to++) {
      for (let from = 0; from < nodes; from++) {
        for (let d = 0; d < width; d++) {
          next[to * width + d]! += matrix[to]![from]! * layer[from * width + d]!;
        }
      }
    }
    next.forEach((value, at) => (sum[at]! += value));
    layer = next;
  }
  return sum;
}

const shapes = [
  { layers: 1, decay: 0 },
  { layers: 2, decay: 0.1 },
  { layers: 3, decay: 0.01 },
];

describe.each(shapes)("the objective with %o", (shape) => {
  const loss = new BprLoss(width, 1 / (shape.layers + 1));
  const objective = new LightGcnObjective(graphOf(0.25), width, shape, loss);

  test("sums the layers as plain loops do", () => {
    const table = randomTable();
    const { whole, inner } = objective.layerSums(table);
    const matrix = dense(0.25);
    layersPlainly(matrix, table, shape.layers).forEach((value, at) =>
      near(whole[at]!, value, 1e-4),
    );
    layersPlainly(matrix, table, shape.layers - 1).forEach((value, at) =>
      near(inner[at]!, value, 1e-4),
    );
  });

  test("has the gradient that small steps measure", async () => {
    const table = randomTable();
    const gradient = new Float32Array(table.length);
    const unused = new Float32Array(table.length);
    await objective.measure(table, batch, gradient);
    const whole = async (changed: Float32Array) =>
      (await objective.measure(changed, batch, unused)) +
      (shape.decay / 2) * changed.reduce((sum, value) => sum + value * value, 0);
    const step = 2 ** -6;
    for (let at = 0; at < table.length; at += 5) {
      const [up, down] = [table.slice(), table.slice()];
      up[at]! += step;
      down[at]! -= step;
      near(gradient[at]!, ((await whole(up)) - (await whole(down))) / (2 * step), 2e-3);
    }
  });
});

describe("a trained model", () => {
  const context = { seed: 1, threads: 1, ...silentWork() };
  const config = { ...lightGcn.defaults, width, epochs: 3, friendWeight: 0.25 };
  const vectorOf = async (trained: VectorScorer, userIndex: number, items: readonly number[]) => {
    const out = new Float32Array(width);
    const past: History = { userIndex, items: Int32Array.from(items) };
    await trained.encode([past], out);
    return [...out];
  };

  test("answers known users with what was learnt of them, and strangers by their past alone", async () => {
    const trained = (await lightGcn.train(
      { train, friends },
      config,
      context,
    )) as unknown as VectorScorer;
    const [known, stranger] = [
      await vectorOf(trained, 0, [1, 2]),
      await vectorOf(trained, -1, [1, 2]),
    ];
    assert.notDeepEqual(known, stranger);
    assert.deepEqual(await vectorOf(trained, 99, [1, 2]), stranger);
    assert.deepEqual(await vectorOf(trained, 0, []), Array(width).fill(0));
    near(Math.hypot(...stranger), 1, 1e-5);
  });

  test("gives a past as it was in training the vector that was trained", async () => {
    const untrained = { epochs: 0, start: "random", loss: { kind: "bpr" } } as const;
    const shape = { ...config, ...untrained };
    const trained = (await lightGcn.train(
      { train, friends },
      shape,
      context,
    )) as unknown as VectorScorer;
    // Untrained vectors are known: the same stream, the padding zeroed.
    const random = seededRandom(context.seed, "lightgcn/vectors");
    const table = Float32Array.from({ length: nodes * width }, () => 0.1 * random.normal());
    table.fill(0, 3 * width, 4 * width);
    const expected = layersPlainly(dense(0.25), table, shape.layers).map(
      (value) => value / (shape.layers + 1),
    );
    for (const [user, past] of [
      [0, [1, 2]],
      [1, [3, 1]],
      [2, [3]],
    ] as const) {
      const vector = await vectorOf(trained, user, past);
      vector.forEach((value, d) => near(value, expected[user * width + d]!, 1e-6));
    }
    trained.itemVectors.forEach((value, at) => near(value, expected[3 * width + at]!, 1e-6));
  });

  test("brings items to a power of the lengths that the graph gave them, and keeps their directions", async () => {
    const itemsAt = async (lengthPower: number) => {
      const loss = { kind: "softmax", negatives: 4, temperature: 0.2, lengthPower } as const;
      const { itemVectors } = (await lightGcn.train(
        { train },
        { ...config, loss },
        context,
      )) as unknown as VectorScorer;
      return Array.from({ length: train.itemCount }, (_, i) =>
        itemVectors.slice((i + 1) * width, (i + 2) * width),
      );
    };
    const [units, halves, wholes] = [await itemsAt(0), await itemsAt(0.5), await itemsAt(1)];
    units.forEach((unit, i) => {
      const length = Math.hypot(...wholes[i]!);
      near(Math.hypot(...unit), 1, 1e-5);
      for (let d = 0; d < width; d++) {
        near(wholes[i]![d]!, unit[d]! * length, 1e-5);
        near(halves[i]![d]!, unit[d]! * Math.sqrt(length), 1e-5);
      }
    });
  });

  test("goes on from a checkpoint as if it had not been stopped", async () => {
    const checkpointDir = await mkdtemp(join(tmpdir(), "lightgcn-"));
    const longer = { ...config, epochs: 4 };
    // A budget that is used up by the first epoch; the checkpoint is written when a run ends.
    const cut = { ...context, checkpointDir, budgetSeconds: 1e-9 };
    assert.equal((await lightGcn.train({ train }, longer, cut)).curve.length, 1);
    const resumed = await lightGcn.train({ train }, longer, { ...context, checkpointDir });
    const whole = await lightGcn.train({ train }, longer, context);
    assert.deepEqual(
      resumed.curve.map(({ epoch, loss }) => [epoch, loss]),
      whole.curve.map(({ epoch, loss }) => [epoch, loss]),
    );
    const vectors = (trained: object) => [...(trained as VectorScorer).itemVectors];
    assert.deepEqual(vectors(resumed), vectors(whole));
    // Another seed starts anew.
    const other = await lightGcn.train({ train }, longer, { ...context, seed: 2, checkpointDir });
    assert.notDeepEqual(vectors(other), vectors(whole));
    await rm(checkpointDir, { recursive: true });
  });

  test("stops when it is told to", async () => {
    const controller = new AbortController();
    const training = lightGcn.train({ train }, config, {
      ...context,
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await assert.rejects(training, { name: "AbortError" });
  });

  test.each([
    { width: 20 },
    { layers: 0 },
    { friendWeight: 1 },
    { loss: { kind: "softmax", negatives: 8, temperature: 0, lengthPower: 0 } as const },
    { loss: { kind: "softmax", negatives: 8, temperature: 0.1, lengthPower: NaN } as const },
    { decay: -1 },
    { batch: 0 },
  ])("refuses %o", async (change) => {
    await assert.rejects(lightGcn.train({ train }, { ...config, ...change }, context), {
      code: "BAD_CONFIG",
    });
  });
});
