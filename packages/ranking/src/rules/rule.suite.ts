import type { Rule } from "@magpie/domain";
import type { FacetWords } from "./patterns.ts";
import type { RuleRequest } from "./rule-matcher.ts";

/** A rule for searches with "mug" that shows a banner, unless said otherwise. */
export function rule(id: string, parts: Partial<Rule> = {}): Rule {
  return {
    id,
    name: `Rule ${id}`,
    conditions: [{ query: { match: "contains", text: "mug" } }],
    actions: { banners: [{ id: "b" }] },
    ...parts,
  };
}

/** A search on 2026-11-11, unless said otherwise. */
export function asked(query: string, parts: Partial<RuleRequest> = {}): RuleRequest {
  return { scenario: "search", nowMs: Date.UTC(2026, 10, 11), locale: "en", query, ...parts };
}

/** A catalogue with these values, by field; keys are their words. */
export function facetWords(values: Readonly<Record<string, Record<string, string>>>): FacetWords {
  return { valueOf: (field, words) => values[field]?.[words.join(" ")] };
}
