import type { ServingRequest } from "@magpie/domain";
import type { RuleEffect, RuleObstacle } from "@magpie/ranking";
import type { CompiledRules, RulesSource } from "./compiled-rules.ts";
import { ruleRequestOf, type RuledShop, type Ruling, type RuleTags } from "./ruling.ts";

/** Whether a rule had a part in an answer, and why not. */
export interface ExplainedRule {
  readonly id: string;
  readonly name: string;
  /**
   * `applied`: had a part; `held`: its conditions hold, and earlier rules or the order asked for left
   * it nothing to do; `passed-over`: its conditions do not hold.
   */
  readonly state: "applied" | "held" | "passed-over";
  /** What it did, when applied. */
  readonly effects: readonly RuleEffect[];
  /** What keeps it from holding, when passed over: of several conditions, of the nearest. */
  readonly obstacles: readonly RuleObstacle[];
}

/** How the rules looked at a request. */
export interface ExplainedRules {
  readonly source: RulesSource;
  /** Those that applied, in their order; then those that came nearest. At most 100. */
  readonly rules: readonly ExplainedRule[];
  /** Number of all rules. */
  readonly total: number;
  /** What was searched for in place of what was typed. */
  readonly query?: string;
}

/** Rules that are told of: beyond this, nobody reads on. */
const maxExplained = 100;

/** Says of each rule whether it had a part in an answer, and why not. */
export function explainRules(
  rules: CompiledRules,
  shop: RuledShop,
  request: ServingRequest,
  tags: RuleTags,
  ruling: Ruling | undefined,
): ExplainedRules {
  const applied = new Map(ruling?.effects.applied.map(({ id, effects }) => [id, effects]));
  const explained = rules.matcher
    .judge(ruleRequestOf(request, tags), shop.words)
    .map(({ rule: { id, name }, obstacles }): ExplainedRule => {
      const effects = applied.get(id);
      const state = effects ? "applied" : obstacles.length === 0 ? "held" : "passed-over";
      return { id, name, state, effects: effects ?? [], obstacles };
    });
  const query = ruling?.effects.query;
  return {
    source: rules.source,
    // Stable: rules as near as one another stay in their order.
    rules: explained.sort((a, b) => rankOf(a) - rankOf(b)).slice(0, maxExplained),
    total: rules.size,
    ...(query !== undefined && { query }),
  };
}

const rankOf = ({ state, obstacles }: ExplainedRule): number =>
  state === "applied" ? -1 : obstacles.length;
