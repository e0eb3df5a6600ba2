import type {
  DecisionRecord,
  ExplainedItem,
  ExportLine,
  FacetCounts as WireFacet,
  ExplainedRules as WireExplainedRules,
  KeyRecord,
  RankingResponse,
  RuleOutcome,
  RulesDraft,
  RuleVersion as WireRuleVersion,
  SearchExplanation as WireExplanation,
  Snapshot,
  Suggestions,
  TaskRecord,
  UserSummary as WireUser,
} from "@magpie/contract";
import type {
  ApiKey,
  Decision,
  RuleDraft,
  RuleVersionSummary,
  SnapshotRecord,
  UserSummary,
} from "@magpie/data";
import { userId, type Event, type EventInput, type UserId } from "@magpie/domain";
import type {
  ExplainedRules,
  InsteadRanking,
  MarkedTexts,
  RulesSource,
  SearchExplanation,
  ServedRanking,
  ServedRules,
  ServedSuggestions,
  Task,
  UnderstoodQuery,
} from "@magpie/engine";

/**
 * From the engine's types to the wire's. Times become RFC 3339, names follow the contract, and
 * what is not named here does not leave the server.
 */

export function rankingToWire(ranking: ServedRanking): RankingResponse {
  const { requestId, scenario, snapshot, pipeline, items, total, relaxed, facets, rules } = ranking;
  const { understood, instead } = ranking;
  return {
    queryId: requestId,
    scenario,
    snapshot,
    pipeline,
    items: items.map(itemToWire),
    ...(total !== undefined && { total }),
    ...(relaxed !== undefined && { relaxed }),
    ...(facets !== undefined && facets.length > 0 && { facets: facets.map(facetToWire) }),
    ...(rules && { rules: rulesToWire(rules) }),
    ...(understood && understoodToWire(understood)),
    ...(instead && { instead: insteadToWire(instead) }),
  };
}

function itemToWire({
  item,
  position,
  score,
  contributions,
  marked,
  variantId,
  isCloseMatch,
}: ServedRanking["items"][number]): ExplainedItem {
  return {
    item,
    position,
    score,
    reasons: [...contributions],
    ...(marked && { highlights: highlightsToWire(marked) }),
    ...(variantId !== undefined && { variantId }),
    ...(isCloseMatch && { isCloseMatch }),
  };
}

function insteadToWire({
  requestId,
  items,
  ...rung
}: InsteadRanking): NonNullable<RankingResponse["instead"]> {
  return { ...rung, queryId: requestId, items: items.map(itemToWire) };
}

function understoodToWire({
  corrections,
  didYouMean,
  entities,
  categories,
  ...understood
}: UnderstoodQuery): Pick<RankingResponse, "corrections" | "didYouMean" | "understood"> {
  return {
    ...(corrections.length > 0 && { corrections: [...corrections] }),
    ...(didYouMean !== undefined && { didYouMean }),
    understood: { ...understood, entities: [...entities], categories: [...categories] },
  };
}

function rulesToWire({
  source,
  applied,
  query,
  redirect,
  banners,
  data,
}: ServedRules): RuleOutcome {
  return {
    ...sourceToWire(source),
    applied: applied.map(({ id, name, effects }) => ({ id, name, effects: [...effects] })),
    ...(query !== undefined && { query }),
    ...(redirect && { redirect }),
    ...(banners.length > 0 && { banners: [...banners] }),
    ...(data.length > 0 && { data: [...data] }),
  };
}

function sourceToWire(source: RulesSource): { version?: number; draftRevision?: number } {
  return source.state === "published"
    ? { version: source.version }
    : { draftRevision: source.revision };
}

function explainedRulesToWire({ source, rules, ...rest }: ExplainedRules): WireExplainedRules {
  return {
    ...sourceToWire(source),
    ...rest,
    rules: rules.map((rule) => ({
      ...rule,
      effects: [...rule.effects],
      obstacles: [...rule.obstacles],
    })),
  };
}

export function rulesDraftToWire({ changedMs, rules, ...draft }: RuleDraft): RulesDraft {
  return {
    ...draft,
    ...(changedMs !== undefined && { changedAt: time(changedMs) }),
    rules: [...rules],
  };
}

export function ruleVersionToWire(published: RuleVersionSummary): WireRuleVersion {
  const { version, publishedMs, author, note, restores, size } = published;
  return {
    version,
    publishedAt: time(publishedMs),
    author,
    ...(note !== undefined && { note }),
    ...(restores !== undefined && { restores }),
    size,
  };
}

