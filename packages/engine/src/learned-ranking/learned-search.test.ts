import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { userId, type EventInput, type Item } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { Engine, SearchOptions, ServedRanking } from "../engine.ts";
import { openEngine } from "../open-engine.ts";
import type { SearchRanking } from "./learn-search-order.ts";
import { tasteBound } from "./learned-ranker.ts";

const dayMs = 24 * 3_600_000;
const nowMs = Date.parse("2026-03-01T12:00:00Z");
const brands = ["Lumo", "Tenda", "Nox", "Ora"];
const kinds = ["Lamp", "Tent"];
const perKind = 16;

/** 32 items: lamps and tents of four brands, rated between 1 and 5 without regard to their words. */
const items = kinds.flatMap((kind, k) =>
  Array.from({ length: perKind }, (_, n): Item => ({
    id: `${kind.toLowerCase()}-${n}`,
    title: `${kind} model ${String.fromCharCode(65 + (n % 26))}${n}`,
    brand: brands[n % brands.length]!,
    categories: [`Home > ${kind}s`],
    rating: { value: 1 + ((7 * n + 3 * k) % perKind) / 4, count: 10 },
    createdAt: new Date(nowMs - 300 * dayMs).toISOString(),
    variants: [
      {
        id: `${kind}-${n}`,
        sku: `SKU-${k}${n}`,
        price: { amount: 1_000 + n, currency: "EUR" },
        availability: { available: true },
      },
    ],
  })),
);

/**
 * Shoppers who are shown twelve items in some order and open what they look at and like: what is rated
 * well, and, each, what is of the one brand that they love.
 */
function searches(shoppers: number): EventInput[] {
  const random = seededRandom(4, "searching-shop");
  const events: EventInput[] = [];
  for (let n = 0; n < 12 * shoppers; n++) {
    const shopper = random.int(shoppers);
    const kind = random.int(kinds.length);
    const at = { userId: `u${shopper}`, queryId: `q${n}` };
    const timeMs = nowMs - 200 * dayMs + (n * 199 * dayMs) / (12 * shoppers);
    const timestamp = new Date(timeMs).toISOString();
    const query = kinds[kind]!.toLowerCase();
    events.push({ ...at, eventId: `s${n}`, type: "search", timestamp, query });
    const list = random.shuffle(items.slice(perKind * kind, perKind * (kind + 1))).slice(0, 12);
    const shown = list.map(({ id }, i) => ({ itemId: id, position: i + 1 }));
    events.push({ ...at, eventId: `i${n}`, type: "impression", timestamp, items: shown });
    list.forEach(({ id, brand, rating }, i) => {
      const loved = brand === brands[shopper % brands.length] ? 4 : 0;
      const chance = 1 / (1 + Math.exp(8.5 - 1.7 * rating!.value - loved));
      if (random.next() > (i + 1) ** -0.5 || random.next() > chance) return;
      events.push({
        ...at,
        eventId: `v${n}-${i}`,
        type: random.next() < 0.2 ? "add_to_cart" : "view",
        timestamp: new Date(timeMs + (i + 1) * 1_000).toISOString(),
        items: [{ itemId: id, position: i + 1 }],
      });
    });
  }
  return events;
}

const folders: string[] = [];

async function shopWith(events: readonly EventInput[]): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "magpie-learned-"));
  folders.push(folder);
  const recipe = { sasrec: false, ease: false, "item-knn": false } as const;
  const engine = await openEngine(folder, { now: () => nowMs, recipe, encoder: false });
  await engine.upsertItems(items);
  for (let from = 0; from < events.length; from += 500) {
    const outcomes = await engine.ingest(events.slice(from, from + 500), nowMs);
    assert.ok(outcomes.every(({ ok }) => ok));
  }
  const { id } = engine.train({});
  await new Promise<void>((resolve) => {
    engine.watchTask(id, ({ finishedMs }) => finishedMs !== undefined && resolve());
  });
  assert.equal(engine.task(id)!.status, "succeeded", JSON.stringify(engine.task(id)!.error));
  return engine;
}

const ids = ({ items: found }: ServedRanking): string[] => found.map(({ item }) => item.id);
const sums = ({ items: found }: ServedRanking): void => {
  for (const { score, contributions } of found) {
    const sum = contributions.reduce((total, { amount }) => total + amount, 0);
    assert.ok(Math.abs(sum - score) <= 1e-6, `contributions sum to ${sum}, the score is ${score}`);
  }
};

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

