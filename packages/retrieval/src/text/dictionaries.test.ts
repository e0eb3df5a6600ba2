import assert from "node:assert/strict";
import { describe, test } from "vitest";
import type { TextDictionaries } from "./dictionaries.ts";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { product } from "./text-index.suite.ts";

const titles = ["laptop 15", "notebook paper", "笔记本电脑", "耐克运动鞋", "the ring"];

async function find(query: string, dictionaries: TextDictionaries): Promise<string[]> {
  const index = await InvertedTextIndex.build(titles.map((title) => product(title)));
  index.useDictionaries(dictionaries);
  return Array.from(index.search(query, { limit: 9 }).items, (row) => titles[row - 1]!);
}

describe("a shop's dictionaries", () => {
  test("let words of a two-way synonym stand for each other, behind the word itself", async () => {
    const synonyms = [{ from: ["laptop", "笔记本电脑"] }];
    assert.deepEqual(await find("laptop ", { synonyms }), ["laptop 15", "笔记本电脑"]);
    assert.deepEqual((await find("笔记本电脑", { synonyms })).toSorted(), [
      "laptop 15",
      "笔记本电脑",
    ]);
  });

  test("take a one-way synonym in its own direction only", async () => {
    const synonyms = [{ from: ["nike"], to: ["耐克"] }];
    assert.deepEqual(await find("nike ", { synonyms }), ["耐克运动鞋"]);
    assert.deepEqual(await find("耐克", { synonyms: [{ from: ["耐克"], to: ["laptop"] }] }), [
      "耐克运动鞋",
      "laptop 15",
    ]);
    assert.deepEqual(await find("laptop ", { synonyms: [{ from: ["耐克"], to: ["laptop"] }] }), [
      "laptop 15",
    ]);
  });

  test("know synonyms of several words", async () => {
    const synonyms = [{ from: ["portable computer"], to: ["laptop"] }];
    assert.deepEqual(await find("portable computer ", { synonyms }), ["laptop 15"]);
  });

  test("name words that need not be there, and words without typing errors", async () => {
    assert.deepEqual(await find("cheap laptop ", { stopWords: ["cheap"] }), ["laptop 15"]);
    assert.deepEqual(await find("laptup ", {}), ["laptop 15"]);
    assert.deepEqual(await find("laptup ", { exactWords: ["laptup"] }), []);
  });
});
