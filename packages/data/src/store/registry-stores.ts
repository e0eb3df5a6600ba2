import type { DatabaseSync } from "node:sqlite";
import { StoreError, type UserId } from "@magpie/domain";
import { inTransaction } from "./database.ts";
import type { ImportRecord, ImportStore, SnapshotRecord, SnapshotStore } from "./store.ts";

/** The snapshot registry in SQLite. The folders themselves belong to the engine. */
export class SqliteSnapshots implements SnapshotStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async register(record: Omit<SnapshotRecord, "status">): Promise<void> {
    const known = this.#get(record.version);
    if (known !== undefined) {
      throw new StoreError(
        "SNAPSHOT_EXISTS",
        `Snapshot ${record.version} is registered already, at ${known.path}.`,
        "A snapshot is immutable: publish the new one under a new version.",
        { kind: "conflict" },
      );
    }
    this.#database
      .prepare(
        `INSERT INTO snapshot (version, created_ms, path, status, summary)
         VALUES (?, ?, ?, 'ready', ?)`,
      )
      .run(record.version, record.createdMs, record.path, JSON.stringify(record.summary));
  }

  async list(): Promise<SnapshotRecord[]> {
    const rows = this.#database
      .prepare("SELECT * FROM snapshot ORDER BY created_ms DESC, version DESC")
      .all();
    return rows.map(toSnapshot);
  }

  async active(): Promise<SnapshotRecord | undefined> {
    const row = this.#database.prepare("SELECT * FROM snapshot WHERE status = 'active'").get();
    return row === undefined ? undefined : toSnapshot(row);
  }

  async activate(version: string): Promise<void> {
    inTransaction(this.#database, () => {
      if (this.#get(version) === undefined) throw unknownSnapshot(version);
      this.#database.exec("UPDATE snapshot SET status = 'ready' WHERE status = 'active'");
      this.#database
        .prepare("UPDATE snapshot SET status = 'active' WHERE version = ?")
        .run(version);
    });
  }

  async remove(version: string): Promise<void> {
    const record = this.#get(version);
    if (record === undefined) throw unknownSnapshot(version);
    if (record.status === "active") {
      throw new StoreError(
        "SNAPSHOT_ACTIVE",
        `Snapshot ${version} is being served and cannot be removed.`,
        "Activate another snapshot first.",
        { kind: "conflict" },
      );
    }
    this.#database.prepare("DELETE FROM snapshot WHERE version = ?").run(version);
  }

  #get(version: string): SnapshotRecord | undefined {
    const row = this.#database.prepare("SELECT * FROM snapshot WHERE version = ?").get(version);
    return row === undefined ? undefined : toSnapshot(row);
  }
}

function unknownSnapshot(version: string): StoreError {
  return new StoreError(
    "UNKNOWN_SNAPSHOT",
    `There is no snapshot ${version}.`,
    "List the snapshots to see which versions there are.",
    { kind: "not-found" },
  );
}

function toSnapshot(row: Record<string, unknown>): SnapshotRecord {
  return {
    version: row["version"] as string,
    createdMs: row["created_ms"] as number,
    path: row["path"] as string,
    status: row["status"] as SnapshotRecord["status"],
    summary: JSON.parse(row["summary"] as string) as SnapshotRecord["summary"],
  };
}

/** Records of imports in SQLite, with their data-quality reports. */
export class SqliteImports implements ImportStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async add(record: ImportRecord): Promise<void> {
    this.#database
      .prepare(
        `INSERT INTO import_record (import_id, started_ms, json) VALUES (?, ?, ?)
         ON CONFLICT (import_id) DO UPDATE
         SET started_ms = excluded.started_ms, json = excluded.json`,
      )
      .run(record.importId, record.startedMs, JSON.stringify(record));
  }

  async list(): Promise<ImportRecord[]> {
    const rows = this.#database
      .prepare("SELECT json FROM import_record ORDER BY started_ms DESC, import_id DESC")
      .all();
    return rows.map((row) => JSON.parse(row["json"] as string) as ImportRecord);
  }

  async get(importId: string): Promise<ImportRecord | undefined> {
    const row = this.#database
      .prepare("SELECT json FROM import_record WHERE import_id = ?")
      .get(importId);
    return row === undefined ? undefined : (JSON.parse(row["json"] as string) as ImportRecord);
  }

  async remove(importId: string): Promise<void> {
    this.#database.prepare("DELETE FROM import_record WHERE import_id = ?").run(importId);
  }

  /**
   * Takes a user's id out of the reports, where abnormal users and bad values are quoted; inside
   * the erasure's transaction.
   */
  forgetUser(user: UserId): void {
    const records = this.#database.prepare("SELECT import_id, json FROM import_record").all();
    const update = this.#database.prepare("UPDATE import_record SET json = ? WHERE import_id = ?");
    for (const row of records) {
      const json = row["json"] as string;
      const record = JSON.parse(json) as ImportRecord;
      const cleaned = JSON.stringify({ ...record, report: withoutUser(record.report, user) });
      if (cleaned !== json) update.run(cleaned, row["import_id"] as string);
    }
  }
}

/** What a report says of the file itself, where an id could only stand by chance. */
const factsOfFile = new Set(["importId", "kind", "file", "source", "format", "encoding", "rule"]);

/** A copy in which a user's id, as a whole word of any text, reads "(erased)". */
function withoutUser(report: unknown, user: string): unknown {
  // Only syntax characters: under the "u" flag, escaping any other is an error.
  const literal = user.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const word = new RegExp(`(?<![\\p{L}\\p{N}_-])${literal}(?![\\p{L}\\p{N}_-])`, "gu");
  const clean = (value: unknown): unknown => {
    if (typeof value === "string") return value.replace(word, "(erased)");
    if (Array.isArray(value)) return value.map(clean);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, part]) => [key, factsOfFile.has(key) ? part : clean(part)]),
    );
  };
  return clean(report);
}
