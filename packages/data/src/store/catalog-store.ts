import type { DatabaseSync } from "node:sqlite";
import type { Item, Promotion, Shop } from "@magpie/domain";
import { inTransaction } from "./database.ts";
import type { CatalogStore } from "./store.ts";

/** Rows per step of a scan. */
const scanRows = 1_000;

/** The catalogue in SQLite: a row per item, the item itself as JSON. */
export class SqliteCatalog implements CatalogStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async upsert(items: readonly Item[], source: string): Promise<void> {
    // Numbers of rows stay when an item is replaced, so that the order of a scan does.
    this.#change(
      `INSERT INTO item (id, source, json) VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET source = excluded.source, json = excluded.json`,
      items.map((item) => [item.id, source, JSON.stringify(item)]),
    );
  }

  async get(id: string): Promise<Item | undefined> {
    const row = this.#database.prepare("SELECT json FROM item WHERE id = ?").get(id);
    return row === undefined ? undefined : (JSON.parse(row["json"] as string) as Item);
  }

  async getMany(ids: readonly string[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    const select = this.#database.prepare("SELECT json FROM item WHERE id = ?");
    for (const id of ids) {
      const row = select.get(id);
      if (row !== undefined) found.set(id, JSON.parse(row["json"] as string) as Item);
    }
    return found;
  }

  async delete(ids: readonly string[]): Promise<number> {
    return this.#change(
      "DELETE FROM item WHERE id = ?",
      ids.map((id) => [id]),
    );
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
    this.#change(
      `INSERT INTO shop (id, json) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
      shops.map((shop) => [shop.id, JSON.stringify(shop)]),
    );
  }

  async shops(): Promise<Shop[]> {
    const rows = this.#database.prepare("SELECT json FROM shop ORDER BY id").all();
    return rows.map((row) => JSON.parse(row["json"] as string) as Shop);
  }

  async upsertPromotions(promotions: readonly Promotion[]): Promise<void> {
    this.#change(
      `INSERT INTO promotion (id, json) VALUES (?, ?)
       ON CONFLICT (id) DO UPDATE SET json = excluded.json`,
      promotions.map((promotion) => [promotion.id, JSON.stringify(promotion)]),
    );
  }

  async promotions(): Promise<Promotion[]> {
    const rows = this.#database.prepare("SELECT json FROM promotion ORDER BY id").all();
    return rows.map((row) => JSON.parse(row["json"] as string) as Promotion);
  }

  async revision(): Promise<number> {
    const row = this.#database
      .prepare("SELECT value FROM meta WHERE key = 'catalog_revision'")
      .get();
    return row === undefined ? 0 : (row["value"] as number);
  }

  /** Runs one statement for each row and counts the revision up, all or nothing. */
  #change(sql: string, rows: readonly (readonly string[])[]): number {
    return inTransaction(this.#database, () => {
      const statement = this.#database.prepare(sql);
      let changes = 0;
      for (const row of rows) changes += Number(statement.run(...row).changes);
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
}
