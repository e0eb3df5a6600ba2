import type { FieldConditions, Rule, RuleCondition } from "@magpie/domain";
import { partsOfPattern, type Anchoring, type PatternPart } from "./patterns.ts";
import { wordsOfQuery } from "./query-words.ts";
import { defaultScenarios, RuleMatcher } from "./rule-matcher.ts";
import { periodOf, type Period } from "./schedule.ts";

/** Kinds of conflict, with what each means. */
export const conflictKinds = {
  "same-place": "Two rules pin different items to one place; the later one's stands behind.",
  "pinned-twice": "Two rules pin one item to different places; the earlier one's place counts.",
  "pin-and-hide": "One rule pins what another hides; hiding wins.",
  "boost-and-bury": "One rule boosts what another buries; the two factors are multiplied.",
  "two-redirects": "Two rules lead away; the earlier one's redirect counts.",
  "two-queries": "Two rules change the query; the earlier one's change counts.",
  "redirect-loop": "A redirect leads to a search that is led away again, back to the first.",
  "schedule-over": "The time of the rule is past, so that it never holds again.",
  unreachable: "The rule has nothing to act on.",
  "unknown-item": "The rule names an item that the catalogue does not have.",
  "unknown-field": "The rule names a field that no item has.",
} as const;

export type ConflictKind = keyof typeof conflictKinds;

/** Rules that get in each other's way, or a rule in its own. Rules with conflicts can be published. */
export interface RuleConflict {
  readonly kind: ConflictKind;
  /** One rule or several, in their order. */
  readonly ruleIds: readonly string[];
  /** With the actual items, places and words. */
  readonly message: string;
}

/** What is known of the catalogue. */
export interface KnownCatalogue {
  hasItem(itemId: string): boolean;
  hasField(field: string): boolean;
}

/** Conflicts told of at once: beyond this, nobody reads on. */
const maxConflicts = 500;
/** Rules compared with one another over one item or place. */
const maxCompared = 100;

/** A rule that may hold now or later, with what conflicts ask of it. */
interface Candidate {
  readonly rule: Rule;
  readonly period: Period;
  readonly scenarios: readonly string[];
}

/**
 * What in a set of rules cannot all come true. Two rules are compared only where every request of
 * one is a request of the other too, such as "is red mug" and "contains mug": that both may hold
 * by chance, as any two "contains" may, is no conflict worth reading.
 */
export function conflictsOf(
  rules: readonly Rule[],
  nowMs: number,
  catalogue?: KnownCatalogue,
): RuleConflict[] {
  const conflicts: RuleConflict[] = [];
  const add = (kind: ConflictKind, about: readonly Rule[], message: string): void => {
    if (conflicts.length === maxConflicts) return;
    conflicts.push({ kind, ruleIds: [...new Set(about.map(({ id }) => id))], message });
  };
  const enabled = rules
    .filter((rule) => rule.enabled !== false)
    .map((rule): Candidate => ({
      rule,
      period: periodOf(rule.schedule),
      scenarios: rule.scenarios ?? defaultScenarios,
    }));
  const live = enabled.filter(({ rule, period }) => {
    if (period.untilMs > nowMs) return true;
    add("schedule-over", [rule], `"${rule.name}" ended at ${rule.schedule!.until}.`);
    return false;
  });
  for (const { rule } of live) aloneConflicts(rule, catalogue, add);
  pinConflicts(live, add);
  liftConflicts(live, add);
  firstOnly(live, "redirect", "two-redirects", add);
  firstOnly(live, "query", "two-queries", add);
  redirectLoops(live, nowMs, add);
  return conflicts;
}

type Add = (kind: ConflictKind, about: readonly Rule[], message: string) => void;

