import type { DatabaseSync } from "node:sqlite";
import { StoreError, type Rule } from "@magpie/domain";
import { inTransaction } from "./database.ts";
import type { RuleChange, RuleDraft, RuleStore, RuleVersion, RuleVersionSummary } from "./store.ts";

/** Rules in SQLite: one draft, and every version that was ever published. */
export class SqliteRules implements RuleStore {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  async draft(): Promise<RuleDraft> {
    return this.#draft();
  }

  async saveDraft(rules: readonly Rule[], change: RuleChange): Promise<RuleDraft> {
    return inTransaction(this.#database, () => {
      const { revision } = this.#expect(change);
      return this.#writeDraft(rules, revision + 1, change);
    });
  }

  async publish(change: RuleChange & { readonly note?: string }): Promise<RuleVersion> {
    return inTransaction(this.#database, () => {
      const draft = this.#expect(change);
      return this.#publish(draft.rules, change);
    });
  }

  async rollBack(
    version: number,
    change: RuleChange & { readonly note?: string },
  ): Promise<RuleVersion> {
    return inTransaction(this.#database, () => {
      const former = this.#version(version);
      if (former === undefined) {
        throw new StoreError(
          "UNKNOWN_RULES_VERSION",
          `Rules were never published under version ${version}.`,
          "List the versions to see which there are.",
          { kind: "not-found" },
        );
      }
      const { revision } = this.#expect(change);
      // What was being worked on led away from this version, and would bring it all back.
      this.#writeDraft(former.rules, revision + 1, change);
      return this.#publish(former.rules, { ...change, restores: version });
    });
  }

  async active(): Promise<RuleVersion | undefined> {
    const row = this.#database
      .prepare("SELECT * FROM rule_version ORDER BY version DESC LIMIT 1")
      .get();
    return row === undefined ? undefined : toVersion(row);
  }

  async version(version: number): Promise<RuleVersion | undefined> {
    return this.#version(version);
  }

  async versions(): Promise<RuleVersionSummary[]> {
    return this.#database
      .prepare(
        `SELECT version, published_ms, author, note, restores, rules
         FROM rule_version ORDER BY version DESC`,
      )
      .all()
      .map(toSummary);
  }

  #draft(): RuleDraft {
    const row = this.#database.prepare("SELECT * FROM rule_draft").get();
    if (row === undefined) return { revision: 0, rules: [] };
    return {
      revision: row["revision"] as number,
      rules: JSON.parse(row["json"] as string) as Rule[],
      changedMs: row["changed_ms"] as number,
      author: row["author"] as string,
    };
  }

  #expect({ ifRevision }: RuleChange): RuleDraft {
    const draft = this.#draft();
    if (ifRevision === undefined || ifRevision === draft.revision) return draft;
    throw new StoreError(
      "RULES_CHANGED",
      `The draft is at revision ${draft.revision}${draft.author === undefined ? "" : `, by "${draft.author}"`}; this change is of revision ${ifRevision}.`,
      "Read the draft again, put the change on top of it, and save that.",
      { kind: "conflict" },
    );
  }

  #writeDraft(rules: readonly Rule[], revision: number, { author, nowMs }: RuleChange): RuleDraft {
    this.#database
      .prepare(
        `INSERT INTO rule_draft (only, revision, changed_ms, author, json) VALUES (1, ?, ?, ?, ?)
         ON CONFLICT (only) DO UPDATE SET revision = excluded.revision,
           changed_ms = excluded.changed_ms, author = excluded.author, json = excluded.json`,
      )
      .run(revision, nowMs, author, JSON.stringify(rules));
    return { revision, rules, changedMs: nowMs, author };
  }

  #publish(
    rules: readonly Rule[],
    {
      author,
      nowMs,
      note,
      restores,
    }: RuleChange & { readonly note?: string; readonly restores?: number },
  ): RuleVersion {
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO rule_version (published_ms, author, note, restores, rules, json)
         VALUES (?, ?, ?, ?, ?, ?)`,
      )
      .run(nowMs, author, note ?? null, restores ?? null, rules.length, JSON.stringify(rules));
    return this.#version(Number(lastInsertRowid))!;
  }

  #version(version: number): RuleVersion | undefined {
    const row = this.#database.prepare("SELECT * FROM rule_version WHERE version = ?").get(version);
    return row === undefined ? undefined : toVersion(row);
  }
}

function toSummary(row: Record<string, unknown>): RuleVersionSummary {
  const [note, restores] = [row["note"] as string | null, row["restores"] as number | null];
  return {
    version: row["version"] as number,
    publishedMs: row["published_ms"] as number,
    author: row["author"] as string,
    ...(note !== null && { note }),
    ...(restores !== null && { restores }),
    size: row["rules"] as number,
  };
}

function toVersion(row: Record<string, unknown>): RuleVersion {
  return { ...toSummary(row), rules: JSON.parse(row["json"] as string) as Rule[] };
}
