import { randomUUID } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreError } from "@magpie/domain";

/** Who owns a data folder, as written beside the lock for people and for error messages. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly startedMs: number;
  readonly token: string;
}

/** Held while a process owns a data folder. */
export interface FolderLock {
  release(): void;
}

/**
 * Takes sole ownership of a data folder.
 *
 * The lock itself is SQLite's exclusive lock on `owner.lock`, which the operating system frees in
 * the moment its process dies, whatever the way. So there are no stale locks to judge by process
 * numbers (which are used again, and mean nothing across containers), and two processes that start
 * at once cannot both win. `owner.json` only names the owner to whoever comes too late.
 *
 * @throws {StoreError} `DATA_FOLDER_IN_USE`, naming folder and process
 */
export function lockFolder(directory: string, nowMs: number): FolderLock {
  const note = join(directory, "owner.json");
  const lock = new DatabaseSync(join(directory, "owner.lock"), { timeout: 0 });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    if (!isBusy(cause)) {
      throw new StoreError(
        "DATA_FOLDER_UNUSABLE",
        `The data folder ${directory} cannot be locked: ${(cause as Error).message}.`,
        "Check that the folder is writable and on a local disk, and that owner.lock in it is ours.",
        { kind: "unavailable", cause },
      );
    }
    throw new StoreError(
      "DATA_FOLDER_IN_USE",
      `The data folder ${directory} is in use by ${describeOwner(note)}.`,
      "One process owns a data folder at a time: stop that one, or choose another folder. " +
        "If it is a running server, send your request to its HTTP API instead.",
      { kind: "conflict", cause },
    );
  }
  const owner: Owner = {
    pid: process.pid,
    host: hostname(),
    startedMs: nowMs,
    token: randomUUID(),
  };
  writeFileSync(note, `${JSON.stringify(owner)}\n`);
  return {
    release() {
      // Before the lock is freed: afterwards the note may already be the next owner's.
      if (readOwner(note)?.token === owner.token) rmSync(note, { force: true });
      lock.exec("ROLLBACK");
      lock.close();
    },
  };
}

/** SQLITE_BUSY and its extended forms: another connection holds a lock. */
function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: number }).errcode;
  return code !== undefined && (code & 0xff) === 5;
}

function describeOwner(note: string): string {
  const owner = readOwner(note);
  // The winner writes the note just after it has the lock; who comes between finds none.
  if (owner === undefined) return "another process, which has only just started";
  const since = new Date(owner.startedMs).toISOString();
  return `process ${owner.pid} on ${owner.host}, running since ${since}`;
}

function readOwner(note: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(note, "utf8")) as Owner;
  } catch {
    return undefined;
  }
}
