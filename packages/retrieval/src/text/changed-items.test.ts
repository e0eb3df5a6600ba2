import assert from "node:assert/strict";
import type { Item } from "@magpie/domain";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { ItemSet } from "../filter/item-set.ts";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { product } from "./text-index.suite.ts";

const nouns = ["shoe", "shoes", "hat", "t-shirt", "tshirt", "basket ball", "basketball", "跑步鞋"];
const adjectives = ["red", "blue", "running", "透气", "3.5寸", "mate60", "zebra"];
const anyItem = fc
  .tuple(
    fc.constantFrom(...adjectives),
    fc.constantFrom(...nouns),
    fc.constantFrom(...adjectives),
    fc.constantFrom("Acme", "耐克", "Zoom"),
  )
  .map(([first, noun, second, brand]) => product(`${first} ${noun} ${second}`, { brand }));
/** A row with the item that it has from now on; none where the item is gone. */
const anyChange = fc.tuple(
  fc.integer({ min: 1, max: 14 }),
  fc.option(anyItem, { nil: undefined, freq: 4 }),
);
const queries = (
  'red shoe|shoe|t-shirt|basketball|basket ball|跑步|naike|acme hat|zebra|zebta|re|sho|"red shoe"|red -hat|' +
  '3.5 inch|paobuxie|blue zebra|mate 60|runing|透气 跑步鞋 xyzzy|"basket ball"|b'
).split("|");

/** What both indexes must agree on. */
function assertSameAnswers(index: InvertedTextIndex, rebuilt: InvertedTextIndex): void {
  for (const query of queries) {
    for (const filter of [undefined, ItemSet.of(15, [1, 2, 5, 9, 12])]) {
      const options = { limit: 30, ...(filter && { filter }) };
      const [found, expected] = [index.search(query, options), rebuilt.search(query, options)];
      assert.equal(found.total, expected.total, query);
      assert.equal(found.stage, expected.stage, query);
      assert.deepEqual(found.matches.toRows(), expected.matches.toRows(), query);
      assert.deepEqual(found.items, expected.items, query);
      assert.deepEqual(found.scores, expected.scores, query);
      assert.deepEqual(found.matchedWords, expected.matchedWords, query);
      const sums = found.parts.map((own) => own.reduce((sum, { amount }) => sum + amount, 0));
      sums.forEach((sum, i) => assert.ok(Math.abs(sum - found.scores[i]!) <= 1e-6, query));
    }
  }
}

const catalogueOf = (rows: ReadonlyMap<number, Item | undefined>): (Item | undefined)[] =>
  Array.from({ length: Math.max(0, ...rows.keys()) }, (_, i) => rows.get(i + 1));

describe("changed items of a text index", () => {
  test("are found as in an index that was built of all items anew", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyItem, { minLength: 1, maxLength: 10 }),
        fc.array(fc.array(anyChange, { maxLength: 4 }), { maxLength: 6 }),
        fc.boolean(),
        async (items, rounds, isMerged) => {
          const index = await InvertedTextIndex.build(items);
          const rows = new Map<number, Item | undefined>(items.map((item, i) => [i + 1, item]));
          for (const round of rounds) {
            const changes = new Map(round);
            for (const [row, item] of changes) rows.set(row, item);
            await index.update(changes);
          }
          if (isMerged) await index.settle();
          assertSameAnswers(index, await index.alike(catalogueOf(rows)));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("are found when changes come faster than they are taken, and while parts are merged", async () => {
    const index = await InvertedTextIndex.build([product("red shoe"), product("blue hat")]);
    const rows = new Map<number, Item | undefined>([
      [1, product("red shoe")],
      [2, product("blue hat")],
    ]);
    const updates: Promise<void>[] = [];
    for (let i = 0; i < 60; i++) {
      const item = i % 7 === 6 ? undefined : product(`${adjectives[i % 7]} ${nouns[i % 8]}`);
      const row = 1 + (i % 14);
      rows.set(row, item);
      updates.push(index.update(new Map([[row, item]])));
      if (i % 10 === 9) await updates.at(-1);
    }
    await Promise.all(updates);
    const rebuilt = await index.alike(catalogueOf(rows));
    assertSameAnswers(index, rebuilt);
    await index.settle();
    assertSameAnswers(index, rebuilt);
  });

  test("that are gone take their words with them, so that near ones are tried again", async () => {
    const index = await InvertedTextIndex.build([product("zebra shoe"), product("zebla shoe")]);
    assert.deepEqual([...index.search("zebra ", { limit: 5 }).items], [1]);
    await index.update(new Map([[1, undefined]]));
    assert.deepEqual([...index.search("zebra ", { limit: 5 }).items], [2]);
    assert.deepEqual([...index.search("shoe ", { limit: 5 }).items], [2]);
  });

  test("make room for rows past the end", async () => {
    const index = await InvertedTextIndex.build([product("shoe")]);
    await index.update(new Map([[40, product("zeppelin")]]));
    assert.deepEqual([...index.search("zeppelin ", { limit: 5 }).items], [40]);
    assert.equal(index.rows, 41);
    await index.update(new Map());
    assert.equal(index.rows, 41);
  });

  test("leave no part behind when all of them are gone", async () => {
    const index = await InvertedTextIndex.build([]);
    await index.update(new Map([[1, product("shoe")]]));
    await index.update(new Map([[1, undefined]]));
    await index.settle();
    assert.equal(index.search("shoe", { limit: 5 }).total, 0);
  });
});
