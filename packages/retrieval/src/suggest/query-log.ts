import { normaliseText } from "../text/analysis/normalise.ts";

/** One search as the event log has it. */
export interface LoggedSearch {
  /** Who searched: user or visitor. Only counted, never kept. */
  readonly actor: string;
  /** The visit; the actor's searches of half an hour when absent. */
  readonly session?: string;
  readonly query: string;
  readonly timestampMs: number;
}

/** What many people searched for. */
export interface LearnedQuery {
  /** In the form in which it was typed most often. */
  readonly text: string;
  /** Intents, not requests: a query that was typed on counts once, as what it became. */
  readonly searches: number;
  readonly users: number;
  /** Searches, each halved for every `halfLifeDays` that it is old. */
  readonly weight: number;
}

export interface QueryLogOptions {
  /** A query is learned when at least so many different people searched for it. */
  readonly minUsers: number;
  readonly nowMs: number;
  readonly halfLifeDays: number;
}

/** What a shop starts with: nobody's own search is ever shown to others. */
export const queryLogDefaults = { minUsers: 3, halfLifeDays: 30 } as const;

const sessionGapMs = 30 * 60_000;
/** A pause in which one goes on typing; later, the longer query is another wish. */
const typingGapMs = 30_000;
const dayMs = 86_400_000;

/** The form in which queries are compared: normal form, one space between words. */
export function queryKey(query: string): string {
  return normaliseText(query).replace(/\s+/gu, " ").trim();
}

/**
 * One entry per intent: of queries that were typed one out of the other within one visit ("run",
 * "runn", "running shoes"), the longest. Taking letters back within half a minute is no new intent.
 *
 * @param searches  in any order
 */
export function intentsOf(searches: readonly LoggedSearch[]): LoggedSearch[] {
  const byVisit = Map.groupBy(searches, ({ actor, session }) => JSON.stringify([actor, session]));
  const intents: LoggedSearch[] = [];
  for (const visit of byVisit.values()) {
    const ordered = visit.toSorted((a, b) => a.timestampMs - b.timestampMs);
    let last: { search: LoggedSearch; key: string; atMs: number } | undefined;
    for (const search of ordered) {
      const key = queryKey(search.query);
      if (key === "") continue;
      if (last !== undefined) {
        const gapMs = search.timestampMs - last.atMs;
        const isSame = key === last.key && gapMs <= sessionGapMs;
        if (isSame || (last.key.startsWith(key) && gapMs <= typingGapMs)) {
          last.atMs = search.timestampMs;
          continue;
        }
        if (!(key.startsWith(last.key) && gapMs <= typingGapMs)) intents.push(last.search);
      }
      last = { search, key, atMs: search.timestampMs };
    }
    if (last !== undefined) intents.push(last.search);
  }
  return intents;
}

/**
 * The queries that at least `minUsers` different people searched for, most weight first. What fewer
 * people typed may name a person, an address or an order, and never leaves this function.
 */
export function learnQueries(
  searches: readonly LoggedSearch[],
  { minUsers, nowMs, halfLifeDays }: QueryLogOptions,
): LearnedQuery[] {
  const byKey = new Map<
    string,
    { actors: Set<string>; forms: Map<string, number>; searches: number; weight: number }
  >();
  for (const { actor, query, timestampMs } of intentsOf(searches)) {
    const key = queryKey(query);
    const known = byKey.get(key) ?? {
      actors: new Set(),
      forms: new Map(),
      searches: 0,
      weight: 0,
    };
    byKey.set(key, known);
    known.actors.add(actor);
    const form = query.replace(/\s+/gu, " ").trim();
    known.forms.set(form, (known.forms.get(form) ?? 0) + 1);
    known.searches++;
    known.weight += 0.5 ** (Math.max(0, nowMs - timestampMs) / dayMs / halfLifeDays);
  }
  return [...byKey.values()]
    .filter(({ actors }) => actors.size >= Math.max(1, minUsers))
    .map(({ actors, forms, searches: count, weight }): LearnedQuery => ({
      text: [...forms].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]![0],
      searches: count,
      users: actors.size,
      weight,
    }))
    .sort((a, b) => b.weight - a.weight || (a.text < b.text ? -1 : 1));
}
