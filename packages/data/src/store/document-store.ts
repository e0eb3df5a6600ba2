import type { DatabaseSync } from "node:sqlite";

/** One JSON document of the shop, under a key of its own; `absent` until the first `put`. */
export class SqliteDocument<T> {
  readonly #database: DatabaseSync;
  readonly #key: string;
  readonly #absent: T;

  constructor(database: DatabaseSync, key: string, absent: T) {
    this.#database = database;
    this.#key = key;
    this.#absent = absent;
  }

  async get(): Promise<T> {
    const row = this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(this.#key);
    return row === undefined ? this.#absent : (JSON.parse(row["value"] as string) as T);
  }

  async put(document: T): Promise<void> {
    this.#database
      .prepare(
        `INSERT INTO meta (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      )
      .run(this.#key, JSON.stringify(document));
  }
}