describe("searches in a learned order", () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await shopWith(searches(120));
  });
  afterAll(() => engine.close());
  const search = (options: Partial<SearchOptions>): Promise<ServedRanking> =>
    engine.search({ query: "lamp", limit: 20, explain: true, ...options });
  const reported = async (): Promise<SearchRanking> =>
    (await engine.snapshots())[0]!.summary["searchRanking"] as SearchRanking;

  test("are better on later searches than by default, and better still with a past", async () => {
    const { byDefault, learned, ...rest } = await reported();
    assert.ok(rest.isUsed && rest.isTasteUsed);
    assert.ok(learned.ndcgAt10 > byDefault.ndcgAt10);
    assert.ok(rest.tasteGain.difference.low > 0.05, `${rest.tasteGain.difference.low}`);
    assert.ok(rest.gainWithTaste.difference.low > 0.05, `${rest.gainWithTaste.difference.low}`);
  });

  test("show strangers what is chosen most where it is seen", async () => {
    const answer = await search({});
    assert.equal(answer.pipeline, "search-learned/1");
    const ratings = answer.items.slice(0, 5).map(({ item }) => item.rating!.value);
    assert.ok(ratings.reduce((sum, rating) => sum + rating, 0) / 5 >= 3.5, ratings.join(", "));
    assert.ok(
      answer.items[0]!.contributions.some(({ stage, reason }) => {
        return stage === "learned" && reason.kind === "learned" && reason.signal !== "taste";
      }),
    );
  });

  test("show a shopper the loved brand earlier, because of what the shopper looked at", async () => {
    const meanPlaceOf = ({ items: found }: ServedRanking, brand: string): number => {
      const places = found.flatMap(({ item, position }) => (item.brand === brand ? position : []));
      return places.reduce((sum, place) => sum + place, 0) / places.length;
    };
    const stranger = await search({ limit: 40 });
    let earlier = 0;
    for (let u = 0; u < 20; u++) {
      const answer = await search({ user: userId(`u${u}`), limit: 40 });
      const loved = brands[u % brands.length]!;
      if (meanPlaceOf(answer, loved) < meanPlaceOf(stranger, loved)) earlier++;
    }
    assert.ok(earlier >= 15, `${earlier} of 20`);
    const { items: found } = await search({ user: userId("u1") });
    const because = found[0]!.contributions.find(({ stage }) => stage === "taste")!;
    assert.ok(because.amount > 0 && because.reason.kind === "learned");
    const past = await engine.userEvents(userId("u1"), 500);
    const seen = past.flatMap((event) => event.items?.map(({ itemId }) => itemId as string) ?? []);
    assert.ok(seen.includes(because.reason.itemId!));
  });

  test("are a stranger's for who does not want to be known, by request or by the shop", async () => {
    const stranger = await search({});
    const unknown = await search({ user: userId("u1"), personalise: false });
    const scores = ({ items: found }: ServedRanking) => found.map(({ score }) => score);
    assert.deepEqual(ids(unknown), ids(stranger));
    assert.deepEqual(scores(unknown), scores(stranger));
    await engine.changeSettings({ personalise: false });
    const inShop = await search({ user: userId("u1"), personalise: true });
    assert.deepEqual(ids(inShop), ids(stranger));
    await engine.changeSettings({});
  });

  test("never put another item before one that the query names exactly", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(items.length - 1),
        fc.nat(119),
        fc.constantFrom("title", "sku", "brand"),
        async (n, u, what) => {
          const item = items[n]!;
          const query =
            what === "title" ? item.title : what === "sku" ? item.variants[0]!.sku! : item.brand!;
          const { items: found } = await search({ query, user: userId(`u${u}`) });
          const first = found[0]!.item;
          if (what === "brand") assert.equal(first.brand, item.brand);
          else assert.equal(first.id, item.id);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("explain every score: the parts sum to it, whoever asks for whatever", async () => {
    const word = fc.constantFrom("lamp", "tent", "model", "lumo", "nox", "a0", "home");
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat(130)),
        fc.nat(30),
        async (words, u, offset) => {
          const user = u === null ? {} : { user: userId(`u${u}`) };
          const answer = await search({ query: words.join(" "), offset, ...user });
          sums(answer);
          // The parts of the explanation page are those of the answer.
          const itemIds = ids(answer).slice(0, 2);
          if (itemIds.length === 0) return;
          const query = words.join(" ");
          const explained = await engine.explainSearch({ query, itemIds, ...user });
          explained.items.forEach(({ score }, i) => {
            assert.ok(Math.abs(score! - answer.items[i]!.score) <= 1e-6);
          });
        },
      ),
      { numRuns: 40 },
    );
  });

  test("move no score by more than the bound for a shopper's past, and all others alike", async () => {
    const { scale } = await reported();
    const stranger = await search({ limit: 40 });
    const byId = new Map(stranger.items.map(({ item, score }) => [item.id, score]));
    for (let u = 0; u < 12; u++) {
      const { items: found } = await search({ user: userId(`u${u}`), limit: 40 });
      for (const { item, score, contributions } of found) {
        const taste = contributions.find(({ stage }) => stage === "taste")?.amount ?? 0;
        assert.ok(Math.abs(taste) <= tasteBound / scale! + 1e-12);
        // Without it the score is a stranger's.
        assert.ok(Math.abs(score - taste - byId.get(item.id)!) <= 1e-9);
      }
    }
  });

  test("page through one order", async () => {
    const user = userId("u3");
    const whole = ids(await search({ user, limit: 40 }));
    const pages = [0, 5, 10, 15].map((offset) => search({ user, limit: 5, offset }));
    assert.deepEqual((await Promise.all(pages)).flatMap(ids), whole);
  });
});

test("searches keep their default order where too little was searched, and the notes say so", async () => {
  const engine = await shopWith(searches(6));
  const { summary } = (await engine.snapshots())[0]!;
  assert.equal(summary["searchRanking"], undefined);
  const notes = summary["notes"] as string[];
  assert.ok(
    notes.some((note) =>
      note.startsWith("searches keep their default order: it takes 300 searches"),
    ),
    notes.join("\n"),
  );
  assert.equal((await engine.search({ query: "lamp" })).pipeline, "search/1");
  await engine.close();
});
