import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { SearchAsk } from "@magpie/domain";
import { InvertedTextIndex } from "@magpie/retrieval";
import { smallCatalog, smallItem, smallRequest } from "../../small-shop.suite.ts";
import { runPipeline } from "../pipeline.ts";
import { Stopwatch } from "../stopwatch.ts";
import { SearchScenario } from "./search-scenario.ts";

// Better matches first: the words stand among fewer others.
const items = [
  smallItem("a", { title: "Lamp", shopId: "one", brand: "Lumo", categories: ["Lamps > Desk"] }),
  smallItem("b", { title: "Lamp red", shopId: "one", brand: "Lumo", categories: ["Lamps > Desk"] }),
  smallItem("c", { title: "Lamp red oak", shopId: "one", categories: ["Lamps > Floor"] }),
  smallItem("d", { title: "Lamp red oak tall", shopId: "two", categories: ["Lamps > Desk"] }),
  smallItem("e", { title: "Lamp red oak tall new", categories: ["Lamps > Floor"] }),
];

async function searched(search: Partial<SearchAsk> = {}) {
  const catalog = smallCatalog(...items);
  const scenario = new SearchScenario(catalog, await InvertedTextIndex.build(items), {});
  const request = smallRequest({
    query: "lamp",
    search: { refinements: [], facets: [], ...search },
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
    ranking,
    ids: ranking.map(({ itemIndex }) => catalog.idOf(itemIndex) as string).join(""),
  };
}

describe("diversity of a search", () => {
  test("is off unless it is asked for", async () => {
    assert.equal((await searched()).ids, "abcde");
  });

  test("lets results of one category, brand or shop give way to others, and says so", async () => {
    assert.equal((await searched({ diversity: [{ by: "category", atMost: 1 }] })).ids, "acbde");
    assert.equal((await searched({ diversity: [{ by: "brand", atMost: 1 }] })).ids, "acdeb");
    const { ids, ranking } = await searched({ diversity: [{ by: "shop", atMost: 1 }] });
    assert.equal(ids, "adebc");
    assert.deepEqual(ranking[3]!.contributions.at(-1)!.reason, { kind: "rule", rule: "shop-cap" });
  });

  test("holds for the first places only", async () => {
    const diversity = [{ by: "category", atMost: 1, within: 2 } as const];
    assert.equal((await searched({ diversity })).ids, "acbde");
    assert.equal((await searched({ diversity: [{ ...diversity[0]!, within: 1 }] })).ids, "abcde");
  });

  test("joins several wishes", async () => {
    const diversity = [
      { by: "category", atMost: 1, within: 2 },
      { by: "shop", atMost: 1, within: 3 },
    ] as const;
    assert.equal((await searched({ diversity })).ids, "adecb");
  });

  test("leaves searches in order of a field alone", async () => {
    const ids = await searched({
      sort: { field: "price", order: "ascending" },
      diversity: [{ by: "category", atMost: 1 }],
    });
    assert.equal(ids.ids, (await searched({ sort: { field: "price", order: "ascending" } })).ids);
  });
});
