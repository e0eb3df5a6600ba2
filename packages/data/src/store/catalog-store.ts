import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Item, Promotion, Shop } from "@magpie/domain";
import { inTransaction } from "./database.ts";
import type { BulkUpsert, CatalogChanges, CatalogStore } from "./store.ts";

/** Rows per step of a scan. */
const scanRows = 1_000;

/** The catalogue in SQLite: a row per item, the item itself as JSON. */
export class SqliteCatalog implements CatalogStore {
  readonly #database: DatabaseSync;
  readonly #byId: StatementSync;
  #bulks = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#byId = database.prepare("SELECT json FROM item WHERE id = ?");
  }

  async upsert(items: readonly Item[], source: string): Promise<void> {
    this.#change((revision) => {
      // Numbers of rows stay when an item is replaced, so that the order of a scan does.
      const upsert = this.#database.prepare(
        `INSERT INTO item (id, source, revision, json) VALUES (?, ?, ?, ?) ${onConflict}`,
      );
      const revive = this.#database.prepare("DELETE FROM deleted_item WHERE id = ?");
      let changes = 0;
      for (const item of items) {
        changes += Number(upsert.run(item.id, source, revision, JSON.stringify(item)).changes);
        revive.run(item.id);
      }
      return changes;
    });
  }

  openBulk(source: string): BulkUpsert {
    this.#bulks++;
    return new SqliteBulkUpsert(this.#database, this.#bulks, source, (bulk) => {
      this.#change((revision) => {
        this.#database
          .prepare(
            `DELETE FROM deleted_item WHERE id IN (SELECT id FROM temp.staged_item WHERE bulk = ?)`,
          )
          .run(bulk);
        const { changes } = this.#database
          .prepare(
            `INSERT INTO item (id, source, revision, json)
             SELECT id, source, ?, json FROM temp.staged_item WHERE bulk = ? ORDER BY seq ${onConflict}`,
          )
          .run(revision, bulk);
        return Number(changes);
      });
    });
  }

  async sourcesOf(ids: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const select = this.#database.prepare("SELECT source FROM item WHERE id = ?");
    for (const id of ids) {
      const row = select.get(id);
      if (row !== undefined) found.set(id, row["source"] as string);
    }
    return found;
  }

  async get(id: string): Promise<Item | undefined> {
    const row = this.#byId.get(id);
    return row === undefined ? undefined : (JSON.parse(row["json"] as string) as Item);
  }

  async getMany(ids: readonly string[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    for (const id of ids) {
      const row = this.#byId.get(id);
      if (row !== undefined) found.set(id, JSON.parse(row["json"] as string) as Item);
    }
    return found;
  }

  async delete(ids: readonly string[]): Promise<number> {
    return this.#change((revision) => {
      const remove = this.#database.prepare("DELETE FROM item WHERE id = ?");
      const remember = this.#database.prepare(
        "INSERT INTO deleted_item (id, revision) VALUES (?, ?) ON CONFLICT DO NOTHING",
      );
      let changes = 0;
      for (const id of ids) {
        if (Number(remove.run(id).changes) === 0) continue;
        remember.run(id, revision);
        changes++;
      }
      return changes;
    });
  }

  async count(): Promise<number> {
    return this.#database.prepare("SELECT count(*) AS n FROM item").get()!["n"] as number;
  }

  async *scan(): AsyncIterable<readonly Item[]> {
    const select = this.#database.prepare(
      "SELECT seq, json FROM item WHERE seq > ? ORDER BY seq LIMIT ?",
    );
    let seq = 0;
    for (;;) {
      const rows = select.all(seq, scanRows);
      if (rows.length === 0) return;
      seq = rows.at(-1)!["seq"] as number;
      yield rows.map((row) => JSON.parse(row["json"] as string) as Item);
    }
  }

  async upsertShops(shops: readonly Shop[]): Promise<void> {
    this.#replaceAll("shop", shops);
  }

  async shops(): Promise<Shop[]> {
    const rows = this.#database.prepare("SELECT json FROM shop ORDER BY id").all();
    return rows.map((row) => JSON.parse(row["json"] as string) as Shop);
  }

  async upsertPromotions(promotions: readonly Promotion[]): Promise<void> {
    this.#replaceAll("promotion", promotions);
  }

  async promotions(): Promise<Promotion[]> {
    const rows = this.#database.prepare("SELECT json FROM promotion ORDER BY id").all();
    return rows.map((row) => JSON.parse(row["json"] as string) as Promotion);
  }

  async revision(): Promise<number> {
    return this.#revision();
  }

  async *changesSince(revision: number): AsyncIterable<CatalogChanges> {
    const upserted = this.#database.prepare(
      `SELECT seq, revision, json FROM item
       WHERE (revision, seq) > (?, ?) ORDER BY revision, seq LIMIT ?`,
    );
    let after: [number, number] = [revision, Number.MAX_SAFE_INTEGER];
    for (;;) {
      const rows = upserted.all(...after, scanRows);
      if (rows.length === 0) break;
      const last = rows.at(-1)!;
      after = [last["revision"] as number, last["seq"] as number];
      yield {
        upserted: rows.map((row) => JSON.parse(row["json"] as string) as Item),
        deleted: [],
      };
    }
    const deleted = this.#database
      .prepare("SELECT id FROM deleted_item WHERE revision > ? ORDER BY revision, id")
      .all(revision);
    if (deleted.length > 0) {
      yield { upserted: [], deleted: deleted.map((row) => row["id"] as string) };
    }
  }

  #replaceAll(table: "shop" | "promotion", values: readonly { readonly id: string }[]): void {
    this.#change(() => {
      const upsert = this.#database.prepare(
        `INSERT INTO ${table} (id, json) VALUES (?, ?)
         ON CONFLICT (id) DO UPDATE SET json = excluded.json WHERE json <> excluded.json`,
      );
      let changes = 0;
      for (const value of values) {
        changes += Number(upsert.run(value.id, JSON.stringify(value)).changes);
      }
      return changes;
    });
  }

  /**
   * Runs `work` in one transaction under the next revision, which counts only if rows changed.
   *
   * @param work  answers how many rows it changed
   */
  #change(work: (revision: number) => number): number {
    return inTransaction(this.#database, () => {
      const changes = work(this.#revision() + 1);
      if (changes > 0) {
        this.#database
          .prepare(
            `INSERT INTO meta (key, value) VALUES ('catalog_revision', 1)
             ON CONFLICT (key) DO UPDATE SET value = value + 1`,
          )
          .run();
      }
      return changes;
    });
  }

  #revision(): number {
    const row = this.#database
      .prepare("SELECT value FROM meta WHERE key = 'catalog_revision'")
      .get();
    return row === undefined ? 0 : (row["value"] as number);
  }
}