function aloneConflicts(rule: Rule, catalogue: KnownCatalogue | undefined, add: Add): void {
  const { pins = [], hide = [], boosts = [], buries = [], filter = [], query } = rule.actions;
  const { redirect, banners, data } = rule.actions;
  const isSearchOnly =
    redirect === undefined && banners === undefined && data === undefined && query !== undefined;
  if (
    isSearchOnly &&
    [pins, hide, boosts, buries, filter].every(({ length }) => length === 0) &&
    !(rule.scenarios ?? defaultScenarios).includes("search")
  ) {
    const where = rule.scenarios!.join(", ");
    add("unreachable", [rule], `"${rule.name}" changes the query, and ${where} has none.`);
  }
  const scenarios = rule.scenarios ?? defaultScenarios;
  const asksForQuery = rule.conditions?.every((one) => one.query !== undefined) ?? false;
  if (asksForQuery && !scenarios.includes("search")) {
    add("unreachable", [rule], `"${rule.name}" waits for words, and only searches have any.`);
  }
  if (catalogue === undefined) return;
  const targets = [...boosts, ...buries];
  const items = [
    ...pins.map(({ itemId }) => itemId),
    ...hide,
    ...targets.flatMap(({ itemIds = [] }) => itemIds),
  ];
  const unknown = [...new Set(items)].filter((id) => !catalogue.hasItem(id));
  if (unknown.length > 0) {
    const more = unknown.length > 3 ? ` and ${unknown.length - 3} more` : "";
    const named = unknown.slice(0, 3).map((id) => `"${id}"`);
    add("unknown-item", [rule], `"${rule.name}" names ${named.join(", ")}${more}.`);
  }
  const conditions: FieldConditions[] = [filter, ...targets.map(({ where = [] }) => where)];
  const fields = new Set(
    conditions.flat(2).flatMap((test) => ("field" in test ? [test.field] : [])),
  );
  for (const { query: asked } of rule.conditions ?? []) {
    for (const part of asked === undefined ? [] : partsOfPattern(asked.text)) {
      if ("facet" in part) fields.add(part.facet);
    }
  }
  for (const field of fields) {
    if (!catalogue.hasField(field)) {
      add("unknown-field", [rule], `"${rule.name}" asks for the field "${field}".`);
    }
  }
}

function pinConflicts(live: readonly Candidate[], add: Add): void {
  const byPlace = new Map<string, { readonly of: Candidate; readonly itemId: string }[]>();
  const byItem = new Map<string, { readonly of: Candidate; readonly position: number }[]>();
  const hiders = new Map<string, Candidate[]>();
  for (const of of live) {
    for (const { itemId, position } of of.rule.actions.pins ?? []) {
      file(byPlace, String(position), { of, itemId });
      file(byItem, itemId, { of, position });
    }
    for (const itemId of of.rule.actions.hide ?? []) file(hiders, itemId, of);
  }
  for (const [place, pins] of byPlace) {
    for (const [a, b] of pairs(pins)) {
      if (a.itemId === b.itemId || a.of === b.of || !meet(a.of, b.of)) continue;
      const words = `Place ${place} is given to "${a.itemId}" by "${a.of.rule.name}" and to "${b.itemId}" by "${b.of.rule.name}".`;
      add("same-place", [a.of.rule, b.of.rule], words);
    }
  }
  for (const [itemId, pins] of byItem) {
    for (const [a, b] of pairs(pins)) {
      if (a.position === b.position || a.of === b.of || !meet(a.of, b.of)) continue;
      const words = `"${itemId}" is pinned to place ${a.position} by "${a.of.rule.name}" and to ${b.position} by "${b.of.rule.name}".`;
      add("pinned-twice", [a.of.rule, b.of.rule], words);
    }
    for (const { of: pin } of pins.slice(0, maxCompared)) {
      for (const hider of (hiders.get(itemId) ?? []).slice(0, maxCompared)) {
        if (!meet(pin, hider)) continue;
        const words = `"${itemId}" is pinned by "${pin.rule.name}" and hidden by "${hider.rule.name}".`;
        add("pin-and-hide", [pin.rule, hider.rule], words);
      }
    }
  }
}

