import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "@magpie/domain";
import { inTransaction } from "./database.ts";

interface Job<T> {
  readonly work: () => T;
  readonly committed: (value: T) => void;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** What a group commit does around the jobs of one transaction. */
export interface CommitHooks {
  /** Last inside the transaction. */
  readonly beforeCommit: () => void;
  /** After it is durable. */
  readonly afterCommit: () => void;
}

/**
 * Lets many callers share one disk sync: jobs that arrive within a few milliseconds run in one
 * transaction, and each promise settles only when that transaction is on disk. The sync, not the
 * work, is what a durable write costs.
 */
export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #windowMs: number;
  readonly #hooks: CommitHooks;
  #queue: Job<unknown>[] = [];
  #closed = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param windowMs  how long the first job of a group waits for others */
  constructor(database: DatabaseSync, windowMs: number, hooks: CommitHooks) {
    this.#database = database;
    this.#windowMs = windowMs;
    this.#hooks = hooks;
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
    else this.#timer ??= setTimeout(() => this.flush(), this.#windowMs);
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
    const results = inTransaction(this.#database, () => {
      const values = jobs.map(({ work }) => work());
      this.#hooks.beforeCommit();
      return values;
    });
    this.#hooks.afterCommit();
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
