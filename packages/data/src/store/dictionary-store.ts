import type { DatabaseSync } from "node:sqlite";
import type { SearchDictionaries } from "@magpie/domain";
import type { DictionaryStore } from "./store.ts";

const key = "search_dictionaries";
const empty: SearchDictionaries = { synonyms: [], refused: [], stages: {} };

/** What the shop taught its search, as one JSON document. */
export class SqliteDictionaries implements DictionaryStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async get(): Promise<SearchDictionaries> {
    const row = this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(key);
    return row === undefined ? empty : (JSON.parse(row["value"] as string) as SearchDictionaries);
  }

  async put(dictionaries: SearchDictionaries): Promise<void> {
    this.#database
      .prepare(
        `INSERT INTO meta (key, value) VALUES (?, ?)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
      )
      .run(key, JSON.stringify(dictionaries));
  }
}
