import assert from "node:assert/strict";
import {
  itemId,
  itemIndex,
  type Candidate,
  type Item,
  type ItemSimilarity,
  type ServingRequest,
} from "@magpie/domain";
import { describe, test } from "vitest";
import { ItemFilterIndex } from "../filter/item-filter-index.ts";
import { InvertedTextIndex } from "../text/inverted-text-index.ts";
import { Int8VectorIndex } from "../vector/int8.ts";
import { PopularityRetriever } from "./popularity-retriever.ts";
import { modelHistory } from "./request-history.ts";
import { SimilarItemsRetriever } from "./similar-items-retriever.ts";
import { TextRetriever } from "./text-retriever.ts";
import { VectorRetriever, type HistoryEncoder } from "./vector-retriever.ts";

const idOf = (row: number) => itemId(`i${row}`);
const rowOf = (id: string) => Number(id.slice(1));
/** Five items; the fourth is out of stock. */
const filters = ItemFilterIndex.build(
  Array.from({ length: 5 }, (_, i): Item => {
    const price = { amount: 100, currency: "EUR" };
    return {
      id: idOf(i + 1),
      title: `item ${i + 1}`,
      variants: [{ id: "v", price, availability: { available: i + 1 !== 4 } }],
    };
  }),
  rowOf,
);

const act = (row: number, weight = 1, timestampMs = 0) => ({
  itemIndex: itemIndex(row),
  timestampMs,
  weight,
});
const request = (parts: Partial<ServingRequest> = {}): ServingRequest => ({
  requestId: "r",
  scenario: "home-feed",
  nowMs: 0,
  limit: 10,
  locale: "en",
  history: [],
  filter: { availableOnly: true },
  explain: true,
  ...parts,
});
const pairs = (candidates: readonly Candidate[]) =>
  candidates.map(({ itemIndex, score }) => [itemIndex, Number(score.toFixed(6))]);

describe("a request's history for a model", () => {
  test("leaves out items that the model does not know, and keeps the order", () => {
    const history = modelHistory([act(2, 1, 10), act(9, 5, 20), act(1, 3, 30)], 5);
    assert.deepEqual([...history.items], [2, 1]);
    assert.deepEqual([...history.timestampsMs!], [10, 30]);
    assert.deepEqual([...history.weights!], [1, 3]);
  });
});

describe("the vector retriever", () => {
  // prettier-ignore
  const itemVectors = Float32Array.of(0, 0,  1, 0,  0, 1,  1, 1,  2, 2,  -1, 0);
  /** The user is the sum of the vectors of the items in the past. */
  const encoder: HistoryEncoder = {
    itemCount: 5,
    width: 2,
    async encode([history], out) {
      for (const row of history!.items) {
        out[0]! += itemVectors[2 * row]!;
        out[1]! += itemVectors[2 * row + 1]!;
      }
    },
  };
  const index = new Int8VectorIndex(itemVectors, 2);
  const retriever = new VectorRetriever("sequence", { encoder, index, filters });

  test("proposes what lies nearest to the encoded past, of what the filter passes", async () => {
    const found = await retriever.retrieve(request({ history: [act(1), act(1), act(2)] }), 3);
    assert.deepEqual(pairs(found), [
      [3, 3],
      [1, 2],
      [2, 1],
    ]);
    assert.deepEqual(found[0]!.contributions, [
      { stage: "sequence", amount: 3, reason: { kind: "sequence-model" } },
    ]);
  });

  test("proposes nothing to strangers, nor to who only knows newer items", async () => {
    assert.deepEqual(await retriever.retrieve(request(), 3), []);
    assert.deepEqual(await retriever.retrieve(request({ history: [act(77)] }), 3), []);
  });
});

