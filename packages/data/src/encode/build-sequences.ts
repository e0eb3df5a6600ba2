import { eventTypes, feedbackWeight, type EventType } from "@magpie/domain";
import { settleReturns } from "../clean/returns.ts";
import type { Sequences } from "../sequences.ts";
import type { CatalogStore, EventColumns, EventStore } from "../store/store.ts";
import {
  itemVocabulary,
  userVocabulary,
  type ItemVocabulary,
  type UserVocabulary,
} from "./vocabulary.ts";

/** The two vocabularies that sequences are written in. */
export interface Vocabularies {
  readonly users: UserVocabulary;
  readonly items: ItemVocabulary;
}

/** What becomes of several acts of one user on one item. */
export type RepeatRule =
  /** A run of consecutive acts on the same item is one interaction: view, cart, purchase. */
  | "merge-runs"
  /** Each item once per user, where it first occurred. */
  | "first"
  /** Every act is an interaction. */
  | "keep";

export interface SequenceOptions {
  /** Default "merge-runs": the strongest weight of the run, at the time of its first act. */
  readonly repeats?: RepeatRule;
  /** A pause longer than this ends a run (default 24 h). */
  readonly runGapMs?: number;
  /** Only events in [fromMs, toMs). */
  readonly fromMs?: number;
  readonly toMs?: number;
  /** How strongly a type speaks; 0 leaves it out (default `feedbackWeight`). */
  readonly weightOf?: (type: EventType) => number;
}

const defaultRunGapMs = 24 * 3_600_000;
const refundCode = eventTypes.indexOf("refund");
const purchaseCode = eventTypes.indexOf("purchase");

/**
 * Numbers the items of the catalogue and the users of the log. Ids that `previous` holds keep
 * their indices; items come in the catalogue's stable order. Items that only events name are left
 * out: they cannot be served.
 */
export async function buildVocabularies(
  events: EventStore,
  catalog: CatalogStore,
  previous: Vocabularies = { users: userVocabulary(), items: itemVocabulary() },
): Promise<Vocabularies> {
  const ids: string[] = [];
  for await (const items of catalog.scan()) for (const item of items) ids.push(item.id);
  return {
    users: previous.users.extend(await events.userKeys()),
    items: previous.items.extend(ids),
  };
}

/**
 * Reads the event log into sequences: one row per user of the vocabulary, interactions oldest
 * first (ties in the order of the log).
 *
 * - An event counts with `feedbackWeight` of its type; types of weight 0 are left out.
 * - Returns are settled first: a purchase that was returned whole does not count, a partly
 *   returned one does (see `settleReturns`).
 * - Repeats are then settled by `options.repeats`.
 * - Events whose `consent.personalization` was false are left out.
 * - Users and items outside the vocabularies are left out; a user without interactions keeps an
 *   empty row.
 *
 * Memory: 22 bytes per counted act while it runs, 16 per interaction afterwards; the log is read
 * twice.
 */
export async function buildSequences(
  events: EventStore,
  vocabularies: Vocabularies,
  options: SequenceOptions = {},
): Promise<Sequences> {
  const { users, items } = vocabularies;
  const userRows = (await events.userKeys()).map((key) => users.indexOf(key));
  const itemRows = (await events.itemKeys()).map((key) => items.indexOf(key));
  const weights = Float32Array.from(eventTypes, options.weightOf ?? feedbackWeight);
  const { fromMs = -Infinity, toMs = Infinity } = options;

  /** Refunds are read too, to be settled; everything else must carry a weight. */
  const counts = (columns: EventColumns, i: number): boolean => {
    const type = columns.types[i]!;
    const time = columns.timestampsMs[i]!;
    return (
      (weights[type]! > 0 || type === refundCode) &&
      columns.personal[i] !== 0 &&
      time >= fromMs &&
      time < toMs &&
      (userRows[columns.users[i]!] ?? -1) >= 0 &&
      (itemRows[columns.items[i]!] ?? -1) > 0
    );
  };

  const starts = new Int32Array(users.size + 1);
  for await (const columns of events.scanColumns()) {
    for (let i = 0; i < columns.length; i++) {
      if (counts(columns, i)) starts[userRows[columns.users[i]!]! + 1]!++;
    }
  }
  for (let u = 0; u < users.size; u++) starts[u + 1]! += starts[u]!;

  const total = starts[users.size]!;
  const acts: Acts = {
    items: new Int32Array(total),
    types: new Uint8Array(total),
    quantities: new Int32Array(total),
    timestampsMs: new Float64Array(total),
  };
  const next = starts.slice(0, users.size);
  for await (const columns of events.scanColumns()) {
    for (let i = 0; i < columns.length; i++) {
      if (!counts(columns, i)) continue;
      const u = userRows[columns.users[i]!]!;
      // Events that arrived since the first scan wait for the next training.
      if (next[u]! >= starts[u + 1]!) continue;
      const at = next[u]!++;
      acts.items[at] = itemRows[columns.items[i]!]!;
      acts.types[at] = columns.types[i]!;
      acts.quantities[at] = columns.quantities[i]!;
      acts.timestampsMs[at] = columns.timestampsMs[i]!;
    }
  }

  return settle(acts, starts, weights, users.size, items.size, options);
}

