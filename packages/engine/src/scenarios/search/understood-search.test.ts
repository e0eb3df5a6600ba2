import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { ServingRequest } from "@magpie/domain";
import {
  CatalogLexicon,
  catalogWords,
  CategoryPredictor,
  categoryWords,
  InvertedTextIndex,
  QueryUnderstanding,
  SpellingCorrector,
} from "@magpie/retrieval";
import { smallCatalog, smallItem, smallRequest } from "../../small-shop.suite.ts";
import { runPipeline } from "../pipeline.ts";
import { Stopwatch } from "../stopwatch.ts";
import { SearchScenario } from "./search-scenario.ts";

const shoes = { categories: ["Shoes > Running"] };
const items = [
  smallItem("pegasus", { title: "Pegasus running shoe", brand: "Nike", ...shoes, amount: 9_000 }),
  smallItem("ghost", { title: "Ghost running shoe", brand: "Brooks", ...shoes, amount: 14_000 }),
  smallItem("sock", { title: "Running sock", brand: "Nike", categories: ["Socks"], amount: 900 }),
  smallItem("lamp", { title: "Desk lamp", categories: ["Home"], description: "Glows gentle" }),
  smallItem("zh", { title: "跑步鞋", categories: ["鞋"], amount: 5_000 }),
];

async function shop(...acts: { readonly query: string; readonly category: string }[]) {
  const catalog = smallCatalog(...items);
  const index = await InvertedTextIndex.build(items);
  const lexicon = CatalogLexicon.build(items);
  catalog.onWords((row, item, former) => lexicon.put(row, item, former));
  const understanding = new QueryUnderstanding({
    index,
    lexicon,
    spelling: SpellingCorrector.build(catalogWords(items), [
      { text: "gentle", searches: 2, users: 2, weight: 2 },
      { text: "gentile", searches: 900, users: 90, weight: 9 },
      { text: "gantly", searches: 90, users: 9, weight: 9 },
    ]),
    categories: CategoryPredictor.build(
      acts.map((act) => ({ ...act, weight: 5 })),
      [],
      (text) => categoryWords(index, text),
    ),
  });
  const scenario = new SearchScenario(catalog, index, {}, undefined, understanding);
  const search = async (query: string, more: Partial<ServingRequest["search"]> = {}) => {
    const request = smallRequest({
      scenario: "search",
      query,
      explain: true,
      search: { refinements: [], facets: [{ field: "price" }], ...more },
    });
    const { ranking } = await runPipeline(
      scenario.pipelineFor(request),
      request,
      new Stopwatch(),
      (_, error) => {
        throw error;
      },
    );
    return {
      ids: ranking.map(({ itemIndex }): string => catalog.idOf(itemIndex)),
      ranking,
      found: scenario.foundBy(request)!,
      facets: scenario.facetsOf(request),
      reading: scenario.readingOf(request),
    };
  };
  return { catalog, search };
}

