import assert from "node:assert/strict";
import { leaveOneOut, type Sequences } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { compareWithTwin, evaluate } from "@magpie/evaluation";
import { seededRandom } from "@magpie/numerics";
import { describe, test } from "vitest";
import type { Model } from "./model.ts";
import { permutedInteractions, trainPermutedTwin } from "./permuted-twin.ts";
import { modelByKind } from "./registry.ts";

/** Shoppers who walk a ring of 30 items from somewhere, or take items at random. */
function shoppers(walk: boolean): Sequences {
  const random = seededRandom(2, "shoppers");
  const items = Array.from({ length: 150 }, () => {
    const start = random.int(30);
    return Array.from({ length: 6 }, (_, i) => 1 + (walk ? (start + i) % 30 : random.int(30)));
  });
  return {
    userCount: 150,
    itemCount: 30,
    offsets: Int32Array.from({ length: 151 }, (_, u) => 6 * u),
    items: Int32Array.from(items.flat()),
    weights: Float32Array.from(items.flat()),
  };
}

async function verdict(kind: string, data: Sequences) {
  const model: Model = modelByKind(kind);
  const { train, validation, test } = leaveOneOut(data);
  const context = { seed: 5, ...silentWork() };
  const asked = { cutoffs: [10], metrics: ["ndcg"] } as const;
  const ndcgs = async (trained: Awaited<ReturnType<Model["train"]>>) => {
    const { perCase } = await evaluate(trained, test, asked);
    await trained.dispose();
    return perCase["ndcgAt10"]!;
  };
  const split = { train, validation };
  const own = await ndcgs(await model.train(split, model.defaults, context));
  const twin = await ndcgs(await trainPermutedTwin(model, split, model.defaults, context));
  return compareWithTwin(kind, "NDCG@10", own, twin);
}

describe("permuted interactions", () => {
  test("keep who has how many, and how often each item is taken with its weight", () => {
    const data = shoppers(true);
    const permuted = permutedInteractions(data, 1);
    assert.deepEqual(permuted.offsets, data.offsets);
    assert.notDeepEqual(permuted.items, data.items);
    assert.deepEqual(permuted.items.toSorted(), data.items.toSorted());
    assert.deepEqual(permuted.weights, Float32Array.from(permuted.items));
  });

  test("follow from the seed, and leave the original alone", () => {
    const data = shoppers(true);
    const before = data.items.slice();
    assert.deepEqual(permutedInteractions(data, 1), permutedInteractions(data, 1));
    assert.notDeepEqual(permutedInteractions(data, 1).items, permutedInteractions(data, 2).items);
    assert.deepEqual(data.items, before);
  });
});

describe("a model's twin on permuted interactions", () => {
  test("is beaten where behaviour has a pattern", async () => {
    for (const kind of ["item-knn", "transitions"]) {
      const { warning, ofModel, ofTwin } = await verdict(kind, shoppers(true));
      assert.equal(warning, undefined);
      assert.ok(ofModel > 2 * ofTwin, `${kind}: ${ofModel} and ${ofTwin}`);
    }
  });

  test("is not beaten where there is none", async () => {
    assert.match((await verdict("item-knn", shoppers(false))).warning!, /^item-knn is not better/);
  });

  test("equals popularity, which knows only how often each item is taken", async () => {
    const { difference, warning } = await verdict("popularity", shoppers(true));
    assert.equal(difference.mean, 0);
    assert.notEqual(warning, undefined);
  });
});
