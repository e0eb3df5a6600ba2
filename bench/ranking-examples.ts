import {
  CategoricalEncoder,
  NumericEncoder,
  readRetailRocket,
  simulateShop,
  type SimulatedShop,
} from "@magpie/data";
import { actorOf } from "@magpie/domain";
import type { RankingExamples } from "@magpie/models";
import { datasetFolder } from "./model-tasks.ts";

/** Examples in order of time, cut into three by time. */
export interface RankingTask {
  readonly about: string;
  readonly train: RankingExamples;
  readonly validation: RankingExamples;
  readonly test: RankingExamples;
  /** [test examples] how much the shopper really likes the item, and which list it stood in. */
  readonly truth?: { readonly utilities: Float64Array; readonly lists: Int32Array };
}

/** One thing that was shown, as it stood at that moment, with what came of it. */
interface Shown {
  readonly timeMs: number;
  readonly numbers: readonly number[];
  readonly categories: readonly string[];
  readonly position: number;
  readonly actor: string;
  readonly itemId: string;
  /** Number of its list. */
  readonly list: number;
  readonly labels: number[];
  readonly applies: number[];
}

const dayMs = 24 * 3_600_000;
/** What comes of an impression within this long is counted. */
const clickWindowMs = 30 * 60_000;
/** And of a click: a cart or a purchase may come in a later visit. */
const purchaseWindowMs = 7 * dayMs;
const log = Math.log1p;

/** Counts so far, by key. */
class Counts {
  readonly #counts = new Map<string, number>();
  add(key: string): void {
    this.#counts.set(key, this.of(key) + 1);
  }
  of(key: string): number {
    return this.#counts.get(key) ?? 0;
  }
}

/**
 * The simulated shop's impressions: which were clicked, and of those clicked which were put into the cart,
 * bought, sent back. Features are what was known before the impression.
 */
export function simulatedImpressions(): RankingTask {
  const shop = simulateShop({
    seed: 1,
    size: "demo",
    nowMs: Date.parse("2026-06-01T00:00:00Z"),
  });
  const shown = shownIn(shop);
  const task = cut(shown, ["click", "cart", "purchase", "return"], {
    about:
      "the simulated demo shop's impressions (3,000 items, 120,000 events of a year, seed 1), every shown item an " +
      "example; cart and purchase are asked of clicked ones, return of bought ones",
  });
  const tested = shown.slice(-task.test.count);
  return {
    ...task,
    truth: {
      utilities: Float64Array.from(tested, ({ actor, itemId, timeMs }) =>
        shop.truth.utility(actor, itemId, timeMs),
      ),
      lists: Int32Array.from(tested, ({ list }) => list),
    },
  };
}

function shownIn(shop: SimulatedShop): Shown[] {
  const items = new Map(shop.items.map((item) => [item.id, item]));
  const shown: Shown[] = [];
  const seen = new Counts();
  /** The latest example of an actor and item, by list; and the one that was clicked last. */
  const open = new Map<string, Shown>();
  const clicked = new Map<string, Shown>();
  const bought = new Map<string, Shown>();
  const spent = new Map<string, { sum: number; count: number }>();
  /** The newest views of an actor, oldest first. */
  const recent = new Map<
    string,
    { leaf: string; brand: string; price: number; timeMs: number }[]
  >();
  let list = 0;
  for (const event of shop.events()) {
    const actor = actorOf(event);
    const now = event.timestampMs;
    for (const line of event.items ?? []) {
      const item = items.get(line.itemId);
      if (item === undefined) continue;
      const id = item.id;
      const key = `${actor} ${id}`;
      const leaf = item.categories?.[0] ?? "";
      const brand = item.brand ?? "";
      switch (event.type) {
        case "impression": {
          const price = shop.truth.priceAt(id, now);
          const own = spent.get(actor);
          const usual = own === undefined ? price : own.sum / own.count;
          const date = new Date(now);
          const newest = recent.get(actor) ?? [];
          const last = newest.at(-1);
          const inVisit = newest.filter(({ timeMs }) => now - timeMs < clickWindowMs);
          const example: Shown = {
            timeMs: now,
            numbers: [
              log(price),
              log(price) - log(usual),
              log(seen.of(`view ${id}`)),
              log(seen.of(`purchase ${id}`)),
              // Clicks per impression so far, drawn towards one in ten.
              (seen.of(`click ${id}`) + 1) / (seen.of(`impression ${id}`) + 10),
              log(seen.of(`${actor} view`)),
              log(seen.of(`${actor} view ${leaf}`)),
              log(seen.of(`${actor} view ${brand}`)),
              log(seen.of(`${key} view`)),
              log(seen.of(`${key} purchase`)),
              (seen.of(`${actor} view ${leaf}`) + 0.1) / (seen.of(`${actor} view`) + 1),
              log(Math.max(0, now - Date.parse(item.createdAt ?? "2025-01-01T00:00:00Z")) / dayMs),
              item.rating?.value ?? 0,
              date.getUTCHours(),
              shop.truth.isInStock(id, now) ? 1 : 0,
              newest.filter((view) => view.leaf === leaf).length,
              newest.filter((view) => view.brand === brand).length,
              inVisit.length,
              inVisit.filter((view) => view.leaf === leaf).length,
              last === undefined ? 0 : log((now - last.timeMs) / 60_000),
              last === undefined ? 0 : log(price) - log(last.price),
            ],
            categories: [
              id,
              leaf,
              brand,
              event.scenario ?? event.source ?? "",
              String(date.getUTCDay()),
            ],
            position: line.position ?? 0,
            actor,
            itemId: id,
            list,
            labels: [0, 0, 0, 0],
            applies: [1, 0, 0, 0],
          };
          shown.push(example);
          open.set(`${key} ${event.listId ?? ""}`, example);
          seen.add(`impression ${id}`);
          break;
        }
        case "view": {
          const example = open.get(`${key} ${event.listId ?? ""}`);
          if (example !== undefined && now - example.timeMs < clickWindowMs) {
            example.labels[0] = 1;
            example.applies.fill(1, 0, 3);
            clicked.set(key, example);
            seen.add(`click ${id}`);
          }
          const price = line.price?.amount ?? shop.truth.priceAt(id, now);
          const own = spent.get(actor) ?? { sum: 0, count: 0 };
          spent.set(actor, { sum: own.sum + price, count: own.count + 1 });
          const newest = recent.get(actor) ?? [];
          recent.set(actor, [...newest.slice(-4), { leaf, brand, price, timeMs: now }]);
          for (const one of [`view ${id}`, `${actor} view`, `${actor} view ${leaf}`]) seen.add(one);
          for (const one of [`${actor} view ${brand}`, `${key} view`]) seen.add(one);
          break;
        }
        case "add_to_cart":
        case "purchase":
        case "refund": {
          const example = event.type === "refund" ? bought.get(key) : clicked.get(key);
          const task = { add_to_cart: 1, purchase: 2, refund: 3 }[event.type];
          const isInTime =
            event.type === "refund" || now - (example?.timeMs ?? 0) < purchaseWindowMs;
          if (example !== undefined && isInTime) {
            example.labels[task] = 1;
            if (event.type === "purchase") {
              example.applies[3] = 1;
              bought.set(key, example);
            }
          }
          if (event.type === "purchase") {
            seen.add(`purchase ${id}`);
            seen.add(`${key} purchase`);
          }
          break;
        }
        default:
      }
    }
    if (event.type === "impression") list++;
  }
  return shown;
}