describe("the similar-items retriever", () => {
  const neighbours: Record<number, [number, number][]> = {
    1: [
      [2, 0.9],
      [3, 0.5],
      [4, 0.4],
    ],
    2: [
      [3, 0.8],
      [1, 0.9],
    ],
  };
  const similarity: ItemSimilarity = {
    similar(item, limit) {
      const near = (neighbours[item] ?? []).slice(0, limit);
      return {
        items: Int32Array.from(near, ([row]) => row),
        scores: Float32Array.from(near, ([, score]) => score),
      };
    },
  };
  const parts = { similarity, filters, idOf };

  test("proposes neighbours of the page's item", async () => {
    const retriever = new SimilarItemsRetriever("knn", parts, {
      of: "context-item",
      reason: "bought-together",
    });
    const found = await retriever.retrieve(request({ contextItem: itemIndex(1) }), 10);
    assert.deepEqual(pairs(found), [
      [2, 0.9],
      [3, 0.5],
    ]);
    assert.deepEqual(found[0]!.contributions[0]!.reason, {
      kind: "bought-together",
      itemId: "i1",
    });
    assert.deepEqual(await retriever.retrieve(request({ history: [act(1)] }), 10), []);
  });

  test("sums over the past, newest counting most, and says which item led there", async () => {
    const retriever = new SimilarItemsRetriever("knn", parts, { recency: 0.5 });
    const found = await retriever.retrieve(request({ history: [act(1, 2), act(2, 1)] }), 10);
    // item 1 is one act old: 2 · 0.5 = 1 of it; item 2 is newest: 1.
    assert.deepEqual(pairs(found), [
      [3, 1.3],
      [1, 0.9],
      [2, 0.9],
    ]);
    assert.deepEqual(
      found[0]!.contributions.map(({ amount, reason }) => [Number(amount.toFixed(6)), reason]),
      [
        [0.8, { kind: "similar-to", itemId: "i2" }],
        [0.5, { kind: "similar-to", itemId: "i1" }],
      ],
    );
  });

  test("looks only at the newest acts", async () => {
    const retriever = new SimilarItemsRetriever("knn", parts, { maxHistory: 1 });
    const found = await retriever.retrieve(request({ history: [act(1), act(2)] }), 1);
    assert.deepEqual(pairs(found), [[1, 0.9]]);
  });
});

describe("the popularity retriever", () => {
  const retriever = new PopularityRetriever("trending", {
    scores: Float32Array.of(99, 3, 0, 7, 9, 3),
    reason: { kind: "popular", days: 7 },
    filters,
  });

  test("walks down the order and takes what passes", async () => {
    const found = await retriever.retrieve(request(), 10);
    assert.deepEqual(pairs(found), [
      [3, 7],
      [1, 3],
      [5, 3],
    ]);
    assert.deepEqual(found[0]!.contributions, [
      { stage: "trending", amount: 7, reason: { kind: "popular", days: 7 } },
    ]);
    assert.deepEqual(pairs(await retriever.retrieve(request({ filter: {} }), 1)), [[4, 9]]);
  });

  test("leaves out the page's item", async () => {
    const found = await retriever.retrieve(request({ contextItem: itemIndex(3) }), 1);
    assert.deepEqual(pairs(found), [[1, 3]]);
  });
});

describe("the text retriever", () => {
  test("proposes what matches, with what each word of the query gave", async () => {
    const index = await InvertedTextIndex.build(
      Array.from({ length: 5 }, (_, i): Item => {
        const price = { amount: 100, currency: "EUR" };
        const variants = [{ id: "v", price, availability: { available: true } }];
        return { id: idOf(i + 1), title: `red item ${"abcde"[i]}`, brand: "Acme", variants };
      }),
    );
    const retriever = new TextRetriever("text", { index, filters });
    const found = await retriever.retrieve(request({ query: "red acme" }), 10);
    // The fourth is out of stock, and all others match alike.
    assert.deepEqual(
      found.map((candidate) => candidate.itemIndex),
      [1, 2, 3, 5],
    );
    const { score, contributions } = found[0]!;
    assert.deepEqual(
      contributions.map(({ reason }) => reason),
      [
        { kind: "query-match", words: ["red"] },
        { kind: "query-match", words: ["acme"] },
      ],
    );
    const sum = contributions.reduce((total, { amount }) => total + amount, 0);
    assert.ok(Math.abs(sum - score) < 1e-6);
    assert.deepEqual(await retriever.retrieve(request(), 10), []);
  });
});
