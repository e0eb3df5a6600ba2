import assert from "node:assert/strict";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { userId, type Item } from "@magpie/domain";
import type { Engine, TrainOptions } from "./engine.ts";
import { openEngine } from "./open-engine.ts";
import { walkingEvents, walkingItems, walkingNowMs, walkingRecipe } from "./walking-shop.suite.ts";

const items = walkingItems();
const words = [
  "kettle",
  "kettles",
  "ketle",
  "green",
  "greens",
  "queen",
  "paper",
  "number",
  "7",
  "cup",
];
const anyWords = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 });
/** An item of the shop with other words, another brand, place, colour or price. */
const anyItem = fc
  .record({
    of: fc.constantFrom(...items),
    title: anyWords,
    brand: fc.constantFrom(undefined, "Brand 1", "Greens", "Oolong House"),
    categories: fc.constantFrom<string[]>(["Shop > Tea"], ["Shop > Cups", "Green"], []),
    color: fc.constantFrom(undefined, "green", "Paper", "红色"),
    zh: fc.constantFrom(undefined, "绿茶", "红色 茶杯", "Tea 7 号"),
    amount: fc.integer({ min: 50, max: 900 }),
    available: fc.boolean(),
  })
  .map(({ of, title, brand, categories, color, zh, amount, available }): Item => {
    const { brand: _, attributes: __, locales: ___, ...rest } = of;
    const [variant] = of.variants;
    return {
      ...rest,
      title: title.join(" "),
      categories,
      ...(brand !== undefined && { brand }),
      ...(color !== undefined && { attributes: { color } }),
      ...(zh !== undefined && { locales: { zh: { title: zh } } }),
      variants: [{ ...variant!, price: { amount, currency: "EUR" }, availability: { available } }],
    };
  });
const anyChange = fc.oneof(
  { weight: 5, arbitrary: anyItem.map((item) => ({ item })) },
  { weight: 2, arbitrary: fc.constantFrom(...items).map(({ id }) => ({ deleted: id })) },
);
/** Items that nobody knew at the training. */
const anyNewcomers = fc.array(anyItem, { maxLength: 4 });
const queries = (
  "kettle|ketle |kettels |green tea|greens|grean |oolong house|brand 1 kettle|tea number 7|cups under 5|" +
  "paper green kettle|number 7|绿茶|红色 茶杯|hongse|cup qwxyz|green cup paper|shop|tea -green|tea 7 号|"
).split("|");
const sorted = { field: "price", order: "ascending" } as const;

/** All that a shopper sees of some searches. */
async function answersOf(engine: Engine): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const query of queries) {
    for (const more of [
      {},
      { locale: "zh-CN", refinements: [{ field: "brand", anyOf: ["Brand 1", "Greens"] }] },
      { sort: sorted },
    ]) {
      const answer = await engine.search({
        query,
        limit: 15,
        explain: true,
        facets: ["brand", "categories", "available", "price"].map((field) => ({ field })),
        ...more,
      });
      const { total, relaxed, facets, understood, items: hits } = answer;
      const page = hits.map(({ item, score, contributions }) => [item.id, score, contributions]);
      answers.push({ query, ...more, total, relaxed, facets, understood, page });
    }
  }
  return answers;
}

const open = (directory: string): Promise<Engine> =>
  openEngine(directory, { now: () => walkingNowMs, recipe: walkingRecipe });

async function train(engine: Engine, options: TrainOptions): Promise<void> {
  const { id } = engine.train({ seed: 1, ...options });
  await new Promise<void>((resolve, reject) => {
    engine.watchTask(id, ({ status, error }) => {
      if (status === "succeeded") resolve();
      if (status === "failed") reject(new Error(JSON.stringify(error)));
    });
  });
}

describe("a shop whose catalogue changes", () => {
  const folders: string[] = [];
  const emptyFolder = async (): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), "magpie-changes-"));
    folders.push(folder);
    return folder;
  };
  let template: string;
  beforeAll(async () => {
    template = await emptyFolder();
    const engine = await open(template);
    await engine.upsertItems(items);
    await engine.ingest(walkingEvents(), walkingNowMs);
    await train(engine, {});
    await engine.close();
  });
  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  test("answers as one whose index was built of the items it has now", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyChange, { minLength: 1, maxLength: 40 }),
        anyNewcomers,
        async (changes, newcomers) => {
          const directory = await emptyFolder();
          await cp(template, directory, { recursive: true });
          let engine = await open(directory);
          for (const [i, change] of changes.entries()) {
            if ("deleted" in change) await engine.deleteItems([change.deleted]);
            else await engine.upsertItems([change.item]);
            // Some changes are indexed one by one, others together.
            if (i % 3 === 0) await engine.search({ query: "kettle" });
          }
          await engine.upsertItems(newcomers.map((item, i) => ({ ...item, id: `new-${i}` })));
          const live = await answersOf(engine);
          await engine.close();

          engine = await open(directory);
          const reopened = await answersOf(engine);
          await train(engine, { catalogOnly: true });
          const rebuilt = await answersOf(engine);
          await engine.close();
          assert.deepEqual(live, rebuilt);
          assert.deepEqual(reopened, rebuilt);
        },
      ),
      { numRuns: 2, seed: 4, endOnFailure: true },
    );
  }, 300_000);

  test("keeps its models when its catalogue alone is indexed anew", async () => {
    const directory = await emptyFolder();
    await cp(template, directory, { recursive: true });
    const engine = await open(directory);
    await engine.upsertItems([{ ...items[3]!, title: "Oolong" }]);
    const feedOf = async () =>
      (await engine.recommend("home-feed", { user: userId("shopper-1"), limit: 30 })).items.map(
        ({ item, score }) => [item.id, score],
      );
    const before = await feedOf();
    await train(engine, { catalogOnly: true });
    assert.deepEqual(await feedOf(), before);
    const snapshots = await engine.snapshots();
    const [models] = snapshots.map(({ summary }) => summary["models"]);
    assert.ok(snapshots.every(({ summary }) => isDeepStrictEqual(summary["models"], models)));

    await engine.upsertItems([{ ...items[3]!, id: "newcomer", title: "Oolong two" }]);
    await train(engine, { catalogOnly: true });
    const { items: found } = await engine.search({ query: "oolong two" });
    assert.equal(found[0]!.item.id, "newcomer");
    assert.equal((await feedOf()).length, 30);
    await engine.close();
  });

  test("has to be trained once before there is anything to keep", async () => {
    const engine = await open(await emptyFolder());
    await engine.upsertItems(items);
    await assert.rejects(train(engine, { catalogOnly: true }), /NOTHING_LEARNED/);
    await engine.close();
  });
});
