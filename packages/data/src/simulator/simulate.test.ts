import assert from "node:assert/strict";
import {
  compile,
  eventSchema,
  itemSchema,
  promotionSchema,
  shopSchema,
  type Event,
} from "@magpie/domain";
import { describe, test } from "vitest";
import { simulateShop, type SimulatedShop } from "./simulate.ts";

const nowMs = Date.UTC(2026, 10, 24, 9, 30);
const dayMs = 86_400_000;
const medium = { items: 600, shoppers: 400, events: 20_000, days: 200 };

const shop = simulateShop({ seed: 7, size: medium, nowMs });
const events = [...shop.events()];
const ofType = (type: Event["type"]): Event[] => events.filter((event) => event.type === type);
const itemById = new Map(shop.items.map((item) => [item.id, item]));
const actor = (event: Event): string => event.userId ?? event.visitorId!;

/** 0 when all get the same, towards 1 when few get all. */
function gini(counts: readonly number[]): number {
  const sorted = [...counts].sort((a, b) => a - b);
  const total = sorted.reduce((sum, count) => sum + count, 0);
  const weighted = sorted.reduce((sum, count, i) => sum + (2 * i + 1 - sorted.length) * count, 0);
  return weighted / (sorted.length * total);
}

function countViews(from: readonly Event[], of: SimulatedShop): Map<string, number> {
  const views = new Map(of.items.map((item) => [item.id, 0]));
  for (const event of from) {
    if (event.type !== "view") continue;
    const id = event.items![0]!.itemId;
    views.set(id, views.get(id)! + 1);
  }
  return views;
}

describe("a simulated shop", () => {
  test("is the same for the same options, event for event", () => {
    const again = simulateShop({ seed: 7, size: medium, nowMs });
    assert.deepEqual(again.items, shop.items);
    assert.deepEqual(again.promotions, shop.promotions);
    assert.deepEqual([...again.events()], events);
    assert.deepEqual([...shop.events()], events);
  });

  test("is another one for another seed", () => {
    const other = simulateShop({ seed: 8, size: "tiny", nowMs });
    const tiny = simulateShop({ seed: 7, size: "tiny", nowMs });
    assert.notDeepEqual(
      other.items.map((item) => item.title),
      tiny.items.map((item) => item.title),
    );
  });

  test("has the size that was asked for, events within 5 %", () => {
    assert.equal(shop.items.length, medium.items);
    assert.equal(shop.shoppers.length, medium.shoppers);
    assert.ok(Math.abs(events.length / medium.events - 1) < 0.05, `${events.length} events`);
  });

  test("refuses a scale that is not of positive whole numbers", () => {
    assert.throws(() => simulateShop({ seed: 1, size: { ...medium, shoppers: 0 }, nowMs }), {
      code: "INVALID_SIMULATION",
      message: "A simulated shop cannot have 0 shoppers.",
    });
    assert.throws(() => simulateShop({ seed: 1, size: { ...medium, days: 1.5 }, nowMs }), {
      code: "INVALID_SIMULATION",
    });
  });

  test("works at the smallest scale", () => {
    const smallest = simulateShop({
      seed: 3,
      size: { items: 1, shoppers: 1, events: 30, days: 2 },
      nowMs,
    });
    assert.equal(smallest.items.length, 1);
    for (const event of smallest.events()) assert.ok(event.timestampMs < nowMs);
  });
});

