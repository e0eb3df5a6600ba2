import { createClient } from "@magpie/client";
import { createSearchClient } from "@magpie/instantsearch";
import assert from "node:assert/strict";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openHttpShop, type HttpShop } from "./http-shop.ts";

let shop: HttpShop;
beforeAll(async () => {
  shop = await openHttpShop({ isTrained: true });
});
afterAll(() => shop.close());

const searchClient = () =>
  createSearchClient({
    client: createClient({ baseUrl: shop.server.url, apiKey: shop.keys.read }),
    locale: "en",
  });
const asking = (params: Record<string, unknown>, indexName = "items") =>
  searchClient().search([{ indexName, params }]);

describe("the InstantSearch client", () => {
  test("answers hits with the page's own tags around the words, and a query id", async () => {
    const { results } = await asking({
      query: "mug",
      highlightPreTag: "__ais-highlight__",
      highlightPostTag: "__/ais-highlight__",
    });
    const [result] = results;
    const mug = result!.hits.find(({ objectID }) => objectID === "mug")!;
    assert.equal(mug["title"], "A mug");
    assert.deepEqual(mug._highlightResult!["title"], {
      value: "A __ais-highlight__mug__/ais-highlight__",
      matchLevel: "full",
      matchedWords: ["mug"],
      fullyHighlighted: false,
    });
    assert.match(result!.queryID, /^[0-9a-f-]{36}$/);
    assert.equal(result!.params.startsWith("query=mug&highlightPreTag=__ais-highlight__"), true);
  });

  test("pages from 0, each page going on where the last ended", async () => {
    const all = (await asking({ query: "kettle", hitsPerPage: 4 })).results[0]!;
    const { results } = await searchClient().search(
      [0, 1].map((page) => ({
        indexName: "items",
        params: { query: "kettle", hitsPerPage: 2, page },
      })),
    );
    assert.deepEqual(
      results.flatMap(({ hits }) => hits.map(({ objectID }) => objectID)),
      all.hits.map(({ objectID }) => objectID),
    );
    assert.equal(results[1]!.page, 1);
    assert.equal(results[1]!.nbPages, Math.ceil(all.nbHits / 2));
  });

  test("counts without hits where none are wanted, and takes more searches than a call holds", async () => {
    const { results } = await searchClient().search(
      Array.from({ length: 21 }, (_, i) => ({
        indexName: "items",
        params: { query: i === 20 ? "mug" : "no such word at all", hitsPerPage: 0 },
      })),
    );
    assert.equal(results.length, 21);
    assert.ok(results[20]!.nbHits > 0);
    assert.deepEqual(results[20]!.hits, []);
  });

  test("restricts, counts and orders as the widgets ask", async () => {
    const all = (await asking({ query: "", facets: ["brand", "price"], hitsPerPage: 100 }))
      .results[0]!;
    const [brand, count] = Object.entries(all.facets!["brand"]!)[0]!;
    const { results } = await searchClient().search([
      { indexName: "items", params: { query: "", facetFilters: [[`brand:${brand}`]] } },
      { indexName: "items_price_desc", params: { query: "", hitsPerPage: 100 } },
      { indexName: "items", params: { query: "", numericFilters: ["price<=100"] } },
    ]);
    assert.equal(results[0]!.nbHits, count);
    const prices = results[1]!.hits.map(({ price }) => price as number);
    assert.deepEqual(
      prices,
      prices.toSorted((a, b) => b - a),
    );
    assert.equal(prices[0], all.facets_stats!["price"]!.max);
    assert.ok(results[2]!.hits.every(({ price }) => (price as number) <= 100));
  });

  test("searches the values of a facet, and recommends", async () => {
    const { results } = await asking({ query: "", facets: ["brand"] });
    const [brand] = Object.keys(results[0]!.facets!["brand"]!);
    const [found] = await searchClient().searchForFacetValues([
      { indexName: "items", params: { facetName: "brand", facetQuery: brand!.slice(0, 2) } },
    ]);
    assert.ok(found!.facetHits.some(({ value }) => value === brand));
    const objectID = results[0]!.hits[0]!.objectID;
    const recommended = await searchClient().getRecommendations([
      { indexName: "items", model: "related-products", objectID, maxRecommendations: 3 },
      { indexName: "items", model: "trending-items", maxRecommendations: 3 },
    ]);
    assert.ok(
      recommended.results[0]!.hits.every(
        (hit) => (hit as { objectID?: string }).objectID !== objectID,
      ),
    );
    assert.equal(recommended.results[1]!.hits.length, 3);
  });

  test("says why a hit is there, where that is wanted", async () => {
    const client = createSearchClient({
      client: createClient({ baseUrl: shop.server.url, apiKey: shop.keys.read }),
      explain: true,
    });
    const { results } = await client.search([{ indexName: "items", params: { query: "mug" } }]);
    const { reasons } = results[0]!.hits[0]!._rankingInfo as { reasons: object[] };
    assert.ok(reasons.length > 0);
  });

  test.each([
    [{ query: "mug", filters: "price >" }, /filters/],
    [{ query: "mug", hitsPerPage: 101 }, /hitsPerPage/],
    [{ query: "mug", facetFilters: 7 }, /facetFilters/],
    [{ query: "mug", facets: ["colourr"] }, /colourr/],
  ])("refuses %j rather than answering something else", async (params, message) => {
    await assert.rejects(asking(params), message);
  });
});
