import { randomInt } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import {
  StoreError,
  type SearchDictionaries,
  type ShopSettings,
  type UserId,
} from "@magpie/domain";
import { SqliteCatalog } from "./catalog-store.ts";
import { inTransaction, openDatabase } from "./database.ts";
import { SqliteDecisions } from "./decision-store.ts";
import { Dictionary } from "./dictionary.ts";
import { EventLog } from "./event-log.ts";
import { SqliteDocument } from "./document-store.ts";
import { type FolderLock, lockFolder } from "./folder-lock.ts";
import { GroupCommit } from "./group-commit.ts";
import { SqliteKeys } from "./key-store.ts";
import { SqliteImports, SqliteSnapshots } from "./registry-stores.ts";
import { maxSegmentEvents } from "./segment.ts";
import { SqliteRules } from "./rule-store.ts";
import type { DictionaryStore, Erasure, SettingsStore, Store } from "./store.ts";

/** How a store works; every field has a default. */
export interface StoreOptions {
  /** Milliseconds that a live append waits for others to share its sync. Default 2. */
  readonly commitWindowMs?: number;
  /** Events in a packed segment, at most and by default 65,536; tests take few. */
  readonly segmentEvents?: number;
  /** The clock, for the times of keys and owners. */
  readonly now?: () => number;
}

/**
 * Opens the store of a data folder, making both when they are not there. What a crash left
 * unfinished is undone, and the folder is this process's own until `close`.
 *
 * @throws {StoreError} `DATA_FOLDER_IN_USE` when another process has it open; `STORE_TOO_NEW`,
 *   `STORE_UNREADABLE`, `EVENT_FILE_MISSING` when it cannot be read as it is
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<Store> {
  const { commitWindowMs = 2, segmentEvents = maxSegmentEvents, now = Date.now } = options;
  if (!Number.isInteger(segmentEvents) || segmentEvents < 1 || segmentEvents > maxSegmentEvents) {
    throw new StoreError(
      "INVALID_SEGMENT_SIZE",
      `segmentEvents is ${segmentEvents}; it must be a whole number from 1 to ${maxSegmentEvents}.`,
      "Leave it out to take the default.",
    );
  }
  const folder = resolve(directory);
  await mkdir(folder, { recursive: true });
  const lock = lockFolder(folder, now());
  try {
    const database = openDatabase(join(folder, "magpie.db"));
    try {
      const store = new SqliteStore(database, lock, folder, { commitWindowMs, segmentEvents, now });
      await store.recover();
      return store;
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly catalog: SqliteCatalog;
  readonly events: EventLog;
  readonly decisions: SqliteDecisions;
  readonly keys: SqliteKeys;
  readonly snapshots: SqliteSnapshots;
  readonly imports: SqliteImports;
  readonly rules: SqliteRules;
  readonly settings: SettingsStore;
  readonly dictionaries: DictionaryStore;
  readonly #database: DatabaseSync;
  readonly #lock: FolderLock;
  readonly #commit: GroupCommit;
  readonly #decisionCommit: GroupCommit;
  #closed: Promise<void> | undefined;

  constructor(
    database: DatabaseSync,
    lock: FolderLock,
    folder: string,
    options: Required<StoreOptions>,
  ) {
    this.#database = database;
    this.#lock = lock;
    seedMeta(database);
    const seed = readMeta(database, "hash_seed") as number;
    const users = new Dictionary(database, "user_key", seed);
    const items = new Dictionary(database, "item_key", seed);
    const windowMs = options.commitWindowMs;
    this.#commit = new GroupCommit(database, {
      windowMs,
      durability: "synced",
      beforeCommit: () => {
        users.write();
        items.write();
      },
      afterCommit: () => {
        users.markWritten();
        items.markWritten();
      },
    });
    this.catalog = new SqliteCatalog(database);
    this.events = new EventLog(
      database,
      this.#commit,
      { users, items },
      folder,
      options.segmentEvents,
    );
    // Written in the thread that answers requests: its syncs would be waited for by shoppers.
    this.#decisionCommit = new GroupCommit(database, { windowMs, durability: "written" });
    this.decisions = new SqliteDecisions(database, this.#decisionCommit);
    this.keys = new SqliteKeys(database, options.now);
    this.snapshots = new SqliteSnapshots(database);
    this.imports = new SqliteImports(database);
    this.rules = new SqliteRules(database);
    this.settings = new SqliteDocument<ShopSettings>(database, "shop_settings", {});
    this.dictionaries = new SqliteDocument<SearchDictionaries>(database, "search_dictionaries", {
      synonyms: [],
      refused: [],
      stages: {},
    });
  }

  async recover(): Promise<void> {
    await this.events.recover();
    if (readMeta(this.#database, "erasure_unfinished") === 1) this.#scrub();
  }

  async eraseUser(user: UserId): Promise<Erasure> {
    return this.events.maintenance.run(async () => {
      const erased = await this.events.prepareErasure(user);
      // What waits for its commit would otherwise be written after the erasure.
      this.#commit.flush();
      this.#decisionCommit.flush();
      const counts = inTransaction(this.#database, () => {
        const live = erased.write();
        const decisions = this.#database.prepare("DELETE FROM decision WHERE user = ?").run(user);
        this.imports.forgetUser(user);
        writeMeta(this.#database, "erasure_unfinished", 1);
        return { events: erased.events + live, decisions: Number(decisions.changes) };
      });
      await erased.publish();
      this.#scrub();
      return { user, ...counts };
    });
  }

  /**
   * Overwrites what deleted rows left behind. `secure_delete` zeroes deleted cells, but cells that
   * moved between pages earlier may have left copies in unused parts of pages: only a rewrite of
   * the file is sure to lose them. Then the log, which has old pages too, is emptied.
   */
  #scrub(): void {
    this.#database.exec("VACUUM");
    writeMeta(this.#database, "erasure_unfinished", 0);
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#commit.close();
    this.#decisionCommit.close();
    await this.events.abortBulk();
    await this.events.maintenance.run(async () => {
      this.events.close();
      this.#database.close();
      this.#lock.release();
    });
  }
}

/** Numbers that every store has from its first opening on. */
function seedMeta(database: DatabaseSync): void {
  const insert = database.prepare(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  inTransaction(database, () => {
    insert.run("hash_seed", randomInt(2 ** 32));
    insert.run("live_from", 1);
    insert.run("erasure_unfinished", 0);
  });
}

function readMeta(database: DatabaseSync, key: string): unknown {
  return database.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.["value"];
}

function writeMeta(database: DatabaseSync, key: string, value: number): void {
  database.prepare("UPDATE meta SET value = ? WHERE key = ?").run(value, key);
}
