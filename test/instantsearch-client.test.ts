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
    assert.equal(mug.title, "A mug");
    assert.deepEqual(mug._highlightResult.title, {
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

  test.each([
    [{ query: "mug", facetFilters: [["brand:x"]] }, "items", /facetFilters is not known/],
    [{ query: "mug", filters: "price > 1" }, "items", /filters is not known/],
    [{ query: "mug", hitsPerPage: 101 }, "items", /at most 100/],
    [{ query: "mug" }, "items_price_asc", /no index "items_price_asc"/],
  ])("refuses %j of %s rather than answering something else", async (params, index, message) => {
    await assert.rejects(asking(params, index), message);
  });

  test("passes over restrictions that are empty", async () => {
    const { results } = await asking({
      query: "mug",
      facetFilters: [],
      filters: "",
      tagFilters: "",
    });
    assert.ok(results[0]!.hits.length > 0);
  });
});
