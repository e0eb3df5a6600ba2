import {
  compile,
  RequestError,
  ruleSchema,
  type FieldConditions,
  type Rule,
  type RuleTarget,
} from "@magpie/domain";
import { hasStrayBraces, partsOfPattern, placeholdersIn } from "./patterns.ts";
import { periodOf } from "./schedule.ts";
import { textsOf } from "./rule-texts.ts";

/** One thing that is wrong with a rule, for the person who wrote it. */
export interface RuleProblem {
  /** "rules[3].schedule.until" */
  readonly field: string;
  readonly message: string;
  readonly hint: string;
}

/** Rules that cannot be taken, with everything that is wrong with them. */
export class RulesError extends RequestError {
  readonly problems: readonly RuleProblem[];

  constructor(problems: readonly RuleProblem[], rules: number) {
    const [first] = problems;
    const more = problems.length > 1 ? ` (${problems.length} problems in all)` : "";
    super(
      "INVALID_RULES",
      `Of ${rules} rules not all can be taken: ${first!.field}: ${first!.message}${more}.`,
      first!.hint,
    );
    this.problems = problems;
  }
}

/** Rules of one shop. */
export const maxRules = 10_000;
/** Problems told of at once. */
const maxProblems = 100;
const maxDataBytes = 10_000;

const checkRule = compile(ruleSchema);

/**
 * Reads rules from outside: each by the schema, then what no schema can say.
 *
 * @throws {RulesError} `INVALID_RULES` with the place, the reason and what to do, for each problem
 */
export function readRules(given: readonly unknown[]): Rule[] {
  const problems: RuleProblem[] = [];
  if (given.length > maxRules) {
    problems.push({
      field: "rules",
      message: `${given.length} rules, and at most ${maxRules} can be held`,
      hint: "Join rules that do the same: a rule has up to 100 conditions, of which one is enough.",
    });
    throw new RulesError(problems, given.length);
  }
  const rules: Rule[] = [];
  const firstPlace = new Map<string, number>();
  given.forEach((one, i) => {
    const place = `rules[${i}]`;
    const checked = checkRule(one);
    if (!checked.ok) {
      for (const { field, message } of checked.violations) {
        problems.push({
          field: [place, field].filter(Boolean).join("."),
          message,
          hint: "See the Rule schema in the API documentation for the fields and their forms.",
        });
      }
      return;
    }
    const rule = checked.value;
    const known = firstPlace.get(rule.id);
    if (known !== undefined) {
      problems.push({
        field: `${place}.id`,
        message: `"${rule.id}" is the id of rules[${known}] as well`,
        hint: "Give each rule an id of its own.",
      });
    }
    firstPlace.set(rule.id, known ?? i);
    for (const problem of problemsOf(rule)) {
      problems.push({ ...problem, field: `${place}.${problem.field}` });
    }
    rules.push(rule);
  });
  if (problems.length > 0) throw new RulesError(problems.slice(0, maxProblems), given.length);
  return rules;
}

function* problemsOf(rule: Rule): Generator<RuleProblem> {
  yield* patternProblems(rule);
  yield* scheduleProblems(rule);
  const { pins, boosts, buries, filter, data, query } = rule.actions;
  yield* pinProblems(pins ?? []);
  for (const [name, targets] of Object.entries({ boosts, buries })) {
    for (const [i, target] of (targets ?? []).entries()) {
      yield* targetProblems(`actions.${name}[${i}]`, target);
    }
  }
  yield* conditionProblems("actions.filter", filter);
  yield* addressProblems(rule);
  const bytes = data === undefined ? 0 : Buffer.byteLength(JSON.stringify(data));
  if (bytes > maxDataBytes) {
    yield {
      field: "actions.data",
      message: `${bytes} bytes, and every answer carries them: at most ${maxDataBytes}`,
      hint: "Put a key there, and the content where the page can fetch it.",
    };
  }
  for (const [i, words] of (query?.remove ?? []).entries()) {
    if (partsOfPattern(words).length > 0) continue;
    yield noWords(`actions.query.remove[${i}]`, words);
  }
  yield* placeholderProblems(rule);
}

/** Wherever a page may lead or look: what it would run in place of that is refused here. */
function* addressProblems({ actions: { redirect, banners = [] } }: Rule): Generator<RuleProblem> {
  const addresses = [
    ["redirect.url", redirect?.url],
    ...banners.flatMap(({ url, imageUrl }, i) => [
      [`banners[${i}].url`, url] as const,
      [`banners[${i}].imageUrl`, imageUrl] as const,
    ]),
  ] as const;
  for (const [place, url] of addresses) {
    if (url === undefined || isSafeUrl(url)) continue;
    yield {
      field: `actions.${place}`,
      message: `"${url}" is neither an http(s) address nor a path of the shop`,
      hint: 'Write "https://shop.example/sale" or "/sale".',
    };
  }
}

function* patternProblems({ conditions = [] }: Rule): Generator<RuleProblem> {
  for (const [i, { query }] of conditions.entries()) {
    if (query === undefined) continue;
    const field = `conditions[${i}].query.text`;
    if (hasStrayBraces(query.text)) yield strayBraces(field, query.text);
    else if (partsOfPattern(query.text).length === 0) yield noWords(field, query.text);
  }
}

