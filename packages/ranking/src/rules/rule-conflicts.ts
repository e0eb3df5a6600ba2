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
/** Rules compared with one another that have a word and an item or place in common. */
const maxCompared = 100;

/** A condition with the words and placeholders of its query. */
interface Condition extends RuleCondition {
  readonly parts: readonly PatternPart[];
  /** The same in a form that can be compared. */
  readonly keys: readonly string[];
}

/** A rule that may hold now or later, with what conflicts ask of it. */
interface Candidate {
  readonly rule: Rule;
  readonly period: Period;
  readonly scenarios: readonly string[];
  /** Undefined: it holds for every request. */
  readonly conditions: readonly Condition[] | undefined;
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
  for (const conflict of everyConflict(rules, nowMs, catalogue)) {
    conflicts.push(conflict);
    if (conflicts.length === maxConflicts) break;
  }
  return conflicts;
}

function* everyConflict(
  rules: readonly Rule[],
  nowMs: number,
  catalogue: KnownCatalogue | undefined,
): Generator<RuleConflict> {
  const enabled = rules.filter((rule) => rule.enabled !== false).map(candidateOf);
  const live: Candidate[] = [];
  for (const candidate of enabled) {
    const { rule, period } = candidate;
    if (period.untilMs > nowMs) live.push(candidate);
    else yield of("schedule-over", `"${rule.name}" ended at ${rule.schedule!.until}.`, rule);
  }
  for (const candidate of live) yield* aloneConflicts(candidate, catalogue);
  yield* pinConflicts(live);
  yield* liftConflicts(live);
  yield* firstOnly(live, "redirect", "two-redirects");
  yield* firstOnly(live, "query", "two-queries");
  yield* redirectLoops(live, nowMs);
}

function of(kind: ConflictKind, message: string, ...about: readonly Rule[]): RuleConflict {
  return { kind, ruleIds: [...new Set(about.map(({ id }) => id))], message };
}

function candidateOf(rule: Rule): Candidate {
  return {
    rule,
    period: periodOf(rule.schedule),
    scenarios: rule.scenarios ?? defaultScenarios,
    conditions: rule.conditions?.map((condition): Condition => {
      const parts = condition.query === undefined ? [] : partsOfPattern(condition.query.text);
      return { ...condition, parts, keys: parts.map(keyOf) };
    }),
  };
}

function* aloneConflicts(
  { rule, scenarios, conditions: ownConditions = [] }: Candidate,
  catalogue: KnownCatalogue | undefined,
): Generator<RuleConflict> {
  const { pins = [], hide = [], boosts = [], buries = [], filter = [], query } = rule.actions;
  const { redirect, banners, data } = rule.actions;
  const isSearchOnly =
    redirect === undefined && banners === undefined && data === undefined && query !== undefined;
  if (
    isSearchOnly &&
    [pins, hide, boosts, buries, filter].every(({ length }) => length === 0) &&
    !scenarios.includes("search")
  ) {
    const where = scenarios.join(", ");
    yield of("unreachable", `"${rule.name}" changes the query, and ${where} has none.`, rule);
  }
  const asksForQuery = rule.conditions?.every((one) => one.query !== undefined) ?? false;
  if (asksForQuery && !scenarios.includes("search")) {
    yield of("unreachable", `"${rule.name}" waits for words, and only searches have any.`, rule);
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
    yield of("unknown-item", `"${rule.name}" names ${named.join(", ")}${more}.`, rule);
  }
  const conditions: FieldConditions[] = [filter, ...targets.map(({ where = [] }) => where)];
  const fields = new Set(
    conditions.flat(2).flatMap((test) => ("field" in test ? [test.field] : [])),
  );
  for (const part of ownConditions.flatMap(({ parts }) => parts)) {
    if ("facet" in part) fields.add(part.facet);
  }
  for (const field of fields) {
    if (!catalogue.hasField(field)) {
      yield of("unknown-field", `"${rule.name}" asks for the field "${field}".`, rule);
    }
  }
}

function* pinConflicts(live: readonly Candidate[]): Generator<RuleConflict> {
  const byPlace = new Map<string, Pin[]>();
  const byItem = new Map<string, Pin[]>();
  const hiders = new Map<string, Candidate[]>();
  for (const by of live) {
    for (const { itemId, position } of by.rule.actions.pins ?? []) {
      file(byPlace, String(position), { by, itemId, position });
      file(byItem, itemId, { by, itemId, position });
    }
    for (const itemId of by.rule.actions.hide ?? []) file(hiders, itemId, by);
  }
  for (const [place, pins] of byPlace) {
    for (const [a, b] of meetingPairs(pins)) {
      if (a.itemId === b.itemId) continue;
      const words = `Place ${place} is given to "${a.itemId}" by "${a.by.rule.name}" and to "${b.itemId}" by "${b.by.rule.name}".`;
      yield of("same-place", words, a.by.rule, b.by.rule);
    }
  }
  for (const [itemId, pins] of byItem) {
    for (const [a, b] of meetingPairs(pins)) {
      if (a.position === b.position) continue;
      const words = `"${itemId}" is pinned to place ${a.position} by "${a.by.rule.name}" and to ${b.position} by "${b.by.rule.name}".`;
      yield of("pinned-twice", words, a.by.rule, b.by.rule);
    }
    for (const { by: pin } of pins.slice(0, maxCompared)) {
      for (const hider of (hiders.get(itemId) ?? []).slice(0, maxCompared)) {
        if (!meet(pin, hider)) continue;
        const words = `"${itemId}" is pinned by "${pin.rule.name}" and hidden by "${hider.rule.name}".`;
        yield of("pin-and-hide", words, pin.rule, hider.rule);
      }
    }
  }
}

