import { DatabaseSync } from "node:sqlite";
import { StoreError } from "@magpie/domain";

/**
 * The steps that made the schema what it is; `user_version` counts those that were taken. Append
 * only: a step that has been released is never edited.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE item (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
    revision INTEGER NOT NULL, json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX item_by_revision ON item (revision);
  CREATE TABLE deleted_item (
    id TEXT PRIMARY KEY, revision INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deleted_item_by_revision ON deleted_item (revision);
  CREATE TABLE shop (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE promotion (id TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE user_key (idx INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT;
  CREATE TABLE item_key (idx INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT;

  -- Live events: those not yet in a segment. AUTOINCREMENT, so that no number is used again.
  CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL UNIQUE, user_idx INTEGER NOT NULL,
    type TEXT NOT NULL, timestamp_ms REAL NOT NULL, source TEXT NOT NULL, json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX event_by_user ON event (user_idx, timestamp_ms);

  CREATE TABLE segment (
    no INTEGER PRIMARY KEY AUTOINCREMENT, file TEXT NOT NULL, import_id TEXT, source TEXT NOT NULL,
    summary TEXT NOT NULL
  ) STRICT;
  CREATE INDEX segment_by_import ON segment (import_id);
  CREATE TABLE id_run (file TEXT PRIMARY KEY, entries INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE decision (
    seq INTEGER PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, timestamp_ms REAL NOT NULL,
    user TEXT, json TEXT NOT NULL
  ) STRICT;
  CREATE INDEX decision_by_user ON decision (user, timestamp_ms) WHERE user IS NOT NULL;

  CREATE TABLE api_key (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL, secret_sha256 BLOB NOT NULL,
    created_ms REAL NOT NULL, expires_ms REAL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE snapshot (
    version TEXT PRIMARY KEY, created_ms REAL NOT NULL, path TEXT NOT NULL, status TEXT NOT NULL,
    summary TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  -- At most one snapshot is active, whatever the code above does.
  CREATE UNIQUE INDEX active_snapshot ON snapshot (status) WHERE status = 'active';

  CREATE TABLE import_record (
    import_id TEXT PRIMARY KEY, started_ms REAL NOT NULL, json TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE rule_draft (
    only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL,
    changed_ms REAL NOT NULL, author TEXT NOT NULL, json TEXT NOT NULL
  ) STRICT;
  -- AUTOINCREMENT, so that a number is one publication for ever.
  CREATE TABLE rule_version (
    version INTEGER PRIMARY KEY AUTOINCREMENT, published_ms REAL NOT NULL, author TEXT NOT NULL,
    note TEXT, restores INTEGER, rules INTEGER NOT NULL, json TEXT NOT NULL
  ) STRICT;
  `,
];

/**
 * Opens a store's database: WAL, a sync at every commit, deleted content overwritten.
 *
 * @throws {StoreError} `STORE_TOO_NEW` when a later Magpie made it, `STORE_UNREADABLE` when it is
 *   not a database or is damaged
 */
export function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA secure_delete = ON;
      PRAGMA foreign_keys = ON;
      PRAGMA cache_size = -32768;
    `);
    migrate(database, path);
    return database;
  } catch (cause) {
    database?.close();
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(
      "STORE_UNREADABLE",
      `The store ${path} cannot be opened: ${(cause as Error).message}.`,
      "Check that the file is a Magpie store and that the disk has room; else restore a backup.",
      { kind: "unavailable", cause },
    );
  }
}

function migrate(database: DatabaseSync, path: string): void {
  const row = database.prepare("PRAGMA user_version").get() as { user_version: number };
  const version = row.user_version;
  if (version > migrations.length) {
    throw new StoreError(
      "STORE_TOO_NEW",
      `The store ${path} has schema version ${version}; this Magpie knows versions up to ${migrations.length}.`,
      "Use the Magpie version that wrote it, or a later one.",
      { kind: "conflict" },
    );
  }
  for (const [step, sql] of migrations.entries()) {
    if (step < version) continue;
    // One transaction per step: a crash between leaves the old version or the new one.
    inTransaction(database, () => {
      database.exec(sql);
      database.exec(`PRAGMA user_version = ${step + 1}`);
    });
  }
}

/** Runs `work` in a transaction that is durable on return, or undone when it throws. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // A failed COMMIT (disk full) may have rolled back by itself.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
