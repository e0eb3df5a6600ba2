import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { type History, silentWork, type VectorScorer } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { afterAll, describe, test } from "vitest";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import { itemAffinities } from "./item-affinities.ts";
import type { PairBatch } from "./pair-losses.ts";
import { ultraGcn } from "./ultragcn.ts";
import { UltraGcnObjective } from "./ultragcn-objective.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

// Users 0 … 3 and items 1 … 5; item 5 has no user.
const train: Sequences = {
  userCount: 4,
  itemCount: 5,
  offsets: Int32Array.of(0, 3, 5, 7, 8),
  items: Int32Array.of(1, 2, 3, 1, 2, 3, 4, 4),
};
const interactions = interactionMatrix(train, 0);

describe("affinities of items", () => {
  // G = RᵀR: 1 and 2 share users 0 and 1, both share user 0 with 3, 3 and 4 share user 2.
  //   G_1 = (2, 2, 1, 0), g_1 = 5;  G_2 the same;  G_3 = (1, 1, 2, 1), g_3 = 5;  G_4 = (0, 0, 1, 2), g_4 = 3
  test("are shares of a row, popular ones held back, best first", () => {
    const { items, weights } = itemAffinities(interactions, 2);
    assert.deepEqual([...items.subarray(2, 4)], [2, 3]);
    near(weights[2]!, 2 / (5 - 2), 1e-6);
    near(weights[3]!, 1 / (5 - 2), 1e-6);
    assert.equal(items[6], 4); // of item 3: 4 has the smallest row sum
    near(weights[6]!, (1 / (5 - 2)) * Math.sqrt(5 / 3), 1e-6);
    assert.deepEqual([...items.subarray(8, 10)], [3, 0]); // item 4 has one only
    near(weights[8]!, (1 / (3 - 2)) * Math.sqrt(3 / 5), 1e-6);
    assert.deepEqual([...weights.subarray(9)], [0, 0, 0]);
  });
});

const width = 16;
const nodes = 4 + 6;
const random = seededRandom(1, "table");
const table = Float32Array.from({ length: nodes * width }, () => 0.5 * random.normal());

describe("the objective", async () => {
  const weights = {
    negatives: 3,
    negativeWeight: 5,
    takenWeights: [0.2, 0.9],
    otherWeights: [0.3, 0.6],
    affinityWeight: 0.7,
    affinities: 2,
    decay: 0.05,
  } as const;
  const objective = await UltraGcnObjective.open(interactions, width, 2, weights);
  afterAll(() => objective.dispose());
  // Items as nodes: after four users and the padding row.
  const batch: PairBatch = {
    users: Int32Array.of(0, 2, 3),
    taken: Int32Array.of(5, 8, 8),
    // Opened for two pairs: the third has items of its own.
    others: Int32Array.of(9, 6, 6, 5, 7, 9),
  };

  /** As the formula stands. */
  function plainLoss(): number {
    const userDegrees = [3, 2, 2, 1];
    const itemDegrees = [0, 2, 2, 2, 2, 0];
    const likes = itemAffinities(interactions, 2);
    const softplus = (x: number) => Math.log1p(Math.exp(x));
    const score = (a: number, b: number) => {
      let sum = 0;
      for (let d = 0; d < width; d++) sum += table[a * width + d]! * table[b * width + d]!;
      return sum;
    };
    let total = 0;
    batch.users.forEach((user, b) => {
      const taken = batch.taken[b]!;
      const factor = Math.sqrt(userDegrees[user]! + 1) / userDegrees[user]!;
      const weight = ([base, byDegrees]: readonly [number, number], item: number) =>
        base + (byDegrees * factor) / Math.sqrt(itemDegrees[item - 4]! + 1);
      total += weight(weights.takenWeights, taken) * softplus(-score(user, taken));
      for (const other of batch.others.subarray(...(b < 2 ? [0, 3] : [3, 6]))) {
        total +=
          (weights.negativeWeight / 3) *
          weight(weights.otherWeights, other) *
          softplus(score(user, other));
      }
      for (const k of [0, 1]) {
        const at = (taken - 4) * 2 + k;
        const like = likes.items[at]!;
        total += weights.affinityWeight * likes.weights[at]! * softplus(-score(user, 4 + like));
      }
    });
    return total / batch.users.length;
  }

  test("is the formula", async () => {
    assert.equal(objective.othersOf(3), 6);
    near(await objective.measure(table, batch, new Float32Array(table.length)), plainLoss(), 1e-5);
  });

  test("has the gradient that small steps measure", async () => {
    const gradient = new Float32Array(table.length);
    await objective.measure(table, batch, gradient);
    const unused = new Float32Array(table.length);
    const whole = async (changed: Float32Array) =>
      (await objective.measure(changed, batch, unused)) +
      (weights.decay / 2) * changed.reduce((sum, value) => sum + value * value, 0);
    const step = 2 ** -6;
    for (let at = 0; at < table.length; at += 3) {
      const [up, down] = [table.slice(), table.slice()];
      up[at]! += step;
      down[at]! -= step;
      near(gradient[at]!, ((await whole(up)) - (await whole(down))) / (2 * step), 2e-3);
    }
  });
});

describe("a trained model", () => {
  const context = { seed: 1, threads: 1, ...silentWork() };
  const config = { ...ultraGcn.defaults, width, epochs: 3 };
  const vectorOf = async (trained: VectorScorer, userIndex: number, items: readonly number[]) => {
    const out = new Float32Array(width);
    const past: History = { userIndex, items: Int32Array.from(items) };
    await trained.encode([past], out);
    return out;
  };

  test("gives a past as it was in training the vector that was trained", async () => {
    const untrained = { ...config, epochs: 0 };
    const trained = (await ultraGcn.train(
      { train },
      untrained,
      context,
    )) as unknown as VectorScorer;
    // Untrained vectors are known: the stream they were drawn from.
    const stream = seededRandom(context.seed, "ultragcn/vectors");
    const drawn = Float32Array.from({ length: nodes * width }, () => 0.1 * stream.normal());
    for (const [user, past] of [
      [0, [3, 1, 2]],
      [1, [1, 2]],
      [3, [4]],
    ] as const) {
      const vector = await vectorOf(trained, user, past);
      vector.forEach((value, d) => near(value, drawn[user * width + d]!, 1e-5));
    }
  });

  test("answers strangers by their past alone", async () => {
    const trained = (await ultraGcn.train({ train }, config, context)) as unknown as VectorScorer;
    const stranger = await vectorOf(trained, -1, [1, 2]);
    assert.deepEqual(await vectorOf(trained, 99, [1, 2]), stranger);
    assert.notDeepEqual(await vectorOf(trained, 1, [1, 2]), stranger);
    assert.ok(stranger.some((value) => value !== 0));
    assert.deepEqual(await vectorOf(trained, 1, []), new Float32Array(width));
  });

  test.each([
    { negatives: 0 },
    { affinities: 1.5 },
    { negativeWeight: -1 },
    { decay: -1 },
    { width: 8 },
  ])("refuses %o", async (change) => {
    await assert.rejects(ultraGcn.train({ train }, { ...config, ...change }, context), {
      code: "BAD_CONFIG",
    });
  });
});
