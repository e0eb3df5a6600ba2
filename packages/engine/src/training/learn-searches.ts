import type { EventStore } from "@magpie/data";
import { actorOf, feedbackWeight, type Event, type Item } from "@magpie/domain";
import {
  learnQueries,
  queryKey,
  queryLogDefaults,
  synonymCandidates,
  type LearnedQuery,
  type SearchWithOutcome,
  type SynonymCandidate,
} from "@magpie/retrieval";
import { mayPersonalize } from "../ingest.ts";

/** What the log says of the shop's searches. It names nobody, and no query of a few people only. */
export interface LearnedSearches {
  /** Most weight first. */
  readonly queries: readonly LearnedQuery[];
  /** What people did with items they found by a learned query. */
  readonly takes: readonly {
    /** As `queryKey` writes it. */
    readonly query: string;
    readonly itemId: string;
    /** Sum of `feedbackWeight`. */
    readonly weight: number;
    /** First category of the item when this was learned; absent until `withCategories`. */
    readonly category?: string;
  }[];
  /** What enough people typed in place of what led to nothing, and then took something. */
  readonly synonyms: readonly SynonymCandidate[];
}

const dayMs = 86_400_000;
/** Older searches weigh next to nothing and would only take memory. */
const maxAgeDays = 365;
/** More candidates than anybody looks through; those of most people come first. */
const maxSynonyms = 500;

/**
 * Reads the log's searches, and the acts that followed from them: those that name the query, or the
 * `queryId` of a search that does. Events whose sender did not agree to it are passed over.
 */
export async function learnSearches(
  events: Pick<EventStore, "countByType" | "scan">,
  nowMs: number,
): Promise<LearnedSearches> {
  const { search = 0 } = await events.countByType();
  if (search === 0) return { queries: [], takes: [], synonyms: [] };
  const searches: Omit<SearchWithOutcome, "succeeded">[] = [];
  const acts: { readonly event: Event; readonly weight: number }[] = [];
  const queryOf = new Map<string, string>();
  for await (const batch of events.scan()) {
    for (const event of batch) {
      if (!mayPersonalize(event) || nowMs - event.timestampMs > maxAgeDays * dayMs) continue;
      const { type, query, queryId, sessionId, timestampMs } = event;
      if (type === "search") {
        if (query === undefined) continue;
        const session = sessionId === undefined ? {} : { session: sessionId };
        searches.push({ actor: actorOf(event), ...session, query, timestampMs });
        if (queryId !== undefined) queryOf.set(queryId, query);
      } else if (query !== undefined || queryId !== undefined) {
        const weight = feedbackWeight(type);
        if (weight > 0) acts.push({ event, weight });
      }
    }
  }
  const queries = learnQueries(searches, { ...queryLogDefaults, nowMs });
  const learned = new Set(queries.map(({ text }) => queryKey(text)));
  const weights = new Map<string, Map<string, number>>();
  const succeeded = new Set<string>();
  for (const { event, weight } of acts) {
    const query = event.query ?? queryOf.get(event.queryId!);
    if (query === undefined) continue;
    const key = queryKey(query);
    succeeded.add(visitKey(actorOf(event), event.sessionId, key));
    if (!learned.has(key)) continue;
    const items = weights.get(key) ?? new Map<string, number>();
    weights.set(key, items);
    for (const { itemId } of event.items ?? []) {
      items.set(itemId, (items.get(itemId) ?? 0) + weight);
    }
  }
  const takes = [...weights].flatMap(([query, items]) =>
    Array.from(items, ([itemId, weight]) => ({ query, itemId, weight })),
  );
  const outcomes = searches.map((search) => ({
    ...search,
    succeeded: succeeded.has(visitKey(search.actor, search.session, queryKey(search.query))),
  }));
  const synonyms = synonymCandidates(outcomes, queryLogDefaults.minUsers).slice(0, maxSynonyms);
  return { queries, takes, synonyms };
}

/**
 * The same with the category of what was taken. It is kept with what was learned: that an item has
 * gone since does not make people's wishes others.
 */
export function withCategories(
  { takes, ...searches }: LearnedSearches,
  items: Iterable<Item | undefined>,
): LearnedSearches {
  const asked = new Set(takes.map(({ itemId }) => itemId));
  const categoryOf = new Map<string, string>();
  for (const item of items) {
    const category = item?.categories?.[0];
    if (category !== undefined && asked.has(item!.id)) categoryOf.set(item!.id, category);
  }
  return {
    ...searches,
    takes: takes.map((take) => {
      const category = categoryOf.get(take.itemId);
      return category === undefined ? take : { ...take, category };
    }),
  };
}

/** A query of a visit. */
const visitKey = (actor: string, session: string | undefined, key: string): string =>
  JSON.stringify([actor, session, key]);
