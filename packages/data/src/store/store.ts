import type {
  Event,
  EventType,
  Item,
  Promotion,
  Rule,
  SearchDictionaries,
  Shop,
  ShopSettings,
  UserId,
} from "@magpie/domain";

/**
 * The truth about a shop: catalogue, events, decisions, keys, snapshot registry. One interface;
 * SQLite stands behind it today, PostgreSQL can later, so every call that may cross a network is
 * asynchronous. Exactly one process owns a store at a time.
 */
export interface Store {
  readonly catalog: CatalogStore;
  readonly events: EventStore;
  readonly decisions: DecisionStore;
  readonly keys: KeyStore;
  readonly snapshots: SnapshotStore;
  readonly imports: ImportStore;
  readonly rules: RuleStore;
  readonly settings: SettingsStore;
  readonly dictionaries: DictionaryStore;
  /**
   * Deletes every trace of a user: events in rows and segments, decisions, mentions in reports of
   * imports. Durable on return; the store's files do not hold the user's id any more. Waits for a running import. Events under
   * another key of the same person (a visitor id before the log-in) are erased under that key.
   */
  eraseUser(user: UserId): Promise<Erasure>;
  close(): Promise<void>;
}

export interface CatalogStore {
  /** Inserts or replaces; `source` names where the row came from. Durable on return. */
  upsert(items: readonly Item[], source: string): Promise<void>;
  /**
   * The bulk path, for imports: nothing is visible before `commit`, and a crash before it leaves
   * the catalogue as it was.
   */
  openBulk(source: string): BulkUpsert;
  /** Which source wrote each item last; unknown ids are absent. */
  sourcesOf(ids: readonly string[]): Promise<Map<string, string>>;
  get(id: string): Promise<Item | undefined>;
  getMany(ids: readonly string[]): Promise<Map<string, Item>>;
  delete(ids: readonly string[]): Promise<number>;
  count(): Promise<number>;
  /** All items in a stable order. */
  scan(): AsyncIterable<readonly Item[]>;
  upsertShops(shops: readonly Shop[]): Promise<void>;
  shops(): Promise<Shop[]>;
  upsertPromotions(promotions: readonly Promotion[]): Promise<void>;
  promotions(): Promise<Promotion[]>;
  /** Grows with every change; snapshots record it. */
  revision(): Promise<number>;
  /**
   * What changed after `revision`: how a snapshot's item columns are brought up to date when it is
   * opened. Each item comes once, in its present form. Cheap when little changed.
   */
  changesSince(revision: number): AsyncIterable<CatalogChanges>;
}

export interface CatalogChanges {
  /** Inserted or replaced since, and still there. */
  readonly upserted: readonly Item[];
  /** Ids that were deleted since and did not come back. */
  readonly deleted: readonly string[];
}

