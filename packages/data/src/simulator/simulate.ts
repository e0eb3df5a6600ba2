import { MagpieError, type Event, type Item, type Promotion, type Shop } from "@magpie/domain";
import { seededRandom, type Random } from "@magpie/numerics";
import { drawAssortment } from "./catalog.ts";
import { examination, Market } from "./market.ts";
import { drawPromotions } from "./promotions.ts";
import { drawPopulation, type Shopper } from "./shoppers.ts";
import { Visits } from "./visits.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** How much of a shop to simulate. */
export interface SimulationScale {
  readonly items: number;
  readonly shoppers: number;
  /** Aimed at; the stream comes within a few per cent of it. */
  readonly events: number;
  /** Length of the simulated time, which ends at `nowMs`. */
  readonly days: number;
}

/** Named scales: for tests, for the demo, and for claims about size. */
export const simulationScales = {
  tiny: { items: 60, shoppers: 40, events: 1_000, days: 60 },
  demo: { items: 3_000, shoppers: 2_500, events: 120_000, days: 365 },
  million: { items: 12_000, shoppers: 20_000, events: 1_000_000, days: 365 },
} as const satisfies Record<string, SimulationScale>;

export interface SimulationOptions {
  readonly seed: number;
  readonly size: keyof typeof simulationScales | SimulationScale;
  /** The end of the simulated time; the catalogue shows the stock at this moment. */
  readonly nowMs: number;
}

/** What is really so behind the events, for proofs that no public data allows. */
export interface ShopTruth {
  /**
   * Long-term preference of a shopper for an item at a moment, in logits: taste for its leaf and
   * season, taste for style and brand, quality, price. Without what the shopper is after just
   * then (complements, sequels, refills, a friend's advice).
   *
   * @param actor  a userId or visitorId
   */
  utility(actor: string, itemId: string, tMs: number): number;
  /** Log of how well known an item is: what this shop's lists have been ordered by. */
  fame(itemId: string): number;
  /** Chance that a position of a list is looked at; positions start at 1. */
  examination(position: number): number;
  /** Price in fen with the promotion that runs then. */
  priceAt(itemId: string, tMs: number): number;
  /** Whether any variant can be bought then. */
  isInStock(itemId: string, tMs: number): boolean;
  /** The person behind a userId or visitorId. */
  shopperOf(actor: string): Shopper | undefined;
}

/** A shop that never was, with everything a real one has and the truth besides. */
export interface SimulatedShop {
  readonly startMs: number;
  readonly nowMs: number;
  readonly items: readonly Item[];
  readonly shops: readonly Shop[];
  readonly promotions: readonly Promotion[];
  readonly shoppers: readonly Shopper[];
  readonly truth: ShopTruth;
  /**
   * All events in order of time, made while they are read: memory grows with shoppers and items,
   * not with events. Every call starts anew and gives the same events.
   */
  events(): Generator<Event, void, undefined>;
}

/**
 * Simulates a bilingual shop. The same options give the same shop, event for event; each use of
 * chance has its own named stream, so that a larger scale or a new leaf moves little else.
 *
 * @throws {MagpieError} `INVALID_SIMULATION` when a scale is not of positive whole numbers
 */
export function simulateShop({ seed, size, nowMs }: SimulationOptions): SimulatedShop {
  const scale: SimulationScale = typeof size === "string" ? simulationScales[size] : size;
  for (const [name, value] of Object.entries(scale)) {
    if (Number.isSafeInteger(value) && value > 0) continue;
    throw new MagpieError(
      "INVALID_SIMULATION",
      `A simulated shop cannot have ${value} ${name}.`,
      "Give items, shoppers, events and days as positive whole numbers.",
    );
  }
  const startMs = nowMs - scale.days * dayMs;
  const assortment = drawAssortment(seed, scale.items, startMs, nowMs);
  const population = drawPopulation(seed, scale.shoppers, startMs, nowMs);
  const promotions = drawPromotions(seed, assortment, startMs, nowMs);
  const market = new Market(assortment, population, promotions);

  const rowOf = new Map(assortment.items.map(({ item }, i) => [item.id, i]));
  const shopperRow = new Map<string, number>();
  population.shoppers.forEach(({ userId, visitorIds }, s) => {
    if (userId !== undefined) shopperRow.set(userId, s);
    for (const id of visitorIds) shopperRow.set(id, s);
  });
  const known = (map: ReadonlyMap<string, number>, id: string): number => {
    const row = map.get(id);
    if (row !== undefined) return row;
    throw new MagpieError(
      "UNKNOWN_ID",
      `The simulated shop has no "${id}".`,
      "Use ids from its items and events.",
      { kind: "not-found" },
    );
  };

  return {
    startMs,
    nowMs,
    items: assortment.items.map(({ item }) => item),
    shops: assortment.shops,
    promotions: promotions.map(({ promotion }) => promotion),
    shoppers: population.shoppers,
    truth: {
      fame: (itemId) => assortment.items[known(rowOf, itemId)]!.fame,
      utility: (actor, itemId, tMs) =>
        market.utility(known(shopperRow, actor), known(rowOf, itemId), tMs),
      examination,
      priceAt: (itemId, tMs) => market.priceAt(known(rowOf, itemId), tMs),
      isInStock: (itemId, tMs) => market.isInStock(known(rowOf, itemId), tMs),
      shopperOf: (actor) => {
        const row = shopperRow.get(actor);
        return row === undefined ? undefined : population.shoppers[row];
      },
    },
    events: () => streamEvents(seed, scale, market, startMs),
  };
}

