import assert from "node:assert/strict";
import type { Sequences } from "@magpie/data";
import { type History, silentWork, type VectorScorer } from "@magpie/domain";
import { csrFromEntries, seededRandom } from "@magpie/numerics";
import { afterAll, describe, test } from "vitest";
import { interactionMatrix } from "../linear/interaction-matrix.ts";
import { BprLoss, type PairBatch } from "./pair-losses.ts";
import { userItemGraph } from "./user-item-graph.ts";
import { xSimGcl } from "./xsimgcl.ts";
import { XSimGclObjective } from "./xsimgcl-objective.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

// Users 0, 1, 2 and items 1 … 4; item 4 has no user. Users 0 and 2 are friends.
const train: Sequences = {
  userCount: 3,
  itemCount: 4,
  offsets: Int32Array.of(0, 2, 4, 5),
  items: Int32Array.of(1, 2, 1, 3, 3),
};
const friends = csrFromEntries(3, 3, Int32Array.of(0, 2), Int32Array.of(2, 0));
const graph = userItemGraph(interactionMatrix(train, 0), friends, 0.25);
const nodes = 8;
const width = 16;
const random = seededRandom(3, "table");
const table = Float32Array.from({ length: nodes * width }, () => random.normal());
// Items as nodes: after three users and the padding row.
const batch: PairBatch = {
  users: Int32Array.of(0, 1, 2, 0),
  taken: Int32Array.of(4, 6, 6, 5),
  others: Int32Array.of(5, 5, 4, 6),
};

/** A · vectors, by plain loops. */
function passedOn(vectors: Float64Array): Float64Array {
  const { offsets, indices, values } = graph.adjacency;
  const out = new Float64Array(vectors.length);
  for (let to = 0; to < nodes; to++) {
    for (let p = offsets[to]!; p < offsets[to + 1]!; p++) {
      for (let d = 0; d < width; d++) {
        out[to * width + d]! += values[p]! * vectors[indices[p]! * width + d]!;
      }
    }
  }
  return out;
}

const shape = {
  layers: 3,
  contrastLayer: 2,
  contrastWeight: 0.4,
  contrastTemperature: 0.5,
  noise: 0,
  decay: 0.05,
};

/** H₁ … H_K without noise. */
function layersPlainly(): Float64Array[] {
  const layers = [passedOn(Float64Array.from(table))];
  while (layers.length < shape.layers) layers.push(passedOn(layers.at(-1)!));
  return layers;
}

function sumOf(parts: readonly Float64Array[]): Float64Array {
  return parts[0]!.map((_, at) => parts.reduce((sum, part) => sum + part[at]!, 0));
}