describe("its catalogue", () => {
  test("fits the schemas of item, shop and promotion", () => {
    const checks = [
      [compile(itemSchema), shop.items],
      [compile(shopSchema), shop.shops],
      [compile(promotionSchema), shop.promotions],
    ] as const;
    for (const [check, values] of checks) {
      for (const value of values) assert.deepEqual(check(value), { ok: true, value });
    }
  });

  test("names every product once, in English and in Chinese", () => {
    const english = shop.items.map((item) => item.title);
    const chinese = shop.items.map((item) => item.locales!["zh"]!.title!);
    assert.equal(new Set(english).size, english.length);
    assert.equal(new Set(chinese).size, chinese.length);
    for (const title of chinese) assert.match(title, /\p{Script=Han}/u);
    for (const text of shop.items.flatMap((item) => [item.title, item.description!])) {
      assert.doesNotMatch(text, /\p{Script=Han}|[{}]|undefined| {2}/u);
    }
  });

  test("translates every word of options and attributes", () => {
    const untranslated = shop.items.flatMap(({ variants, attributes, locales }) => {
      const words = [
        ...variants.flatMap(({ options = {} }) => Object.entries(options).flat()),
        ...Object.keys(attributes!),
      ];
      return words.filter((word) => locales!["zh"]!.terms![word] === undefined);
    });
    assert.deepEqual(untranslated, []);
  });

  test("gives the stock of the present moment", () => {
    for (const { id, variants } of shop.items) {
      assert.equal(
        variants.some((variant) => variant.availability.available),
        shop.truth.isInStock(id, nowMs),
      );
    }
    const soldOut = shop.items.filter((item) => !shop.truth.isInStock(item.id, nowMs)).length;
    assert.ok(soldOut > 0 && soldOut < 0.2 * shop.items.length, `${soldOut} sold out`);
  });

  test("always has a promotion that runs now and one that is to come", () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { promotions } = simulateShop({ seed, size: "tiny", nowMs });
      const starts = promotions.map((p) => Date.parse(p.startsAt));
      assert.ok(promotions.some((p, i) => starts[i]! <= nowMs && Date.parse(p.endsAt) > nowMs));
      assert.ok(starts.some((start) => start > nowMs));
    }
  });
});

describe("its events", () => {
  test("fit the event schema", () => {
    const check = compile(eventSchema);
    for (const { timestampMs, ...event } of events) {
      const onWire = { ...event, timestamp: new Date(timestampMs).toISOString() };
      assert.deepEqual(check(onWire), { ok: true, value: onWire });
    }
  });

  test("come in order of time, within the simulated time, each with its own id", () => {
    let last = shop.startMs;
    for (const { timestampMs } of events) {
      assert.ok(timestampMs >= last);
      last = timestampMs;
    }
    assert.ok(last < nowMs);
    assert.equal(new Set(events.map((event) => event.eventId)).size, events.length);
  });

  test("name items and variants of the catalogue only, none before it was created", () => {
    for (const event of events) {
      for (const { itemId, variantId } of event.items ?? []) {
        const item = itemById.get(itemId)!;
        assert.ok(Date.parse(item.createdAt!) <= event.timestampMs, `${itemId} seen too early`);
        if (variantId !== undefined) {
          assert.ok(item.variants.some((variant) => variant.id === variantId));
        }
      }
    }
  });

  test("come from its shoppers, members and guests", () => {
    for (const event of events) {
      const shopper = shop.truth.shopperOf(actor(event))!;
      if (event.userId !== undefined) assert.equal(shopper.userId, event.userId);
      assert.ok(event.timestampMs >= shopper.joinedMs - dayMs);
    }
    const guests = new Set(events.filter((e) => e.userId === undefined).map(actor)).size;
    assert.ok(guests > 0.05 * medium.shoppers, `${guests} guests`);
  });

  test("carry prices with the promotion of the moment", () => {
    let reduced = 0;
    for (const event of ofType("purchase")) {
      let total = 0;
      for (const { itemId, price, quantity } of event.items!) {
        const regular = itemById.get(itemId)!.variants[0]!.price.amount;
        assert.ok(price!.amount <= regular);
        if (price!.amount < regular) reduced++;
        total += price!.amount * quantity!;
      }
      assert.equal(event.value!.amount, total);
    }
    assert.ok(reduced > 0);
  });

  test("a refund gives back what was paid in an order of the same person", () => {
    const orders = new Map(ofType("purchase").map((event) => [event.orderId!, event]));
    const refunds = ofType("refund");
    assert.ok(refunds.length > 0);
    for (const refund of refunds) {
      const order = orders.get(refund.orderId!)!;
      assert.equal(actor(order), actor(refund));
      assert.ok(refund.timestampMs >= order.timestampMs + 3 * dayMs);
      const [line] = refund.items!;
      assert.deepEqual(
        order.items!.find((bought) => bought.variantId === line!.variantId),
        line,
      );
    }
  });

  test("a view that names a query shows an item which the query's list showed there", () => {
    const shown = new Map(
      ofType("impression")
        .filter((event) => event.queryId !== undefined)
        .map((event) => [event.queryId!, event.items!]),
    );
    const views = ofType("view").filter((event) => event.queryId !== undefined);
    assert.ok(views.length > 1_000);
    for (const { queryId, items } of views) {
      const [viewed] = items!;
      const listed = shown.get(queryId!)!.find((item) => item.position === viewed!.position);
      assert.equal(listed!.itemId, viewed!.itemId);
    }
  });
});

