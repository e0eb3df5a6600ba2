import assert from "node:assert/strict";
import { MagpieError } from "@magpie/domain";
import { describe, test } from "vitest";
import { IcuSegmenter } from "./analysis/segmenter.ts";
import { InvertedTextIndex } from "./inverted-text-index.ts";
import { behavesAsTextIndex, product } from "./text-index.suite.ts";

behavesAsTextIndex("the inverted index", (items) => InvertedTextIndex.build(items));
behavesAsTextIndex("the inverted index, opened from its bytes,", async (items) =>
  InvertedTextIndex.open((await InvertedTextIndex.build(items)).toBytes()),
);

describe("the inverted index", () => {
  test("does not cut a word that the shop wants whole, here and once it is opened", async () => {
    const items = [product("国风卫衣男款")];
    const words = (index: InvertedTextIndex): string[] =>
      index.parse("国风卫衣").groups.map(({ text }) => text);
    assert.deepEqual(words(await InvertedTextIndex.build(items)), ["国风", "卫衣"]);
    const index = await InvertedTextIndex.build(items, { wholeWords: ["国风卫衣"] });
    assert.deepEqual(words(index), ["国风卫衣"]);
    assert.deepEqual(words(await InvertedTextIndex.open(index.toBytes())), ["国风卫衣"]);
    assert.equal(index.search("国风卫衣", { limit: 5 }).total, 1);
  });

  test("finds the same without jieba, where words only rank", async () => {
    const titles = ["待处理", "在建工程", "小化妆包", "中国农业发展银行", "連衣裙", "经典"];
    const index = await InvertedTextIndex.build(
      titles.map((title) => product(title)),
      { segmenter: new IcuSegmenter() },
    );
    const find = (query: string) =>
      Array.from(index.search(query, { limit: 9 }).items, (row) => titles[row - 1]);
    assert.deepEqual(find("处理"), ["待处理"]);
    assert.deepEqual(find("包"), ["小化妆包"]);
    assert.deepEqual(find("银行"), ["中国农业发展银行"]);
    assert.deepEqual(find("连衣裙"), ["連衣裙"]);
    assert.deepEqual(find("景点"), []);
  });

  test("scores as BM25 does, worked out by hand", async () => {
    const index = await InvertedTextIndex.build([product("red shoe"), product("blue hat")]);
    const { scores, parts } = index.search("shoe ", { limit: 5 });
    // N = 2, df = 1: idf = ln(1 + 1.5 / 1.5) = ln 2. Both titles have the average length, so
    // tf' = 3 (title weight) and impact = 3 · 2.2 / 4.2.
    const expected = Math.log(2) * ((3 * 2.2) / 4.2);
    assert.ok(Math.abs(scores[0]! - expected) < 1e-6);
    assert.equal(parts[0]!.length, 1);
    assert.equal(parts[0]![0]!.word, "shoe");
    assert.equal(parts[0]![0]!.field, "title");
  });

  test("keeps places of a word apart from items that have it only as two written together", async () => {
    const index = await InvertedTextIndex.build([
      product("blue t-shirt"),
      product("red tshirt"),
      product("tshirt red"),
    ]);
    const find = (query: string) => [...index.search(query, { limit: 5 }).items];
    assert.deepEqual(find('"red tshirt"'), [2]);
    assert.deepEqual(find('"tshirt red"'), [3]);
    assert.deepEqual(index.search('"blue tshirt"', { limit: 5, mode: "all" }).total, 0);
  });

  test("keeps rows without an item empty, and row numbers as they were", async () => {
    const index = await InvertedTextIndex.build([undefined, product("shoe"), undefined]);
    assert.deepEqual([...index.search("shoe", { limit: 5 }).items], [2]);
    assert.equal(index.rows, 4);
  });

  test("says what is wrong with bytes that are not its own", async () => {
    await assert.rejects(
      InvertedTextIndex.open(new Uint8Array(100)),
      (error) => error instanceof MagpieError && error.code === "BAD_INDEX_FILE",
    );
  });
});
