import { settleReturns } from "@magpie/data";
import { actorOf, feedbackWeight, type Event, type EventType, type UserId } from "@magpie/domain";
import { mayPersonalize } from "../ingest.ts";

/** One act of a user on one item, under the shop's id: it outlives snapshots. */
export interface Act {
  readonly eventId: string;
  readonly itemId: string;
  readonly type: EventType;
  readonly timestampMs: number;
  /** Absent when the event does not say: one unit, or all of what lies in the cart. */
  readonly quantity?: number;
}

/** The part of the event store that histories are filled from. */
export interface RecentEvents {
  /** A user's newest events, newest first. */
  byUser(user: UserId, limit: number): Promise<Event[]>;
}

export interface LiveHistoriesOptions {
  /** Users kept in memory; the one asked for longest ago leaves first. */
  readonly maxUsers: number;
  /** Events read from the store for a user who is not in memory. */
  readonly maxEvents: number;
  /** Acts kept per user. */
  readonly maxActs: number;
}

export const liveHistoriesDefaults: LiveHistoriesOptions = {
  maxUsers: 20_000,
  maxEvents: 200,
  maxActs: 200,
};

/** A read that is under way, and what was recorded meanwhile. */
interface Filling {
  readonly acts: Promise<readonly Act[]>;
  readonly meanwhile: Act[];
  /** Set when the user was erased while the read was under way. */
  forgotten: boolean;
}

/**
 * The newest acts of recent users, oldest first, kept in memory so that an event changes the very
 * next answer. Filled from the store when a user is first asked for, then kept up to date by
 * `record`.
 *
 *     record(event) ──▶ [ acts of recent users ] ◀── first request: store.byUser
 *                                  │
 *                             of(user) ──▶ request
 *
 * An event recorded while its user's acts are being read from the store may or may not be in what
 * the read returns; it is set aside and joined by event id, so it is there exactly once.
 */
export class LiveHistories {
  readonly #store: RecentEvents;
  readonly #options: LiveHistoriesOptions;
  /** In order of last use: a Map keeps the order of insertion. */
  readonly #users = new Map<UserId, readonly Act[]>();
  readonly #filling = new Map<UserId, Filling>();

  constructor(store: RecentEvents, options: LiveHistoriesOptions = liveHistoriesDefaults) {
    this.#store = store;
    this.#options = options;
  }

  /** Number of users in memory. */
  get size(): number {
    return this.#users.size;
  }

  /** A user's newest acts, oldest first. */
  async of(user: UserId): Promise<readonly Act[]> {
    const known = this.#users.get(user);
    if (known !== undefined) {
      this.#users.delete(user);
      this.#users.set(user, known);
      return known;
    }
    return (this.#filling.get(user) ?? this.#fill(user)).acts;
  }

  /** Adds a durable event to what its user did. */
  record(event: Event): void {
    const user = actorOf(event);
    const acts = actsOf(event);
    if (acts.length === 0) return;
    this.#filling.get(user)?.meanwhile.push(...acts);
    const known = this.#users.get(user);
    if (known !== undefined) this.#users.set(user, this.#join(known, acts));
  }

  /** Leaves no trace of a user. */
  forget(user: UserId): void {
    this.#users.delete(user);
    const filling = this.#filling.get(user);
    if (filling !== undefined) filling.forgotten = true;
    this.#filling.delete(user);
  }

  #fill(user: UserId): Filling {
    const meanwhile: Act[] = [];
    const filling: Filling = {
      meanwhile,
      forgotten: false,
      acts: this.#store
        .byUser(user, this.#options.maxEvents)
        .then((events) => {
          if (filling.forgotten) return [];
          const stored = events.reverse().flatMap(actsOf);
          const acts = this.#join(stored, meanwhile);
          this.#users.set(user, acts);
          if (this.#users.size > this.#options.maxUsers) {
            this.#users.delete(this.#users.keys().next().value!);
          }
          return acts;
        })
        .finally(() => {
          if (this.#filling.get(user) === filling) this.#filling.delete(user);
        }),
    };
    this.#filling.set(user, filling);
    return filling;
  }

  /** Late events take their place in time; an event is not counted twice. */
  #join(acts: readonly Act[], added: readonly Act[]): readonly Act[] {
    const joined = [...acts];
    for (const act of added) {
      let place = joined.length;
      while (place > 0 && joined[place - 1]!.timestampMs > act.timestampMs) place--;
      const twice = acts.some(
        (known) => known.eventId === act.eventId && known.itemId === act.itemId,
      );
      if (!twice) joined.splice(place, 0, act);
    }
    return joined.length > this.#options.maxActs
      ? joined.slice(joined.length - this.#options.maxActs)
      : joined;
  }
}

/** Types whose acts are kept: those that speak for an item and those that take it back. */
const takeBack: ReadonlySet<EventType> = new Set(["remove_from_cart", "refund"]);

function actsOf(event: Event): Act[] {
  if (!mayPersonalize(event)) return [];
  if (feedbackWeight(event.type) === 0 && !takeBack.has(event.type)) return [];
  return (event.items ?? []).map(({ itemId, quantity }) => ({
    eventId: event.eventId,
    itemId,
    type: event.type,
    timestampMs: event.timestampMs,
    ...(quantity !== undefined && { quantity }),
  }));
}

/** Items that lie in the user's cart: added, not removed, and nothing bought since. */
export function cartItems(acts: readonly Act[]): readonly string[] {
  const cart = new Map<string, number>();
  for (const { itemId, type, quantity } of acts) {
    if (type === "purchase") cart.clear();
    else if (type === "add_to_cart") cart.set(itemId, (cart.get(itemId) ?? 0) + (quantity ?? 1));
    else if (type === "remove_from_cart") {
      const left = (cart.get(itemId) ?? 0) - (quantity ?? Infinity);
      if (left > 0) cart.set(itemId, left);
      else cart.delete(itemId);
    }
  }
  return [...cart.keys()];
}

/** Purchases that were returned whole, by the rule of training data (`settleReturns`). */
export function returnedPurchases(acts: readonly Act[]): ReadonlySet<Act> {
  if (!acts.some(({ type }) => type === "refund")) return new Set();
  const settling = acts.filter(({ type }) => type === "purchase" || type === "refund");
  const { left } = settleReturns(
    settling.map(({ itemId, type, quantity = 1 }) => ({
      key: itemId,
      isReturn: type === "refund",
      quantity,
    })),
  );
  return new Set(settling.filter(({ type }, i) => type === "purchase" && left[i] === 0));
}