describe("a search that understands its query", () => {
  test("searches for the word that was meant, and says so", async () => {
    const { search } = await shop();
    const { ids, reading, found } = await search("runnign shoe ");
    assert.deepEqual(ids.toSorted(), ["ghost", "pegasus"]);
    assert.deepEqual(reading.corrections, [
      { from: "runnign", to: "running", reason: "typing-error" },
    ]);
    assert.equal(found.answeredBy, "all");
    assert.ok(reading.stages.some(({ stage }) => stage === "spelling"));
  });

  test("searches for what is typed where that is asked for", async () => {
    const { search } = await shop();
    const { reading } = await search("runnign shoe ", { correct: false });
    assert.deepEqual(reading.corrections, []);
  });

  test("offers another word for one that items have, and does not use it", async () => {
    const { search } = await shop();
    const { ids, reading } = await search("gentle lamp ");
    assert.deepEqual(ids, ["lamp"]);
    assert.equal(reading.didYouMean, "gentile lamp");
  });

  test("takes back a correction that finds less than what was typed, and offers it", async () => {
    const { search } = await shop();
    // Many people searched for "gantly" and no item has it; "gentle" is one letter away as well.
    const { ids, reading, found } = await search("gantle lamp ");
    assert.deepEqual(ids, ["lamp"]);
    assert.equal(found.answeredBy, "all");
    assert.deepEqual(reading.corrections, []);
    assert.equal(reading.didYouMean, "gantly lamp");
  });

  test("corrects a word until an item has it", async () => {
    const { catalog, search } = await shop();
    assert.equal((await search("runnign vest ")).reading.corrections.length, 1);
    catalog.put(smallItem("new", { title: "Runnign vest" }));
    const { ids, reading } = await search("runnign vest ");
    assert.deepEqual(ids, ["new"]);
    assert.deepEqual(reading.corrections, []);
  });

  test("bounds the price by what the query says of it, as a choice of the price facet", async () => {
    const { search } = await shop();
    const { ids, found, facets, reading } = await search("running shoe under 100");
    assert.deepEqual(ids, ["pegasus"]);
    assert.equal(found.total, 1);
    assert.deepEqual(reading.priceCents, { max: 10_000 });
    assert.equal(facets[0]!.statistics!.max, 14_000);
    assert.deepEqual((await search("跑步鞋60以下")).ids, ["zh"]);
    assert.deepEqual((await search("跑步鞋40以下")).found.answeredBy, "all");
  });

  describe("close matches", () => {
    test("follow items with all words, where three words or more are asked for", async () => {
      const { catalog, search } = await shop();
      const { ids, found } = await search("nike running shoe ");
      assert.equal(ids[0], "pegasus");
      assert.deepEqual(ids.toSorted(), ["ghost", "pegasus", "sock"]);
      assert.deepEqual([found.total, found.withAllWords], [3, 1]);
      assert.deepEqual([found.answeredBy, found.relaxed], ["all", false]);
      const close = Array.from(found.closeMatches!.toRows(), (row) => catalog.idOf(row));
      assert.deepEqual(close.toSorted(), ["ghost", "sock"]);
      assert.deepEqual((await search("nike running shoe ", { closeMatches: false })).ids, [
        "pegasus",
      ]);
    });

    test("of two words are half of what is asked, and come where they are wanted", async () => {
      const { search } = await shop();
      assert.deepEqual((await search("nike shoe ")).ids, ["pegasus"]);
      const { ids } = await search("nike shoe ", { closeMatches: true });
      assert.equal(ids[0], "pegasus");
      assert.deepEqual(ids.toSorted(), ["ghost", "pegasus", "sock"]);
    });

    test("stay behind whatever else speaks for them, and say so", async () => {
      const { catalog, search } = await shop({ query: "nike running shoe", category: "Socks" });
      catalog.put(smallItem("pegasus", { ...items[0], available: false }));
      const { ids, ranking } = await search("nike running shoe ");
      assert.deepEqual(ids.slice(0, 2), ["pegasus", "sock"], "sold out, and still all words");
      assert.deepEqual(ranking[1]!.contributions.at(-1), {
        stage: "close-matches",
        amount: 0,
        reason: { kind: "rule", rule: "close-match" },
      });
    });

    test("are not for who names one thing, nor for phrases and words left out", async () => {
      const { search } = await shop();
      assert.deepEqual((await search("ghost running shoe ")).ids, ["ghost"], "all of its title");
      assert.deepEqual((await search('nike "running shoe" ')).ids, ["pegasus"]);
      const close = { closeMatches: true };
      assert.deepEqual((await search("ghost running shoe ", close)).ids, ["ghost", "pegasus"]);
      assert.deepEqual((await search('"running shoe" ghost ', close)).ids, ["ghost"]);
      assert.deepEqual((await search("running shoe -ghost ", close)).ids, ["pegasus"]);
    });
  });

  test("leaves the price out for items with all words, not for those that lack one", async () => {
    const { search } = await shop();
    const { ids, reading } = await search("running shoe under 10", { closeMatches: true });
    assert.equal(reading.priceCents, undefined);
    assert.deepEqual(ids.slice(0, 2).toSorted(), ["ghost", "pegasus"]);
  });

  test("leaves the price out where nothing that matches costs so, and says so", async () => {
    const { search } = await shop();
    const { ids, reading } = await search("running shoe under 10");
    assert.deepEqual(ids.toSorted(), ["ghost", "pegasus"]);
    assert.equal(reading.priceCents, undefined);
    assert.match(reading.stages.at(-1)!.reason, /bound is left out/);
  });

  test("gives words up by their importance: a brand stays before a colour", async () => {
    const { search } = await shop();
    const { ids, found } = await search("nike sparkling sock ");
    assert.deepEqual(ids, ["sock"]);
    assert.equal(found.answeredBy, "high-only");
    assert.equal(found.relaxed, true);
  });

  test("raises what people took after the query, by a part that adds up", async () => {
    const plain = await (await shop()).search("running ");
    const { search } = await shop({ query: "running", category: "Socks" });
    const { ids, ranking, reading } = await search("running ");
    assert.equal(reading.categories[0]!.category, "Socks");
    assert.equal(ids[0], "sock");
    assert.deepEqual(ranking[0]!.contributions.at(-1)!.reason, {
      kind: "likely-category",
      category: "Socks",
    });
    for (const { score, contributions } of ranking) {
      const sum = contributions.reduce((total, { amount }) => total + amount, 0);
      assert.ok(Math.abs(sum - score) < 1e-6);
    }
    assert.deepEqual(ids.toSorted(), plain.ids.toSorted());
  });

  test("knows a query that names one thing", async () => {
    const { catalog, search } = await shop();
    assert.equal((await search("Ghost running shoe ")).reading.navigational?.kind, "title");
    assert.equal((await search("brooks ")).reading.navigational?.kind, "brand");
    catalog.put(smallItem("new", { title: "Clifton", brand: "Hoka" }));
    assert.equal((await search("hoka ")).reading.navigational?.kind, "brand");
  });

  test("leaves phrases and exclusions alone", async () => {
    const { search } = await shop();
    const { ids, reading } = await search('"running shoe" -nike under 5 ');
    assert.equal(reading.priceCents, undefined);
    assert.ok(!ids.includes("pegasus") && !ids.includes("sock"));
  });
});
