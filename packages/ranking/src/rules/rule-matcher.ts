import type { Device, Rule, RuleCondition } from "@magpie/domain";
import {
  matchPattern,
  partsOfPattern,
  type Captures,
  type FacetWords,
  type PatternPart,
} from "./patterns.ts";
import { wordsOfQuery } from "./query-words.ts";
import { periodOf, type Period } from "./schedule.ts";

/** What rules look at of a request. */
export interface RuleRequest {
  readonly scenario: string;
  readonly nowMs: number;
  readonly locale: string;
  /** As typed; absent where nothing is searched for. */
  readonly query?: string;
  readonly contexts?: readonly string[];
  readonly segments?: readonly string[];
  readonly device?: Device;
}

/** A rule that holds for a request, with what its placeholders stand for. */
export interface MatchedRule {
  readonly rule: Rule;
  readonly captures: Captures;
}

/** What can keep a rule from holding. */
export const ruleObstacles = [
  "disabled",
  "not-yet",
  "over",
  "scenario",
  "context",
  "segment",
  "locale",
  "device",
  "words",
] as const;

export type RuleObstacle = (typeof ruleObstacles)[number];

/** Whether a rule holds for a request, and what keeps it from it. */
export interface RuleVerdict {
  readonly rule: Rule;
  /** Empty: it holds. Of several conditions, those of the one that is nearest to holding. */
  readonly obstacles: readonly RuleObstacle[];
}

interface Entry {
  /** Place of the rule among all. */
  readonly rule: number;
  /** Place of the condition within the rule. */
  readonly condition: number;
  readonly pattern: readonly PatternPart[] | undefined;
  readonly anchoring: NonNullable<RuleCondition["query"]>["match"];
  readonly contexts: readonly string[] | undefined;
  readonly segments: readonly string[] | undefined;
  readonly locales: readonly string[] | undefined;
  readonly devices: readonly Device[] | undefined;
}

const nothing: Captures = new Map();
/** Scenarios of a rule that names none. */
export const defaultScenarios: readonly string[] = ["search"];

/**
 * Finds the rules that hold for a request, among thousands in microseconds: each condition lies
 * under its rarest word, or its tags, and only what lies under something the request has is looked at.
 *
 *     "contains red mug" ──▶ mug  ◀── query "big red mug"
 *     context "sale"     ──▶ sale ◀── contexts of the page
 *     anything else      ──▶ looked at for every request
 */
export class RuleMatcher {
  readonly #rules: readonly Rule[];
  readonly #periods: readonly Period[];
  readonly #scenarios: readonly (readonly string[])[];
  readonly #byWord = new Map<string, Entry[]>();
  readonly #byContext = new Map<string, Entry[]>();
  readonly #bySegment = new Map<string, Entry[]>();
  readonly #always: Entry[] = [];
  readonly #entries: readonly (readonly Entry[])[];

