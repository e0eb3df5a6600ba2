import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { readRules, RulesError } from "./rule-problems.ts";
import { rule } from "./rule.suite.ts";

function problemsOf(...rules: unknown[]): readonly { field: string; message: string }[] {
  try {
    readRules(rules);
    return [];
  } catch (error) {
    assert.ok(error instanceof RulesError);
    for (const { hint } of error.problems) assert.ok(hint.length > 10);
    return error.problems;
  }
}
const placesOf = (...rules: unknown[]) => problemsOf(...rules).map(({ field }) => field);
const acting = (actions: object) => ({ ...rule("r"), actions });

describe("rules from outside", () => {
  test("are taken as they are when nothing is wrong", () => {
    const rules = [
      rule("a", {
        conditions: [{ query: { match: "is", text: "{facet:brand} 鞋" } }],
        schedule: { from: "2026-11-11T00:00", timeZone: "Asia/Shanghai" },
        actions: {
          pins: [{ itemId: "i1", position: 1 }],
          boosts: [{ strength: "weak", where: [[{ field: "brand", anyOf: ["{facet:brand}"] }]] }],
          redirect: { url: "/brands/{facet:brand}" },
        },
      }),
    ];
    assert.deepEqual(readRules(rules), rules);
  });

  test.each([
    ["no rule at all", 7, "rules[0]"],
    ["an unknown field", { ...rule("r"), colour: "red" }, "rules[0].colour"],
    ["no name", { id: "r", actions: { hide: ["i"] } }, "rules[0].name"],
    ["an id with a slash", rule("a/b"), "rules[0].id"],
    ["nothing to do", acting({}), "rules[0].actions"],
    [
      "a place before the first",
      acting({ pins: [{ itemId: "i", position: 0 }] }),
      "rules[0].actions.pins[0].position",
    ],
    [
      "a strength that is none",
      acting({ boosts: [{ strength: "huge", itemIds: ["i"] }] }),
      "rules[0].actions.boosts[0].strength",
    ],
    [
      "a target of nothing",
      acting({ boosts: [{ strength: "weak" }] }),
      "rules[0].actions.boosts[0]",
    ],
    [
      "a target of everything",
      acting({ buries: [{ strength: "weak", where: [] }] }),
      "rules[0].actions.buries[0]",
    ],
    [
      "a pattern of signs",
      rule("r", { conditions: [{ query: { match: "is", text: "!?" } }] }),
      "rules[0].conditions[0].query.text",
    ],
    [
      "a broken placeholder",
      rule("r", { conditions: [{ query: { match: "is", text: "{brand} x" } }] }),
      "rules[0].conditions[0].query.text",
    ],
    [
      "a zone that nobody knows",
      rule("r", { schedule: { from: "2026-01-01T00:00", timeZone: "Mars/Base" } }),
      "rules[0].schedule.timeZone",
    ],
    [
      "a day that is none",
      rule("r", { schedule: { from: "2026-02-31T00:00" } }),
      "rules[0].schedule.from",
    ],
    [
      "an end before the beginning",
      rule("r", { schedule: { from: "2026-02-02T00:00", until: "2026-02-01T00:00" } }),
      "rules[0].schedule.until",
    ],
    [
      "an item at two places",
      acting({
        pins: [
          { itemId: "i", position: 1 },
          { itemId: "i", position: 2 },
        ],
      }),
      "rules[0].actions.pins[1].itemId",
    ],
    [
      "two items at a place",
      acting({
        pins: [
          { itemId: "i", position: 1 },
          { itemId: "j", position: 1 },
        ],
      }),
      "rules[0].actions.pins[1].position",
    ],
    [
      "bounds the wrong way round",
      acting({ filter: [[{ field: "price", min: 2, max: 1 }]] }),
      "rules[0].actions.filter[0][0]",
    ],
    [
      "a placeholder without a value",
      acting({ redirect: { url: "/{facet:brand}" } }),
      "rules[0].actions.redirect.url",
    ],
    [
      "both ways to change a query",
      acting({ query: { replace: "a", remove: ["b"] } }),
      "rules[0].actions.query",
    ],
    ["too much data", acting({ data: { text: "x".repeat(10_001) } }), "rules[0].actions.data"],
  ])("with %s are refused with the place", (_, wrong, place) => {
    assert.deepEqual(placesOf(wrong), [place]);
  });

  test.each([
    "javascript:alert(1)",
    "//evil.example",
    "/\\evil.example",
    "data:text/html,x",
    "shop",
    "https://",
    "/a\n/b",
  ])("do not lead to %j", (url) => {
    assert.deepEqual(placesOf(acting({ redirect: { url } })), ["rules[0].actions.redirect.url"]);
    assert.deepEqual(placesOf(acting({ banners: [{ id: "b", url, imageUrl: url }] })), [
      "rules[0].actions.banners[0].url",
      "rules[0].actions.banners[0].imageUrl",
    ]);
  });

  test("are refused with all that is wrong, each at its place", () => {
    const found = placesOf(rule("a"), acting({ hide: [] }), rule("a"), rule("b/c"));
    assert.deepEqual(found, ["rules[1].actions.hide", "rules[2].id", "rules[3].id"]);
  });
});
