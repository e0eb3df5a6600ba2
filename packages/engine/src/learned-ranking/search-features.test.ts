import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { itemIndex, type Candidate, type HistoryEntry } from "@magpie/domain";
import { describe, test } from "vitest";
import { CatalogLexicon } from "@magpie/retrieval";
import { smallCatalog, smallItem } from "../small-shop.suite.ts";
import { SearchBehaviour } from "./search-behaviour.ts";
import {
  SearchFeatures,
  searchFeatures,
  tasteFeatures,
  type RankedSearch,
} from "./search-features.ts";

const dayMs = 24 * 3_600_000;
const nowMs = Date.parse("2026-02-01T00:00:00Z");
const lamps = { categories: ["Home > Lamps"] };
const items = [
  smallItem("a", {
    title: "Oak lamp",
    brand: "Lumo",
    ...lamps,
    amount: 1_000,
    createdAt: new Date(nowMs - 9 * dayMs).toISOString(),
    rating: { value: 4, count: 3 },
    attributes: { material: "oak", colour: "brown" },
  }),
  smallItem("b", {
    title: "Steel lamp",
    brand: "Nox",
    ...lamps,
    amount: 4_000,
    attributes: { material: "steel", colour: "grey" },
  }),
  smallItem("c", { title: "Oak table", brand: "Lumo", categories: ["Home > Tables"] }),
];
const behaviour = new SearchBehaviour();
for (let n = 0; n < 6; n++) behaviour.record("lamp", 1, 1, n < 3 ? 1 : 0);

const popular = Float32Array.of(-Infinity, Math.E - 1, Math.E ** 2 - 1, 0);
const features = new SearchFeatures({
  catalog: smallCatalog(...items),
  lexicon: CatalogLexicon.build(items),
  behaviour,
  popularity: () => popular,
});

const candidate = (row: number, score: number): Candidate => ({
  itemIndex: itemIndex(row),
  score,
  contributions: [],
});
const act = (row: number, daysAgo: number, weight = 1): HistoryEntry => ({
  itemIndex: itemIndex(row),
  timestampMs: nowMs - daysAgo * dayMs,
  weight,
});
const searched = (history: readonly HistoryEntry[] = []): RankedSearch => ({
  request: { query: "Lamp", nowMs, history },
  candidates: [candidate(1, 1.2), candidate(2, 0.9), candidate(3, 0.4)],
  hits: {
    items: Int32Array.of(1, 2),
    scores: Float32Array.of(4, 2),
    matchedWords: [["oak", "lamp"], ["lamp"]],
    parts: [
      [
        { word: "lamp", field: "title", amount: 3 },
        { word: "oak", field: "attributes", amount: 1 },
      ],
      [{ word: "lamp", field: "description", amount: 2 }],
    ],
  },
  near: new Map([[2, 0.5]]),
});
const names = searchFeatures.map(({ name }) => name);
const tastes = tasteFeatures.map(({ name }) => name);

describe("what candidates of a search are described by", () => {
  const described = features.describe(searched());
  const of = (name: string): number[] =>
    [0, 1, 2].map((i) => described[i * names.length + names.indexOf(name)]!);
  const near = (got: readonly number[], wanted: readonly number[]): void =>
    wanted.forEach((value, i) => {
      const is = Number.isNaN(value) ? Number.isNaN(got[i]) : Math.abs(got[i]! - value) < 1e-6;
      assert.ok(is, `${got.join(", ")} instead of ${wanted.join(", ")}`);
    });

  test("words, as shares of the best match", () => {
    near(of("default-score"), [1.2, 0.9, 0.4]);
    near(of("words-score"), [1, 0.5, 0]);
    near(of("title-words"), [0.75, 0, 0]);
    near(of("label-words"), [0.25, 0, 0]);
    near(of("description-words"), [0, 0.5, 0]);
    near(of("coverage"), [1, 0.5, 0]);
    near(of("nearness"), [NaN, 0.5, NaN]);
  });

  test("choices, smoothed", () => {
    near(of("choice-rate"), [(3 + 10 * 0.5) / 16, 0.5, 0.5]);
    near(of("query-choice-rate"), [(3 + 4 * 0.5) / 10, 0.5, 0.5]);
    near(of("query-choice-share"), [0.5, 0, 0]);
    near(of("popularity"), [0.5, 1, 0]);
  });

  test("price beside the category and beside what was found, age and rating", () => {
    const half = Math.log(2);
    near(of("price-in-category"), [-half, half, 0]);
    const mean = (Math.log(1_000) + Math.log(4_000) + Math.log(100)) / 3;
    near(of("price-among-found"), [Math.log(1_000) - mean, Math.log(4_000) - mean]);
    near(of("age"), [Math.log(10), NaN, NaN]);
    near(of("rating"), [4, NaN, NaN]);
    near(of("found-category-share"), [2 / 3, 2 / 3, 1 / 3]);
  });

  test("nothing of a query that nobody asked before", () => {
    const other = { ...searched(), request: { query: "tent", nowMs, history: [] } };
    const at = names.indexOf("query-choice-rate");
    assert.ok(Number.isNaN(features.describe(other)[at]));
  });

  test("taste: item, brand, attributes, category and price of the past, newer acts more", () => {
    // Two acts on lamp a: one now, one a half-life ago: 1.5 acts.
    const taste = features.describeTaste(searched([act(1, 30), act(1, 0)]))!;
    const taken = (name: string): number[] =>
      [0, 1, 2].map((i) => taste[i * tastes.length + tastes.indexOf(name)]!);
    near(taken("taken-before"), [Math.log(2.5), 0, 0]);
    near(taken("brand-share"), [1.5 / 4.5, 0, 1.5 / 4.5]);
    near(taken("brand-among-category"), [1.5 / 4.5, 0, 0]);
    near(taken("attributes-among-category"), [1.5 / 4.5, 0, NaN]);
    near(taken("category-share"), [1.5 / 4.5, 1.5 / 4.5, 0]);
    near(taken("visit-category-share"), [1, 1, 0]);
    near(taken("price-above-usual"), [0, 2 * Math.log(2), Math.log(2)]);
    near(taken("past-length"), [Math.log(2.5), Math.log(2.5), Math.log(2.5)]);
  });

  test("no taste without a past", () => {
    assert.equal(features.describeTaste(searched()), undefined);
  });

  test("and by nothing that the guide does not tell of", () => {
    for (const guide of ["guides/search-quality.md", "zh/search-quality.md"]) {
      const path = join(import.meta.dirname, "../../../../docs", guide);
      const text = readFileSync(path, "utf8");
      for (const name of [...names, ...tastes]) {
        assert.ok(text.includes(`\`${name}\``), `${guide} lacks ${name}`);
      }
    }
  });
});
