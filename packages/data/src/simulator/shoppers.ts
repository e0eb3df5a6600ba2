import type { Address } from "@magpie/domain";
import { seededRandom, type Random } from "@magpie/numerics";
import { cities, familyNames, givenNames } from "./assortment/people.ts";
import { halfWidth } from "./catalog.ts";

const dayMs = 86_400_000;
const knotDays = 30;

/** Width of a taste: what a shopper wants, then in which manner. */
const width = 2 * halfWidth;

/** A shopper as the simulation knows them; nothing of this reaches the events but the ids. */
export interface Shopper {
  /** Absent for guests, who never log in. */
  readonly userId?: string;
  /** Of the usual device, then of the second one, on which members are not logged in. */
  readonly visitorIds: readonly [string, string];
  readonly name: string;
  readonly locale: "en" | "zh";
  readonly address: Address;
  readonly utcHours: number;
  /** How much one unit of log price lowers the liking; log-normal around 0.8. */
  readonly priceSensitivity: number;
  /** The log price relative to a leaf's median at which the shopper feels at home. */
  readonly priceTier: number;
  /** Expected visits relative to the mean shopper; heavy-tailed. */
  readonly activity: number;
  readonly joinedMs: number;
  /** Rows of friends; friendship is mutual. */
  readonly friends: readonly number[];
  /** Uniform in [0, 1): where in a run of sizes the shopper fits. */
  readonly build: number;
}

/** Shoppers in order of joining, and what they like at every moment. */
export interface Population {
  readonly shoppers: readonly Shopper[];
  /**
   * Taste of shopper row `s` at `tMs` in `out` [2 · halfWidth]: entries are standard normal over
   * shoppers, friends' are correlated, and a shopper's own wander with a half-life of six months.
   */
  tasteAt(s: number, tMs: number, out: Float32Array): void;
}

/** Draws shoppers, friendships and wandering tastes. */
export function drawPopulation(
  seed: number,
  count: number,
  startMs: number,
  nowMs: number,
): Population {
  const random = seededRandom(seed, "simulator/shoppers");
  const communityCount = Math.max(2, Math.round(Math.sqrt(count) / 1.5));
  const communityOf = Int32Array.from({ length: count }, () => random.int(communityCount));
  // A community speaks one language, mostly: friends are met nearby.
  const communityIsZh = Array.from({ length: communityCount }, (_, c) => c % 2 === 0);
  const friends = drawFriends(random, communityOf, communityCount);
  const joined = Float64Array.from({ length: count }, () =>
    random.next() < 0.55 ? startMs : startMs + random.next() * 0.95 * (nowMs - startMs),
  ).sort();

  const taken = new Set<string>();
  const rawActivity = Float64Array.from({ length: count }, () => Math.exp(random.normal()));
  const meanActivity = rawActivity.reduce((sum, a) => sum + a, 0) / count;

  const shoppers = Array.from({ length: count }, (_, s): Shopper => {
    const inZh = communityIsZh[communityOf[s]!]! ? 0.92 : 0.08;
    const locale = random.next() < inZh ? "zh" : "en";
    const city = weighted(
      random,
      cities.filter((c) => c.locale === locale),
    );
    const { name, id } = drawName(random, locale, taken);
    const isMember = random.next() < 0.88;
    const key = s.toString(36).padStart(4, "0");
    return {
      ...(isMember && { userId: id }),
      visitorIds: [`v-${key}-a`, `v-${key}-b`],
      name,
      locale,
      address: city.address,
      utcHours: city.utcHours,
      priceSensitivity: 0.8 * Math.exp(0.5 * random.normal()),
      priceTier: 0.45 * random.normal(),
      activity: rawActivity[s]! / meanActivity,
      joinedMs: joined[s]!,
      friends: friends[s]!,
      build: random.next(),
    };
  });

  return { shoppers, tasteAt: drawTastes(seed, communityOf, communityCount, startMs, nowMs) };
}

/**
 * Tastes at knots 30 days apart: 0.55 community + 0.64 own + 0.54 wandering (a stationary AR(1)
 * with ρ = 0.89), so that the variance of each entry is 1; straight lines between knots.
 */
function drawTastes(
  seed: number,
  communityOf: Int32Array,
  communityCount: number,
  startMs: number,
  nowMs: number,
): Population["tasteAt"] {
  const random = seededRandom(seed, "simulator/tastes");
  const count = communityOf.length;
  const knots = 2 + Math.ceil((nowMs - startMs) / (knotDays * dayMs));
  const communities = Float32Array.from({ length: communityCount * width }, () => random.normal());
  const tastes = new Float32Array(count * knots * width);
  const rho = 0.89;
  for (let s = 0; s < count; s++) {
    for (let d = 0; d < width; d++) {
      const still = 0.55 * communities[communityOf[s]! * width + d]! + 0.64 * random.normal();
      let wander = random.normal();
      for (let k = 0; k < knots; k++) {
        tastes[(s * knots + k) * width + d] = still + 0.54 * wander;
        wander = rho * wander + Math.sqrt(1 - rho * rho) * random.normal();
      }
    }
  }
  return (s, tMs, out) => {
    const place = Math.min(Math.max((tMs - startMs) / (knotDays * dayMs), 0), knots - 1.001);
    const k = Math.floor(place);
    const share = place - k;
    const at = (s * knots + k) * width;
    for (let d = 0; d < width; d++) {
      out[d] = (1 - share) * tastes[at + d]! + share * tastes[at + width + d]!;
    }
  };
}

/** Two to seven friendships a shopper, nine of ten within the community. */
function drawFriends(random: Random, communityOf: Int32Array, communityCount: number): number[][] {
  const members = Array.from({ length: communityCount }, (): number[] => []);
  communityOf.forEach((c, s) => members[c]!.push(s));
  const friends = Array.from(communityOf, () => new Set<number>());
  communityOf.forEach((c, s) => {
    const wanted = 1 + random.int(3);
    for (let i = 0; i < wanted; i++) {
      const pool = members[c]!;
      const other =
        random.next() < 0.9 ? pool[random.int(pool.length)]! : random.int(communityOf.length);
      if (other === s) continue;
      friends[s]!.add(other);
      friends[other]!.add(s);
    }
  });
  return friends.map((set) => [...set].sort((a, b) => a - b));
}

function drawName(
  random: Random,
  locale: "en" | "zh",
  taken: Set<string>,
): { name: string; id: string } {
  const pick = (list: readonly string[]): string => list[random.int(list.length)]!;
  const family = pick(familyNames[locale]);
  const given = pick(givenNames[locale]);
  const [familyLatin, familyZh = ""] = family.split(":");
  const [givenLatin, givenZh = ""] = given.split(":");
  const name = locale === "zh" ? familyZh + givenZh : `${given} ${family}`;
  const base =
    locale === "zh" ? `${familyLatin}-${givenLatin}` : `${given}-${family}`.toLowerCase();
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  taken.add(id);
  return { name, id };
}

function weighted<T extends { readonly weight: number }>(random: Random, choices: readonly T[]): T {
  let rest = random.next() * choices.reduce((sum, choice) => sum + choice.weight, 0);
  for (const choice of choices) {
    rest -= choice.weight;
    if (rest < 0) return choice;
  }
  return choices.at(-1)!;
}
