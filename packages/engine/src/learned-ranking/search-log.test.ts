import assert from "node:assert/strict";
import { itemVocabulary, userVocabulary } from "@magpie/data";
import type { Event } from "@magpie/domain";
import { describe, test } from "vitest";
import { readSearchLog } from "./search-log.ts";

const dayMs = 24 * 3_600_000;
const startMs = Date.parse("2026-02-01T00:00:00Z");
const vocabularies = {
  items: itemVocabulary(["a", "b", "c"]),
  users: userVocabulary(["ann", "bob"]),
};
let count = 0;
const event = (type: Event["type"], more: Partial<Event> = {}): Event => ({
  eventId: `e${count++}`,
  type,
  userId: "ann",
  timestampMs: startMs,
  ...more,
});
const logOf = (...events: Event[]) =>
  readSearchLog(
    {
      countByType: async () => ({
        search: events.filter(({ type }) => type === "search").length,
      }),
      async *scan() {
        yield events;
      },
    },
    vocabularies,
  );
const search = (queryId: string, query: string, more: Partial<Event> = {}): Event =>
  event("search", { queryId, query, ...more });
const shown = (queryId: string, ...itemIds: string[]): Event =>
  event("impression", {
    queryId,
    items: itemIds.map((itemId, i) => ({ itemId, position: i + 1 })),
  });

describe("the log of searches", () => {
  test("joins what was shown and taken by the query's id", async () => {
    const log = await logOf(
      search("q1", " Red lamp ", { attributes: { locale: "zh" } }),
      shown("q1", "b", "a"),
      event("view", { queryId: "q1", items: [{ itemId: "a" }] }),
      event("add_to_cart", { queryId: "q1", items: [{ itemId: "a" }] }),
      search("q2", "tent", { userId: "bob", timestampMs: startMs - dayMs }),
      event("click", { queryId: "q2", userId: "bob", items: [{ itemId: "c", position: 4 }] }),
    );
    assert.deepEqual(log, {
      queries: ["tent", "Red lamp"],
      locales: ["en", "zh"],
      queryOf: Int32Array.of(0, 1),
      localeOf: Int32Array.of(0, 1),
      userOf: Int32Array.of(1, 0),
      timesMs: Float64Array.of(startMs - dayMs, startMs),
      offsets: Int32Array.of(0, 1, 3),
      rows: Int32Array.of(3, 2, 1),
      positions: Int32Array.of(4, 1, 2),
      grades: Uint8Array.of(1, 0, 2),
    });
  });

  test("puts an order that names no query down to the search its item came from", async () => {
    const log = await logOf(
      search("q1", "lamp"),
      shown("q1", "a", "b"),
      event("view", { queryId: "q1", items: [{ itemId: "b" }] }),
      event("purchase", {
        timestampMs: startMs + 2 * dayMs,
        items: [{ itemId: "a" }, { itemId: "b" }],
      }),
      event("purchase", { userId: "bob", items: [{ itemId: "b" }] }),
    );
    assert.deepEqual([...log!.grades], [0, 3]);
  });

  test("but not after more than a week", async () => {
    const log = await logOf(
      search("q1", "lamp"),
      event("view", { queryId: "q1", items: [{ itemId: "b" }] }),
      event("purchase", { timestampMs: startMs + 8 * dayMs, items: [{ itemId: "b" }] }),
    );
    assert.deepEqual([...log!.grades], [1]);
  });

  test("passes over those who did not agree, unknown items and searches without an id", async () => {
    const consent = { personalization: false };
    assert.equal(await logOf(search("q1", "lamp", { consent })), undefined);
    assert.equal(await logOf(event("search", { query: "lamp" })), undefined);
    assert.equal(await logOf(event("view", { items: [{ itemId: "a" }] })), undefined);
    const log = await logOf(
      search("q1", "lamp"),
      event("view", { queryId: "q1", items: [{ itemId: "nowhere" }] }),
      event("view", { queryId: "q1", consent, items: [{ itemId: "a" }] }),
    );
    assert.deepEqual([...log!.offsets], [0, 0]);
  });
});
