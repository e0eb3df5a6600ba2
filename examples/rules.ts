/**
 * A merchandiser's rule from its JSON to what it asks for: read, checked, matched, joined.
 *
 *     node examples/rules.ts
 */
import { conflictsOf, effectsOf, readRules, RuleMatcher } from "@magpie/ranking";

const rules = readRules([
  {
    id: "brand-mugs",
    name: "Mugs of a brand",
    conditions: [{ query: { match: "contains", text: "{facet:brand} mug" } }],
    schedule: { from: "2026-11-11T00:00", until: "2026-11-12T00:00", timeZone: "Asia/Shanghai" },
    actions: {
      pins: [{ itemId: "mug-01", position: 1 }],
      filter: [[{ field: "brand", anyOf: ["{facet:brand}"] }]],
      banners: [{ id: "day", title: "A day of {facet:brand}", url: "/brands/{facet:brand}" }],
    },
  },
  { id: "no-mug-01", name: "Sold to the end", actions: { hide: ["mug-01"] } },
]);
const brands = new Map([["kiln co", "Kiln & Co"]]);
const facets = { valueOf: (_: string, words: readonly string[]) => brands.get(words.join(" ")) };
const nowMs = Date.parse("2026-11-11T12:00:00+08:00");
const query = "Blue KILN & CO mug";

const matched = new RuleMatcher(rules).match(
  { scenario: "search", nowMs, locale: "en", query },
  facets,
);
const { applied, filter, hidden, pins, banners } = effectsOf(matched, query);
console.log(
  "applied:",
  applied.map(({ id, effects }) => `${id} (${effects.join(", ")})`).join("; "),
);
console.log("filter:", JSON.stringify(filter), "hidden:", hidden, "pins:", pins.length);
console.log("banner:", banners[0]?.title, banners[0]?.url);
for (const { kind, message } of conflictsOf(rules, nowMs)) console.log(`${kind}: ${message}`);