/**
 * Day after day: draw the day's visits, play them in order of start, hand out what is settled.
 * What would happen after the last day stays unsaid.
 */
function* streamEvents(
  seed: number,
  scale: SimulationScale,
  market: Market,
  startMs: number,
): Generator<Event, void, undefined> {
  const random = seededRandom(seed, "simulator/arrivals");
  const visits = new Visits(seed, market);
  const { shoppers } = market.population;
  const arrivals = new Arrivals(shoppers);
  const shares = dayShares(startMs, scale.days);

  let pending: Event[] = [];
  let made = 0;
  let played = 0;
  let wanted = 0;
  for (let day = 0; day < scale.days; day++) {
    const dayStartMs = startMs + day * dayMs;
    // Visits are planned by how many events a visit has had so far, so that the total comes out.
    wanted += scale.events * shares[day]!;
    const eventsPerVisit = played < 50 ? 9 : made / played;
    const count = poisson(random, Math.max(0, (wanted - made) / eventsPerVisit));
    const today = Array.from({ length: count }, () => {
      const s = arrivals.draw(random, dayStartMs);
      return { s, startMs: dayStartMs + visitHour(random, shoppers[s]!, dayStartMs) * hourMs };
    }).sort((a, b) => a.startMs - b.startMs);

    const before = pending.length;
    for (const visit of today) visits.play(visit.s, visit.startMs, pending);
    made += pending.length - before;
    played += today.length;

    // Visits run past midnight and returns come days later: what lies ahead waits.
    const settledMs = dayStartMs + dayMs;
    const settled = pending.filter((event) => event.timestampMs < settledMs);
    pending = pending.filter((event) => event.timestampMs >= settledMs);
    yield* settled.sort((a, b) => a.timestampMs - b.timestampMs);
  }
}

/** Draws who comes: in proportion to activity, among those who have joined. */
class Arrivals {
  readonly #joinedMs: Float64Array;
  /** Sums of activity over the shoppers who joined first. */
  readonly #sums: Float64Array;

  constructor(shoppers: readonly Shopper[]) {
    this.#joinedMs = Float64Array.from(shoppers, ({ joinedMs }) => joinedMs);
    this.#sums = new Float64Array(shoppers.length);
    let sum = 0;
    shoppers.forEach(({ activity }, s) => {
      sum += activity;
      this.#sums[s] = sum;
    });
  }

  draw(random: Random, nowMs: number): number {
    const joined = Math.max(1, firstAbove(this.#joinedMs, nowMs));
    return Math.min(joined - 1, firstAbove(this.#sums, random.next() * this.#sums[joined - 1]!));
  }
}

/** Index of the first value above `bound` in an ascending array. */
function firstAbove(ascending: Float64Array, bound: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! > bound) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Share of each day in all events: the shop grows, weekends are busier, November most. */
function dayShares(startMs: number, days: number): Float64Array {
  const shares = Float64Array.from({ length: days }, (_, day) => {
    const date = new Date(startMs + day * dayMs);
    const growth = 0.7 + (0.6 * (day + 0.5)) / days;
    const weekend = date.getUTCDay() % 6 === 0 ? 1.25 : 1;
    const month = [1, 0.85, 0.95, 0.95, 1, 1.1, 0.95, 0.95, 1, 1.05, 1.4, 1.2][date.getUTCMonth()]!;
    return growth * weekend * month;
  });
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => share / sum);
}

/** Relative demand by the shopper's own hour: quiet nights, lunch, and the evening's peak. */
const hourWeights = [
  2, 1, 0.5, 0.3, 0.3, 0.5, 1, 2, 3, 4, 4.5, 5, 6, 5, 4, 4, 4, 4.5, 5, 6, 8, 9, 8, 5,
];
const hourTotal = hourWeights.reduce((sum, w) => sum + w, 0);

/** Hours after the start of the day at which the shopper comes. */
function visitHour(random: Random, shopper: Shopper, dayStartMs: number): number {
  let rest = random.next() * hourTotal;
  let local = 0;
  while (local < 23 && rest >= hourWeights[local]!) rest -= hourWeights[local++]!;
  const startHour = (dayStartMs / hourMs) % 24;
  const hour = (local + random.next() - shopper.utcHours - startHour) % 24;
  return hour < 0 ? hour + 24 : hour;
}

/** Knuth's method in steps of at most 30, so that the product does not underflow. */
function poisson(random: Random, mean: number): number {
  let count = 0;
  for (let rest = mean; rest > 0; rest -= 30) {
    const limit = Math.exp(-Math.min(rest, 30));
    for (let product = random.next(); product > limit; product *= random.next()) count++;
  }
  return count;
}