/** Acts of all users, grouped by user: parallel columns. */
interface Acts {
  readonly items: Int32Array;
  readonly types: Uint8Array;
  readonly quantities: Int32Array;
  readonly timestampsMs: Float64Array;
}

/** Sorts each user's acts by time, settles returns and repeats, and packs what is left. */
function settle(
  acts: Acts,
  starts: Int32Array,
  weights: Float32Array,
  userCount: number,
  itemCount: number,
  options: SequenceOptions,
): Sequences {
  const { repeats = "merge-runs", runGapMs = defaultRunGapMs } = options;
  const offsets = new Int32Array(userCount + 1);
  const items = new Int32Array(acts.items.length);
  const timestampsMs = new Float64Array(acts.items.length);
  const outWeights = new Float32Array(acts.items.length);
  let end = 0;

  for (let u = 0; u < userCount; u++) {
    const order = orderByTime(acts.timestampsMs, starts[u]!, starts[u + 1]!);
    const returned = returnedPurchases(acts, order);
    const seen = repeats === "first" ? new Map<number, number>() : undefined;
    const first = end;
    let lastMs = -Infinity;
    for (const at of order) {
      const type = acts.types[at]!;
      if (type === refundCode || returned?.has(at) === true) continue;
      const item = acts.items[at]!;
      const weight = weights[type]!;
      const time = acts.timestampsMs[at]!;
      let joins = -1;
      if (seen !== undefined) joins = seen.get(item) ?? -1;
      else if (repeats === "merge-runs" && end > first && items[end - 1] === item) {
        if (time - lastMs <= runGapMs) joins = end - 1;
      }
      lastMs = time;
      if (joins >= 0) {
        outWeights[joins] = Math.max(outWeights[joins]!, weight);
        continue;
      }
      seen?.set(item, end);
      items[end] = item;
      timestampsMs[end] = time;
      outWeights[end] = weight;
      end++;
    }
    offsets[u + 1] = end;
  }

  return {
    userCount,
    itemCount,
    offsets,
    items: items.slice(0, end),
    timestampsMs: timestampsMs.slice(0, end),
    weights: outWeights.slice(0, end),
  };
}

/** Positions `from … to` in order of time; equal times keep the order of the log. */
function orderByTime(timestampsMs: Float64Array, from: number, to: number): number[] {
  const order: number[] = [];
  let sorted = true;
  for (let i = from; i < to; i++) {
    if (i > from && timestampsMs[i]! < timestampsMs[i - 1]!) sorted = false;
    order.push(i);
  }
  return sorted ? order : order.sort((a, b) => timestampsMs[a]! - timestampsMs[b]! || a - b);
}

/** Purchases of one user that were returned whole; undefined when the user returned nothing. */
function returnedPurchases(acts: Acts, order: readonly number[]): Set<number> | undefined {
  if (!order.some((at) => acts.types[at] === refundCode)) return undefined;
  const entries = order
    .filter((at) => acts.types[at] === purchaseCode || acts.types[at] === refundCode)
    .map((at) => ({
      at,
      key: acts.items[at]!,
      isReturn: acts.types[at] === refundCode,
      quantity: acts.quantities[at]!,
    }));
  const { left } = settleReturns(entries);
  return new Set(
    entries.filter((entry, i) => !entry.isReturn && left[i] === 0).map(({ at }) => at),
  );
}
