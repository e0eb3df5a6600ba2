import assert from "node:assert/strict";
import type { Rule } from "@magpie/domain";
import { describe, test } from "vitest";
import { effectsOf } from "./rule-effects.ts";
import { RuleMatcher } from "./rule-matcher.ts";
import { asked, facetWords, rule } from "./rule.suite.ts";

const facets = facetWords({ brand: { nike: "Nike", "b q": "B&Q" } });
const effects = (query: string, ...rules: Rule[]) =>
  effectsOf(new RuleMatcher(rules).match(asked(query), facets), query);
const doing = (id: string, actions: Rule["actions"]) => rule(id, { actions });

describe("what rules ask for together", () => {
  test("is nothing when none holds", () => {
    const none = {
      applied: [],
      filter: [],
      hidden: [],
      pins: [],
      lifts: [],
      banners: [],
      data: [],
    };
    assert.deepEqual(effects("cup", rule("a")), none);
  });

  test("an item's first pin counts, places are in order, and hiding wins over pinning", () => {
    const { pins, hidden, applied } = effects(
      "mug",
      doing("a", {
        pins: [
          { itemId: "x", position: 5 },
          { itemId: "h", position: 1 },
        ],
      }),
      doing("b", {
        pins: [
          { itemId: "x", position: 1 },
          { itemId: "y", position: 2 },
        ],
      }),
      doing("c", { hide: ["h"] }),
      doing("d", { pins: [{ itemId: "h", position: 3 }] }),
    );
    assert.deepEqual(
      pins.map(({ itemId, position, rule: { id } }) => [itemId, position, id]),
      [
        ["y", 2, "b"],
        ["x", 5, "a"],
      ],
    );
    assert.deepEqual(hidden, ["h"]);
    // The last rule got nothing it asked for.
    assert.deepEqual(
      applied.map(({ id, effects: own }) => [id, own]),
      [
        ["a", ["pin"]],
        ["b", ["pin"]],
        ["c", ["hide"]],
      ],
    );
  });

  test("the first redirect and the first change of the query count", () => {
    const found = effects(
      "cheap mug",
      doing("a", { query: { remove: ["cheap"] }, redirect: { url: "/a" } }),
      doing("b", { query: { replace: "cup" }, redirect: { url: "/b" } }),
    );
    assert.equal(found.query, "mug");
    assert.deepEqual(found.redirect, { url: "/a", ruleId: "a" });
    assert.deepEqual(
      found.applied.map(({ id }) => id),
      ["a"],
    );
  });

  test("boosting multiplies and burying divides by stated factors", () => {
    const { lifts } = effects(
      "mug",
      doing("a", {
        boosts: [
          { strength: "weak", itemIds: ["x"] },
          { strength: "strong", itemIds: ["y"] },
        ],
        buries: [{ strength: "moderate", where: [[{ field: "brand", anyOf: ["Acme"] }]] }],
      }),
    );
    assert.deepEqual(
      lifts.map(({ factor }) => factor),
      [1.25, 2.5, 1 / 1.6],
    );
  });

  test("filters, banners and data of all rules add up, placeholders filled in", () => {
    const when = [{ query: { match: "contains", text: "{facet:brand}" } as const }];
    const found = effects(
      "cheap b&q mug",
      rule("a", {
        conditions: when,
        actions: {
          filter: [[{ field: "brand", anyOf: ["{facet:brand}"] }]],
          banners: [{ id: "one", title: "All of {facet:brand}", url: "/s?q={facet:brand}" }],
          query: { remove: ["{facet:brand}"] },
        },
      }),
      doing("b", { data: { theme: "dark" }, filter: [[{ field: "available", anyOf: ["true"] }]] }),
    );
    assert.deepEqual(found.filter, [
      [{ field: "brand", anyOf: ["B&Q"] }],
      [{ field: "available", anyOf: ["true"] }],
    ]);
    assert.deepEqual(found.banners, [
      { id: "one", title: "All of B&Q", url: "/s?q=B%26Q", ruleId: "a" },
    ]);
    assert.deepEqual(found.data, [{ ruleId: "b", data: { theme: "dark" } }]);
    assert.equal(found.query, "cheap mug");
  });
});
