import assert from "node:assert/strict";
import type { Item, ServingRequest } from "@magpie/domain";
import { EmbeddedEncoder, type TextEncoder } from "@magpie/encoder";
import { InvertedTextIndex } from "@magpie/retrieval";
import { beforeAll, describe, test } from "vitest";
import { runPipeline } from "../scenarios/pipeline.ts";
import { SearchScenario } from "../scenarios/search/search-scenario.ts";
import { Stopwatch } from "../scenarios/stopwatch.ts";
import { smallCatalog, smallItem, smallRequest } from "../small-shop.suite.ts";
import { buildMeanings, MeaningIndex } from "./meaning-index.ts";

const items = [
  smallItem("sneakers", { title: "Sneakers for jogging", categories: ["Shoes"], brand: "Fleet" }),
  smallItem("pan", { title: "Frying pan with a lid", categories: ["Kitchen"], brand: "Hearth" }),
  smallItem("dress", { title: "Crimson evening gown", categories: ["Clothing"], brand: "Vela" }),
  smallItem("laptop", { title: "Notebook computer", categories: ["Electronics"], brand: "Onda" }),
];

let encoder: TextEncoder;
beforeAll(async () => {
  encoder = await EmbeddedEncoder.open();
});

async function shop(
  { by = encoder, onFailure = () => {} }: { by?: TextEncoder; onFailure?: () => void } = {},
  ...more: Item[]
) {
  const all = [...items, ...more];
  const catalog = smallCatalog(...all);
  const text = await InvertedTextIndex.build(all);
  const meanings = new MeaningIndex(by, await buildMeanings(all, encoder, () => {}), onFailure);
  catalog.onWords((row, item) => meanings.put(row, item));
  const scenario = new SearchScenario(catalog, text, {}, meanings);
  const failures: unknown[] = [];
  const search = async (query: string, rest: Partial<ServingRequest> = {}) => {
    const request = smallRequest({ scenario: "search", query, explain: true, ...rest });
    const { ranking } = await runPipeline(
      scenario.pipelineFor(request),
      request,
      new Stopwatch(),
      (_, error) => failures.push(error),
    );
    return {
      ids: ranking.map(({ itemIndex }): string => catalog.idOf(itemIndex)),
      ranking,
      found: scenario.foundBy(request)!,
      facets: scenario.facetsOf(request),
    };
  };
  return { catalog, meanings, search, failures };
}

describe("search by words and meaning", () => {
  test("finds what means the same where no word is shared, and says why", async () => {
    const { search } = await shop();
    const { ids, ranking, found } = await search("running shoes");
    assert.equal(ids[0], "sneakers");
    assert.deepEqual(ranking[0]!.contributions.at(-1)!.reason, { kind: "similar-meaning" });
    assert.equal(found.total, ids.length);
    assert.ok(!ids.includes("pan"));
  });

  test("finds across languages", async () => {
    const { search } = await shop();
    assert.equal((await search("笔记本电脑")).ids[0], "laptop");
  });

  test("amounts sum to the score of every item", async () => {
    const { search } = await shop();
    for (const query of ["jogging shoes", "frying pan with a lid", "笔记本电脑"]) {
      const { ranking } = await search(query);
      assert.ok(ranking.length > 0);
      for (const { score, contributions } of ranking) {
        const sum = contributions.reduce((total, { amount }) => total + amount, 0);
        assert.ok(Math.abs(sum - score) < 1e-6);
      }
    }
  });

  test("counts what it took in total, matches and facets, and says that words were not enough", async () => {
    const { search } = await shop();
    const { ids, found, facets } = await search("running shoes", {
      search: { refinements: [], facets: [{ field: "brand" }] },
    });
    assert.equal(found.total, found.matches.count());
    assert.equal(found.relaxed, ids.length > 0 && !ids.includes("pan"));
    const counted = facets[0]!.values.reduce((sum, { count }) => sum + count, 0);
    assert.equal(counted, found.total);
  });

  test("keeps filters and choices in facets", async () => {
    const { search } = await shop();
    assert.deepEqual((await search("running shoes", { filter: { brands: ["Vela"] } })).ids, []);
    const chosen = await search("running shoes", {
      search: { refinements: [{ field: "brand", anyOf: ["Hearth"] }], facets: [] },
    });
    assert.deepEqual(chosen.ids, []);
    assert.equal(chosen.found.total, 0);
    assert.ok(chosen.found.matches.count() > 0);
  });

  test("a query without words, and an order by a field, go as without meaning", async () => {
    const { search } = await shop();
    assert.equal((await search("")).ids.length, items.length);
    const sorted = await search("pan", {
      search: { refinements: [], facets: [], sort: { field: "price", order: "ascending" } },
    });
    assert.deepEqual(sorted.ids, ["pan"]);
  });

  test("a page continues the one before", async () => {
    const many = Array.from({ length: 60 }, (_, i) =>
      smallItem(`shoe${i}`, { title: `Shoes number ${i} ${i % 3 ? "for jogging" : "of silk"}` }),
    );
    const { search } = await shop({}, ...many);
    const first = await search("running shoes", { limit: 10 });
    const deeper = await search("running shoes", { limit: 50 });
    assert.deepEqual(deeper.ids.slice(0, 10), first.ids.slice(0, 10));
    assert.equal(new Set(deeper.ids).size, deeper.ids.length);
  });

  test("an item is found by its new meaning once its words change, and no longer by the old", async () => {
    const { catalog, meanings, search } = await shop();
    catalog.put(smallItem("sneakers", { title: "Cordless drill", categories: ["Tools"] }));
    catalog.put(smallItem("fridge", { title: "Refrigerator", categories: ["Kitchen"] }));
    await meanings.settle();
    assert.equal((await search("冰箱")).ids[0], "fridge");
    assert.ok(!(await search("footwear for joggers")).ids.includes("sneakers"));
    catalog.delete("fridge");
    assert.ok(!(await search("冰箱")).ids.includes("fridge"));
  });

  test("an encoder that fails costs the meaning, not the answer", async () => {
    let changedFailed = 0;
    const broken: TextEncoder = {
      ...encoder,
      name: encoder.name,
      version: encoder.version,
      width: encoder.width,
      encode: () => Promise.reject(new Error("no answer")),
    };
    const { catalog, meanings, search, failures } = await shop({
      by: broken,
      onFailure: () => changedFailed++,
    });
    assert.deepEqual((await search("frying pan")).ids, ["pan"]);
    assert.equal(failures.length, 1);
    catalog.put(smallItem("new", { title: "Kettle" }));
    await meanings.settle();
    assert.equal(changedFailed, 1);
    assert.deepEqual((await search("kettle")).ids, ["new"]);
  });
});
