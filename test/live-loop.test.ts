import { createClient, type Client, type RankingResponse } from "@magpie/client";
import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openHttpShop, type HttpShop } from "./http-shop.ts";

/** The bar: from sending an event to holding the answer that knows it. */
const maxMs = 1_000;

let shop: HttpShop;
let client: Client;
beforeAll(async () => {
  shop = await openHttpShop({ isTrained: true });
  client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
});
afterAll(() => shop.close());

const ids = ({ items }: RankingResponse) => items.map(({ item }) => item.id);

/** Items that the reasons of an answer name. */
const namedBy = ({ items }: RankingResponse) =>
  new Set(
    items.flatMap(({ reasons }) =>
      reasons.flatMap(({ reason }) => ("itemId" in reason ? [String(reason.itemId)] : [])),
    ),
  );

const feedOf = (user: string) =>
  client.recommend("home-feed", { userId: user, limit: 10, explain: true });

const act = (type: "view" | "add_to_cart" | "purchase", user: string, itemId: string) => ({
  type,
  eventId: `${type}-${user}-${itemId}`,
  userId: user,
  items: [{ itemId, quantity: 1 }],
});

/** Sends events, asks for the feed, and holds the time of both together to the bar. */
async function feedAfter(user: string, ...events: Parameters<Client["sendEvents"]>[0]) {
  const began = performance.now();
  await client.sendEvents(events);
  const feed = await feedOf(user);
  const tookMs = performance.now() - began;
  assert.ok(tookMs <= maxMs, `the answer that knows the event took ${tookMs} ms`);
  return feed;
}

describe("an event, then the next recommendation, over HTTP", () => {
  test("a stranger's first view changes the answer, and is its reason", async () => {
    const before = await feedOf("stranger-1");
    assert.deepEqual([...namedBy(before)], []);
    const viewed = ids(before)[3]!;
    const after = await feedAfter("stranger-1", act("view", "stranger-1", viewed));
    assert.notDeepEqual(ids(after), ids(before));
    assert.ok(namedBy(after).has(viewed), "no reason names the viewed item");
  });

  test("strangers who view different items are answered differently", async () => {
    const [first, second] = ids(await feedOf("stranger-2"));
    const one = await feedAfter("stranger-3", act("view", "stranger-3", first!));
    const other = await feedAfter("stranger-4", act("view", "stranger-4", second!));
    assert.notDeepEqual(ids(one), ids(other));
  });

  test("a known shopper's newest view moves the answer too", async () => {
    const { users } = await client.users({ limit: 5 });
    for (const { userId } of users) {
      const before = await feedOf(userId);
      const viewed = ids(before).at(-1)!;
      const after = await feedAfter(userId, act("view", userId, viewed));
      assert.notDeepEqual(
        after.items.map(({ item, score }) => [item.id, score]),
        before.items.map(({ item, score }) => [item.id, score]),
      );
    }
  });

  test("what was bought is not offered again", async () => {
    const [bought] = ids(await feedOf("stranger-5"));
    const after = await feedAfter("stranger-5", act("purchase", "stranger-5", bought!));
    assert.ok(!ids(after).includes(bought!));
  });

  test("what went into the cart gets companions in the cart's slot", async () => {
    const [chosen] = ids(await feedOf("stranger-6"));
    await client.sendEvents([act("add_to_cart", "stranger-6", chosen!)]);
    const cart = await client.recommend("cart", { userId: "stranger-6", explain: true });
    assert.ok(cart.items.length > 0);
    assert.ok(!ids(cart).includes(chosen!));
    assert.ok(namedBy(cart).has(chosen!), "no reason names the item in the cart");
  });

  test("an event of someone who did not agree to personalisation changes nothing", async () => {
    const before = await feedOf("stranger-7");
    const event = {
      ...act("view", "stranger-7", ids(before)[2]!),
      consent: { personalization: false },
    };
    const after = await feedAfter("stranger-7", event);
    assert.deepEqual(ids(after), ids(before));
  });

  test("events that a page tracks count as soon as they are flushed", async () => {
    const before = await feedOf("stranger-8");
    const began = performance.now();
    client.track(act("view", "stranger-8", ids(before)[1]!));
    await client.flush();
    const after = await feedOf("stranger-8");
    assert.ok(performance.now() - began <= maxMs);
    assert.notDeepEqual(ids(after), ids(before));
  });

  test("an item that is sold out leaves the answers at once, and comes back with its stock", async () => {
    const { item } = (await feedOf("stranger-9")).items[0]!;
    const withStock = (available: boolean) => ({
      ...item,
      variants: item.variants.map((variant) => ({ ...variant, availability: { available } })),
    });
    await client.upsertItems([withStock(false)]);
    assert.ok(!ids(await feedOf("stranger-9")).includes(item.id));
    await client.upsertItems([withStock(true)]);
    assert.ok(ids(await feedOf("stranger-9")).includes(item.id));
  });

  test("what is erased counts no more", async () => {
    const before = await feedOf("stranger-10");
    await feedAfter("stranger-10", act("view", "stranger-10", ids(before)[4]!));
    const erased = await client.eraseUser("stranger-10");
    assert.equal(erased.events, 1);
    assert.deepEqual(ids(await feedOf("stranger-10")), ids(before));
  });
});
