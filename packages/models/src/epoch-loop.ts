import type { HeldOut } from "@magpie/data";
import { type Scorer, TrainingError, type WorkContext } from "@magpie/domain";
import { evaluate, type SeenItems } from "@magpie/evaluation";
import type { CurvePoint } from "./model.ts";

/** How long a model learns at most, and when it gives up. */
export interface EpochSchedule {
  readonly epochs: number;
  /** Epochs between two looks at validation. */
  readonly validateEvery: number;
  /** Looks without a better one after which training stops. */
  readonly patience: number;
  /** Cases of validation that are asked at each look, evenly spread. */
  readonly validationCases: number;
}

/** Where a run stands between two epochs: all it knows besides its arrays. */
export interface RunState {
  epoch: number;
  /** Steps of the optimiser so far. */
  step: number;
  /** Time spent learning and looking, over all processes that worked on the run. */
  seconds: number;
  bestNdcg: number;
  /** Looks since the best. */
  worse: number;
  curve: CurvePoint[];
}

/** A run that has not begun. */
export const freshRun = (): RunState => ({
  epoch: 0,
  step: 0,
  seconds: 0,
  bestNdcg: -1,
  worse: 0,
  curve: [],
});

/** What a model does in a run of epochs; when, and for how long, is `learnInEpochs`'s. */
export interface EpochLearner {
  /** Learns for one epoch, the first being 1; gives the mean loss and the number of its last step. */
  learn(epoch: number): Promise<{ readonly loss: number; readonly step: number }>;
  /** NDCG@10 on validation of what has been learnt so far; absent where nothing is held out. */
  readonly look?: (() => Promise<number>) | undefined;
  /** Keeps what was looked at last as the best so far. */
  keep(): void;
  /** Hears of every epoch, of the look at its end where there was one. */
  onEpoch(state: Readonly<RunState>, measured: EpochMeasures): void;
  /** Writes what the run goes on from after a stop; absent where nothing is kept. */
  readonly save?: ((state: Readonly<RunState>) => Promise<void>) | undefined;
}

/** What is measured of an epoch. */
export type EpochMeasures = Readonly<{ loss: number; ndcgAt10?: number }>;

/** A checkpoint is written after the first epoch that ends so long after the last one, and at the end. */
const saveEverySeconds = 30;

/**
 * Learns epoch by epoch until validation has stopped rising, the epochs are used up or the time is, and
 * looks at validation every so many epochs and at the end.
 *
 * @param budgetSeconds  after about so long training stops; absent: no limit
 * @param state          where the run stands; changed as it goes
 * @throws {TrainingError} `TRAINING_DIVERGED` when the loss is no longer a number
 */
export async function learnInEpochs(
  learner: EpochLearner,
  { epochs, validateEvery, patience }: Omit<EpochSchedule, "validationCases">,
  { budgetSeconds = Infinity }: { readonly budgetSeconds?: number | undefined },
  state: RunState = freshRun(),
): Promise<readonly CurvePoint[]> {
  const started = performance.now() - state.seconds * 1_000;
  const seconds = (): number => (performance.now() - started) / 1_000;
  const isLast = (): boolean => state.epoch >= epochs || state.seconds >= budgetSeconds;
  const isOver = (): boolean => isLast() || state.worse >= patience;
  let savedAt = state.seconds;
  while (!isOver()) {
    const { loss, step } = await learner.learn(state.epoch + 1);
    state.epoch++;
    state.step = step;
    state.seconds = seconds();
    checkLoss(loss, state.epoch);
    let ndcgAt10: number | undefined;
    if (learner.look !== undefined && (state.epoch % validateEvery === 0 || isLast())) {
      ndcgAt10 = await learner.look();
      state.worse++;
      if (ndcgAt10 > state.bestNdcg) {
        learner.keep();
        state.bestNdcg = ndcgAt10;
        state.worse = 0;
      }
      state.seconds = seconds();
    }
    const measured = { loss, ...(ndcgAt10 !== undefined && { ndcgAt10 }) };
    state.curve.push({ epoch: state.epoch, step, seconds: state.seconds, ...measured });
    learner.onEpoch(state, measured);
    if (learner.save !== undefined && (isOver() || state.seconds - savedAt >= saveEverySeconds)) {
      await learner.save(state);
      savedAt = state.seconds;
    }
  }
  return state.curve;
}

/** A look: NDCG@10 over a schedule's cases of validation. */
export async function ndcgOnValidation(
  scorer: Scorer,
  validation: HeldOut,
  { validationCases }: Pick<EpochSchedule, "validationCases">,
  { seenItems, signal }: { readonly seenItems: SeenItems } & Partial<Pick<WorkContext, "signal">>,
): Promise<number> {
  const { metrics } = await evaluate(scorer, validation, {
    cutoffs: [10],
    metrics: ["ndcg"],
    seenItems,
    maxCases: validationCases,
    ...(signal && { work: { signal, onProgress: () => undefined } }),
  });
  return metrics.ndcgAt10!;
}

/** @throws {TrainingError} `TRAINING_DIVERGED` when the loss is no longer a number */
export function checkLoss(loss: number, epoch: number): void {
  if (Number.isFinite(loss)) return;
  throw new TrainingError(
    "TRAINING_DIVERGED",
    `The loss became ${loss} in epoch ${epoch}.`,
    "Lower the learning rate; a tenth of it is a good next try.",
  );
}