describe("its shoppers' behaviour", () => {
  test("is skewed towards popular items and busy shoppers", () => {
    const byItem = gini([...countViews(events, shop).values()]);
    const perShopper = new Map<string, number>();
    for (const e of ofType("view")) perShopper.set(actor(e), (perShopper.get(actor(e)) ?? 0) + 1);
    const byShopper = gini([...perShopper.values()]);
    assert.ok(byItem > 0.45 && byItem < 0.8, `items ${byItem}`);
    assert.ok(byShopper > 0.4 && byShopper < 0.75, `shoppers ${byShopper}`);
  });

  test("narrows from views to carts to purchases to refunds at a shop's rates", () => {
    const views = ofType("view").length;
    const carts = ofType("add_to_cart").length;
    const bought = ofType("purchase").reduce((sum, event) => sum + event.items!.length, 0);
    const refunds = ofType("refund").length;
    assert.ok(carts / views > 0.06 && carts / views < 0.18, `carts ${carts / views}`);
    assert.ok(bought / carts > 0.35 && bought / carts < 0.75, `bought ${bought / carts}`);
    assert.ok(refunds / bought > 0.02 && refunds / bought < 0.12, `refunds ${refunds / bought}`);
  });

  test("views fall with the position in the list", () => {
    const shown = new Float64Array(11);
    const viewed = new Float64Array(11);
    for (const event of events) {
      if (event.listId !== "search") continue;
      for (const { position } of event.items ?? []) {
        if (event.type === "impression") shown[position!]!++;
        if (event.type === "view") viewed[position!]!++;
      }
    }
    const rate = (p: number): number => viewed[p]! / shown[p]!;
    assert.ok(rate(1) > 2 * rate(4), `${rate(1)} against ${rate(4)}`);
    assert.ok(rate(4) > 1.2 * rate(10), `${rate(4)} against ${rate(10)}`);
  });

  test("follows the season: down jackets sell in winter", () => {
    const year = simulateShop({
      seed: 5,
      size: { items: 460, shoppers: 300, events: 20_000, days: 364 },
      nowMs,
    });
    const winter = { jackets: 0, all: 0 };
    const summer = { jackets: 0, all: 0 };
    for (const event of year.events()) {
      if (event.type !== "view") continue;
      const month = new Date(event.timestampMs).getUTCMonth() + 1;
      const season = [11, 12, 1, 2].includes(month) ? winter : summer;
      if (month >= 3 && month <= 4) continue;
      if (month >= 9 && month <= 10) continue;
      season.all++;
      if (event.items![0]!.itemId.startsWith("down-jackets-")) season.jackets++;
    }
    const [inWinter, inSummer] = [winter.jackets / winter.all, summer.jackets / summer.all];
    assert.ok(inWinter > 2 * inSummer, `${inWinter} against ${inSummer}`);
  });

  test("buys what is in stock only", () => {
    for (const event of ofType("add_to_cart")) {
      assert.ok(shop.truth.isInStock(event.items![0]!.itemId, event.timestampMs));
    }
  });

  test("turns from a phone to a case for that very phone", () => {
    const size = { items: 120, shoppers: 600, events: 50_000, days: 200 };
    const small = simulateShop({ seed: 9, size, nowMs });
    const products = new Map(small.items.map((item) => [item.id, item]));
    const bought: { who: string; atMs: number; model: string }[] = [];
    let viewed = 0;
    let fitting = 0;
    for (const event of small.events()) {
      const product = products.get(event.items?.[0]?.itemId ?? "");
      if (event.type === "purchase" && product!.id.startsWith("phones-")) {
        const model = `${product!.brand!} ${String(product!.attributes!["model"])}`;
        bought.push({ who: actor(event), atMs: event.timestampMs, model });
      }
      if (event.type !== "view" || !product!.id.startsWith("phone-cases-")) continue;
      const phone = bought.findLast((p) => p.who === actor(event));
      if (phone === undefined || event.timestampMs > phone.atMs + 14 * dayMs) continue;
      viewed++;
      if (product!.title.endsWith(`for ${phone.model}`)) fitting++;
    }
    const fits = new Set(small.items.map((item) => / for (.*)$/.exec(item.title)?.[1]));
    // By chance it would be one in as many as there are phones with cases.
    const byChance = 1 / (fits.size - 1);
    assert.ok(viewed >= 20, `${viewed} cases viewed after ${bought.length} phones`);
    assert.ok(fitting / viewed > 2.5 * byChance, `${fitting} of ${viewed} fit, chance ${byChance}`);
  });

  test("is alike among friends", () => {
    const taste = (s: number): number[] => {
      const { userId, visitorIds } = shop.shoppers[s]!;
      return shop.items
        .slice(0, 200)
        .map((item) => shop.truth.utility(userId ?? visitorIds[0], item.id, nowMs));
    };
    const tastes = shop.shoppers.map((_, s) => taste(s));
    let friends = 0;
    let pairs = 0;
    let strangers = 0;
    shop.shoppers.forEach((shopper, s) => {
      for (const other of shopper.friends) {
        friends += correlation(tastes[s]!, tastes[other]!);
        strangers += correlation(tastes[s]!, tastes[(s + 200) % 400]!);
        pairs++;
      }
    });
    assert.ok(friends / pairs > strangers / pairs + 0.15);
  });
});

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (x: readonly number[]): number => x.reduce((sum, v) => sum + v, 0) / x.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((v, i) => {
    ab += (v - ma) * (b[i]! - mb);
    aa += (v - ma) ** 2;
    bb += (b[i]! - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}

describe("the truth", () => {
  test("ranks the next item far better than popularity does", () => {
    const cutMs = shop.startMs + 0.8 * (nowMs - shop.startMs);
    const popularity = countViews(
      events.filter((event) => event.timestampMs < cutMs),
      shop,
    );
    const held = ofType("view").filter((event) => event.timestampMs >= cutMs);
    const sample = held.filter((_, i) => i % Math.ceil(held.length / 400) === 0);
    const ndcgAt10 = (score: (itemId: string, event: Event) => number): number => {
      let sum = 0;
      for (const event of sample) {
        const target = score(event.items![0]!.itemId, event);
        const rank = 1 + shop.items.filter((item) => score(item.id, event) > target).length;
        if (rank <= 10) sum += 1 / Math.log2(rank + 1);
      }
      return sum / sample.length;
    };
    const byPopularity = ndcgAt10((itemId) => popularity.get(itemId)!);
    const byTruth = ndcgAt10(
      (itemId, event) =>
        shop.truth.utility(actor(event), itemId, event.timestampMs) + shop.truth.fame(itemId),
    );
    assert.ok(byTruth > 2 * byPopularity, `${byTruth} against ${byPopularity}`);
  });

  test("wanders: a shopper's taste of last winter is not quite today's", () => {
    const { userId, visitorIds } = shop.shoppers[0]!;
    const at = (tMs: number): number[] =>
      shop.items.map((item) => shop.truth.utility(userId ?? visitorIds[0], item.id, tMs));
    const today = at(nowMs);
    const yesterday = correlation(today, at(nowMs - dayMs));
    const before = correlation(today, at(nowMs - 190 * dayMs));
    assert.ok(yesterday > 0.99, String(yesterday));
    assert.ok(before < 0.97 && before > 0.2, String(before));
  });

  test("knows only its own shoppers and items", () => {
    assert.equal(shop.truth.shopperOf("nobody"), undefined);
    assert.throws(() => shop.truth.fame("no-such-item"), { code: "UNKNOWN_ID" });
  });
});
