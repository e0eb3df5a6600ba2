import { setFlagsFromString } from "node:v8";
import { Worker, type WorkerOptions } from "node:worker_threads";

/** How long a thread that has said its last word may take to close what it opened. */
const endsWithinMs = 5_000;

/**
 * Starts a thread for training.
 *
 * A thread reads its TypeScript through Node's type stripper, a WebAssembly module that calls back into
 * JavaScript. After 1,000 calls V8 compiles such a callback anew and frees the old code, in a table
 * that all threads share; Node 24 then sometimes aborts the whole process (`UnregisterWasmAllocation`:
 * "Check failed: jit_page.has_value()", about one test run in 45 on a busy machine). Callbacks that
 * are not compiled anew cost nothing that can be measured, and free nothing.
 *
 * @see https://github.com/nodejs/node/issues/64500
 */
export function startTrainingThread(url: URL, options: WorkerOptions): Worker {
  setFlagsFromString("--wasm-wrapper-tiering-budget=2147483647");
  return new Worker(url, options);
}

/** Waits until a thread has ended by itself, native memory given back; ends it when it does not. */
export async function endOfThread(thread: Worker): Promise<void> {
  if (thread.threadId === -1) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  thread.once("exit", () => resolve());
  const timer = setTimeout(resolve, endsWithinMs);
  await promise;
  clearTimeout(timer);
  await thread.terminate();
}
