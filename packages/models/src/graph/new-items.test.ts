import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { historyOf, type Sequences } from "@magpie/data";
import { type History, silentWork } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Model } from "../model.ts";
import { GraphVectorModel, type GraphVectors } from "./graph-vectors.ts";
import { lightGcn } from "./lightgcn.ts";
import { mapped, ridgeMap } from "./ridge-map.ts";
import { ultraGcn } from "./ultragcn.ts";
import { xSimGcl } from "./xsimgcl.ts";

const width = 16;
const cost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };
const past = (userIndex: number, ...items: number[]): History => ({
  userIndex,
  items: Int32Array.from(items),
});
const near = (actual: number, expected: number, tolerance = 1e-5) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not near ${expected}`);

describe("a linear map by ridge regression", () => {
  test("finds the map that made one set of vectors of the other", () => {
    const random = seededRandom(5, "map");
    const from = Float32Array.from({ length: 400 * width }, () => random.normal());
    const true_ = Float32Array.from({ length: width * width }, () => random.normal());
    const found = ridgeMap(from, mapped(from, true_, width), width)!;
    // The ridge is a thousandth of the mean diagonal: it draws by about as much.
    found.forEach((value, at) => near(value, true_[at]!, 0.02));
  });

  test("is none where there is nothing to learn it from", () => {
    assert.equal(ridgeMap(new Float32Array(width), new Float32Array(width), width), undefined);
  });
});

describe("vectors of items that came later", () => {
  const random = seededRandom(2, "vectors");
  const normals = (rows: number) =>
    Float32Array.from({ length: rows * width }, () => random.normal());
  const vectors: GraphVectors = {
    itemVectors: normals(4),
    given: normals(4),
    own: normals(2),
    shares: Float32Array.of(0.5, 1),
  };
  const itemMap = normals(width);
  const about = { kind: "lightgcn", name: "LightGCN", config: {} };
  const model = new GraphVectorModel(about, vectors, itemMap, width, [], cost);

  test("are sums over those who took them, degrees divided out, through the map", () => {
    // User 0 took items 1 and 2 besides, a stranger took item 3.
    const found = model.newItems([[past(0, 1, 2), past(-1, 3)]]);
    const { given, own } = vectors;
    const sum = Array.from({ length: width }, (_, d) => {
      const known = own[d]! + (0.5 / Math.SQRT2) * (given[width + d]! + given[2 * width + d]!);
      const stranger = given[3 * width + d]!;
      return known / Math.sqrt(3 * 2) + stranger / Math.sqrt(2 * 2);
    });
    for (let d = 0; d < width; d++) {
      near(
        found[d]!,
        sum.reduce((total, value, i) => total + value * itemMap[i * width + d]!, 0),
        1e-4,
      );
    }
  });

  test("are zeros where nothing is known of the takers, or nobody took them", () => {
    const found = model.newItems([[], [past(-1)]]);
    assert.deepEqual([...found], Array(2 * width).fill(0));
  });

  test("have length 1 where scores are cosines", () => {
    const cosine = new GraphVectorModel(
      { ...about, lengthPower: 0 },
      vectors,
      itemMap,
      width,
      [],
      cost,
    );
    const found = cosine.newItems([[past(1, 1)]]);
    near(Math.hypot(...found), 1);
  });
});

/** Two circles of 60 shoppers and 20 items each; a shopper takes eight items of the own circle. */
function twoCircles(): Sequences {
  const random = seededRandom(8, "circles");
  const items: number[] = [];
  for (let user = 0; user < 120; user++) {
    const shelf = random.shuffle(Array.from({ length: 20 }, (_, i) => 1 + i + (user % 2) * 20));
    items.push(...shelf.slice(0, 8));
  }
  return {
    userCount: 120,
    itemCount: 40,
    offsets: Int32Array.from({ length: 121 }, (_, user) => 8 * user),
    items: Int32Array.from(items),
  };
}

const models: readonly Model[] = [lightGcn, xSimGcl, ultraGcn];
describe.each(models)("$kind knows a later item by its takers", (model) => {
  const train = twoCircles();
  const takers = [0, 2, 4, 6, 8, 10].map((user) => historyOf(train, user));
  let trained: GraphVectorModel;
  beforeAll(async () => {
    const config = { ...model.defaults, width, epochs: 30, batch: 256, learningRate: 0.02 };
    const context = { seed: 1, threads: 1, ...silentWork() };
    trained = (await model.train({ train }, config, context)) as GraphVectorModel;
  });
  afterAll(() => trained.dispose());

  const scoresOf = async (vector: Float32Array): Promise<number[]> => {
    const users = new Float32Array(120 * width);
    const pasts = Array.from({ length: 120 }, (_, user) => historyOf(train, user));
    await trained.encode(pasts, users);
    return pasts.map((_, user) =>
      vector.reduce((sum, value, d) => sum + value * users[user * width + d]!, 0),
    );
  };

  test("people of its circle want it more than others do, at least a third as much as its old items", async () => {
    /** Mean score among the circle of even users, less that among the others. */
    const lead = async (vector: Float32Array) => {
      const scores = await scoresOf(vector);
      const asked = scores.slice(12); // 54 users of each circle, none of them a taker
      return asked.reduce((sum, score, at) => sum + (at % 2 === 0 ? score : -score), 0) / 54;
    };
    let known = 0;
    for (let item = 1; item <= 20; item++) {
      known += (await lead(trained.itemVectors.subarray(item * width, (item + 1) * width))) / 20;
    }
    const later = await lead(trained.newItems([takers]));
    assert.ok(later > known / 3 && known > 0, `${later} beside ${known}`);
  });

  test("an item of training comes near where training put it", () => {
    const item = 3;
    const own = Array.from({ length: 120 }, (_, user) => historyOf(train, user))
      .filter(({ items }) => items.includes(item))
      .map((history) => ({ ...history, items: history.items.filter((other) => other !== item) }));
    const again = trained.newItems([own]);
    const learnt = trained.itemVectors.subarray(item * width, (item + 1) * width);
    const product = again.reduce((sum, value, d) => sum + value * learnt[d]!, 0);
    const cosine = product / (Math.hypot(...again) * Math.hypot(...learnt));
    assert.ok(cosine > 0.7, `cosine ${cosine}`);
  });

  test("gives the same vectors after it was saved", async () => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-new-items-"));
    await trained.save(folder);
    const loaded = (await model.load(folder)) as GraphVectorModel;
    assert.deepEqual(loaded.newItems([takers]), trained.newItems([takers]));
    await loaded.dispose();
    await rm(folder, { recursive: true });
  });
});