export interface BulkUpsert {
  /**
   * Inserts or replaces; a later row of the same id wins over an earlier one of this bulk.
   *
   * @param source  whose rows these are, where not the bulk's own: another source may have decided
   */
  put(items: readonly Item[], source?: string): Promise<void>;
  /** What this bulk holds for the ids so far: rows of one item may lie far apart in a file. */
  staged(ids: readonly string[]): Promise<Map<string, Item>>;
  /** All or nothing; durable on return. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** What the shop says of its texts and of its search. */
export interface SettingsStore {
  /** Empty before anything was put. */
  get(): Promise<ShopSettings>;
  /** In place of all settings before. Durable on return. */
  put(settings: ShopSettings): Promise<void>;
}

/** What the shop taught its search. */
export interface DictionaryStore {
  /** Empty before anything was put. */
  get(): Promise<SearchDictionaries>;
  /** In place of all before. Durable on return. */
  put(dictionaries: SearchDictionaries): Promise<void>;
}

export type AppendOutcome = "stored" | "duplicate";

/** A user as listed for operators and the storefront's shopper picker. */
export interface UserSummary {
  readonly user: UserId;
  readonly events: number;
  readonly lastMs: number;
}

/**
 * Columns of a run of the log, one row per (event, item); events without items have one row with
 * item -1. `users` and `items` index the dictionaries that `userKeys` and `itemKeys` give. A run
 * may group its rows by user; rows of one user always follow each other in order of arrival.
 */
export interface EventColumns {
  readonly length: number;
  readonly users: Int32Array;
  readonly items: Int32Array;
  /** Index into `eventTypes`. */
  readonly types: Uint8Array;
  readonly timestampsMs: Float64Array;
  /** 1 when the event does not say. */
  readonly quantities: Int32Array;
  /** Minor units; -1 when absent. */
  readonly pricesCents: Float64Array;
  /** 0 where `consent.personalization` was false: histories and training pass over the row. */
  readonly personal: Uint8Array;
}

export interface EventStore {
  /**
   * The live path. Resolves when the events are on disk (concurrent calls share one sync). An
   * `eventId` seen before is answered "duplicate" and changes nothing.
   */
  append(events: readonly Event[], source: string): Promise<AppendOutcome[]>;
  /**
   * The bulk path, for imports: nothing is visible before `commit`, and a crash before it leaves
   * the log as it was. Rows need not be in order of time. One import at a time; it ends with
   * `commit` or `abort`, and maintenance (compaction, removal, erasure) waits for that.
   *
   * @throws {StoreError} `IMPORT_RUNNING` while another one is open
   */
  openBulk(source: string, importId: string): BulkAppend;
  /** Removes all events of an import, so that its file can be imported again by other rules. */
  removeImport(importId: string): Promise<number>;
  /** A user's newest events, newest first. */
  byUser(user: UserId, limit: number): Promise<Event[]>;
  /** All of a user's events, oldest first: the data-access export. */
  exportUser(user: UserId): AsyncIterable<readonly Event[]>;
  /** The whole log as typed columns, in runs; what training reads (20+ M rows/s). */
  scanColumns(): AsyncIterable<EventColumns>;
  /** All events as objects, oldest import first: what export reads. */
  scan(): AsyncIterable<readonly Event[]>;
  /** Dictionary of `EventColumns.users`. Append-only; an erased user's entry becomes "". */
  userKeys(): Promise<readonly UserId[]>;
  /** Dictionary of `EventColumns.items`: ids as events named them. Append-only. */
  itemKeys(): Promise<readonly string[]>;
  count(): Promise<number>;
  countByType(): Promise<Partial<Record<EventType, number>>>;
  /** Users with the most events. */
  topUsers(limit: number): Promise<UserSummary[]>;
  /**
   * Moves live rows into packed segments, unless they are too few to be worth it. Goes on by
   * itself when there are many; call it before training.
   */
  compact(): Promise<void>;
}

export interface BulkAppend {
  /** Buffers; may do I/O now and then, which is why a caller awaits it when it returns a promise. */
  add(event: Event): void | Promise<void>;
  /** All or nothing; durable on return. */
  commit(): Promise<{ readonly stored: number; readonly duplicates: number }>;
  abort(): Promise<void>;
}

/** What was shown, where, by which pipeline, with which probability, and why. */
export interface Decision {
  readonly requestId: string;
  readonly timestampMs: number;
  readonly scenario: string;
  readonly user?: UserId;
  readonly snapshot: string;
  readonly pipeline: string;
  readonly query?: string;
  readonly items: readonly {
    readonly itemId: string;
    /** From 1. */
    readonly position: number;
    readonly score: number;
    /** Probability in (0, 1] with which the pipeline would show the item there. */
    readonly propensity: number;
    /** Retrievers that proposed it. */
    readonly retrievers: readonly string[];
  }[];
}

export interface DecisionStore {
  /**
   * Resolves when the decision is with the operating system: the end of the process does not take
   * it, a loss of power may. Callers on the hot path need not await it.
   */
  append(decision: Decision): Promise<void>;
  get(requestId: string): Promise<Decision | undefined>;
  byUser(user: UserId, limit: number): Promise<Decision[]>;
  count(): Promise<number>;
}

export type KeyScope = "events" | "read" | "catalog" | "rules" | "users" | "admin";

export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly createdMs: number;
  readonly expiresMs?: number;
}

