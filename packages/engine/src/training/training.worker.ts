import { parentPort, workerData } from "node:worker_threads";
import { Vocabulary } from "@magpie/data";
import type { Item, ItemId, ItemIndex, WorkContext } from "@magpie/domain";
import { CancelledError, describeError } from "../tasks.ts";
import { rebuildCatalog } from "./rebuild-catalog.ts";
import { runTraining } from "./run.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./worker-messages.ts";

const port = parentPort!;
const start = workerData as WorkerStart;
const abort = new AbortController();
const say = (message: FromWorker): void => port.postMessage(message);

let receive: (items: readonly Item[] | undefined) => void = () => {};
port.on("message", (message: ToWorker) => {
  if (message.kind === "stop") abort.abort(new CancelledError("Training"));
  else receive(message.items);
});

async function* items(): AsyncIterable<readonly Item[]> {
  for (;;) {
    const batch = await new Promise<readonly Item[] | undefined>((resolve) => {
      receive = resolve;
      say({ kind: "more-items" });
    });
    if (batch === undefined) return;
    yield batch;
  }
}

try {
  const { stop } = start;
  const shared = {
    vocabulary: Vocabulary.fromBytes<ItemId, ItemIndex>(start.vocabulary),
    items: items(),
  };
  const context: WorkContext = {
    signal: abort.signal,
    onProgress(progress) {
      if (Atomics.load(stop, 0) !== 0) abort.abort(new CancelledError("Training"));
      say({ kind: "progress", progress });
    },
  };
  const outcome =
    "former" in start
      ? await rebuildCatalog({ ...start, ...shared }, context)
      : await runTraining({ ...start, ...shared }, context);
  say({ kind: "done", outcome });
} catch (error) {
  say({ kind: "failed", error: describeError(error) });
} finally {
  port.close();
}
