import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Split } from "@magpie/data";
import { identityOf, modelByKind, saveModel, type TrainedModel } from "@magpie/models";

/**
 * A model trained with its default recipe on a split, or the one that an earlier run left in `bench/.cache`:
 * for commands that measure what is done with a trained model rather than its training.
 */
export async function trainedModel(
  kind: string,
  dataset: string,
  { train, validation }: Split,
  seed: number,
): Promise<TrainedModel> {
  const model = modelByKind(kind);
  const folder = join(import.meta.dirname, ".cache", "trained", `${kind}-${dataset}-${seed}`);
  const finished = join(folder, "finished");
  if (existsSync(finished)) return model.load(finished);
  const checkpointDir = join(folder, "checkpoints");
  await mkdir(checkpointDir, { recursive: true });
  let toldAt = 0;
  const trained = await model.train({ train, validation }, model.defaults, {
    seed,
    threads: 1,
    checkpointDir,
    signal: new AbortController().signal,
    onProgress({ stage, done, total, unit, message }) {
      if (performance.now() - toldAt < 15_000) return;
      toldAt = performance.now();
      process.stderr.write(`${stage} ${done} of ${total ?? "?"} ${unit}  ${message ?? ""}\n`);
    },
  });
  const partial = join(folder, "partial");
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  const origin = { trainedMs: Date.now(), seed, data: identityOf(train) };
  await saveModel(trained, partial, origin);
  await rename(partial, finished);
  return trained;
}
