import assert from "node:assert/strict";
import { userId, type Item } from "@magpie/domain";
import { algoliasearch, type Algoliasearch } from "algoliasearch";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openHttpShop, type HttpShop } from "./http-shop.ts";

interface Hit {
  readonly title: string;
  readonly brand?: string;
  readonly price: number;
  readonly hierarchicalCategories?: Readonly<Record<string, readonly string[]>>;
}

/** Algolia's own client, as it is, pointed at our server. */
describe("an unmodified algoliasearch client", () => {
  let shop: HttpShop;
  let client: Algoliasearch;
  let first: Item;

  const clientWith = (key: string) =>
    algoliasearch("shop", key, {
      hosts: [
        {
          url: `127.0.0.1:${shop.server.port}`,
          protocol: "http",
          accept: "readWrite",
        },
      ],
    });

  beforeAll(async () => {
    shop = await openHttpShop({ isTrained: true });
    client = clientWith(shop.keys.all);
    first = (await shop.engine.search({ query: "running shoes" })).items[0]!.item;
  }, 120_000);
  afterAll(() => shop?.close());

  test("finds, marks the words and counts", async () => {
    const { hits, nbHits, page, nbPages, hitsPerPage, query, queryID } =
      await client.searchSingleIndex<Hit>({
        indexName: "products",
        searchParams: { query: "running shoes", hitsPerPage: 3, clickAnalytics: true },
      });
    assert.equal(hits.length, 3);
    assert.ok(nbHits! >= 3);
    assert.deepEqual([page, hitsPerPage, query], [0, 3, "running shoes"]);
    assert.equal(nbPages, Math.ceil(nbHits! / 3));
    assert.match(queryID!, /^[0-9a-f-]{36}$/);
    const { title } = hits[0]!._highlightResult as unknown as {
      title: { value: string; matchLevel: string };
    };
    assert.match(title.value, /<em>/);
    assert.equal(title.matchLevel, "full");
    assert.equal(typeof hits[0]!.price, "number");
  });

  test("marks hits that lack a word, behind those with all", async () => {
    const { hits, nbHits } = await client.searchSingleIndex<Hit>({
      indexName: "products",
      searchParams: { query: "road running shoes", attributesToRetrieve: ["title"] },
    });
    const close = hits.map((hit) => (hit as { isCloseMatch?: true }).isCloseMatch === true);
    assert.equal(nbHits, hits.length);
    assert.ok(!close[0] && close.at(-1));
    assert.deepEqual(close, close.toSorted());
    for (const [i, { title }] of hits.entries()) {
      const has = ["road", "running", "shoes"].filter((word) =>
        (title as string).toLowerCase().includes(word),
      );
      assert.equal(has.length, close[i] ? 2 : 3, title as string);
    }
  });

  test("several searches at once, values of a facet among them", async () => {
    const { results } = await client.search<Hit>({
      requests: [
        { indexName: "products", query: "", facets: ["brand", "categories.lvl0"], hitsPerPage: 0 },
        { indexName: "products", type: "facet", facet: "brand", facetQuery: "", maxFacetHits: 5 },
        {
          indexName: "products",
          query: "",
          facetFilters: [[`brand:${first.brand!}`]],
          hitsPerPage: 100,
        },
      ],
    });
    const [counts, values, chosen] = results as unknown as [
      { hits: Hit[]; nbHits: number; facets: Record<string, Record<string, number>> },
      { facetHits: { value: string; count: number; highlighted: string }[] },
      { hits: Hit[]; nbHits: number },
    ];
    assert.equal(counts.hits.length, 0);
    assert.equal(values.facetHits[0]!.count, Math.max(...Object.values(counts.facets["brand"]!)));
    assert.equal(chosen.nbHits, counts.facets["brand"]![first.brand!]);
    assert.ok(chosen.hits.every(({ brand }) => brand === first.brand));
    const roots = Object.keys(counts.facets["categories.lvl0"]!);
    assert.ok(roots.length > 0 && roots.every((path) => !path.includes(">")));
  });

  test("filters, ranges and statistics agree with each other", async () => {
    const asking = (searchParams: object) =>
      client.searchSingleIndex<Hit>({ indexName: "products", searchParams });
    const all = await asking({ facets: ["price"], hitsPerPage: 0 });
    const { min, max, avg } = all.facets_stats!["price"]!;
    assert.ok(min! <= avg! && avg! <= max!);
    const cheap = await asking({ filters: `price < ${avg}`, hitsPerPage: 100 });
    const dear = await asking({ numericFilters: [`price>=${avg}`], hitsPerPage: 100 });
    assert.equal(cheap.nbHits! + dear.nbHits!, all.nbHits);
    assert.ok(cheap.hits.every(({ price }) => price < avg!));
    const but = await asking({ filters: `NOT brand:"${first.brand!}"` });
    const only = await asking({ filters: `brand:"${first.brand!}"` });
    assert.equal(but.nbHits! + only.nbHits!, all.nbHits);
  });

  test("orders by the name of the index", async () => {
    for (const [indexName, sign] of [
      ["products_price_asc", 1],
      ["products_price_desc", -1],
    ] as const) {
      const { hits } = await client.searchSingleIndex<Hit>({
        indexName,
        searchParams: { query: "", hitsPerPage: 50 },
      });
      const prices = hits.map(({ price }) => price);
      assert.deepEqual(
        prices,
        prices.toSorted((a, b) => sign * (a - b)),
      );
    }
  });

  test("names values in the page's language, and puts the nearest first around a place", async () => {
    const hat = (id: string, latitude: number) => ({
      ...first,
      id,
      title: `Zylinder ${id}`,
      brand: "Hatter",
      attributes: { latitude, longitude: 13.4 },
      locales: { zh: { brand: "礼帽坊" } },
    });
    await shop.engine.upsertItems([hat("far", 48.2), hat("near", 52.5)]);
    const { hits, ...rest } = await client.searchSingleIndex<Hit>({
      indexName: "products",
      searchParams: {
        query: "Zylinder",
        facets: ["brand"],
        queryLanguages: ["zh"],
        aroundLatLng: "52.52, 13.4",
      },
    });
    assert.deepEqual(
      hits.map(({ objectID }) => objectID),
      ["near", "far"],
    );
    const { facets, facetLabels } = rest as unknown as Record<string, unknown>;
    assert.deepEqual(facets, { brand: { Hatter: 2 } });
    assert.deepEqual(facetLabels, { brand: { Hatter: "礼帽坊" } });
    const { facetHits } = await client.searchForFacetValues({
      indexName: "products",
      facetName: "brand",
      searchForFacetValuesRequest: {
        facetQuery: "礼帽",
        params: "queryLanguages=%5B%22zh%22%5D&query=Zylinder",
      },
    });
    assert.deepEqual(facetHits, [
      { value: "Hatter", count: 2, highlighted: "<em>礼帽</em>坊", shown: "礼帽坊" },
    ]);
    await shop.engine.deleteItems(["far", "near"]);
  });

  test("searches the values of a facet and marks them", async () => {
    const { facetHits } = await client.searchForFacetValues({
      indexName: "products",
      facetName: "brand",
      searchForFacetValuesRequest: { facetQuery: first.brand!.slice(0, 3) },
    });
    const found = facetHits.find(({ value }) => value === first.brand)!;
    assert.match(found.highlighted, /^<em>/);
  });

  test("walks through everything by browsing", async () => {
    const seen: string[] = [];
    await client.browseObjects<Hit>({
      indexName: "products",
      browseParams: { query: "" },
      aggregator: ({ hits }) => void seen.push(...hits.map(({ objectID }) => objectID)),
    });
    assert.equal(new Set(seen).size, seen.length);
    assert.equal(seen.length, (await shop.engine.health()).items);
  });

  test("reads objects, and says which do not exist", async () => {
    const object = await client.getObject({ indexName: "products", objectID: first.id });
    assert.equal(object["title"], first.title);
    const { results } = await client.getObjects<Hit>({
      requests: [
        { indexName: "products", objectID: first.id, attributesToRetrieve: ["title"] },
        { indexName: "products", objectID: "no-such-thing" },
      ],
    });
    assert.deepEqual(results, [{ objectID: first.id, title: first.title }, null]);
    await assert.rejects(client.getObject({ indexName: "products", objectID: "no-such-thing" }), {
      status: 404,
      message: /does not exist/,
    });
  });

  test("wants only some attributes, and gets those", async () => {
    const { hits } = await client.searchSingleIndex({
      indexName: "products",
      searchParams: { query: "tea", attributesToRetrieve: ["title"], attributesToHighlight: [] },
    });
    for (const { objectID: _, _highlightResult, _snippetResult, ...rest } of hits) {
      assert.deepEqual(Object.keys(rest), ["title"]);
      assert.deepEqual(_highlightResult, {});
    }
  });

  test("tells what was clicked and bought, joined to its search", async () => {
    const { queryID } = await client.searchSingleIndex({
      indexName: "products",
      searchParams: { query: "running shoes", clickAnalytics: true },
    });
    const insights = (events: object[], key = shop.keys.events) =>
      fetch(`${shop.server.url}/1/events?x-algolia-api-key=${key}`, {
        method: "POST",
        headers: { "content-type": "text/plain" },
        body: JSON.stringify({ events }),
      });
    const about = { index: "products", userToken: "visitor-9", objectIDs: [first.id] };
    const answer = await insights([
      { ...about, eventType: "click", eventName: "Hit clicked", queryID, positions: [1] },
      {
        ...about,
        eventType: "conversion",
        eventSubtype: "purchase",
        eventName: "Bought",
        objectData: [{ queryID, price: 1200, quantity: 2 }],
        currency: "EUR",
      },
    ]);
    assert.equal(answer.status, 200);
    const events = await shop.engine.userEvents(userId("visitor-9"), 10);
    assert.deepEqual(events.map(({ type }) => type).sort(), ["click", "purchase"]);
    assert.ok(events.every(({ queryId }) => queryId === queryID));
    const bought = events.find(({ type }) => type === "purchase")!;
    assert.deepEqual(bought.items, [
      { itemId: first.id, quantity: 2, price: { amount: 1200, currency: "EUR" } },
    ]);

    const wrong = await insights([{ ...about, eventType: "sneeze" }]);
    assert.equal(wrong.status, 400);
    assert.match(((await wrong.json()) as { message: string }).message, /events\[0\]\.eventType/);
  });

  test("recommends", async () => {
    const ask = async (requests: object[]) =>
      (await (
        await fetch(`${shop.server.url}/1/indexes/*/recommendations`, {
          method: "POST",
          headers: { "x-algolia-api-key": shop.keys.read, "content-type": "application/json" },
          body: JSON.stringify({ requests }),
        })
      ).json()) as { results: { hits: { objectID: string }[] }[] };
    const { results } = await ask([
      { indexName: "products", model: "related-products", objectID: first.id, threshold: 0 },
      { indexName: "products", model: "trending-items", threshold: 0, maxRecommendations: 4 },
    ]);
    assert.ok(results[0]!.hits.length > 0);
    assert.ok(results[0]!.hits.every(({ objectID }) => objectID !== first.id));
    assert.equal(results[1]!.hits.length, 4);
  });

  test("is told what rules did, by the contexts that it sends", async () => {
    const conditions = [{ contexts: ["landing"] }];
    const by = { author: "test" };
    await shop.engine.rules.saveDraft(
      [
        {
          id: "landing",
          name: "Landing page",
          conditions,
          actions: {
            pins: [{ itemId: first.id, position: 1 }],
            query: { replace: "kettle" },
            redirect: { url: "/landing" },
            data: { theme: "spring" },
            banners: [{ id: "b", title: "Spring", url: "/spring" }],
          },
        },
      ],
      by,
    );
    await shop.engine.rules.publish(by);
    const search = (ruleContexts: string[]) =>
      client.searchSingleIndex({
        indexName: "products",
        searchParams: { query: "mug", ruleContexts, getRankingInfo: true },
      });
    const plain = await search([]);
    assert.equal(plain.userData, undefined);
    assert.equal(plain.renderingContent!.redirect, undefined);
    const ruled = await search(["landing"]);
    assert.deepEqual(ruled.userData, [
      { theme: "spring" },
      { id: "b", title: "Spring", url: "/spring" },
    ]);
    assert.deepEqual(ruled.renderingContent!.redirect, { url: "/landing" });
    assert.deepEqual(ruled.appliedRules, [{ objectID: "landing" }]);
    assert.equal(ruled.parsedQuery, "kettle");
    assert.equal(ruled.hits[0]!.objectID, first.id);
    assert.deepEqual(
      ruled.hits.slice(0, 2).map(({ _rankingInfo }) => _rankingInfo!.promoted),
      [true, false],
    );
    await shop.engine.rules.saveDraft([], by);
    await shop.engine.rules.publish(by);
  });

  test("hears what is wrong with a request, in its own form", async () => {
    const wrong: readonly [object, RegExp][] = [
      [{ filters: "brand:A AND" }, /filters: ends where a test is missing/],
      [{ hitsPerPage: 5_000 }, /hitsPerPage: is 5000.*0 to 100/],
      [{ facets: ["colourr"] }, /no item has a field "colourr"/],
      [{ numericFilters: ["brand>3"] }, /"brand" holds words/],
      [{ ruleContexts: ["x".repeat(101)] }, /ruleContexts: has 1 tags, the longest of 101/],
      [{ aroundLatLng: "200,3", aroundRadius: 10 }, /aroundLatLng/],
    ];
    for (const [searchParams, message] of wrong) {
      await assert.rejects(client.searchSingleIndex({ indexName: "products", searchParams }), {
        status: 400,
        message,
      });
    }
    await assert.rejects(clientWith("mgp_wrong").searchSingleIndex({ indexName: "products" }), {
      status: 401,
      message: /unknown, revoked or past its expiry/,
    });
    await assert.rejects(
      clientWith(shop.keys.events).searchSingleIndex({ indexName: "products" }),
      { status: 403 },
    );
  });
});
