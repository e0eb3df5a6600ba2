import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import type { ApiKey, KeyScope, KeyStore } from "./store.ts";

/** Lets people and secret scanners see what kind of secret it is. */
const secretPrefix = "mgp_";
const idBytes = 9;
const secretBytes = 32;

/**
 * API keys in SQLite. A secret reads `mgp_<id>_<256 random bits>`; the id finds the row, and of the
 * whole only the SHA-256 is kept. A fast hash is right here: the secret is random, not a password.
 */
export class SqliteKeys implements KeyStore {
  readonly #database: DatabaseSync;
  readonly #now: () => number;

  constructor(database: DatabaseSync, now: () => number) {
    this.#database = database;
    this.#now = now;
  }

  async create(
    name: string,
    scopes: readonly KeyScope[],
    expiresMs?: number,
  ): Promise<ApiKey & { readonly secret: string }> {
    // base64url has an underscore of its own, so the id is hexadecimal.
    const id = randomBytes(idBytes).toString("hex");
    const secret = `${secretPrefix}${id}_${randomBytes(secretBytes).toString("base64url")}`;
    const createdMs = this.#now();
    this.#database
      .prepare(
        `INSERT INTO api_key (id, name, scopes, secret_sha256, created_ms, expires_ms)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(id, name, JSON.stringify(scopes), sha256(secret), createdMs, expiresMs ?? null);
    return { id, name, scopes, createdMs, ...(expiresMs !== undefined && { expiresMs }), secret };
  }

  async verify(secret: string, nowMs: number): Promise<ApiKey | undefined> {
    const id = /^mgp_([0-9a-f]{18})_/.exec(secret)?.[1];
    const row =
      id === undefined
        ? undefined
        : this.#database.prepare("SELECT * FROM api_key WHERE id = ?").get(id);
    // An unknown id is compared too, so that time does not tell which ids exist.
    const kept = (row?.["secret_sha256"] as Uint8Array | undefined) ?? noDigest;
    if (!timingSafeEqual(sha256(secret), kept) || row === undefined) return undefined;
    const key = toKey(row);
    return key.expiresMs !== undefined && key.expiresMs <= nowMs ? undefined : key;
  }

  async list(): Promise<ApiKey[]> {
    return this.#database.prepare("SELECT * FROM api_key ORDER BY created_ms, id").all().map(toKey);
  }

  async revoke(id: string): Promise<boolean> {
    return this.#database.prepare("DELETE FROM api_key WHERE id = ?").run(id).changes === 1;
  }
}

const noDigest = new Uint8Array(32);

function sha256(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function toKey(row: Record<string, unknown>): ApiKey {
  const expiresMs = row["expires_ms"] as number | null;
  return {
    id: row["id"] as string,
    name: row["name"] as string,
    scopes: JSON.parse(row["scopes"] as string) as KeyScope[],
    createdMs: row["created_ms"] as number,
    ...(expiresMs !== null && { expiresMs }),
  };
}
