import type { DatabaseSync, StatementSync } from "node:sqlite";
import { hashText, type TextHash } from "./text-hash.ts";

/** Keys that one statement reads or writes, as a JSON array: far cheaper than a row at a time. */
const keysPerPart = 4_096;

/**
 * Keys and their dense indices, append-only: an index once given never means another key. Held in
 * memory; new keys are written with the transaction whose rows use them.
 *
 * Imports look up two keys an event. A `Map` costs several cache misses per look-up once it has
 * outgrown the caches, comparing strings that lie all over the heap; a flat table of 96-bit hashes
 * costs one.
 */
export class Dictionary {
  readonly #keys: string[] = [];
  readonly #indices: HashTable;
  readonly #seed: number;
  readonly #hash: TextHash = { a: 0, b: 0, c: 0 };
  readonly #insert: StatementSync;
  readonly #blank: StatementSync;
  #written = 0;
  #inTransaction = 0;

  /**
   * @param table  `user_key` or `item_key`
   * @param seed   of the store's hashes
   */
  constructor(database: DatabaseSync, table: "user_key" | "item_key", seed: number) {
    this.#insert = database.prepare(
      `INSERT INTO ${table} (idx, key) SELECT ? + key, value FROM json_each(?)`,
    );
    this.#blank = database.prepare(`UPDATE ${table} SET key = '' WHERE idx = ?`);
    this.#seed = seed;
    this.#indices = new HashTable();
    const part = database.prepare(
      `SELECT json_group_array(key ORDER BY idx) AS keys FROM ${table} WHERE idx >= ? AND idx < ?`,
    );
    for (;;) {
      const from = this.#keys.length;
      const keys = JSON.parse(part.get(from, from + keysPerPart)!["keys"] as string) as string[];
      for (const key of keys) {
        if (key !== "") this.#indices.set(this.#hashOf(key), this.#keys.length);
        this.#keys.push(key);
      }
      if (keys.length < keysPerPart) break;
    }
    this.#written = this.#keys.length;
  }

  /** All keys by index. A forgotten key is the empty string. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  /** The index of a key, given now if it has none. */
  readonly add = (key: string): number => {
    const known = this.#indices.get(this.#hashOf(key));
    if (known >= 0) return known;
    // A parser's strings may be views into the whole chunk that they came from: keep a copy.
    const own = Buffer.from(key, "utf8").toString("utf8");
    // Half of a surrogate pair cannot be stored as UTF-8: such keys are one with what it becomes.
    if (own !== key) return this.add(own);
    const index = this.#keys.push(own) - 1;
    this.#indices.set(this.#hashOf(own), index);
    return index;
  };

  find(key: string): number | undefined {
    const index = this.#indices.get(this.#hashOf(key.toWellFormed()));
    return index < 0 ? undefined : index;
  }

  readonly keyAt = (index: number): string => this.#keys[index]!;

  /** Writes the keys that are new since the last commit; inside a transaction. */
  write(): void {
    for (let from = this.#written; from < this.#keys.length; from += keysPerPart) {
      this.#insert.run(from, JSON.stringify(this.#keys.slice(from, from + keysPerPart)));
    }
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
    this.#indices.delete(this.#hashOf(this.#keys[index]!));
    this.#keys[index] = "";
  }

  #hashOf(key: string): TextHash {
    return hashText(key, this.#seed, this.#hash);
  }
}

/** Hashes to indices, with open addressing: four words a place, `c` = 0 where it is empty. */
class HashTable {
  #words = new Uint32Array(4 * 1024);
  #size = 0;

  /** -1 when absent. */
  get({ a, b, c }: TextHash): number {
    const words = this.#words;
    const mask = words.length - 1;
    for (let at = (a << 2) & mask; words[at + 2] !== 0; at = (at + 4) & mask) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c) return words[at + 3]! - 1;
    }
    return -1;
  }

  set(hash: TextHash, index: number): void {
    // At most half full, so that look-ups stay short.
    if ((this.#size + 1) * 8 > this.#words.length) this.#grow();
    this.#size++;
    this.#put(hash.a, hash.b, hash.c, index + 1);
  }

  /** The place keeps its hash and answers -1: emptying it would cut off those behind it. */
  delete({ a, b, c }: TextHash): void {
    const words = this.#words;
    const mask = words.length - 1;
    for (let at = (a << 2) & mask; words[at + 2] !== 0; at = (at + 4) & mask) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c) words[at + 3] = 0;
    }
  }

  #put(a: number, b: number, c: number, value: number): void {
    const words = this.#words;
    const mask = words.length - 1;
    let at = (a << 2) & mask;
    while (words[at + 2] !== 0) {
      // A deleted key that comes back takes its old place, with its new index.
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c) break;
      at = (at + 4) & mask;
    }
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = value;
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 3] !== 0) this.#put(old[at]!, old[at + 1]!, old[at + 2]!, old[at + 3]!);
    }
  }
}
