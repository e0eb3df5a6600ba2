import { MagpieError, type Progress, type WorkContext } from "@magpie/domain";
import { v7 as uuidV7 } from "uuid";
import type { Task } from "./engine.ts";

/** Thrown by work that noticed its cancellation; the task then counts as cancelled, not failed. */
export class CancelledError extends Error {
  constructor(what: string) {
    super(`${what} was cancelled.`);
    this.name = "CancelledError";
  }
}

/** Throws when the work has been asked to stop. */
export function throwIfCancelled(signal: AbortSignal, what: string): void {
  if (signal.aborted) throw new CancelledError(what);
}

interface Entry {
  task: Task;
  readonly run: (context: WorkContext) => Promise<unknown>;
  readonly abort: AbortController;
  readonly listeners: Set<(task: Task) => void>;
}

/** Finished tasks that are remembered; the oldest are forgotten first. */
const rememberedTasks = 100;

/**
 * Long work, one piece at a time in the order it was asked for: two training runs side by side
 * would each take twice the memory and finish later.
 */
export class TaskQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Queues work; it starts at once when nothing else runs. */
  start(kind: Task["kind"], run: (context: WorkContext) => Promise<unknown>): Task {
    const createdMs = this.#now();
    const id = uuidV7();
    const task: Task = { id, kind, status: "queued", createdMs };
    this.#entries.set(id, {
      task,
      run,
      abort: new AbortController(),
      listeners: new Set(),
    });
    this.#forgetOldest();
    this.#runNext();
    return this.#entries.get(id)!.task;
  }

  /** All remembered tasks, newest first. */
  list(): readonly Task[] {
    return [...this.#entries.values()].map(({ task }) => task).reverse();
  }

  get(id: string): Task | undefined {
    return this.#entries.get(id)?.task;
  }

  /** Asks a queued or running task to stop. False when there is none such. */
  cancel(id: string): boolean {
    const entry = this.#entries.get(id);
    if (entry === undefined || isFinished(entry.task)) return false;
    entry.abort.abort(new CancelledError("The task"));
    if (entry.task.status === "queued") {
      this.#change(entry, { status: "cancelled", finishedMs: this.#now() });
    }
    return true;
  }

  /** Calls `listener` with the present state and on every change until the returned function is called. */
  watch(id: string, listener: (task: Task) => void): () => void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return () => {};
    entry.listeners.add(listener);
    listener(entry.task);
    return () => {
      entry.listeners.delete(listener);
    };
  }

  /** Cancels everything and waits until nothing runs. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const id of this.#entries.keys()) this.cancel(id);
    await this.#running;
  }

  #runNext(): void {
    if (this.#running !== undefined || this.#closed) return;
    const next = [...this.#entries.values()].find(({ task }) => task.status === "queued");
    if (next === undefined) return;
    this.#running = this.#execute(next).finally(() => {
      this.#running = undefined;
      this.#runNext();
    });
  }

  async #execute(entry: Entry): Promise<void> {
    this.#change(entry, { status: "running" });
    try {
      const result = await entry.run({
        onProgress: (progress: Progress) => this.#change(entry, { progress }),
        signal: entry.abort.signal,
      });
      this.#change(entry, { status: "succeeded", finishedMs: this.#now(), result });
    } catch (error) {
      // Work that stops early may fail in any way; once it was asked to stop, that is why.
      const status = entry.abort.signal.aborted ? "cancelled" : "failed";
      this.#change(entry, {
        status,
        finishedMs: this.#now(),
        ...(status === "failed" && { error: describeError(error) }),
      });
    }
  }

  #change(entry: Entry, change: Partial<Task>): void {
    entry.task = { ...entry.task, ...change };
    for (const listener of entry.listeners) listener(entry.task);
  }

  #forgetOldest(): void {
    for (const [id, { task }] of this.#entries) {
      if (this.#entries.size <= rememberedTasks) return;
      if (isFinished(task)) this.#entries.delete(id);
    }
  }
}

function isFinished(task: Task): boolean {
  return task.status !== "queued" && task.status !== "running";
}

/** An error as a task shows it. */
export function describeError(error: unknown): NonNullable<Task["error"]> {
  if (error instanceof MagpieError) {
    return { code: error.code, message: error.message, hint: error.hint };
  }
  return {
    code: "INTERNAL",
    message: error instanceof Error ? error.message : String(error),
    hint: "This is a fault of Magpie's. Please report it with the log around this time.",
  };
}