/** RetailRocket's views: which led to the cart, and which to a purchase. There are no impressions in it. */
export async function retailRocketViews(): Promise<RankingTask> {
  const { events } = await readRetailRocket(datasetFolder("retailrocket-multibehavior"));
  const ordered = [...events()]
    .map((event) => ({ ...event, timeMs: Date.parse(event.timestamp!) }))
    .sort((a, b) => a.timeMs - b.timeMs);
  const seen = new Counts();
  const viewed = new Map<string, Shown>();
  const shown: Shown[] = [];
  ordered.forEach(({ type, userId, items, timeMs }, list) => {
    const id = items![0]!.itemId;
    const key = `${userId} ${id}`;
    if (type === "view") {
      const date = new Date(timeMs);
      const example: Shown = {
        timeMs,
        numbers: [
          log(seen.of(`view ${id}`)),
          log(seen.of(`add_to_cart ${id}`)),
          log(seen.of(`purchase ${id}`)),
          (seen.of(`purchase ${id}`) + 1) / (seen.of(`view ${id}`) + 8),
          log(seen.of(`${userId} view`)),
          log(seen.of(`${userId} add_to_cart`)),
          log(seen.of(`${userId} purchase`)),
          (seen.of(`${userId} purchase`) + 1) / (seen.of(`${userId} view`) + 8),
          date.getUTCHours(),
        ],
        categories: [id, String(date.getUTCDay())],
        position: 0,
        actor: userId!,
        itemId: id,
        list,
        labels: [0, 0],
        applies: [1, 1],
      };
      shown.push(example);
      viewed.set(key, example);
    } else {
      const example = viewed.get(key);
      if (example !== undefined && timeMs - example.timeMs < purchaseWindowMs) {
        example.labels[type === "add_to_cart" ? 0 : 1] = 1;
      }
    }
    for (const one of [`${type} ${id}`, `${userId} ${type}`]) seen.add(one);
  });
  return cut(shown, ["cart", "purchase"], {
    about:
      "RetailRocket's views of the 2,174 users who bought something (rates are not those of a shop), each asked " +
      "whether cart and purchase of the item follow within 7 days",
  });
}

/** Three parts by time: 80 %, 10 %, 10 %; encoders learn from the first. */
function cut(
  shown: readonly Shown[],
  tasks: readonly string[],
  { about }: { readonly about: string },
): RankingTask {
  const [first, second] = [Math.floor(0.8 * shown.length), Math.floor(0.9 * shown.length)];
  const known = shown.slice(0, first);
  const numeric = shown[0]!.numbers.map((_, d) =>
    NumericEncoder.fit(known.map(({ numbers }) => numbers[d])),
  );
  const categorical = shown[0]!.categories.map((_, f) =>
    CategoricalEncoder.fit(
      known.map(({ categories }) => categories[f]),
      { minCount: 5 },
    ),
  );
  const encode = (part: readonly Shown[]): RankingExamples => ({
    count: part.length,
    numbers: Float32Array.from(
      part.flatMap(({ numbers }) => numbers.map((value, d) => numeric[d]!.encode(value))),
    ),
    categories: Int32Array.from(
      part.flatMap(({ categories }) => categories.map((value, f) => categorical[f]!.encode(value))),
    ),
    cardinalities: categorical.map(({ size }) => size),
    tasks,
    labels: Uint8Array.from(part.flatMap(({ labels }) => labels)),
    applies: Uint8Array.from(part.flatMap(({ applies }) => applies)),
    positions: Int32Array.from(part, ({ position }) => position),
  });
  return {
    about,
    train: encode(known),
    validation: encode(shown.slice(first, second)),
    test: encode(shown.slice(second)),
  };
}
