import assert from "node:assert/strict";
import type { Rule } from "@magpie/domain";
import { describe, test } from "vitest";
import { conflictsOf } from "./rule-conflicts.ts";
import { rule } from "./rule.suite.ts";

const nowMs = Date.UTC(2026, 10, 11);
const found = (...rules: Rule[]) =>
  conflictsOf(rules, nowMs).map(({ kind, ruleIds }) => [kind, ...ruleIds]);
const on = (id: string, text: string, actions: Rule["actions"], match = "contains" as const) =>
  rule(id, { conditions: [{ query: { match, text } }], actions });
const pinAt = (position: number, itemId = "x") => ({ pins: [{ itemId, position }] });

describe("conflicts", () => {
  test.each([
    ["same-place", pinAt(1, "x"), pinAt(1, "y")],
    ["pinned-twice", pinAt(1), pinAt(2)],
    ["pin-and-hide", pinAt(1), { hide: ["x"] }],
    [
      "boost-and-bury",
      { boosts: [{ strength: "weak", itemIds: ["x"] }] },
      { buries: [{ strength: "strong", itemIds: ["x"] }] },
    ],
    [
      "boost-and-bury",
      { boosts: [{ strength: "weak", where: [[{ field: "brand", anyOf: ["A"] }]] }] },
      { buries: [{ strength: "weak", where: [[{ field: "brand", anyOf: ["A"] }]] }] },
    ],
    ["two-redirects", { redirect: { url: "/a" } }, { redirect: { url: "/b" } }],
    ["two-queries", { query: { replace: "a" } }, { query: { replace: "b" } }],
  ] satisfies [string, Rule["actions"], Rule["actions"]][])("%s", (kind, one, other) => {
    assert.deepEqual(found(on("a", "mug", one), on("b", "red mug", other)), [[kind, "a", "b"]]);
    // Never at the same request, or only by chance.
    assert.deepEqual(found(on("a", "mug", one), on("b", "cup", other)), []);
    const offOrOver = [{ enabled: false }, { scenarios: ["home-feed"] }];
    const { conditions: _, ...always } = on("b", "mug", other);
    for (const part of offOrOver) {
      assert.deepEqual(
        found(on("a", "mug", one), { ...always, ...part }).filter(([name]) => name === kind),
        [],
      );
    }
  });

  test("are none between rules at different times", () => {
    const first = { ...on("a", "mug", pinAt(1, "x")), schedule: { until: "2026-12-01T00:00" } };
    const then = { ...on("b", "mug", pinAt(1, "y")), schedule: { from: "2026-12-01T00:00" } };
    assert.deepEqual(found(first, then), []);
    assert.equal(found(first, { ...then, schedule: { from: "2026-11-30T23:59" } }).length, 1);
  });

  test.each([
    ["is", "red mug", "starts-with", "red", true],
    ["is", "red mug", "ends-with", "red", false],
    ["starts-with", "red mug", "contains", "mug", true],
    ["contains", "red mug", "is", "red mug", true],
    ["contains", "red mug", "starts-with", "red", false],
    ["ends-with", "{facet:brand} mug", "contains", "mug", true],
  ] as const)("%s %s meets %s %s: %s", (match, text, otherMatch, other, meets) => {
    const rules = [
      rule("a", { conditions: [{ query: { match, text } }], actions: pinAt(1, "x") }),
      rule("b", {
        conditions: [{ query: { match: otherMatch, text: other } }],
        actions: pinAt(1, "y"),
      }),
    ];
    assert.equal(found(...rules).length, meets ? 1 : 0);
  });

  test("a rule whose time is past is told, and compared no more", () => {
    const over = { ...on("a", "mug", pinAt(1)), schedule: { until: "2026-11-11T00:00" } };
    assert.deepEqual(found(over, on("b", "mug", { hide: ["x"] })), [["schedule-over", "a"]]);
  });

  test("a rule that waits for words where there are none is told", () => {
    const waits = { ...on("a", "mug", pinAt(1)), scenarios: ["home-feed"] };
    assert.deepEqual(found(waits), [["unreachable", "a"]]);
  });

  test("redirects that go round are told once, whichever begins", () => {
    const to = (id: string, text: string, url: string) => on(id, text, { redirect: { url } });
    assert.deepEqual(found(to("a", "mug", "/search?q=cup"), to("b", "cup", "/search?q=Mug")), [
      ["redirect-loop", "a", "b"],
    ]);
    assert.deepEqual(found(to("a", "mug", "https://shop.example/s?query=big+mug")), [
      ["redirect-loop", "a"],
    ]);
    assert.deepEqual(found(to("a", "mug", "/search?q=cup"), to("b", "cup", "/cups")), []);
  });

  test("items and fields that the catalogue does not have are told", () => {
    const one = on("a", "{facet:brend}", {
      ...pinAt(1, "gone"),
      hide: ["here"],
      filter: [[{ field: "colour", exists: true }]],
    });
    const catalogue = {
      hasItem: (id: string) => id === "here",
      hasField: () => false,
    };
    const kinds = conflictsOf([one], nowMs, catalogue).map(({ message }) => message);
    assert.deepEqual(kinds, [
      '"Rule a" names "gone".',
      '"Rule a" asks for the field "colour".',
      '"Rule a" asks for the field "brend".',
    ]);
  });

  test("are found among thousands of rules that pin to the same place", () => {
    const many = Array.from({ length: 2_000 }, (_, i) =>
      on(`r${i}`, `word${i} mug`, pinAt(1, `i${i}`)),
    );
    const last = on("last", "mug word1999", pinAt(1, "other"));
    const twin = on("twin", "word1999 mug", pinAt(1, "another"));
    assert.deepEqual(
      conflictsOf([...many, last, twin], nowMs).map(({ ruleIds }) => ruleIds),
      [["r1999", "twin"]],
    );
  });

  test("of ten thousand rules are cut at five hundred", () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      on(`r${i}`, `word${i % 500}`, { ...pinAt(1, `i${i}`), redirect: { url: `/p/${i}` } }),
    );
    assert.equal(conflictsOf(many, nowMs).length, 500);
  });
});
