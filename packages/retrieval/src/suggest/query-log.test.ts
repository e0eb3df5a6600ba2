import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { intentsOf, learnQueries, queryKey, type LoggedSearch } from "./query-log.ts";

const dayMs = 86_400_000;
const search = (actor: string, query: string, seconds: number): LoggedSearch => ({
  actor,
  session: `${actor}-1`,
  query,
  timestampMs: seconds * 1000,
});

describe("the query log", () => {
  test("counts a query that was typed on once, as what it became", () => {
    const typed = [search("a", "run", 0), search("a", "runn", 1), search("a", "running shoes", 3)];
    assert.deepEqual(
      intentsOf(typed).map(({ query }) => query),
      ["running shoes"],
    );
  });

  test("keeps the longer query when letters are taken back for another one", () => {
    const typed = [search("a", "running shoes", 0), search("a", "ru", 2), search("a", "rugs", 4)];
    assert.deepEqual(
      intentsOf(typed).map(({ query }) => query),
      ["running shoes", "rugs"],
    );
  });

  test("takes a longer query after a pause as another intent", () => {
    const typed = [search("a", "tv", 0), search("a", "tv stand", 120)];
    assert.equal(intentsOf(typed).length, 2);
  });

  test("halves what is a half-life old", () => {
    const searches = ["a", "b", "c"].map((actor) => search(actor, "Lamp", 0));
    const [lamp] = learnQueries(searches, { minUsers: 3, nowMs: 30 * dayMs, halfLifeDays: 30 });
    assert.deepEqual(lamp, { text: "Lamp", searches: 3, users: 3, weight: 1.5 });
  });

  test("never learns a query of fewer people than the threshold", () => {
    const some = fc.record({
      actor: fc.constantFrom("a", "b", "c", "d"),
      query: fc.constantFrom("tv", "TV ", "lamp", "12 Elm Street", "红 灯", "紅 燈"),
      timestampMs: fc.nat(10 * dayMs),
    });
    fc.assert(
      fc.property(fc.array(some, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), (log, k) => {
        for (const { text, users } of learnQueries(log, {
          minUsers: k,
          nowMs: 10 * dayMs,
          halfLifeDays: 30,
        })) {
          const people = new Set(
            log.filter(({ query }) => queryKey(query) === queryKey(text)).map(({ actor }) => actor),
          );
          assert.ok(people.size >= k && users >= k && users <= people.size);
        }
      }),
    );
  });
});
