import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test, vi } from "vitest";
import type { Item } from "@magpie/domain";
import { openEncoder } from "@magpie/encoder";
import { openEngine } from "../open-engine.ts";
import type { Task } from "../engine.ts";
import { walkingEvents, walkingItems, walkingNowMs, walkingRecipe } from "../walking-shop.suite.ts";
import { Serving } from "./serving.ts";

/** The sequence model alone, told to read texts. */
const recipe = {
  sasrec: { ...walkingRecipe["sasrec"], epochs: 8, itemTexts: true },
  "item-knn": false,
  ease: false,
  "two-tower": false,
} as const;

/** An item that nobody has taken, named as those of an aisle are. */
function newcomer(id: string, aisle: string): Item {
  const like = walkingItems().find(({ id: known }) => known.startsWith(aisle.toLowerCase()))!;
  return { ...like, id, title: `${aisle} number 99` };
}

describe("a snapshot whose sequence model reads texts", () => {
  let directory: string;
  let serving: Serving;
  let notes: readonly string[];

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "magpie-texts-"));
    const engine = await openEngine(directory, { now: () => walkingNowMs, recipe });
    await engine.upsertItems([
      ...walkingItems(),
      newcomer("new-cup", "Cups"),
      newcomer("new-snack", "Snacks"),
    ]);
    await engine.ingest(walkingEvents(), walkingNowMs);
    const { id } = engine.train({ seed: 1 });
    const task = await new Promise<Task>((resolve) => {
      engine.watchTask(id, (now) => {
        if (now.finishedMs !== undefined) resolve(now);
      });
    });
    await engine.close();
    assert.equal(task.status, "succeeded", JSON.stringify(task.error));
    const result = task.result as { version: string; notes: string[] };
    ({ notes } = result);
    serving = await Serving.open(join(directory, "snapshots", result.version), {
      encoder: () => openEncoder({ kind: "embedded" }),
      note: (subject, text) => assert.fail(`${subject}: ${text}`),
    });
  });

  afterAll(async () => {
    await serving.dispose();
    await rm(directory, { recursive: true });
  });

  /** Scores of two items by the sequence model, for one who walked along the cups. */
  async function scoresOf(...ids: readonly string[]): Promise<(number | undefined)[]> {
    const { catalog, models } = serving;
    const { encoder, index } = models.sequence!;
    const past = Int32Array.from([2, 3, 4, 5], (place) => catalog.indexOf(`cups-${place}`));
    const user = new Float32Array(encoder.width);
    await encoder.encode([{ userIndex: -1, items: past }], user);
    const { items, scores } = index.search(user, 100, catalog.filter.compile({}));
    return ids.map((id) => scores[items.indexOf(catalog.indexOf(id))]);
  }

  test("says on its card whose texts they are", () => {
    const { models, encoder } = serving.manifest;
    assert.deepEqual(models.find(({ kind }) => kind === "sasrec")!.texts, encoder);
    assert.ok(models.every(({ kind, texts }) => kind === "sasrec" || texts === undefined));
    assert.ok(!notes.some((note) => note.includes("reads no texts")));
  });

  test("tells items that nobody has taken by what is said of them", async () => {
    const [cup, snack] = await scoresOf("new-cup", "new-snack");
    assert.ok(cup! !== 0 && cup! > snack!, `${cup} for the cup, ${snack} for the snack`);
  });

  test("tells those that come later, too, as soon as their texts are read", async () => {
    serving.catalog.put(newcomer("late-cup", "Cups"));
    serving.catalog.put(newcomer("late-snack", "Snacks"));
    await vi.waitFor(
      async () => {
        const [cup, snack] = await scoresOf("late-cup", "late-snack");
        assert.ok(cup !== undefined && snack !== undefined && cup > snack, `${cup}, ${snack}`);
      },
      { timeout: 30_000 },
    );
  });
});