export interface KeyStore {
  /** Makes a key. The secret is returned once and only its SHA-256 is kept. */
  create(
    name: string,
    scopes: readonly KeyScope[],
    expiresMs?: number,
  ): Promise<ApiKey & { readonly secret: string }>;
  verify(secret: string, nowMs: number): Promise<ApiKey | undefined>;
  list(): Promise<ApiKey[]>;
  revoke(id: string): Promise<boolean>;
}

export interface SnapshotRecord {
  readonly version: string;
  readonly createdMs: number;
  /** Folder relative to the data folder. */
  readonly path: string;
  readonly status: "ready" | "active" | "retired";
  /** Manifest facts for lists: items, users, metrics. */
  readonly summary: Readonly<Record<string, unknown>>;
}

export interface SnapshotStore {
  register(record: Omit<SnapshotRecord, "status">): Promise<void>;
  list(): Promise<SnapshotRecord[]>;
  active(): Promise<SnapshotRecord | undefined>;
  /** Atomic switch; the snapshot active before becomes "ready" for roll-back. */
  activate(version: string): Promise<void>;
  remove(version: string): Promise<void>;
}

/** The merchandisers' rules that are being worked on. */
export interface RuleDraft {
  /** Grows with every change; 0 before the first. */
  readonly revision: number;
  readonly rules: readonly Rule[];
  readonly changedMs?: number;
  readonly author?: string;
}

/** Who changes rules, when, and what they had seen. */
export interface RuleChange {
  /** The id of a key, or the name of a command. */
  readonly author: string;
  readonly nowMs: number;
  /** The draft that was looked at; absent: whatever it is now. */
  readonly ifRevision?: number;
}

export interface RuleVersionSummary {
  /** From 1; each publication has the next. */
  readonly version: number;
  readonly publishedMs: number;
  readonly author: string;
  readonly note?: string;
  /** The version that this one brought back. */
  readonly restores?: number;
  /** Number of rules. */
  readonly size: number;
}

export interface RuleVersion extends RuleVersionSummary {
  readonly rules: readonly Rule[];
}

/**
 * Merchandisers' rules: one draft that changes, and versions that never do. The newest version is the
 * one in force. Every change is whole or not made, and durable on return.
 *
 * Changes with `ifRevision` throw `RULES_CHANGED` when the draft is another one by now.
 */
export interface RuleStore {
  draft(): Promise<RuleDraft>;
  saveDraft(rules: readonly Rule[], change: RuleChange): Promise<RuleDraft>;
  /** The draft becomes the next version. */
  publish(change: RuleChange & { readonly note?: string }): Promise<RuleVersion>;
  /**
   * The rules of a former version become the next version, and the draft.
   *
   * @throws {StoreError} `UNKNOWN_RULES_VERSION`
   */
  rollBack(version: number, change: RuleChange & { readonly note?: string }): Promise<RuleVersion>;
  active(): Promise<RuleVersion | undefined>;
  version(version: number): Promise<RuleVersion | undefined>;
  /** Newest first. */
  versions(): Promise<RuleVersionSummary[]>;
}

export interface ImportRecord {
  readonly importId: string;
  readonly kind: "catalog" | "events" | "interactions";
  readonly source: string;
  readonly file: string;
  readonly format: string;
  readonly sha256: string;
  readonly startedMs: number;
  readonly finishedMs: number;
  /** The data-quality report, as JSON. */
  readonly report: unknown;
}

export interface ImportStore {
  add(record: ImportRecord): Promise<void>;
  list(): Promise<ImportRecord[]>;
  get(importId: string): Promise<ImportRecord | undefined>;
  remove(importId: string): Promise<void>;
}

export interface Erasure {
  readonly user: UserId;
  readonly events: number;
  readonly decisions: number;
}