/** An item that comes as it is already is no change. */
const onConflict = `
  ON CONFLICT (id) DO UPDATE
  SET source = excluded.source, revision = excluded.revision, json = excluded.json
  WHERE source <> excluded.source OR json <> excluded.json`;

/** Collects an import's items in a temporary table, which dies with the process. */
class SqliteBulkUpsert implements BulkUpsert {
  readonly #database: DatabaseSync;
  readonly #bulk: number;
  readonly #source: string;
  readonly #adopt: (bulk: number) => void;

  constructor(database: DatabaseSync, bulk: number, source: string, adopt: (bulk: number) => void) {
    this.#database = database;
    this.#bulk = bulk;
    this.#source = source;
    this.#adopt = adopt;
    database.exec(`
      CREATE TEMP TABLE IF NOT EXISTS staged_item (
        seq INTEGER PRIMARY KEY, bulk INTEGER NOT NULL, id TEXT NOT NULL,
        source TEXT NOT NULL, json TEXT NOT NULL, UNIQUE (bulk, id)
      ) STRICT`);
  }

  async put(items: readonly Item[], source = this.#source): Promise<void> {
    inTransaction(this.#database, () => {
      const stage = this.#database.prepare(
        `INSERT INTO temp.staged_item (bulk, id, source, json) VALUES (?, ?, ?, ?)
         ON CONFLICT (bulk, id) DO UPDATE SET source = excluded.source, json = excluded.json`,
      );
      for (const item of items) stage.run(this.#bulk, item.id, source, JSON.stringify(item));
    });
  }

  async staged(ids: readonly string[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    const select = this.#database.prepare(
      "SELECT json FROM temp.staged_item WHERE bulk = ? AND id = ?",
    );
    for (const id of ids) {
      const row = select.get(this.#bulk, id);
      if (row !== undefined) found.set(id, JSON.parse(row["json"] as string) as Item);
    }
    return found;
  }

  async commit(): Promise<void> {
    this.#adopt(this.#bulk);
    await this.abort();
  }

  async abort(): Promise<void> {
    this.#database.prepare("DELETE FROM temp.staged_item WHERE bulk = ?").run(this.#bulk);
  }
}
