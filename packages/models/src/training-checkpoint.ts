import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import type { WorkContext } from "@magpie/domain";
import { readParameterFile, type StoredTensor, writeParameterFile } from "@magpie/tensor";
import type { EpochSchedule, RunState } from "./epoch-loop.ts";

/** What must be alike for a run to go on from another's state. */
export interface RunIdentity {
  readonly kind: string;
  /** When to stop and how often to look may differ: they do not change what an epoch does. */
  readonly config: EpochSchedule;
  readonly seed: number;
  readonly train: Sequences;
}

/** Arrays of a run by name. What is read goes into what the run gives for the name. */
export type RunArrays = Readonly<Record<string, Float32Array>>;

/**
 * A run's state on disk: its arrays (weights, the optimiser's moments, the best so far) and where it stands.
 * Together with seed and epoch that is all the next epoch depends on, so that a run that goes on from its
 * checkpoint ends as if it had not been stopped.
 */
export class TrainingCheckpoint {
  readonly #kind: string;
  readonly #folder: string;
  readonly #run: string;

  constructor(folder: string, { kind, config, seed, train }: RunIdentity) {
    this.#kind = kind;
    this.#folder = folder;
    const { userCount, itemCount, items } = train;
    // Order-dependent sum of the items: tells data sets of equal size apart.
    const fingerprint = items.reduce((sum, item) => (Math.imul(sum, 31) + item) | 0, 0);
    const recipe = { ...config, patience: 0, validateEvery: 0, validationCases: 0 };
    this.#run = JSON.stringify({ kind, recipe, seed, userCount, itemCount, fingerprint });
  }

  get #path(): string {
    return join(this.#folder, "checkpoint.safetensors");
  }

  async write(state: RunState, arrays: RunArrays): Promise<void> {
    const tensors: Record<string, StoredTensor> = {};
    for (const [name, values] of Object.entries(arrays)) {
      tensors[name] = { shape: [values.length], values };
    }
    const metadata = { run: this.#run, state: JSON.stringify(state) };
    await mkdir(this.#folder, { recursive: true });
    await writeParameterFile(this.#path, { tensors, metadata });
  }

  /**
   * The state to go on from, with its arrays filled in; undefined where there is none of this run, and where
   * there is one of another, which is said.
   */
  async restore(
    arrays: RunArrays,
    { onProgress }: Pick<WorkContext, "onProgress">,
  ): Promise<RunState | undefined> {
    const file = await readParameterFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return undefined;
      throw error;
    });
    if (file === undefined) return undefined;
    if (file.metadata["run"] !== this.#run) {
      onProgress({
        stage: `${this.#kind}/train`,
        done: 0,
        unit: "epochs",
        message: `The checkpoint in ${this.#folder} is of another recipe, seed or data: training starts anew.`,
      });
      return undefined;
    }
    for (const [name, { values }] of Object.entries(file.tensors)) {
      arrays[name]?.set(values as Float32Array);
    }
    return JSON.parse(file.metadata["state"]!) as RunState;
  }
}
