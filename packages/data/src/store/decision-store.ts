import type { DatabaseSync, StatementSync } from "node:sqlite";
import { type UserId, userId } from "@magpie/domain";
import type { GroupCommit } from "./group-commit.ts";
import type { Decision, DecisionStore } from "./store.ts";

/** A decision without what its row has in columns; retrievers by number, items as tuples. */
interface PackedDecision {
  readonly scenario: string;
  readonly snapshot: string;
  readonly pipeline: string;
  readonly query?: string;
  readonly retrievers: readonly string[];
  /** itemId, position, score, propensity, retrievers … */
  readonly items: readonly (readonly [string, ...number[]])[];
}

/** The decision log in SQLite. */
export class SqliteDecisions implements DecisionStore {
  readonly #commit: GroupCommit;
  readonly #insert: StatementSync;
  readonly #byRequest: StatementSync;
  readonly #byUser: StatementSync;
  readonly #count: StatementSync;

  constructor(database: DatabaseSync, commit: GroupCommit) {
    this.#commit = commit;
    // A request that is answered again (a retry) replaces what it was answered before.
    this.#insert = database.prepare(
      `INSERT INTO decision (request_id, timestamp_ms, user, json) VALUES (?, ?, ?, ?)
       ON CONFLICT (request_id) DO UPDATE SET
         timestamp_ms = excluded.timestamp_ms, user = excluded.user, json = excluded.json`,
    );
    this.#byRequest = database.prepare("SELECT * FROM decision WHERE request_id = ?");
    this.#byUser = database.prepare(
      "SELECT * FROM decision WHERE user = ? ORDER BY timestamp_ms DESC, seq DESC LIMIT ?",
    );
    this.#count = database.prepare("SELECT count(*) AS n FROM decision");
  }

  async append(decision: Decision): Promise<void> {
    const json = JSON.stringify(pack(decision));
    await this.#commit.run(() =>
      this.#insert.run(decision.requestId, decision.timestampMs, decision.user ?? null, json),
    );
  }

  async get(requestId: string): Promise<Decision | undefined> {
    const row = this.#byRequest.get(requestId);
    return row === undefined ? undefined : unpack(row);
  }

  async byUser(user: UserId, limit: number): Promise<Decision[]> {
    return this.#byUser.all(user, limit).map(unpack);
  }

  async count(): Promise<number> {
    return this.#count.get()!["n"] as number;
  }
}

function pack({ scenario, snapshot, pipeline, query, items }: Decision): PackedDecision {
  const retrievers = [...new Set(items.flatMap((item) => item.retrievers))];
  return {
    scenario,
    snapshot,
    pipeline,
    ...(query !== undefined && { query }),
    retrievers,
    items: items.map((item) => [
      item.itemId,
      item.position,
      item.score,
      item.propensity,
      ...item.retrievers.map((name) => retrievers.indexOf(name)),
    ]),
  };
}

function unpack(row: Record<string, unknown>): Decision {
  const packed = JSON.parse(row["json"] as string) as PackedDecision;
  const user = row["user"] as string | null;
  return {
    requestId: row["request_id"] as string,
    timestampMs: row["timestamp_ms"] as number,
    scenario: packed.scenario,
    ...(user !== null && { user: userId(user) }),
    snapshot: packed.snapshot,
    pipeline: packed.pipeline,
    ...(packed.query !== undefined && { query: packed.query }),
    items: packed.items.map(([itemId, position, score, propensity, ...retrievers]) => ({
      itemId,
      position: position!,
      score: score!,
      propensity: propensity!,
      retrievers: retrievers.map((i) => packed.retrievers[i]!),
    })),
  };
}
