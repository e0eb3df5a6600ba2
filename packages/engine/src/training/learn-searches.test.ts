import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { itemVocabulary } from "@magpie/data";
import type { Event } from "@magpie/domain";
import { smallItem } from "../small-shop.suite.ts";
import { buildSuggester } from "./build-suggester.ts";
import { learnSearches, withCategories } from "./learn-searches.ts";

const nowMs = Date.parse("2026-02-01T00:00:00Z");
let count = 0;
const event = (type: Event["type"], visitorId: string, more: Partial<Event> = {}): Event => ({
  eventId: `e${count++}`,
  type,
  visitorId,
  timestampMs: nowMs - 1_000,
  ...more,
});
const logOf = (...events: Event[]) => ({
  countByType: async () => ({ search: events.filter(({ type }) => type === "search").length }),
  async *scan() {
    yield events;
  },
});
const threeSearches = (query: string, more: Partial<Event> = {}): Event[] =>
  ["ann", "bob", "cem"].map((visitor) => event("search", visitor, { query, ...more }));

describe("learning from searches", () => {
  test("learns what three people searched for, and nothing that fewer did", async () => {
    const { queries, takes } = await learnSearches(
      logOf(
        ...threeSearches("Red lamp"),
        event("search", "ann", { query: "12 Elm Street" }),
        event("click", "ann", { query: "12 Elm Street", items: [{ itemId: "a" }] }),
      ),
      nowMs,
    );
    assert.deepEqual(
      queries.map(({ text, users }) => ({ text, users })),
      [{ text: "Red lamp", users: 3 }],
    );
    assert.deepEqual(takes, []);
  });

  test("joins acts to a search by its words or by its id, each by its weight", async () => {
    const items = [{ itemId: "a" }];
    const { takes } = await learnSearches(
      logOf(
        ...threeSearches("Lamp"),
        event("search", "dan", { query: "LAMP", queryId: "q" }),
        event("click", "dan", { queryId: "q", items }),
        event("purchase", "dan", { query: "lamp", items }),
        event("click", "dan", { queryId: "unknown", items }),
        event("impression", "dan", { queryId: "q", items }),
      ),
      nowMs,
    );
    assert.deepEqual(takes, [{ query: "lamp", itemId: "a", weight: 1 + 5 }]);
  });

  test("passes over what was not agreed to, and over what is a year old", async () => {
    const { queries } = await learnSearches(
      logOf(
        ...threeSearches("secret", { consent: { personalization: false } }),
        ...threeSearches("ancient", { timestampMs: nowMs - 366 * 86_400_000 }),
      ),
      nowMs,
    );
    assert.deepEqual(queries, []);
  });

  test("gives a query the category that more than half of what followed from it lies in", async () => {
    const items = [
      smallItem("a", { categories: ["Home > Lamps"] }),
      smallItem("b", { categories: ["Toys"] }),
    ];
    const clicksOn = (query: string, ...ids: string[]): Event[] =>
      ids.map((itemId) => event("click", "ann", { query, items: [{ itemId }] }));
    const searches = await learnSearches(
      logOf(
        ...threeSearches("night light"),
        ...threeSearches("gift"),
        ...clicksOn("night light", "a", "a", "b"),
        ...clicksOn("gift", "a", "b", "gone"),
      ),
      nowMs,
    );
    const vocabulary = itemVocabulary(["a", "b"]);
    const suggester = buildSuggester(items, {
      vocabulary,
      taken: new Uint32Array(3),
      searches: withCategories(searches, items),
    });
    const categoryOf = (typed: string) =>
      suggester.suggest(typed, { limit: 1 }).queries[0]!.category;
    assert.equal(categoryOf("night"), "Home > Lamps");
    assert.equal(categoryOf("gift"), undefined);
  });
});
