import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "@magpie/domain";
import { inTransaction } from "./database.ts";

interface Job<T> {
  readonly work: () => T;
  readonly committed: (value: T) => void;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** How a group is committed, and what is done around the jobs of its transaction. */
export interface CommitOptions {
  /** How long the first job of a group waits for others. */
  readonly windowMs: number;
  /**
   * "synced": on disk when it settles. "written": with the operating system, without waiting for the
   * disk; the end of the process takes nothing, a loss of power may take the last seconds.
   */
  readonly durability: "synced" | "written";
  /** Last inside the transaction. */
  readonly beforeCommit?: () => void;
  /** After it. */
  readonly afterCommit?: () => void;
}

/**
 * Lets many callers share one disk sync: jobs that arrive within a few milliseconds run in one
 * transaction, and each promise settles only when that transaction is on disk. The sync, not the
 * work, is what a durable write costs.
 */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #options: CommitOptions;
  #queue: Job<unknown>[] = [];
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(database: DatabaseSync, options: CommitOptions) {
    this.#database = database;
    this.#options = options;
  }

  /**
   * Runs `work` inside a coming transaction. It must be safe to run again after a roll-back: when
   * a group fails, its jobs are tried one by one, so that only the culprit is refused.
   *
   * @param committed  called once the transaction is on disk, before anything else runs
   */
  run<T>(work: () => T, committed: (value: T) => void = () => {}): Promise<T> {
    if (this.#closed) return Promise.reject(storeClosed());
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const job: Job<T> = { work, committed, resolve, reject };
    this.#queue.push(job as Job<unknown>);
    if (this.#queue.length >= maxGroup) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), this.#options.windowMs);
    return promise;
  }

  /** Commits what is waiting now. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const jobs = this.#queue;
    if (jobs.length === 0) return;
    this.#queue = [];
    try {
      this.#commit(jobs);
    } catch (error) {
      if (jobs.length === 1) {
        jobs[0]!.reject(error);
        return;
      }
      for (const job of jobs) {
        try {
          this.#commit([job]);
        } catch (own) {
          job.reject(own);
        }
      }
    }
  }

  #commit(jobs: readonly Job<unknown>[]): void {
    const { durability, beforeCommit, afterCommit } = this.#options;
    const transaction = () =>
      inTransaction(this.#database, () => {
        const values = jobs.map(({ work }) => work());
        beforeCommit?.();
        return values;
      });
    const results =
      durability === "synced" ? transaction() : withoutSync(this.#database, transaction);
    afterCommit?.();
    for (const [i, { committed, resolve }] of jobs.entries()) {
      committed(results[i]);
      resolve(results[i]);
    }
  }

  /** Commits what is waiting and takes no more. */
  close(): void {
    this.flush();
    this.#closed = true;
  }
}

/** Runs a transaction whose commit does not wait for the disk; the next synced one takes it along. */
function withoutSync<T>(database: DatabaseSync, transaction: () => T): T {
  database.exec("PRAGMA synchronous = NORMAL");
  try {
    return transaction();
  } finally {
    database.exec("PRAGMA synchronous = FULL");
  }
}

/** Jobs at which a group does not wait any longer: it already shares its sync widely. */
const maxGroup = 512;

function storeClosed(): StoreError {
  return new StoreError(
    "STORE_CLOSED",
    "The store has been closed; nothing more can be written to it.",
    "Open the data folder again.",
    { kind: "unavailable" },
  );
}