const noWords = (field: string, text: string): RuleProblem => ({
  field,
  message: `"${text}" has no letter and no digit, so no query is like it`,
  hint: "Write the words that shoppers type.",
});

const strayBraces = (field: string, text: string): RuleProblem => ({
  field,
  message: `"${text}" has a brace that belongs to no placeholder`,
  hint: 'A placeholder reads "{facet:brand}".',
});

/** A placeholder in an action needs a value, whichever condition held. */
function* placeholderProblems(rule: Rule): Generator<RuleProblem> {
  const patterns = rule.conditions ?? [];
  for (const { place, text } of textsOf(rule.actions)) {
    for (const facet of placeholdersIn(text)) {
      const without = patterns.findIndex(
        ({ query }) => query === undefined || !placeholdersIn(query.text).includes(facet),
      );
      if (patterns.length > 0 && without === -1) continue;
      yield {
        field: `actions.${place}`,
        message:
          patterns.length === 0
            ? `"{facet:${facet}}" has no value, as the rule has no condition that names it`
            : `"{facet:${facet}}" has no value when conditions[${without}] holds`,
        hint: "Name the placeholder in the query of every condition, or make two rules.",
      };
    }
  }
}

function* scheduleProblems({ schedule }: Rule): Generator<RuleProblem> {
  if (schedule === undefined) return;
  const { timeZone } = schedule;
  let period: ReturnType<typeof periodOf>;
  try {
    period = periodOf(schedule);
  } catch {
    yield {
      field: "schedule.timeZone",
      message: `"${timeZone}" is not a time zone that is known here`,
      hint: 'Use a name of the IANA list, such as "Asia/Shanghai" or "Europe/Berlin".',
    };
    return;
  }
  for (const [name, ms] of [
    ["from", period.fromMs],
    ["until", period.untilMs],
  ] as const) {
    if (!Number.isNaN(ms)) continue;
    yield {
      field: `schedule.${name}`,
      message: `"${schedule[name]}" is no moment: there is no such day or hour`,
      hint: 'Write it like "2026-11-11T00:00" with a timeZone, or "2026-11-11T00:00:00+08:00".',
    };
  }
  if (period.untilMs <= period.fromMs) {
    yield {
      field: "schedule.until",
      message: `"${schedule.until}" is not after from, "${schedule.from}", so the rule never holds`,
      hint: "Let it end later than it begins.",
    };
  }
}

function* pinProblems(
  pins: readonly { readonly itemId: string; readonly position: number }[],
): Generator<RuleProblem> {
  const items = new Map<string, number>();
  const places = new Map<number, number>();
  for (const [i, { itemId, position }] of pins.entries()) {
    const [byItem, byPlace] = [items.get(itemId), places.get(position)];
    if (byItem !== undefined) {
      yield {
        field: `actions.pins[${i}].itemId`,
        message: `"${itemId}" is pinned by pins[${byItem}] as well, and stands at one place only`,
        hint: "Leave one of the two out.",
      };
    } else if (byPlace !== undefined) {
      yield {
        field: `actions.pins[${i}].position`,
        message: `place ${position} is taken by pins[${byPlace}]`,
        hint: "Give each pin a place of its own.",
      };
    }
    items.set(itemId, byItem ?? i);
    places.set(position, byPlace ?? i);
  }
}

function* targetProblems(field: string, { itemIds, where }: RuleTarget): Generator<RuleProblem> {
  const isEmpty = where !== undefined && where.length === 0;
  if ((itemIds === undefined) === (where === undefined) || isEmpty) {
    yield {
      field,
      message: isEmpty
        ? "has conditions that ask for nothing, so that every item is meant"
        : `names ${itemIds === undefined ? "neither itemIds nor where" : "both itemIds and where"}`,
      hint: "Name the items either by itemIds or by where.",
    };
  }
  yield* conditionProblems(`${field}.where`, where);
}

function* conditionProblems(
  field: string,
  where: FieldConditions | undefined,
): Generator<RuleProblem> {
  for (const [i, clause] of (where ?? []).entries()) {
    for (const [j, test] of clause.entries()) {
      if (!("min" in test || "max" in test) || !("field" in test)) continue;
      const { min = -Infinity, max = Infinity } = test as { min?: number; max?: number };
      if (min <= max) continue;
      yield {
        field: `${field}[${i}][${j}]`,
        message: `no number is at least ${min} and at most ${max}`,
        hint: "Swap the two bounds.",
      };
    }
  }
}

/** A path of the shop or a web address: nothing that a browser would run. */
function isSafeUrl(url: string): boolean {
  const shown = url.replaceAll(/\{facet:[^{}]*\}/g, "x");
  // Browsers read "\" as "/" and pass over tabs and line ends, so "/\evil" leads elsewhere.
  // eslint-disable-next-line no-control-regex
  if (/[\\\0-\x20]/.test(shown)) return false;
  if (shown.startsWith("/")) return !shown.startsWith("//");
  return /^https?:\/\//i.test(shown) && URL.canParse(shown);
}
