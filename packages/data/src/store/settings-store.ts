import type { DatabaseSync } from "node:sqlite";
import type { ShopSettings } from "@magpie/domain";
import type { SettingsStore } from "./store.ts";

const key = "shop_settings";

/** The shop's settings as one JSON document. */
export class SqliteSettings implements SettingsStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async get(): Promise<ShopSettings> {
    const row = this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return row === undefined ? {} : (JSON.parse(row["value"] as string) as ShopSettings);
  }

  async put(settings: ShopSettings): Promise<void> {
    this.#database
      .prepare(
        `INSERT INTO meta (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      )
      .run(key, JSON.stringify(settings));
  }
}