function liftConflicts(live: readonly Candidate[], add: Add): void {
  const boosts = new Map<string, Candidate[]>();
  const buries = new Map<string, Candidate[]>();
  for (const of of live) {
    for (const [targets, filed] of [
      [of.rule.actions.boosts, boosts],
      [of.rule.actions.buries, buries],
    ] as const) {
      const keys = (targets ?? []).flatMap(({ itemIds, where }) => [
        ...(itemIds ?? []).map((id) => `"${id}"`),
        ...(where === undefined ? [] : [`where ${JSON.stringify(where)}`]),
      ]);
      for (const key of new Set(keys)) file(filed, key, of);
    }
  }
  for (const [key, boosters] of boosts) {
    for (const a of boosters.slice(0, maxCompared)) {
      for (const b of (buries.get(key) ?? []).slice(0, maxCompared)) {
        if (!meet(a, b)) continue;
        const words = `${key} is boosted by "${a.rule.name}" and buried by "${b.rule.name}".`;
        add("boost-and-bury", [a.rule, b.rule], words);
      }
    }
  }
}

/** Rules with an action of which only the first counts. */
function firstOnly(
  live: readonly Candidate[],
  action: "redirect" | "query",
  kind: ConflictKind,
  add: Add,
): void {
  const acting = live.filter(({ rule }) => rule.actions[action] !== undefined);
  // By a word of theirs: rules without a common word seldom meet, and thousands are not compared.
  const byWord = new Map<string, Candidate[]>();
  for (const one of acting) for (const key of keysOf(one.rule)) file(byWord, key, one);
  const told = new Set<string>();
  const [free = [], words] = [byWord.get(""), [...byWord].filter(([key]) => key !== "")];
  for (const [, own] of [["", []] as const, ...words]) {
    for (const [a, b] of pairs([...new Set([...free, ...own])])) {
      const key = JSON.stringify([a.rule.id, b.rule.id].sort());
      if (
        told.has(key) ||
        JSON.stringify(a.rule.actions[action]) === JSON.stringify(b.rule.actions[action])
      )
        continue;
      if (!meet(a, b)) continue;
      told.add(key);
      add(
        kind,
        [a.rule, b.rule],
        `"${a.rule.name}" and "${b.rule.name}" hold for the same requests.`,
      );
    }
  }
}

function keysOf({ conditions }: Rule): string[] {
  const keys = (conditions ?? [{}]).flatMap(({ query }: RuleCondition) => {
    const parts = query === undefined ? [] : partsOfPattern(query.text);
    const words = parts.flatMap((part) => ("word" in part ? [part.word] : []));
    return words.length === 0 ? [""] : words;
  });
  return [...new Set(keys)];
}

/** Follows redirects that lead to a search of the shop, by the words in their address. */
function redirectLoops(live: readonly Candidate[], nowMs: number, add: Add): void {
  const redirecting = live.filter(({ rule }) => rule.actions.redirect !== undefined);
  const matcher = new RuleMatcher(redirecting.map(({ rule }) => rule));
  const next = new Map<Rule, Rule | undefined>();
  for (const { rule, scenarios, period } of redirecting) {
    const query = searchedBy(rule.actions.redirect!.url);
    const atMs = Math.max(nowMs, period.fromMs);
    const scenario = scenarios.includes("search") ? "search" : scenarios[0]!;
    const request = { scenario, nowMs: atMs, locale: "en", query: query ?? "" };
    const led = query === undefined ? [] : matcher.match(request, { valueOf: () => undefined });
    next.set(rule, led[0]?.rule);
  }
  const told = new Set<Rule>();
  for (const { rule } of redirecting) {
    const path: Rule[] = [];
    let at: Rule | undefined = rule;
    while (at !== undefined && !path.includes(at) && !told.has(at)) {
      path.push(at);
      at = next.get(at);
    }
    if (at === undefined || told.has(at)) continue;
    const loop = path.slice(path.indexOf(at));
    for (const one of loop) told.add(one);
    const names = [...loop, loop[0]!].map(({ name }) => `"${name}"`);
    add("redirect-loop", loop, `The redirects go round: ${names.join(" → ")}.`);
  }
}

