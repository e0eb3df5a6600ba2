import { TrainingError } from "@magpie/domain";
import type { SequenceTrainer } from "../sequence/sequence-trainer.ts";
import { nothing, type Contribution, type EpochStart, type Mean } from "./transport.ts";

/** When members meet, and over what. */
export interface ParallelSettings {
  /** Processes that train, this one included. */
  readonly workers: number;
  /**
   * 1: gradients are averaged at every step, and all members hold the same weights. More: each makes so many
   * steps of its own, then weights are averaged, which takes less of the network by about as much.
   */
  readonly localSteps: number;
  /**
   * With local steps: what is done with the mean change (DiLoCo's outer Nesterov step). A learning rate of 1
   * and no momentum take the mean of the weights as it is.
   */
  readonly outer: { readonly learningRate: number; readonly momentum: number };
}

/** Two processes, gradients averaged at every step. */
export const parallelDefaults: ParallelSettings = {
  workers: 2,
  localSteps: 1,
  outer: { learningRate: 1, momentum: 0 },
};

/** @throws {TrainingError} `BAD_CONFIG` naming the setting that cannot be */
export function checkParallelSettings({ workers, localSteps, outer }: ParallelSettings): void {
  const fail = (field: string, expected: string, found: number): never => {
    throw new TrainingError(
      "BAD_CONFIG",
      `${field} of a training in several processes must be ${expected}, not ${found}.`,
      "Two workers and one local step are a good start; one worker for each core is the most.",
    );
  };
  for (const [field, value] of Object.entries({ workers, localSteps })) {
    if (!(Number.isInteger(value) && value >= 1)) fail(field, "a whole number from 1", value);
  }
  if (!(outer.learningRate > 0)) fail("outer.learningRate", "above 0", outer.learningRate);
  if (!(outer.momentum >= 0 && outer.momentum < 1)) {
    fail("outer.momentum", "at least 0 and below 1", outer.momentum);
  }
}

/** Brings a part to a round and waits for the mean. */
export type Average = (part: Contribution) => Promise<Mean>;

/**
 * One member's epoch. All members run this, on parts of the examples that together are all of them, and leave
 * it with the same weights but for rounding.
 *
 * @param velocity  momentum of the outer steps, changed in place; empty without local steps
 */
export function sharedEpoch(
  trainer: SequenceTrainer,
  start: Pick<EpochStart, "epoch" | "rank" | "members" | "velocity">,
  settings: ParallelSettings,
  average: Average,
): AsyncGenerator<{ loss: number; targets: number }> {
  return settings.localSteps === 1
    ? averagedGradients(trainer, start, average)
    : averagedWeights(trainer, start, settings, average);
}

/** As many arrays of zeros as the trainer has weights. */
export function startVelocity(
  trainer: SequenceTrainer,
  { localSteps, outer }: ParallelSettings,
): Float32Array[] {
  if (localSteps === 1 || outer.momentum === 0) return [];
  return trainer.parameters.map(({ length }) => new Float32Array(length));
}

/** The gradient of a batch that is spread over the members: the mean of theirs by their numbers of targets. */
async function* averagedGradients(
  trainer: SequenceTrainer,
  { epoch, rank, members }: Pick<EpochStart, "epoch" | "rank" | "members">,
  average: Average,
): AsyncGenerator<{ loss: number; targets: number }> {
  const apply = ({ dense, sparse }: Mean): void => trainer.applyGradients(dense[0]!, sparse);
  yield* trainer.epoch(epoch, {
    rank,
    members,
    async onGradients(targets) {
      const { dense, tables } = trainer.takeGradients();
      apply(await average({ weight: targets, dense: [dense], sparse: tables }));
    },
  });
  // Others may have examples left: their steps are this member's too.
  for (;;) {
    const mean = await average(nothing);
    if (mean.weight === 0) break;
    apply(mean);
  }
  trainer.catchUp();
}

/**
 * Steps of one's own, then one outer step over the mean change of all members:
 *
 *     Δ = mean of weights - weights at the last meeting      v ← μ v + Δ      w ← w + lr (Δ + μ v)
 *
 * @see Douillard et al. (2023), "DiLoCo: distributed low-communication training of language models"
 */
async function* averagedWeights(
  trainer: SequenceTrainer,
  { epoch, rank, members, velocity }: Pick<EpochStart, "epoch" | "rank" | "members" | "velocity">,
  { localSteps, outer }: ParallelSettings,
  average: Average,
): AsyncGenerator<{ loss: number; targets: number }> {
  const last = trainer.parameters.map((values) => values.slice());
  let [steps, since] = [0, 0];

  /** @returns  whether anybody had made a step since the last meeting */
  const meet = async (): Promise<boolean> => {
    trainer.catchUp();
    const own = trainer.parameters;
    const mean = await average(
      since === 0 ? nothing : { weight: since, dense: own.map((w) => w.slice()), sparse: [] },
    );
    since = 0;
    if (mean.weight === 0) return false;
    own.forEach((weights, i) => {
      outerStep(weights, last[i]!, mean.dense[i]!, velocity[i], outer);
      last[i]!.set(weights);
    });
    return true;
  };

  for await (const step of trainer.epoch(epoch, { rank, members })) {
    yield step;
    since += step.targets;
    if (++steps % localSteps === 0) await meet();
  }
  while (await meet());
}

function outerStep(
  weights: Float32Array,
  last: Float32Array,
  mean: Float32Array,
  velocity: Float32Array | undefined,
  { learningRate, momentum }: ParallelSettings["outer"],
): void {
  for (let i = 0; i < weights.length; i++) {
    const change = mean[i]! - last[i]!;
    let step = change;
    if (velocity !== undefined) {
      velocity[i] = momentum * velocity[i]! + change;
      step += momentum * velocity[i]!;
    }
    weights[i] = last[i]! + learningRate * step;
  }
}
