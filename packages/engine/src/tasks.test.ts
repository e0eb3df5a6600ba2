import assert from "node:assert/strict";
import { describe, test } from "vitest";
import { TrainingError } from "@magpie/domain";
import type { Task } from "./engine.ts";
import { TaskQueue, throwIfCancelled } from "./tasks.ts";

const queueAt = (ms: number) => new TaskQueue(() => ms);

/** Resolves with the task when it has finished. */
function finished(queue: TaskQueue, id: string): Promise<Task> {
  return new Promise((resolve) => {
    const stop = queue.watch(id, (task) => {
      if (task.finishedMs === undefined) return;
      queueMicrotask(() => stop());
      resolve(task);
    });
  });
}

describe("task queue", () => {
  test("runs work and keeps its result", async () => {
    const queue = queueAt(7);
    const { id } = queue.start("train", async () => 42);
    const task = await finished(queue, id);
    assert.deepEqual(task, {
      id,
      kind: "train",
      status: "succeeded",
      createdMs: 7,
      finishedMs: 7,
      result: 42,
    });
  });

  test("runs one task at a time, in the order asked for", async () => {
    const queue = queueAt(0);
    const order: string[] = [];
    const work = (name: string) => async () => {
      order.push(`${name} starts`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
    };
    queue.start("train", work("first"));
    const second = queue.start("train", work("second"));
    assert.equal(second.status, "queued");
    await finished(queue, second.id);
    assert.deepEqual(order, ["first starts", "first ends", "second starts", "second ends"]);
  });

  test("tells watchers the present state, then every change", async () => {
    const queue = queueAt(0);
    let report = (_done: number): void => {};
    let end = (): void => {};
    const { id } = queue.start("train", ({ onProgress }) => {
      report = (done) => onProgress({ stage: "sasrec/train", done, unit: "steps" });
      return new Promise<void>((resolve) => (end = resolve));
    });
    const seen: string[] = [];
    const stop = queue.watch(id, ({ status, progress }) =>
      seen.push(`${status} ${progress?.done ?? "-"}`),
    );
    report(3);
    stop();
    report(4);
    end();
    await finished(queue, id);
    assert.deepEqual(seen, ["running -", "running 3"]);
  });

  test("a cancelled task stops and is not counted as failed", async () => {
    const queue = queueAt(0);
    const { id } = queue.start("train", async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throwIfCancelled(signal, "Training");
    });
    assert.equal(queue.cancel(id), true);
    const task = await finished(queue, id);
    assert.equal(task.status, "cancelled");
    assert.equal(task.error, undefined);
    assert.equal(queue.cancel(id), false);
  });

  test("a task cancelled while it waits never runs", async () => {
    const queue = queueAt(0);
    let ran = false;
    const first = queue.start("train", () => new Promise((resolve) => setImmediate(resolve)));
    const second = queue.start("train", async () => {
      ran = true;
    });
    assert.equal(queue.cancel(second.id), true);
    assert.equal(queue.get(second.id)?.status, "cancelled");
    await finished(queue, first.id);
    await queue.close();
    assert.equal(ran, false);
  });

  test("a failure keeps the code and hint that the work gave", async () => {
    const queue = queueAt(0);
    const { id } = queue.start("train", async () => {
      throw new TrainingError("NO_ITEMS", "The catalogue is empty.", "Import a catalogue first.");
    });
    const { error, status } = await finished(queue, id);
    assert.equal(status, "failed");
    assert.deepEqual(error, {
      code: "NO_ITEMS",
      message: "The catalogue is empty.",
      hint: "Import a catalogue first.",
    });
  });

  test("closing cancels what runs and waits for it", async () => {
    const queue = queueAt(0);
    let stopped = false;
    queue.start("train", async ({ signal }) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      await new Promise((resolve) => setImmediate(resolve));
      stopped = true;
    });
    await queue.close();
    assert.equal(stopped, true);
  });

  test("unknown ids are told apart from finished tasks", () => {
    const queue = queueAt(0);
    assert.equal(queue.get("nobody"), undefined);
    assert.equal(queue.cancel("nobody"), false);
  });
});