/** @param mayReadRules  whether the caller may know rules that did not apply */
export function explanationToWire(
  explanation: SearchExplanation,
  mayReadRules: boolean,
): WireExplanation {
  const { query, items, differences, total, relaxed, answeredBy, rules } = explanation;
  return {
    query: {
      text: query.text,
      tokens: [...query.tokens],
      groups: query.groups.map((group) => ({ ...group, alternatives: [...group.alternatives] })),
      stages: [...query.stages],
    },
    total,
    relaxed,
    answeredBy,
    items: items.map(
      ({ contributions, tokens, fieldScores, matchedWords, missingWords, ...hit }) => ({
        ...hit,
        reasons: [...contributions],
        fieldScores: [...fieldScores],
        matchedWords: [...matchedWords],
        missingWords: [...missingWords],
        tokens: tokens.map(({ field, tokens: own }) => ({ field, tokens: [...own] })),
      }),
    ),
    differences: [...differences],
    ...(rules && mayReadRules && { rules: explainedRulesToWire(rules) }),
  };
}

export function suggestionsToWire({
  recent,
  queries,
  products,
  categories,
  brands,
  redirects,
  rung,
}: ServedSuggestions): Suggestions {
  return {
    recent: [...recent],
    queries: queries.map(({ text, category, match, score }) => ({
      text,
      ...(category !== undefined && { category }),
      match,
      score,
    })),
    products: [...products],
    categories: [...categories],
    brands: [...brands],
    redirects: [...redirects],
    rung,
  };
}

function facetToWire({
  field,
  values,
  statistics,
  ranges,
}: NonNullable<ServedRanking["facets"]>[number]): WireFacet {
  return {
    field,
    values: [...values],
    ...(statistics && { statistics }),
    ...(ranges && { ranges: [...ranges] }),
  };
}

function highlightsToWire({
  title,
  brand,
  description,
}: MarkedTexts): NonNullable<ExplainedItem["highlights"]> {
  const text = ({ matchedWords, ...rest }: MarkedTexts["title"]) => ({
    ...rest,
    matchedWords: [...matchedWords],
  });
  return {
    title: text(title),
    ...(brand && { brand: text(brand) }),
    ...(description && { description: text(description) }),
  };
}

export function eventToWire({ timestampMs, ...event }: Event): EventInput {
  return { ...event, timestamp: time(timestampMs) };
}

export function decisionToWire(decision: Decision): DecisionRecord {
  const { requestId, timestampMs, user, items, ...rest } = decision;
  return {
    queryId: requestId,
    timestamp: time(timestampMs),
    ...(user !== undefined && { userId: user }),
    ...rest,
    items: items.map((item) => ({ ...item, retrievers: [...item.retrievers] })),
  };
}

/** One line of a user's export. */
export function exportLineToWire(line: {
  readonly kind: "event" | "decision";
  readonly value: Event | Decision;
}): ExportLine {
  return line.kind === "event"
    ? { kind: "event", value: eventToWire(line.value as Event) }
    : { kind: "decision", value: decisionToWire(line.value as Decision) };
}

export function userToWire({ user, events, lastMs }: UserSummary): WireUser {
  return { userId: user, events, lastEventAt: time(lastMs) };
}

export function snapshotToWire({ version, createdMs, status, summary }: SnapshotRecord): Snapshot {
  return { version, createdAt: time(createdMs), status, summary: { ...summary } };
}

export function taskToWire(task: Task): TaskRecord {
  const { id, kind, status, createdMs, finishedMs, progress, result, error } = task;
  return {
    id,
    kind,
    status,
    createdAt: time(createdMs),
    ...(finishedMs !== undefined && { finishedAt: time(finishedMs) }),
    ...(progress && {
      progress: { ...progress, ...(progress.metrics && { metrics: { ...progress.metrics } }) },
    }),
    ...(result !== undefined && { result }),
    ...(error && { error: { ...error } }),
  } as TaskRecord;
}

export function keyToWire({ id, name, scopes, createdMs, expiresMs }: ApiKey): KeyRecord {
  return {
    id,
    name,
    scopes: [...scopes],
    createdAt: time(createdMs),
    ...(expiresMs !== undefined && { expiresAt: time(expiresMs) }),
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

/** Joins the two names of a person into the key under which events are joined. */
export function withUser<T extends { userId?: string; visitorId?: string }>(
  asked: T,
): Omit<T, "userId" | "visitorId"> & { user?: UserId } {
  const { userId: known, visitorId, ...rest } = asked;
  const key = known ?? visitorId;
  return key === undefined ? rest : { ...rest, user: userId(key) };
}
