import { access, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { WorkContext } from "@magpie/domain";
import { parallelDefaults, type Model, type TrainedModel, type TrainingData } from "@magpie/models";

/** How one model of a run is trained. */
export interface ModelTraining {
  readonly model: Model;
  readonly data: TrainingData;
  /** Fields that replace the model's defaults. */
  readonly config: object;
  /** Name of this training within the run; its checkpoints stand under it. */
  readonly purpose: "measured" | "published";
  readonly checkpoints: string;
  readonly seed: number;
  /** Processes that train it together, where it can. */
  readonly workers: number;
  readonly budgetSeconds?: number;
}

/**
 * Trains a model, or goes on where an interrupted run stopped: from the model's own checkpoints,
 * and from the finished model where this training had come to its end.
 */
export async function trainModel(
  { model, data, config, purpose, checkpoints, seed, workers, budgetSeconds }: ModelTraining,
  context: WorkContext,
): Promise<TrainedModel> {
  const folder = join(checkpoints, `${model.kind}-${purpose}`);
  const finished = join(folder, "finished");
  if (await exists(finished)) return model.load(finished);
  const checkpointDir = join(folder, "checkpoints");
  await mkdir(checkpointDir, { recursive: true });
  const trained = await model.train(
    data,
    { ...model.defaults, ...config },
    {
      ...context,
      seed,
      ...(workers > 1 && { parallel: { ...parallelDefaults, workers } }),
      checkpointDir,
      ...(budgetSeconds !== undefined && { budgetSeconds }),
    },
  );
  // Renamed when whole, so that a crash leaves a finished model or none.
  const partial = join(folder, "partial");
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial);
  await trained.save(partial);
  await rename(partial, finished);
  return trained;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
