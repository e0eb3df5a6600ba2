import { simulateShop } from "@magpie/data";
import type { EventInput, Item } from "@magpie/domain";
import { openEngine, type Engine, type EngineOptions, type Task } from "@magpie/engine";
import { rmSync } from "node:fs";
import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Models small enough to be trained in a test. */
const recipe: NonNullable<EngineOptions["recipe"]> = {
  sasrec: { width: 16, blocks: 1, feedForward: 32, epochs: 3, historyLimit: 16 },
  "two-tower": { width: 16, hidden: 16, epochs: 3, historyLimit: 8, batchRows: 8, negatives: 16 },
};

/** A small valid item. */
export function testItem(id: string): Item {
  return {
    id,
    title: `A ${id}`,
    categories: ["Home > Kitchen"],
    variants: [
      { id: `${id}-1`, price: { amount: 100, currency: "EUR" }, availability: { available: true } },
    ],
  };
}

/**
 * The real engine on a data folder with a mug and a kettle, and on request on the tiny simulated shop
 * besides, trained and published.
 */
export async function openTestEngine(
  directory: string,
  isTrained: boolean,
  now: () => number,
): Promise<Engine> {
  if (isTrained) {
    template ??= trainTemplate();
    await cp(await template, directory, { recursive: true });
  }
  const engine = await openEngine(directory, { recipe, now });
  if (!isTrained) await engine.upsertItems([testItem("mug"), testItem("kettle")]);
  return engine;
}

/** The data folder that trained shops are copies of, made once per process. */
let template: Promise<string> | undefined;

async function trainTemplate(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "magpie-http-template-"));
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  const nowMs = Date.now();
  const shop = simulateShop({ seed: 1, size: "tiny", nowMs });
  const engine = await openEngine(directory, { recipe });
  await engine.upsertItems([...shop.items, testItem("mug"), testItem("kettle")]);
  const events = [...shop.events()].map(({ timestampMs, ...event }): EventInput => ({
    ...event,
    timestamp: new Date(timestampMs).toISOString(),
  }));
  await engine.ingest(events, nowMs);
  const task = await finished(engine, engine.train({ seed: 1 }));
  if (task.status !== "succeeded") throw new Error(JSON.stringify(task.error));
  await engine.close();
  return directory;
}

/** The task when it is over. */
function finished(engine: Engine, { id }: Task): Promise<Task> {
  return new Promise((resolve) => {
    engine.watchTask(id, (task) => {
      if (task.finishedMs !== undefined) resolve(task);
    });
  });
}
