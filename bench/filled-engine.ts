/** What benches do with an engine before they measure: fill it with a made shop, and train. */
import type { SimulatedShop } from "@magpie/data";
import type { EventInput } from "@magpie/domain";
import type { Engine, TrainOptions } from "@magpie/engine";

const itemsPerCall = 1_000;
const eventsPerCall = 500;

/** Brings in the catalogue of a shop, and its events as of a moment. */
export async function fillEngine(
  engine: Engine,
  shop: Pick<SimulatedShop, "items" | "events">,
  nowMs: number,
): Promise<void> {
  for (let at = 0; at < shop.items.length; at += itemsPerCall) {
    await engine.upsertItems(shop.items.slice(at, at + itemsPerCall));
  }
  let batch: EventInput[] = [];
  for (const { timestampMs, ...event } of shop.events()) {
    batch.push({ ...event, timestamp: new Date(timestampMs).toISOString() });
    if (batch.length < eventsPerCall) continue;
    await engine.ingest(batch, nowMs);
    batch = [];
  }
  await engine.ingest(batch, nowMs);
}

/** Trains and publishes; fails when the training does. */
export function trainEngine(engine: Engine, options: TrainOptions = {}): Promise<void> {
  const { id } = engine.train({ seed: 1, ...options });
  return new Promise((resolve, reject) => {
    engine.watchTask(id, ({ status, error }) => {
      if (status === "succeeded") resolve();
      if (status === "failed") reject(new Error(error?.message));
    });
  });
}
