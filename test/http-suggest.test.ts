import { createClient, type Client } from "@magpie/client";
import type { Item } from "@magpie/domain";
import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, test } from "vitest";
import { testItem } from "./http-engine.ts";
import { call, openHttpShop, problemOf, type HttpShop } from "./http-shop.ts";

/** Suggestions of the trained, simulated shop, over HTTP. */
describe("suggestions over HTTP", () => {
  let shop: HttpShop;
  let client: Client;
  let nowMs = Date.now();

  beforeAll(async () => {
    shop = await openHttpShop({ isTrained: true, now: () => nowMs });
    client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
  }, 120_000);
  afterAll(() => shop?.close());

  const search = (visitorId: string, query: string, more: object = {}) =>
    client.sendEvents([{ type: "search", visitorId, query, ...more }]);
  const anItem = async (holds: (item: Item) => boolean): Promise<Item> => {
    const { items } = await client.search({ query: "", limit: 100 });
    return items.find(({ item }) => holds(item))!.item;
  };

  test("completes queries that people searched for, with the category they lead to", async () => {
    const { queries, rung } = await client.suggest({ query: "run", limit: 20 });
    assert.equal(rung, "as-typed");
    assert.ok(queries.length > 0);
    for (const { text } of queries) assert.match(text, /\brun/i);
    const { queries: popular } = await client.suggest({ query: "", limit: 20 });
    const { categories } = await client.categories();
    const known = new Set(categories.map(({ path }) => path));
    const led = popular.flatMap(({ category }) => category ?? []);
    assert.ok(led.length > 0);
    for (const path of led) assert.ok(known.has(path), path);
  });

  test("finds products by the beginning of their title, as the catalogue has them now", async () => {
    const shoe = await anItem(({ variants }) => variants.some((v) => v.availability?.available));
    const find = async () =>
      (await client.suggest({ query: shoe.title, limit: 20 })).products.find(
        ({ id }) => id === shoe.id,
      );
    assert.deepEqual(await find(), await client.item(shoe.id));

    const [variant, ...others] = shoe.variants;
    const dearer = { ...variant!, price: { ...variant!.price, amount: 123_456 } };
    await client.upsertItems([{ ...shoe, variants: [dearer, ...others] }]);
    assert.equal((await find())!.variants[0]!.price.amount, 123_456);

    const soldOut = shoe.variants.map((one) => ({ ...one, availability: { available: false } }));
    await client.upsertItems([{ ...shoe, variants: soldOut }]);
    assert.equal(await find(), undefined);
  });

  test("suggests a new product, an old one by its new name only, and a deleted one no more", async () => {
    const find = async (query: string) => {
      nowMs += 1_000;
      return (await client.suggest({ query })).products.map(({ id }) => id);
    };
    await client.upsertItems([{ ...testItem("theremin"), title: "Theremin of walnut" }]);
    assert.deepEqual(await find("there"), ["theremin"]);
    await client.upsertItems([{ ...testItem("theremin"), title: "Ondes Martenot" }]);
    assert.deepEqual(await find("theremin of"), []);
    assert.deepEqual(await find("ondes"), ["theremin"]);
    await client.deleteItem("theremin");
    assert.deepEqual(await find("ondes"), []);
  });

  test("names categories by the catalogue's path, in the reader's language", async () => {
    const { categories: menu } = await client.categories({ locale: "zh" });
    const leaf = menu.find(
      ({ path, label }) => path.includes(" > ") && /\p{Script=Han}/u.test(label),
    )!;
    for (const query of [leaf.label, leaf.path.split(" > ").at(-1)!]) {
      const { categories } = await client.suggest({ query, locale: "zh", limit: 20 });
      assert.ok(
        categories.some(({ path, label }) => path === leaf.path && label === leaf.label),
        `${query}: ${JSON.stringify(categories)}`,
      );
    }
    const { items } = await client.search({ query: "", filter: { categories: [leaf.path] } });
    assert.ok(items.length > 0);
  });

  test("offers a person's own searches to that person only, newest first and until erased", async () => {
    await search("ann", "zither strings", { timestamp: new Date(nowMs - 2_000).toISOString() });
    await search("ann", "Zebra lamp", { timestamp: new Date(nowMs - 1_000).toISOString() });
    await search("ann", "zoo", { consent: { personalization: false } });
    const recent = async (visitorId?: string) =>
      (await client.suggest({ query: "z", ...(visitorId !== undefined && { visitorId }) })).recent;
    assert.deepEqual(await recent("ann"), ["Zebra lamp", "zither strings"]);
    assert.deepEqual(await recent("bob"), []);
    assert.deepEqual(await recent(), []);
    await search("ann", "zither");
    assert.deepEqual(await recent("ann"), ["zither", "Zebra lamp", "zither strings"]);
    const page = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.read });
    assert.deepEqual((await page.suggest({ query: "z", visitorId: "ann" })).recent, []);
    await client.eraseUser("ann");
    assert.deepEqual(await recent("ann"), []);
  });

  test("answers what nobody ever typed with what is popular", async () => {
    const { rung, queries } = await client.suggest({ query: "98765 43210", limit: 3 });
    assert.equal(rung, "popular");
    assert.equal(queries.length, 3);
  });

  test("refuses wrong requests with their place, and keys that may not read", async () => {
    const refused = async (body: unknown) => {
      const answer = await call(shop, "read", "/v1/suggest", body);
      return { status: answer.status, detail: problemOf(await answer.text()).detail };
    };
    const wrong = [{}, { query: 7 }, { query: "a", limit: 0 }, { query: "x".repeat(501) }];
    for (const body of wrong) assert.equal((await refused(body)).status, 400);
    assert.match((await refused({ query: "a", limit: 0 })).detail, /limit/);
    assert.equal((await call(shop, "events", "/v1/suggest", { query: "a" })).status, 403);
  });

  test("takes whatever can be typed", async () => {
    for (const query of [
      "\u0000\u0007",
      "((((",
      "(a+)+$".repeat(50),
      "🦜🦜",
      "שלום",
      "e\u0301".repeat(200),
    ]) {
      const { queries } = await client.suggest({ query });
      assert.ok(Array.isArray(queries));
    }
  });
});
