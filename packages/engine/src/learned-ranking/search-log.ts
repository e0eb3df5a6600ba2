import type { EventStore, ItemVocabulary, UserVocabulary } from "@magpie/data";
import { actorOf, type Event, type EventType } from "@magpie/domain";
import { mayPersonalize } from "../ingest.ts";

/** How earnestly an item was taken: 0 not at all, 1 looked at, 2 put aside or carted, 3 bought. */
type Grade = 0 | 1 | 2 | 3;

/** The grade of a purchase. */
export const boughtGrade = 3;

/**
 * Searches of the log with what was shown for them and what became of it, oldest first, as numbers:
 * people are rows of the training data, and only their words are words.
 *
 *     queries   texts that were typed, each once     ◀── queryOf
 *     search s  owns the places offsets[s] … offsets[s + 1] of rows, positions and grades
 */
export interface SearchLog {
  readonly queries: readonly string[];
  /** BCP 47 tags, each once. */
  readonly locales: readonly string[];
  /** [searches]: place in `queries`. */
  readonly queryOf: Int32Array;
  /** [searches]: place in `locales`. */
  readonly localeOf: Int32Array;
  /** [searches]: row of who searched in the sequences; -1 when unknown there. */
  readonly userOf: Int32Array;
  /** [searches] */
  readonly timesMs: Float64Array;
  /** [searches + 1] */
  readonly offsets: Int32Array;
  /** Item rows that were shown, or taken. */
  readonly rows: Int32Array;
  /** Where each was shown, from 1; 0 where nobody says. */
  readonly positions: Int32Array;
  readonly grades: Uint8Array;
}

/** The newest searches that are kept: older ones are of another shop. */
const maxSearches = 200_000;
/** An order made so long after a search is no longer put down to it. */
const maxOrderDelayMs = 7 * 24 * 3_600_000;
/** The locale of a search that does not say: that of an answer when nobody asks for one. */
const defaultLocale = "en";

interface OpenSearch {
  readonly query: string;
  readonly locale: string;
  readonly user: number;
  readonly timeMs: number;
  readonly taken: Map<number, { position: number; grade: Grade }>;
}

function gradeOf(type: EventType): Grade {
  switch (type) {
    case "view":
    case "click":
      return 1;
    case "add_to_cart":
    case "wishlist":
      return 2;
    case "purchase":
      return boughtGrade;
    default:
      return 0;
  }
}

/**
 * Joins searches with their impressions and with what people did afterwards, by `queryId`. An order
 * or a cart that does not name a query belongs to the search from which its item was last taken by
 * the same person within a week. Events whose sender did not agree to it are passed over.
 *
 * @returns  nothing when the log holds no search with an id
 */
export async function readSearchLog(
  events: Pick<EventStore, "countByType" | "scan">,
  { users, items }: { readonly users: UserVocabulary; readonly items: ItemVocabulary },
): Promise<SearchLog | undefined> {
  const { search = 0 } = await events.countByType();
  if (search === 0) return undefined;
  const searches = new Map<string, OpenSearch>();
  /** By person and item: the search from which the item was last taken. */
  const takenFrom = new Map<string, { search: OpenSearch; timeMs: number }>();
  for await (const batch of events.scan()) {
    for (const event of batch) {
      if (!mayPersonalize(event)) continue;
      if (event.type === "search") openSearch(event);
      else note(event);
    }
  }
  return searches.size === 0 ? undefined : packed([...searches.values()]);

  function openSearch({ queryId, query, attributes, timestampMs, ...event }: Event): void {
    if (queryId === undefined || query === undefined || query.trim() === "") return;
    const locale = attributes?.["locale"];
    searches.set(queryId, {
      query: query.trim(),
      locale: typeof locale === "string" ? locale : defaultLocale,
      user: users.indexOf(actorOf(event)),
      timeMs: timestampMs,
      taken: new Map(),
    });
    if (searches.size > maxSearches) searches.delete(searches.keys().next().value!);
  }

  function note(event: Event): void {
    const { type, queryId, timestampMs } = event;
    const grade = gradeOf(type);
    if (grade === 0 && type !== "impression") return;
    const named = queryId === undefined ? undefined : searches.get(queryId);
    if (named === undefined && grade < 2) return;
    const person = actorOf(event);
    for (const { itemId, position = 0 } of event.items ?? []) {
      const row = items.indexOf(itemId);
      if (row === -1) continue;
      const key = `${person}\n${row}`;
      const former = takenFrom.get(key);
      const isRecent = former !== undefined && timestampMs - former.timeMs <= maxOrderDelayMs;
      const from = named ?? (isRecent ? former.search : undefined);
      if (from === undefined) continue;
      const known = from.taken.get(row);
      if (known === undefined) from.taken.set(row, { position, grade });
      else {
        if (grade > known.grade) known.grade = grade;
        if (known.position === 0) known.position = position;
      }
      if (grade > 0) takenFrom.set(key, { search: from, timeMs: timestampMs });
    }
  }
}

function packed(searches: OpenSearch[]): SearchLog {
  searches.sort((a, b) => a.timeMs - b.timeMs);
  const count = searches.reduce((sum, { taken }) => sum + taken.size, 0);
  const queries = new Map<string, number>();
  const locales = new Map<string, number>();
  const placeIn = (places: Map<string, number>, text: string): number => {
    const place = places.get(text) ?? places.size;
    places.set(text, place);
    return place;
  };
  const offsets = new Int32Array(searches.length + 1);
  const [rows, positions] = [new Int32Array(count), new Int32Array(count)];
  const grades = new Uint8Array(count);
  let at = 0;
  searches.forEach(({ taken }, s) => {
    // As they were shown, those whose place nobody told last.
    const list = [...taken].sort(
      ([, a], [, b]) => (a.position || Infinity) - (b.position || Infinity) || 0,
    );
    for (const [row, { position, grade }] of list) {
      rows[at] = row;
      positions[at] = position;
      grades[at++] = grade;
    }
    offsets[s + 1] = at;
  });
  return {
    queryOf: Int32Array.from(searches, ({ query }) => placeIn(queries, query)),
    localeOf: Int32Array.from(searches, ({ locale }) => placeIn(locales, locale)),
    userOf: Int32Array.from(searches, ({ user }) => user),
    timesMs: Float64Array.from(searches, ({ timeMs }) => timeMs),
    queries: [...queries.keys()],
    locales: [...locales.keys()],
    offsets,
    rows,
    positions,
    grades,
  };
}