function* liftConflicts(live: readonly Candidate[]): Generator<RuleConflict> {
  const boosts = new Map<string, Candidate[]>();
  const buries = new Map<string, Candidate[]>();
  for (const by of live) {
    for (const [targets, filed] of [
      [by.rule.actions.boosts, boosts],
      [by.rule.actions.buries, buries],
    ] as const) {
      const keys = (targets ?? []).flatMap(({ itemIds, where }) => [
        ...(itemIds ?? []).map((id) => `"${id}"`),
        ...(where === undefined ? [] : [`where ${JSON.stringify(where)}`]),
      ]);
      for (const key of new Set(keys)) file(filed, key, by);
    }
  }
  for (const [key, boosters] of boosts) {
    for (const a of boosters.slice(0, maxCompared)) {
      for (const b of (buries.get(key) ?? []).slice(0, maxCompared)) {
        if (!meet(a, b)) continue;
        const words = `${key} is boosted by "${a.rule.name}" and buried by "${b.rule.name}".`;
        yield of("boost-and-bury", words, a.rule, b.rule);
      }
    }
  }
}

/** Rules with an action of which only the first counts. */
function* firstOnly(
  live: readonly Candidate[],
  action: "redirect" | "query",
  kind: ConflictKind,
): Generator<RuleConflict> {
  const acting = live.filter(({ rule }) => rule.actions[action] !== undefined);
  for (const [a, b] of meetingPairs(acting.map((by) => ({ by })))) {
    const [one, other] = [a.by.rule, b.by.rule];
    if (JSON.stringify(one.actions[action]) === JSON.stringify(other.actions[action])) continue;
    yield of(kind, `"${one.name}" and "${other.name}" hold for the same requests.`, one, other);
  }
}

/** Follows redirects that lead to a search of the shop, by the words in their address. */
function* redirectLoops(live: readonly Candidate[], nowMs: number): Generator<RuleConflict> {
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
    yield of("redirect-loop", `The redirects go round: ${names.join(" → ")}.`, ...loop);
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
  const [ours, theirs] = [a.conditions, b.conditions];
  if (ours === undefined || theirs === undefined) return true;
  return ours.some((one) =>
    theirs.some((other) => impliesCondition(one, other) || impliesCondition(other, one)),
  );
}

/** True where every request that the first holds for is one that the second holds for. */
function impliesCondition(a: Condition, b: Condition): boolean {
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
    impliesQuery(a, b)
  );
}

function impliesQuery(
  { query: a, keys: ours }: Condition,
  { query: b, keys: theirs }: Condition,
): boolean {
  if (b === undefined) return true;
  if (a === undefined) return false;
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

/** A pin with the rule that asks for it. */
interface Pin {
  readonly by: Candidate;
  readonly itemId: string;
  readonly position: number;
}

/**
 * Pairs whose rules meet, each once, in order. Only what has a word in common is compared, or has none:
 * of two conditions of which one implies the other, the wider one's words are all in the narrower.
 */
function* meetingPairs<T extends { readonly by: Candidate }>(
  all: readonly T[],
): Generator<readonly [T, T]> {
  const byWord = new Map<string, number[]>();
  for (const [i, { by }] of all.entries()) {
    for (const word of wordsOf(by)) file(byWord, word, i);
  }
  const free = byWord.get("") ?? [];
  const told = new Set<number>();
  for (const [word, own] of byWord) {
    const group = word === "" ? own : [...new Set([...free.slice(0, maxCompared), ...own])];
    const compared = group.sort((a, b) => a - b).slice(0, 2 * maxCompared);
    for (const [n, i] of compared.entries()) {
      for (const j of compared.slice(n + 1)) {
        const [a, b] = [all[i]!, all[j]!];
        const pair = i * all.length + j;
        if (a.by === b.by || told.has(pair)) continue;
        told.add(pair);
        if (meet(a.by, b.by)) yield [a, b];
      }
    }
  }
}

/** Words of a rule's conditions; "" for a condition that asks for none. */
function wordsOf({ conditions }: Candidate): Set<string> {
  return new Set(
    (conditions ?? [{ parts: [] }]).flatMap(({ parts }) => {
      const words = parts.flatMap((part) => ("word" in part ? [part.word] : []));
      return words.length === 0 ? [""] : words;
    }),
  );
}