  /** @param rules  as `readRules` gave them; disabled ones are passed over */
  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    this.#periods = rules.map(({ schedule }) => periodOf(schedule));
    this.#scenarios = rules.map(({ scenarios }) => scenarios ?? defaultScenarios);
    this.#entries = rules.map(entriesOf);
    const entries = this.#entries.flatMap((own, i) => (rules[i]!.enabled === false ? [] : own));
    const frequency = new Map<string, number>();
    for (const { pattern = [] } of entries) {
      for (const part of pattern) {
        if ("word" in part) frequency.set(part.word, (frequency.get(part.word) ?? 0) + 1);
      }
    }
    for (const entry of entries) this.#file(entry, frequency);
  }

  #file(entry: Entry, frequency: ReadonlyMap<string, number>): void {
    let rarest: string | undefined;
    for (const part of entry.pattern ?? []) {
      if (!("word" in part)) continue;
      if (rarest === undefined || frequency.get(part.word)! < frequency.get(rarest)!) {
        rarest = part.word;
      }
    }
    if (rarest !== undefined) put(this.#byWord, rarest, entry);
    else if (entry.contexts !== undefined) {
      for (const tag of new Set(entry.contexts)) put(this.#byContext, tag, entry);
    } else if (entry.segments !== undefined) {
      for (const tag of new Set(entry.segments)) put(this.#bySegment, tag, entry);
    } else this.#always.push(entry);
  }

  /** Rules that hold, in their order. A rule whose conditions hold twice is told once, by the first. */
  match(request: RuleRequest, facets: FacetWords): MatchedRule[] {
    const held = new Map<number, { readonly condition: number; readonly captures: Captures }>();
    const words = request.query === undefined ? [] : wordsOfQuery(request.query);
    const plain = words.map(({ word }) => word);
    const locale = request.locale.toLowerCase();
    const look = (entries: readonly Entry[] | undefined): void => {
      for (const entry of entries ?? []) {
        const before = held.get(entry.rule);
        if (before !== undefined && before.condition <= entry.condition) continue;
        if (!this.#isInForce(entry.rule, request)) continue;
        const captures = holds(entry, request, locale, plain, facets);
        if (captures !== undefined) {
          held.set(entry.rule, { condition: entry.condition, captures });
        }
      }
    };
    look(this.#always);
    for (const word of new Set(plain)) look(this.#byWord.get(word));
    for (const tag of new Set(request.contexts)) look(this.#byContext.get(tag));
    for (const tag of new Set(request.segments)) look(this.#bySegment.get(tag));
    return [...held]
      .sort(([a], [b]) => a - b)
      .map(([rule, { captures }]) => ({ rule: this.#rules[rule]!, captures }));
  }

  /** Looks at every rule, in order, and says what keeps it from holding: for people who ask why. */
  judge(request: RuleRequest, facets: FacetWords): RuleVerdict[] {
    const { query, nowMs, scenario } = request;
    const words = query === undefined ? [] : wordsOfQuery(query).map(({ word }) => word);
    const locale = request.locale.toLowerCase();
    return this.#rules.map((rule, i): RuleVerdict => {
      const { fromMs, untilMs } = this.#periods[i]!;
      const ofAll: RuleObstacle[] = [];
      if (rule.enabled === false) ofAll.push("disabled");
      if (nowMs < fromMs) ofAll.push("not-yet");
      if (nowMs >= untilMs) ofAll.push("over");
      if (!this.#scenarios[i]!.includes(scenario)) ofAll.push("scenario");
      const ofConditions = this.#entries[i]!.map((entry) => {
        const own = tagTests
          .filter(([, passes]) => !passes(entry, request, locale))
          .map(([obstacle]) => obstacle);
        const fits = capturesOf(entry, query, words, facets) !== undefined;
        return fits ? own : [...own, "words" as const];
      });
      const nearest = ofConditions.reduce((best, own) => (own.length < best.length ? own : best));
      return { rule, obstacles: [...ofAll, ...nearest] };
    });
  }

  #isInForce(rule: number, { nowMs, scenario }: RuleRequest): boolean {
    const { fromMs, untilMs } = this.#periods[rule]!;
    return fromMs <= nowMs && nowMs < untilMs && this.#scenarios[rule]!.includes(scenario);
  }
}

function entriesOf({ conditions }: Rule, rule: number): Entry[] {
  return (conditions ?? [{}]).map(
    ({ query, contexts, segments, locales, devices }: RuleCondition, condition) => ({
      rule,
      condition,
      pattern: query && partsOfPattern(query.text),
      anchoring: query?.match ?? "contains",
      contexts,
      segments,
      locales: locales?.map((tag) => tag.toLowerCase()),
      devices,
    }),
  );
}

/** Parts of a condition beside its words, each with what it is called when it does not hold. */
const tagTests: readonly (readonly [
  RuleObstacle,
  (entry: Entry, request: RuleRequest, locale: string) => boolean,
])[] = [
  ["context", (entry, { contexts }) => hasOneOf(contexts, entry.contexts)],
  ["segment", (entry, { segments }) => hasOneOf(segments, entry.segments)],
  ["locale", ({ locales }, _, locale) => locales?.some((tag) => isWithin(locale, tag)) ?? true],
  [
    "device",
    ({ devices }, { device }) =>
      devices === undefined || (device !== undefined && devices.includes(device)),
  ],
];

function hasOneOf(given: readonly string[] = [], wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.some((tag) => given.includes(tag));
}

function holds(
  entry: Entry,
  request: RuleRequest,
  locale: string,
  words: readonly string[],
  facets: FacetWords,
): Captures | undefined {
  for (const [, passes] of tagTests) if (!passes(entry, request, locale)) return undefined;
  return capturesOf(entry, request.query, words, facets);
}

function capturesOf(
  { pattern, anchoring }: Entry,
  query: string | undefined,
  words: readonly string[],
  facets: FacetWords,
): Captures | undefined {
  if (pattern === undefined) return nothing;
  return query === undefined ? undefined : matchPattern(words, pattern, anchoring, facets);
}

/** "zh-cn" lies within "zh". */
function isWithin(locale: string, tag: string): boolean {
  return locale === tag || locale.startsWith(`${tag}-`);
}

function put(entries: Map<string, Entry[]>, key: string, entry: Entry): void {
  const own = entries.get(key);
  if (own === undefined) entries.set(key, [entry]);
  else own.push(entry);
}