describe("the objective", async () => {
  const pairs = new BprLoss(width, 1 / shape.layers);
  const objective = await XSimGclObjective.open(graph, width, shape, pairs);
  const blurred = await XSimGclObjective.open(graph, width, { ...shape, noise: 0.3 }, pairs);
  afterAll(async () => {
    await objective.dispose();
    await blurred.dispose();
  });

  test("sums the layers after the first step as plain loops do", () => {
    const { whole, inner } = objective.layerSums(table);
    const layers = layersPlainly();
    sumOf(layers).forEach((value, at) => near(whole[at]!, value, 1e-4));
    sumOf([Float64Array.from(table), ...layers.slice(0, -1)]).forEach((value, at) =>
      near(inner[at]!, value, 1e-4),
    );
  });

  test("is the loss of pairs and of telling users, and items, from one another", async () => {
    const layers = layersPlainly();
    const [sum, layer] = [sumOf(layers), layers[shape.contrastLayer - 1]!];
    const row = (of: Float64Array, node: number) => of.subarray(node * width, (node + 1) * width);
    const product = (a: Float64Array, b: Float64Array) =>
      a.reduce((total, value, d) => total + value * b[d]!, 0);
    const contrast = (ids: readonly number[]): number => {
      const losses = ids.map((a) => {
        const chances = ids.map((b) => {
          const [left, right] = [row(sum, a), row(layer, b)];
          const cosine =
            product(left, right) / Math.sqrt(product(left, left) * product(right, right));
          return Math.exp(cosine / shape.contrastTemperature);
        });
        return -Math.log(
          chances[ids.indexOf(a)]! / chances.reduce((total, chance) => total + chance, 0),
        );
      });
      return losses.reduce((total, value) => total + value, 0) / losses.length;
    };
    const single = Float32Array.from(sum);
    const pairLoss = await pairs.measure(single, batch, new Float32Array(single.length));
    const expected = pairLoss + shape.contrastWeight * (contrast([0, 1, 2]) + contrast([4, 6, 5]));
    near(await objective.measure(table, batch, new Float32Array(table.length)), expected, 1e-4);
  });

  test.each([
    ["without noise", () => objective],
    ["with noise", () => blurred],
  ])("has the gradient that small steps measure, %s", async (_, which) => {
    const measured = which();
    const unused = new Float32Array(table.length);
    const whole = async (changed: Float32Array, gradient = unused) => {
      measured.beginEpoch(seededRandom(5, "noise")); // the same noise each time
      const loss = await measured.measure(changed, batch, gradient);
      return loss + (shape.decay / 2) * changed.reduce((sum, value) => sum + value * value, 0);
    };
    const gradient = new Float32Array(table.length);
    await whole(table, gradient);
    const step = 2 ** -7;
    for (let at = 0; at < table.length; at += 5) {
      const [up, down] = [table.slice(), table.slice()];
      up[at]! += step;
      down[at]! -= step;
      near(gradient[at]!, ((await whole(up)) - (await whole(down))) / (2 * step), 3e-3);
    }
  });

  test("adds noise in training and none for scoring", async () => {
    blurred.beginEpoch(seededRandom(6, "noise"));
    const [a, b] = [new Float32Array(table.length), new Float32Array(table.length)];
    const first = await blurred.measure(table, batch, a);
    assert.notEqual(await blurred.measure(table, batch, b), first);
    assert.deepEqual([...blurred.layerSums(table).whole], [...objective.layerSums(table).whole]);
  });
});

describe("a trained model", () => {
  const context = { seed: 1, threads: 1, ...silentWork() };
  const config = { ...xSimGcl.defaults, width, negatives: 16, epochs: 3 };
  const vectorOf = async (trained: VectorScorer, userIndex: number, items: readonly number[]) => {
    const out = new Float32Array(width);
    const past: History = { userIndex, items: Int32Array.from(items) };
    await trained.encode([past], out);
    return out;
  };

  test("knows strangers as well as users of the same past, where there are no friends", async () => {
    const trained = (await xSimGcl.train({ train }, config, context)) as unknown as VectorScorer;
    const stranger = await vectorOf(trained, -1, [1, 2]);
    assert.deepEqual(await vectorOf(trained, 0, [1, 2]), stranger);
    near(Math.hypot(...stranger), 1, 1e-5);
    assert.deepEqual(await vectorOf(trained, -1, []), new Float32Array(width));
  });

  test("knows friends of those it was trained on", async () => {
    const social = { ...config, friendWeight: 0.25 };
    const data = { train, friends };
    const trained = (await xSimGcl.train(data, social, context)) as unknown as VectorScorer;
    assert.notDeepEqual(await vectorOf(trained, 0, [1, 2]), await vectorOf(trained, -1, [1, 2]));
    // User 1 has no friends.
    assert.deepEqual(await vectorOf(trained, 1, [1, 3]), await vectorOf(trained, -1, [1, 3]));
  });

  test.each([
    { contrastLayer: 4 },
    { contrastLayer: 0 },
    { noise: -0.1 },
    { contrastTemperature: 0 },
    { friendWeight: 1 },
    { negatives: 0 },
  ])("refuses %o", async (change) => {
    await assert.rejects(xSimGcl.train({ train }, { ...config, ...change }, context), {
      code: "BAD_CONFIG",
    });
  });
});
