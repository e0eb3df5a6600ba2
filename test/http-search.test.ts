import assert from "node:assert/strict";
import { createClient, type Client } from "@magpie/client";
import type { RankingResponse, SearchRequest } from "@magpie/contract";
import type { Item } from "@magpie/domain";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, test } from "vitest";
import { openHttpShop, type HttpShop } from "./http-shop.ts";

/** Facets, conditions, orders and paging over HTTP, checked against the catalogue read item by item. */
describe("search over HTTP", () => {
  let shop: HttpShop;
  let client: Client;
  let catalogue: Item[];

  beforeAll(async () => {
    shop = await openHttpShop({ isTrained: true });
    client = createClient({ baseUrl: shop.server.url, apiKey: shop.keys.all });
    // More than the window that is ranked: the trained shop, and newer editions of each item.
    const trained = (await allPages({ query: "" })).map(({ item }) => item);
    for (let edition = 1; edition <= 4; edition++) {
      await client.upsertItems(
        trained.map((item) => ({ ...item, id: `${item.id}-${edition}`, tags: [`ed${edition}`] })),
      );
    }
    catalogue = (await allPages({ query: "" })).map(({ item }) => item);
  }, 120_000);
  afterAll(() => shop?.close());

  /** Every hit of a search, by pages of 100. */
  async function allPages(request: SearchRequest): Promise<RankingResponse["items"]> {
    const items: RankingResponse["items"] = [];
    for (;;) {
      const page = await client.search({ ...request, limit: 100, offset: items.length });
      items.push(...page.items);
      if (page.items.length === 0 || items.length >= page.total!) return items;
    }
  }
  const idsOf = (items: readonly { readonly item: Item }[]) => items.map(({ item }) => item.id);
  const priceOf = ({ variants }: Item) => variants[0]!.price.amount;
  const countBy = (items: readonly Item[], valuesOf: (item: Item) => readonly string[]) => {
    const counts = new Map<string, number>();
    for (const item of items) {
      for (const value of new Set(valuesOf(item))) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return counts;
  };
  const levelsOf = ({ categories = [] }: Item) =>
    categories.flatMap((path) => {
      const levels = path.split(" > ");
      return levels.map((_, depth) => levels.slice(0, depth + 1).join(" > "));
    });
  const asMap = (facet: NonNullable<RankingResponse["facets"]>[number]) =>
    new Map(facet.values.map(({ value, count }) => [value, count]));

  test("a query without words lists the whole catalogue, each item once", async () => {
    assert.equal(new Set(catalogue.map(({ id }) => id)).size, catalogue.length);
    const { items } = await shop.engine.health();
    assert.equal(catalogue.length, items);
    assert.ok(items > 200, `only ${items} items: paging past the ranked window is not tested`);
  });

  test("facet counts are those of everything found, not of the page", async () => {
    const { total, facets } = await client.search({
      query: "",
      limit: 1,
      facets: [
        { field: "brand", limit: 1_000 },
        { field: "categories", limit: 1_000 },
      ],
    });
    assert.equal(total, catalogue.length);
    const [brands, categories] = facets!;
    assert.deepEqual(
      asMap(brands!),
      countBy(catalogue, ({ brand }) => (brand === undefined ? [] : [brand])),
    );
    assert.deepEqual(asMap(categories!), countBy(catalogue, levelsOf));
    const counts = brands!.values.map(({ count }) => count);
    assert.deepEqual(
      counts,
      counts.toSorted((a, b) => b - a),
    );
  });

  test("a facet's own choice is left out of its counts, the others' choices hold", async () => {
    const [first, second] = [...countBy(catalogue, ({ brand }) => [brand ?? ""]).keys()].filter(
      (brand) => brand !== "",
    );
    const dearest = catalogue.map(priceOf).sort((a, b) => a - b)[catalogue.length >> 1]!;
    const { total, facets, items } = await client.search({
      query: "",
      limit: 100,
      refinements: [
        { field: "brand", anyOf: [first!, second!] },
        { field: "price", max: dearest },
      ],
      facets: [
        { field: "brand", limit: 1_000 },
        { field: "price", bounds: [dearest] },
      ],
    });
    const cheap = catalogue.filter((item) => priceOf(item) <= dearest);
    const chosen = catalogue.filter(({ brand }) => brand === first || brand === second);
    assert.equal(total, chosen.filter((item) => priceOf(item) <= dearest).length);
    for (const { item } of items) {
      assert.ok([first, second].includes(item.brand) && priceOf(item) <= dearest);
    }
    const [brands, prices] = facets!;
    assert.deepEqual(
      asMap(brands!),
      countBy(cheap, ({ brand }) => (brand === undefined ? [] : [brand])),
    );
    const sum = chosen.reduce((all, item) => all + priceOf(item), 0);
    assert.deepEqual(prices!.statistics, {
      min: Math.min(...chosen.map(priceOf)),
      max: Math.max(...chosen.map(priceOf)),
      sum,
      avg: sum / chosen.length,
      count: chosen.length,
    });
    assert.deepEqual(
      prices!.ranges!.map(({ count }) => count),
      [
        chosen.filter((item) => priceOf(item) < dearest).length,
        chosen.filter((item) => priceOf(item) >= dearest).length,
      ],
    );
  });

  test("all facets come with those first that split what was found; named ones keep their place", async () => {
    const { facets } = await client.search({
      query: "",
      refinements: [{ field: "available", anyOf: ["true"] }],
      facets: [
        { field: "price", bounds: [1_000] },
        { field: "*", limit: 1_000 },
      ],
    });
    const fields = facets!.map(({ field }) => field);
    assert.deepEqual(fields.slice(0, 2), ["price", "available"]);
    assert.equal(new Set(fields).size, fields.length);
    assert.ok(fields.includes("brand") && fields.includes("categories"));
    assert.equal(facets![0]!.ranges!.length, 2);
  });

  test("a hit names the variant that was chosen, where it is not the featured one", async () => {
    const withOptions = catalogue.filter(({ variants }) => variants.length > 1);
    const [name, value] = withOptions
      .flatMap(({ variants }) => Object.entries(variants[1]!.options ?? {}))
      .find(([option, own]) =>
        withOptions.some(({ variants }) => variants[0]!.options?.[option] !== own),
      )!;
    const { items } = await client.search({
      query: "",
      limit: 100,
      refinements: [{ field: `options.${name}`, anyOf: [value] }],
    });
    assert.ok(items.some(({ variantId }) => variantId !== undefined));
    for (const { item, variantId } of items) {
      const shown = item.variants.find(({ id }) => id === variantId) ?? item.variants[0]!;
      assert.equal(shown.options?.[name], value, item.id);
    }
  });

  test("conditions combine clauses, alternatives and their opposites", async () => {
    const [top] = [...countBy(catalogue, levelsOf)].sort((a, b) => b[1] - a[1])[0]!;
    const brand = catalogue.find((item) => item.brand !== undefined)!.brand!;
    const median = catalogue.map(priceOf).sort((a, b) => a - b)[catalogue.length >> 1]!;
    const found = await allPages({
      query: "",
      filter: {
        where: [
          [
            { field: "categories", anyOf: [top] },
            { field: "brand", anyOf: [brand] },
          ],
          [{ field: "price", min: median + 1, not: true }],
          [{ field: "tags", exists: true }],
          [{ field: "available", anyOf: ["true"] }],
        ],
      },
    });
    const expected = catalogue.filter(
      (item) =>
        (levelsOf(item).includes(top) || item.brand === brand) &&
        priceOf(item) <= median &&
        (item.tags?.length ?? 0) > 0 &&
        item.variants.some(({ availability }) => availability.available),
    );
    assert.ok(expected.length > 0);
    assert.deepEqual(idsOf(found).toSorted(), expected.map(({ id }) => id).toSorted());
  });

  test("an order by a field runs over all pages, either way", async () => {
    for (const [order, sign] of [
      ["ascending", 1],
      ["descending", -1],
    ] as const) {
      const found = await allPages({ query: "", sort: { field: "price", order } });
      const prices = found.map(({ item }) => priceOf(item));
      assert.deepEqual(
        prices,
        prices.toSorted((a, b) => sign * (a - b)),
      );
      assert.deepEqual(idsOf(found).toSorted(), catalogue.map(({ id }) => id).toSorted());
    }
  });

  test("pages of a query go together beyond the window that is ranked", async () => {
    for (const query of ["a", "s", "shoes", "鞋", "the"]) {
      const found = await allPages({ query });
      assert.equal(new Set(idsOf(found)).size, found.length, query);
      assert.deepEqual(
        found.map(({ position }) => position),
        found.map((_, i) => i + 1),
      );
    }
  });

  test("the values of a facet can be searched, within what the query finds", async () => {
    const { values } = await client.searchFacet("categories", { text: "sho", limit: 100 });
    assert.ok(values.length > 0);
    const counts = countBy(catalogue, levelsOf);
    for (const { value, count } of values) {
      assert.match(value, /(^|\W)sho/i);
      assert.equal(count, counts.get(value));
    }
    assert.deepEqual((await client.searchFacet("brand", { text: "zzzz" })).values, []);
  });

  test("a changed item counts at once under its new values", async () => {
    const item = catalogue.find((one) => one.brand !== undefined)!;
    const countOf = async (brand: string) =>
      (
        await client.search({ query: "", facets: [{ field: "brand", limit: 1_000 }] })
      ).facets![0]!.values.find(({ value }) => value === brand)?.count ?? 0;
    const before = await countOf(item.brand!);
    await client.upsertItems([{ ...item, brand: "Brand new" }]);
    assert.equal(await countOf("Brand new"), 1);
    assert.equal(await countOf(item.brand!), before - 1);
    await client.upsertItems([item]);
    assert.equal(await countOf(item.brand!), before);
    assert.equal(await countOf("Brand new"), 0);
  });

  test("words that changed are found and ordered with the others", async () => {
    const [one, two] = catalogue;
    await client.upsertItems([{ ...one!, title: `${one!.title} zanzibar` }]);
    await client.upsertItems([{ ...two!, title: `${two!.title} zanzibar` }]);
    const sort = { field: "price", order: "descending" } as const;
    const { items, facets, total } = await client.search({
      query: "zanzibar",
      sort,
      facets: [{ field: "categories" }],
    });
    assert.equal(total, 2);
    const prices = items.map(({ item }) => priceOf(item));
    assert.deepEqual(
      prices,
      prices.toSorted((a, b) => b - a),
    );
    assert.deepEqual(asMap(facets![0]!), countBy([one!, two!], levelsOf));
    await client.upsertItems([one!, two!]);
    assert.equal((await client.search({ query: "zanzibar" })).total, 0);
  });

  test("what cannot be asked is refused with its place and a way on", async () => {
    const wrong: readonly [object, string, RegExp][] = [
      [{ facets: [{ field: "colourr" }] }, "UNKNOWN_FIELD", /facets.*"colourr"/],
      [{ sort: { field: "nothing", order: "ascending" } }, "UNKNOWN_FIELD", /sort\.field/],
      [
        { sort: { field: "brand", order: "ascending" } },
        "NOT_A_NUMBER_FIELD",
        /"brand" holds words/,
      ],
      [{ refinements: [{ field: "brand", min: 3 }] }, "NOT_A_NUMBER_FIELD", /refinements/],
      [{ filter: { where: [[{ field: "x", anyOf: ["y"] }]] } }, "UNKNOWN_FIELD", /filter\.where/],
      [{ facets: [{ field: "brand", bounds: [1] }] }, "NOT_A_NUMBER_FIELD", /facets/],
      [{ facets: [{ field: "" }] }, "INVALID_REQUEST", /facets\[0\]\.field/],
      [{ facets: "brand" }, "INVALID_REQUEST", /facets/],
      [{ sort: { field: "price", order: "up" } }, "INVALID_REQUEST", /sort\.order/],
      [{ refinements: [{ field: "brand", anyOf: [] }] }, "INVALID_REQUEST", /refinements\[0\]/],
      [{ filter: { where: [[]] } }, "INVALID_REQUEST", /where\[0\]/],
      [
        { filter: { where: [[{ near: { latitude: 91, longitude: 0 }, radiusMeters: 5 }]] } },
        "INVALID_REQUEST",
        /where/,
      ],
    ];
    for (const [extra, code, told] of wrong) {
      const answer = await fetch(`${shop.server.url}/v1/search`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${shop.keys.read}` },
        body: JSON.stringify({ query: "tea", ...extra }),
      });
      const problem = (await answer.json()) as { code: string; hint?: string };
      assert.equal(answer.status, 400, JSON.stringify(extra));
      assert.equal(problem.code, code, JSON.stringify(problem));
      assert.match(JSON.stringify(problem).replaceAll('\\"', '"'), told);
    }
  });

  describe("an explanation", () => {
    const sum = (amounts: readonly { readonly amount: number }[]) =>
      amounts.reduce((all, { amount }) => all + amount, 0);

    test("gives each item's place, and parts that sum to its score", async () => {
      const query = "running shoes";
      const { items } = await client.search({ query, limit: 10 });
      const itemIds = items.map(({ item }) => item.id);
      const explained = await client.explainSearch({ query, itemIds });
      assert.deepEqual(
        explained.items.map(({ itemId, position, state }) => ({ itemId, position, state })),
        itemIds.map((itemId, i) => ({ itemId, position: i + 1, state: "shown" })),
      );
      for (const [i, { score, reasons, fieldScores, matchedWords }] of explained.items.entries()) {
        assert.ok(Math.abs(score! - items[i]!.score) < 1e-9);
        assert.ok(Math.abs(sum(reasons) - score!) <= 1e-6);
        const byText = sum(reasons.filter(({ reason }) => reason.kind === "query-match"));
        assert.ok(Math.abs(sum(fieldScores) - byText) <= 1e-6);
        assert.deepEqual(matchedWords, ["running", "shoes"]);
      }
    });

    test("says why one item is above another", async () => {
      const query = "shoes";
      const { items } = await client.search({ query, limit: 100 });
      const [first, last] = [items[0]!, items.at(-1)!];
      const { differences } = await client.explainSearch({
        query,
        itemIds: [first.item.id, last.item.id],
      });
      const apart = differences.reduce((all, part) => all + part.first - part.second, 0);
      assert.ok(Math.abs(apart - (first.score - last.score)) <= 1e-6);
      const sizes = differences.map((part) => Math.abs(part.first - part.second));
      assert.deepEqual(
        sizes,
        sizes.toSorted((a, b) => b - a),
      );
    });

    test("says why an item is not there", async () => {
      const { items } = await client.search({ query: "running shoes" });
      const [shoe] = items;
      const other = catalogue.find(({ title }) => !/run|shoe/i.test(title))!;
      const explained = await client.explainSearch({
        query: "running shoes",
        itemIds: [other.id, shoe!.item.id, "no-such-item"],
        refinements: [{ field: "brand", anyOf: [shoe!.item.brand!], not: true }],
      });
      const [a, b, c] = explained.items;
      assert.notEqual(a!.state, "shown");
      assert.ok(a!.missingWords.length > 0);
      assert.equal(b!.state, "filtered");
      assert.deepEqual(b!.missingWords, []);
      assert.equal(c!.state, "absent");
      assert.deepEqual(explained.differences, []);
    });

    test("shows how texts were read, in both languages", async () => {
      const { query } = await client.explainSearch({
        query: '跑步鞋 "blue mug" -tea',
        itemIds: ["mug"],
      });
      assert.ok(query.tokens.some(({ term, kind }) => kind === "segment" && term.includes("跑步")));
      const { groups } = query;
      assert.ok(groups.some(({ isPhrase, text }) => isPhrase && text === "blue mug"));
      assert.ok(groups.some(({ need, text }) => need === "excluded" && text === "tea"));
    });

    test("is of what is asked: wrong requests are refused with their place", async () => {
      const refused = async (body: object) =>
        (
          await fetch(`${shop.server.url}/v1/search/explain`, {
            method: "POST",
            headers: {
              "content-type": "application/json",
              authorization: `Bearer ${shop.keys.read}`,
            },
            body: JSON.stringify(body),
          })
        ).json() as Promise<{ code: string; detail: string }>;
      assert.match((await refused({ query: "tea", itemIds: [] })).detail, /itemIds/);
      assert.match((await refused({ query: "tea" })).detail, /itemIds/);
      const wrong = { query: "tea", itemIds: ["mug"], facets: [{ field: "colourr" }] };
      assert.equal((await refused(wrong)).code, "UNKNOWN_FIELD");
    });
  });

  describe("in the language of the page", () => {
    const hat = (id: string, brand: string, colour: string, place?: [number, number]): Item => ({
      ...catalogue[0]!,
      id,
      title: `Zylinder ${id}`,
      brand,
      attributes: {
        colour,
        ...(place && { latitude: place[0], longitude: place[1] }),
      },
      locales: { zh: { brand: "礼帽坊", terms: { scarlet: "猩红" } } },
    });
    const asked = {
      query: "Zylinder",
      facets: [{ field: "brand" }, { field: "attributes.colour" }],
    };

    beforeAll(async () => {
      await client.upsertItems([
        hat("far", "Hatter", "scarlet", [48.2, 16.37]),
        hat("near", "Hatter", "scarlet", [52.5, 13.4]),
        hat("nowhere", "Hatter", "teal"),
      ]);
    });
    afterAll(() => shop.engine.deleteItems(["far", "near", "nowhere"]));

    test("values of facets say what they are called, where the catalogue does", async () => {
      const chinese = await client.search({ ...asked, locale: "zh-CN" });
      assert.deepEqual(
        chinese.facets!.map(({ values }) => values),
        [
          [{ value: "Hatter", count: 3, label: "礼帽坊" }],
          [
            { value: "scarlet", count: 2, label: "猩红" },
            { value: "teal", count: 1 },
          ],
        ],
      );
      const english = await client.search({ ...asked, locale: "en" });
      assert.deepEqual(english.facets![0]!.values, [{ value: "Hatter", count: 3 }]);
    });

    test("a search in a facet finds values by their names there", async () => {
      const { values } = await client.searchFacet("brand", {
        text: "礼帽",
        query: "Zylinder",
        locale: "zh",
      });
      assert.deepEqual(values, [{ value: "Hatter", count: 3, label: "礼帽坊" }]);
    });

    test("hits are ordered by distance, those without a place last", async () => {
      const near = { latitude: 52.52, longitude: 13.4 };
      const order = async (direction: "ascending" | "descending") =>
        idsOf((await client.search({ query: "Zylinder", sort: { near, order: direction } })).items);
      assert.deepEqual(await order("ascending"), ["near", "far", "nowhere"]);
      assert.deepEqual(await order("descending"), ["far", "near", "nowhere"]);
    });
  });

  test("whatever is typed is answered, and the reasons of every hit sum to its score", async () => {
    const words = [
      "shoes",
      "running",
      "tea",
      "black",
      "跑步鞋",
      "红色",
      "茶",
      "hongcha",
      "32 GB",
      "zz",
    ];
    const typed = fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .array(fc.constantFrom(...words), { maxLength: 4 })
          .map((all) => all.join(" ")),
      },
      { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    );
    await fc.assert(
      fc.asyncProperty(typed, async (query) => {
        const { items } = await shop.engine.search({ query, explain: true, limit: 100 });
        for (const { score, contributions, item } of items) {
          if (query.trim() === "") continue; // nothing was matched: nothing to explain
          const sum = contributions.reduce((all, { amount }) => all + amount, 0);
          assert.ok(Math.abs(sum - score) <= 1e-6, `${query}: ${item.id} ${sum} of ${score}`);
        }
      }),
      { numRuns: 150 },
    );
  });
});
