import type { FieldConditions, Rule, RuleBanner, RuleStrength } from "@magpie/domain";
import { withoutWords, wordsOfQuery } from "./query-words.ts";
import type { MatchedRule } from "./rule-matcher.ts";
import { withCaptures } from "./rule-texts.ts";

/**
 * By what the worth of a place is multiplied (see `RuleLifts`); burying divides by the same. What stands
 * 16th, 37th or 92nd comes to the top.
 */
export const strengthFactors: Readonly<Record<RuleStrength, number>> = {
  weak: 1.25,
  moderate: 1.6,
  strong: 2.5,
};

/** What a rule can do to an answer. */
export const ruleEffects = [
  "pin",
  "hide",
  "boost",
  "bury",
  "filter",
  "query",
  "redirect",
  "banner",
  "data",
] as const;

export type RuleEffect = (typeof ruleEffects)[number];

/** A rule that had a part in an answer. */
export interface AppliedRule {
  readonly id: string;
  readonly name: string;
  /** What it asked for and got: where two rules ask for the same, the earlier one gets it. */
  readonly effects: readonly RuleEffect[];
}

/** Who asks, for reasons. */
export interface RuleSource {
  readonly id: string;
  readonly name: string;
}

/** An item that a rule wants at a place. */
export interface RulePin {
  readonly itemId: string;
  /** From 1. */
  readonly position: number;
  readonly rule: RuleSource;
}

/** Items that a rule moves by the worth of their place. */
export interface RuleLift {
  /** Above 1: boosted; below: buried. */
  readonly factor: number;
  readonly itemIds?: readonly string[];
  readonly where?: FieldConditions;
  readonly rule: RuleSource;
}

/** All that the rules of one request ask for together. */
export interface RuleEffects {
  readonly applied: readonly AppliedRule[];
  /** What is searched for in place of what was typed. */
  readonly query?: string;
  /** All clauses must hold. */
  readonly filter: FieldConditions;
  readonly hidden: readonly string[];
  /** In order of place; no item and no hidden item twice. */
  readonly pins: readonly RulePin[];
  readonly lifts: readonly RuleLift[];
  readonly redirect?: { readonly url: string; readonly ruleId: string };
  readonly banners: readonly (RuleBanner & { readonly ruleId: string })[];
  readonly data: readonly {
    readonly ruleId: string;
    readonly data: NonNullable<Rule["actions"]["data"]>;
  }[];
}

/**
 * Joins what the rules that hold ask for. Earlier rules go before later ones: the first redirect, the
 * first change of the query and an item's first pin count; what hides an item always does. A changed
 * query is not compared with rules again, so nothing can go round in circles.
 */
export function effectsOf(matched: readonly MatchedRule[], query: string | undefined): RuleEffects {
  const hidden = new Set(matched.flatMap(({ rule }) => rule.actions.hide ?? []));
  const pinned = new Set<string>();
  const pins: RulePin[] = [];
  const lifts: RuleLift[] = [];
  const filter: FieldConditions[number][] = [];
  const banners: RuleEffects["banners"][number][] = [];
  const data: RuleEffects["data"][number][] = [];
  const applied: AppliedRule[] = [];
  let redirect: RuleEffects["redirect"];
  let searched: string | undefined;
  for (const { rule, captures } of matched) {
    const { id, name } = rule;
    const source: RuleSource = { id, name };
    const actions = withCaptures(rule.actions, captures);
    const effects = new Set<RuleEffect>();
    for (const { itemId, position } of actions.pins ?? []) {
      if (hidden.has(itemId) || pinned.has(itemId)) continue;
      pinned.add(itemId);
      pins.push({ itemId, position, rule: source });
      effects.add("pin");
    }
    if (actions.hide !== undefined) effects.add("hide");
    for (const { strength, itemIds, where } of actions.boosts ?? []) {
      lifts.push(liftOf(strengthFactors[strength], itemIds, where, source));
      effects.add("boost");
    }
    for (const { strength, itemIds, where } of actions.buries ?? []) {
      lifts.push(liftOf(1 / strengthFactors[strength], itemIds, where, source));
      effects.add("bury");
    }
    if (actions.filter !== undefined) {
      filter.push(...actions.filter);
      effects.add("filter");
    }
    if (actions.query !== undefined && query !== undefined && searched === undefined) {
      const changed = changedQuery(query, actions.query);
      if (changed !== query) {
        searched = changed;
        effects.add("query");
      }
    }
    if (actions.redirect !== undefined && redirect === undefined) {
      redirect = { url: actions.redirect.url, ruleId: id };
      effects.add("redirect");
    }
    for (const banner of actions.banners ?? []) {
      banners.push({ ...banner, ruleId: id });
      effects.add("banner");
    }
    if (actions.data !== undefined) {
      data.push({ ruleId: id, data: actions.data });
      effects.add("data");
    }
    if (effects.size > 0) applied.push({ id, name, effects: [...effects] });
  }
  return {
    applied,
    ...(searched !== undefined && { query: searched }),
    filter,
    hidden: [...hidden],
    pins: pins.sort((a, b) => a.position - b.position), // stable: the earlier rule's goes first
    lifts,
    ...(redirect && { redirect }),
    banners,
    data,
  };
}

function liftOf(
  factor: number,
  itemIds: readonly string[] | undefined,
  where: FieldConditions | undefined,
  rule: RuleSource,
): RuleLift {
  return { factor, ...(itemIds && { itemIds }), ...(where && { where }), rule };
}

function changedQuery(
  query: string,
  { replace, remove = [] }: NonNullable<Rule["actions"]["query"]>,
): string {
  if (replace !== undefined) return replace;
  return withoutWords(
    query,
    remove.map((text) => wordsOfQuery(text).map(({ word }) => word)),
  );
}
