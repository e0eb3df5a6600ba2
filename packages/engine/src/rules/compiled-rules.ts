import type { Rule } from "@magpie/domain";
import { placeholdersIn, RuleMatcher } from "@magpie/ranking";

/** Where rules come from: a publication, or the draft in one of its states. */
export type RulesSource =
  | { readonly state: "published"; readonly version: number }
  | { readonly state: "draft"; readonly revision: number };

/** A set of rules made ready for requests. It never changes: another set takes its place at once. */
export class CompiledRules {
  readonly source: RulesSource;
  readonly matcher: RuleMatcher;
  readonly size: number;
  /** Fields whose values conditions have placeholders for. */
  readonly placeholders: ReadonlySet<string>;

  /** @param rules  as `readRules` gave them */
  constructor(rules: readonly Rule[], source: RulesSource) {
    this.source = source;
    this.size = rules.length;
    this.matcher = new RuleMatcher(rules);
    this.placeholders = new Set(
      rules.flatMap(({ conditions = [] }) =>
        conditions.flatMap(({ query }) => (query === undefined ? [] : placeholdersIn(query.text))),
      ),
    );
  }
}
