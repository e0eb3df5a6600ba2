/**
 * The training thread of sequence models: a step blocks its thread, so the main one only sees messages.
 */
import { parentPort, workerData } from "node:worker_threads";
import { MagpieError } from "@magpie/domain";
import {
  trainSequenceModel,
  TrainingStopped,
  type SequenceTrainingRequest,
} from "./sequence-training.ts";
import type { SequenceWorkerMessage } from "./sequence-model.ts";

const { request, stop } = workerData as { request: SequenceTrainingRequest; stop: Int32Array };

function send(message: SequenceWorkerMessage, transfer: ArrayBuffer[] = []): void {
  parentPort!.postMessage(message, transfer);
}

try {
  const result = await trainSequenceModel(request, {
    onProgress: (progress) => send({ type: "progress", progress }),
    isStopped: () => Atomics.load(stop, 0) === 1,
  });
  send({ type: "done", result }, [
    result.dense.buffer,
    result.inputItems.buffer,
    ...(result.outputItems ? [result.outputItems.buffer] : []),
  ]);
} catch (error) {
  if (error instanceof TrainingStopped) {
    send({ type: "stopped" });
  } else if (error instanceof MagpieError) {
    // Classes do not survive the way between threads: their fields do.
    const { code, message, hint, kind } = error;
    send({ type: "failed", error: { code, message, hint, kind } });
  } else {
    throw error;
  }
}
