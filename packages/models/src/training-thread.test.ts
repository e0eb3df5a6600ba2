import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "vitest";
import { endOfThread, startTrainingThread } from "./training-thread.ts";

async function withThread(source: string, use: (url: URL) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "magpie-thread-"));
  const path = join(folder, "thread.mjs");
  await writeFile(path, source);
  await use(pathToFileURL(path));
  await rm(folder, { recursive: true });
}

test("a thread that has said its last word ends by itself and closes what it opened", async () => {
  const source = `
    import { parentPort, workerData } from "node:worker_threads";
    parentPort.postMessage("done");
    await new Promise((resolve) => setTimeout(resolve, 50));
    workerData[0] = 1;`;
  await withThread(source, async (url) => {
    const closed = new Int32Array(new SharedArrayBuffer(4));
    const thread = startTrainingThread(url, { workerData: closed });
    await once(thread, "message");
    await endOfThread(thread);
    assert.equal(closed[0], 1);
  });
});

test("a thread that has ended already is not waited for", async () => {
  await withThread("", async (url) => {
    const thread = startTrainingThread(url, {});
    await once(thread, "exit");
    await endOfThread(thread);
    assert.equal(thread.threadId, -1);
  });
});

test("a thread that something keeps open is ended", async () => {
  const source = `
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", () => {});
    parentPort.postMessage("done");`;
  await withThread(source, async (url) => {
    const thread = startTrainingThread(url, {});
    await once(thread, "message");
    await endOfThread(thread);
    assert.equal(thread.threadId, -1);
  });
});
