import type { DatabaseSync, StatementSync } from "node:sqlite";

/**
 * Keys and their dense indices, append-only: an index once given never means another key. Held in
 * memory; new keys are written with the transaction whose rows use them.
 */
export class Dictionary {
  readonly #keys: string[] = [];
  readonly #indices = new Map<string, number>();
  readonly #insert: StatementSync;
  readonly #blank: StatementSync;
  #written = 0;
  #inTransaction = 0;

  /** @param table  `user_key` or `item_key` */
  constructor(database: DatabaseSync, table: "user_key" | "item_key") {
    this.#insert = database.prepare(`INSERT INTO ${table} (idx, key) VALUES (?, ?)`);
    this.#blank = database.prepare(`UPDATE ${table} SET key = '' WHERE idx = ?`);
    const rows = database.prepare(`SELECT key FROM ${table} ORDER BY idx`);
    for (const row of rows.iterate()) {
      const key = row["key"] as string;
      if (key !== "") this.#indices.set(key, this.#keys.length);
      this.#keys.push(key);
    }
    this.#written = this.#keys.length;
  }

  /** All keys by index. A forgotten key is the empty string. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** The index of a key, given now if it has none. */
  readonly add = (key: string): number => {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    // A parser's strings may be views into the whole chunk that they came from: keep a copy.
    const own = Buffer.from(key, "utf8").toString("utf8");
    // Half of a surrogate pair cannot be stored as UTF-8: such keys are one with what it becomes.
    const stored = own === key ? undefined : this.#indices.get(own);
    if (stored !== undefined) return stored;
    const index = this.#keys.push(own) - 1;
    this.#indices.set(own, index);
    return index;
  };

  find(key: string): number | undefined {
    return this.#indices.get(key.toWellFormed());
  }

  readonly keyAt = (index: number): string => this.#keys[index]!;

  /** Writes the keys that are new since the last commit; inside a transaction. */
  write(): void {
    for (let i = this.#written; i < this.#keys.length; i++) this.#insert.run(i, this.#keys[i]!);
    this.#inTransaction = this.#keys.length;
  }

  /** Call after the transaction in which `write` ran is durable. */
  markWritten(): void {
    this.#written = this.#inTransaction;
  }

  /** Blanks a key on disk, inside a transaction; its index stays taken. Then `forget` it. */
  blank(index: number): void {
    this.#blank.run(index);
  }

  forget(index: number): void {
    this.#indices.delete(this.#keys[index]!);
    this.#keys[index] = "";
  }
}