/** The words that an address searches for, by the usual names of the parameter. */
function searchedBy(url: string): string | undefined {
  if (!URL.canParse(url, "https://shop.invalid")) return undefined;
  const { searchParams } = new URL(url, "https://shop.invalid");
  for (const name of ["q", "query", "search", "s", "keyword", "keywords"]) {
    const words = searchParams.get(name);
    if (words !== null && wordsOfQuery(words).length > 0) return words;
  }
  return undefined;
}

/** True where all requests of one rule are requests of the other, at some time. */
function meet(a: Candidate, b: Candidate): boolean {
  if (a.period.fromMs >= b.period.untilMs || b.period.fromMs >= a.period.untilMs) return false;
  if (!a.scenarios.some((scenario) => b.scenarios.includes(scenario))) return false;
  const [ours, theirs] = [a.rule.conditions, b.rule.conditions];
  if (ours === undefined || theirs === undefined) return true;
  return ours.some((one) =>
    theirs.some((other) => impliesCondition(one, other) || impliesCondition(other, one)),
  );
}

/** True where every request that the first holds for is one that the second holds for. */
function impliesCondition(a: RuleCondition, b: RuleCondition): boolean {
  const isPart = (
    ours: readonly string[] | undefined,
    theirs: readonly string[] | undefined,
    covers: (theirs: string, ours: string) => boolean = (x, y) => x === y,
  ): boolean =>
    theirs === undefined ||
    (ours !== undefined && ours.every((one) => theirs.some((other) => covers(other, one))));
  const covers = (wide: string, narrow: string): boolean =>
    `${narrow.toLowerCase()}-`.startsWith(`${wide.toLowerCase()}-`);
  return (
    isPart(a.contexts, b.contexts) &&
    isPart(a.segments, b.segments) &&
    isPart(a.devices, b.devices) &&
    isPart(a.locales, b.locales, covers) &&
    impliesQuery(a.query, b.query)
  );
}

function impliesQuery(a: RuleCondition["query"], b: RuleCondition["query"]): boolean {
  if (b === undefined) return true;
  if (a === undefined) return false;
  const [ours, theirs] = [partsOfPattern(a.text).map(keyOf), partsOfPattern(b.text).map(keyOf)];
  const places: Record<Anchoring, () => boolean> = {
    is: () => a.match === "is" && ours.length === theirs.length && runAt(ours, theirs, 0),
    "starts-with": () => (a.match === "is" || a.match === "starts-with") && runAt(ours, theirs, 0),
    "ends-with": () =>
      (a.match === "is" || a.match === "ends-with") &&
      runAt(ours, theirs, ours.length - theirs.length),
    contains: () => ours.some((_, at) => runAt(ours, theirs, at)),
  };
  return places[b.match]();
}

const keyOf = (part: PatternPart): string => ("word" in part ? part.word : `{${part.facet}}`);

function runAt(words: readonly string[], run: readonly string[], at: number): boolean {
  return at >= 0 && run.every((word, i) => words[at + i] === word);
}

function file<T>(filed: Map<string, T[]>, key: string, value: T): void {
  const own = filed.get(key);
  if (own === undefined) filed.set(key, [value]);
  else own.push(value);
}

/** Each pair once, in order; of very long lists those of the first ones. */
function* pairs<T>(all: readonly T[]): Generator<readonly [T, T]> {
  const compared = all.slice(0, maxCompared);
  for (const [i, a] of compared.entries()) {
    for (const b of compared.slice(i + 1)) yield [a, b];
  }
}
