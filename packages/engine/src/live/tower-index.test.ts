import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, test } from "vitest";
import { userId, type Item } from "@magpie/domain";
import type { Engine, RankedItem } from "../engine.ts";
import { openEngine } from "../open-engine.ts";
import { walkingEvents, walkingItems, walkingNowMs, walkingRecipe } from "../walking-shop.suite.ts";

/** An item of an aisle that nobody has seen, and that is not new either: its age gives it no slot. */
const fresh = (id: string, aisle: string): Item => ({
  id,
  title: `${aisle} number one hundred`,
  brand: "Brand 1",
  categories: [`Shop > ${aisle}`],
  createdAt: new Date(walkingNowMs - 400 * 24 * 3_600_000).toISOString(),
  variants: [
    {
      id: `${id}-v`,
      price: { amount: 500, currency: "EUR" },
      availability: { available: true },
    },
  ],
});

/** Walks along the cups. */
const shopper = userId("shopper-1");

describe("items that nobody has taken yet", () => {
  let folder: string;
  let engine: Engine;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "magpie-towers-"));
    engine = await openEngine(folder, { now: () => walkingNowMs, recipe: walkingRecipe });
    await engine.upsertItems([
      ...walkingItems(),
      fresh("cup-fresh", "Cups"),
      fresh("tea-fresh", "Tea"),
    ]);
    await engine.ingest(walkingEvents(), walkingNowMs);
    const { id } = engine.train({ seed: 1 });
    await new Promise<void>((resolve, reject) => {
      engine.watchTask(id, ({ finishedMs, error }) => {
        if (error !== undefined) reject(new Error(error.message));
        else if (finishedMs !== undefined) resolve();
      });
    });
  });

  afterAll(async () => {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What two towers gave to an item of the shopper's feed. */
  async function ofTowers(id: string): Promise<{ place: number; amount: number; because: string }> {
    const { items } = await engine.recommend("home-feed", {
      user: shopper,
      limit: 100,
      explain: true,
    });
    const place = items.findIndex(({ item }: RankedItem) => item.id === id);
    const own = items[place]?.contributions.find(({ stage }) => stage === "two-tower");
    const because = own?.reason.kind === "similar-to" ? own.reason.itemId : "";
    return { place, amount: own?.amount ?? 0, because };
  }

  test("stand in the feed of those whom they suit, and say what of the past they are like", async () => {
    const cup = await ofTowers("cup-fresh");
    assert.ok(cup.place >= 0 && cup.amount > 0, JSON.stringify(cup));
    assert.match(cup.because, /^cups-/);
    const tea = await ofTowers("tea-fresh");
    assert.ok(tea.amount < cup.amount, `${tea.amount} for tea, ${cup.amount} for a cup`);
  });

  test("need not have been there when the models were trained", async () => {
    assert.equal((await ofTowers("cup-later")).amount, 0);
    await engine.upsertItems([fresh("cup-later", "Cups")]);
    let found = await ofTowers("cup-later");
    // It is encoded beside requests: soon, not at once.
    for (let tries = 0; found.amount === 0 && tries < 200; tries++) {
      await setTimeout(25);
      found = await ofTowers("cup-later");
    }
    assert.ok(found.amount > 0);
    assert.match(found.because, /^cups?-/);
  });
});
