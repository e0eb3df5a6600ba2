import { seededRandom } from "@magpie/numerics";
import type { EventInput, Item } from "@magpie/domain";
import type { TrainingRecipe } from "./training/run.ts";

const dayMs = 24 * 3_600_000;

/** The moment at which the walking shop's tests take place. */
export const walkingNowMs = Date.parse("2026-03-01T12:00:00Z");

const aisles = ["Tea", "Cups", "Kettles", "Snacks"];
const perAisle = 15;

/** 60 items in four aisles; those of one aisle stand in a row that shoppers walk along. */
export function walkingItems(): Item[] {
  return aisles.flatMap((aisle, a) =>
    Array.from({ length: perAisle }, (_, place): Item => {
      const n = a * perAisle + place;
      return {
        id: `${aisle.toLowerCase()}-${place}`,
        title: `${aisle} number ${place}`,
        brand: `Brand ${n % 5}`,
        categories: [`Shop > ${aisle}`],
        locales: { zh: { title: `${aisle} ${place} 号`, categories: [`商店 > ${aisle}区`] } },
        createdAt: new Date(walkingNowMs - (n + 40) * dayMs).toISOString(),
        variants: [
          {
            id: `${n}-v`,
            price: { amount: 100 * (1 + (n % 9)), currency: "EUR" },
            availability: { available: true },
          },
        ],
      };
    }),
  );
}

/** 60 shoppers, each walking along one aisle: what comes next depends on what came last. */
export function walkingEvents(seed = 1): EventInput[] {
  const random = seededRandom(seed, "walking-shop");
  const events: EventInput[] = [];
  for (let u = 0; u < 60; u++) {
    const aisle = aisles[u % aisles.length]!.toLowerCase();
    let place = random.int(perAisle);
    let time = walkingNowMs - (45 + 10 * random.next()) * dayMs;
    for (let n = 0; n < 15; n++) {
      place = (place + (random.next() < 0.85 ? 1 : 1 + random.int(4))) % perAisle;
      time += (2 + random.next()) * dayMs;
      events.push({
        eventId: `${u}-${n}`,
        type: random.next() < 0.15 ? "purchase" : "view",
        userId: `shopper-${u}`,
        timestamp: new Date(time).toISOString(),
        items: [{ itemId: `${aisle}-${place}` }],
      });
    }
  }
  return events;
}

/** Models small enough to be trained in a test. */
export const walkingRecipe: TrainingRecipe = {
  sasrec: { width: 16, blocks: 1, feedForward: 32, epochs: 4, historyLimit: 16 },
  "two-tower": { width: 16, hidden: 16, epochs: 4, historyLimit: 8, batchRows: 8, negatives: 16 },
};
