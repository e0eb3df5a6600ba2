import assert from "node:assert/strict";
import type { Problem, RankingResponse } from "@magpie/contract";
import { afterAll, beforeAll, describe, test } from "vitest";
import { hostileQueries } from "./hostile-queries.ts";
import { openHttpShop, type HttpShop } from "./http-shop.ts";

/** Longer than this, the API takes no query; what is cut off nobody typed. */
const longestQuery = 500;
/** Far above what is measured (bench/hostile-queries.ts), so that a busy machine fails nothing. */
const patienceMs = 2_000;

describe("hostile queries", () => {
  let shop: HttpShop;
  beforeAll(async () => {
    shop = await openHttpShop({ isTrained: true });
  }, 120_000);
  afterAll(() => shop?.close());

  const ask = async (path: string, body: object) => {
    const started = performance.now();
    const answer = await fetch(`${shop.server.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${shop.keys.all}` },
      body: JSON.stringify(body),
    });
    const json = (await answer.json()) as unknown;
    assert.ok(performance.now() - started < patienceMs, "an answer took too long");
    return { status: answer.status, json };
  };

  test.each(Object.entries(hostileQueries))(
    "%s: answered, or refused with its place",
    async (_, query) => {
      for (const more of [
        {},
        { facets: [{ field: "*" }], explain: true, highlight: { open: "<", close: ">" } },
      ]) {
        const { status, json } = await ask("/v1/search", { query, ...more });
        if (query.length > longestQuery) {
          assert.equal(status, 400);
          assert.match(JSON.stringify((json as Problem).errors), /query/);
          assert.ok((json as Problem).hint);
        } else {
          assert.equal(status, 200, JSON.stringify(json));
          assert.ok(Array.isArray((json as RankingResponse).items));
        }
      }
      // What is too long is cut here, as clients of the dialect expect.
      const wire = await fetch(
        `${shop.server.url}/1/indexes/products/query?x-algolia-api-key=${shop.keys.read}`,
        {
          method: "POST",
          headers: { "content-type": "text/plain" },
          body: JSON.stringify({ query }),
        },
      );
      assert.equal(wire.status, 200);
      await wire.arrayBuffer();
    },
  );

  test.each<[string, object, string]>([
    ["a filter that is no list", { filter: { where: "brand:x" } }, "filter.where"],
    ["a clause without tests", { filter: { where: [[]] } }, "filter.where[0]"],
    ["a test of nothing", { filter: { where: [[{}]] } }, "filter.where[0][0]"],
    ["an endless bound", { refinements: [{ field: "price", max: 1e300 }] }, "refinements[0]"],
    ["a field that is too long", { facets: [{ field: "x".repeat(300) }] }, "facets[0].field"],
    [
      "too many facets",
      { facets: Array.from({ length: 60 }, () => ({ field: "brand" })) },
      "facets",
    ],
    ["a negative offset", { offset: -1 }, "offset"],
    ["an order that is a text", { sort: "price" }, "sort"],
  ])("%s is refused with its place", async (_, more, place) => {
    const { status, json } = await ask("/v1/search", { query: "tea", ...more });
    assert.equal(status, 400);
    const { code, hint, errors } = json as Problem;
    assert.equal(code, "INVALID_REQUEST");
    assert.ok(hint);
    assert.ok(
      errors!.some(({ field }) => field.startsWith(place)),
      JSON.stringify(errors),
    );
  });
});
