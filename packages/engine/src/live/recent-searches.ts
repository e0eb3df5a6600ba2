import { actorOf, type Event, type UserId } from "@magpie/domain";
import { queryKey } from "@magpie/retrieval";
import { mayPersonalize } from "../ingest.ts";
import type { RecentEvents } from "./histories.ts";

/** Users kept in memory; the one asked for longest ago leaves first. */
const maxUsers = 10_000;
/** Events read for a user who is not in memory. */
const maxEvents = 200;
/** Searches kept per user. */
const maxSearches = 50;

/**
 * What users searched for lately, newest first, each query once, in the form it was typed last; kept
 * in memory because it is asked for with every key. An event that comes makes what is known of its
 * user void, and the next key reads it again.
 */
export class RecentSearches {
  readonly #store: RecentEvents;
  /** In order of last use. */
  readonly #users = new Map<UserId, Promise<readonly string[]>>();

  constructor(store: RecentEvents) {
    this.#store = store;
  }

  of(user: UserId): Promise<readonly string[]> {
    const searches = this.#users.get(user) ?? this.#read(user);
    this.#users.delete(user);
    this.#users.set(user, searches);
    if (this.#users.size > maxUsers) this.#users.delete(this.#users.keys().next().value!);
    return searches;
  }

  /** Takes note of a durable event. */
  record(event: Event): void {
    if (event.type === "search") this.forget(actorOf(event));
  }

  /** Leaves no trace of a user. */
  forget(user: UserId): void {
    this.#users.delete(user);
  }

  #read(user: UserId): Promise<readonly string[]> {
    const searches = this.#store.byUser(user, maxEvents).then(searchesIn);
    searches.catch(() => {
      if (this.#users.get(user) === searches) this.#users.delete(user);
    });
    return searches;
  }
}

/** @param events  newest first */
function searchesIn(events: readonly Event[]): readonly string[] {
  const searches = new Map<string, string>();
  for (const event of events) {
    if (event.type !== "search" || event.query === undefined || !mayPersonalize(event)) continue;
    const key = queryKey(event.query);
    if (key !== "" && !searches.has(key)) searches.set(key, event.query.trim());
    if (searches.size >= maxSearches) break;
  }
  return [...searches.values()];
}
