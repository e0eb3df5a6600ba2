import type { HeldOut } from "@magpie/data";
import { TrainingError, type WorkContext } from "@magpie/domain";
import {
  Int8SequenceModel,
  measurePrecisionLoss,
  type PrecisionLoss,
  type SequenceModel,
} from "@magpie/models";

/** Most that 8 bits may cost of a model's NDCG@10 on validation, as a share of it, where it is beyond chance. */
const maxLoss = 0.01;
/** Most that they may cost where the cases are too few to tell a loss from chance. */
const maxUncertainLoss = 0.05;

/** Validation cases that the loss is measured on, evenly spread over all. */
const maxLossCases = 2_000;

/**
 * Keeps a sequence model in 8 bits, and measures on validation what that costs.
 *
 * @throws {TrainingError} `INT8_LOSES_TOO_MUCH` when it costs more than 1 % of the NDCG@10 and the 95 %
 *   interval leaves no doubt, or more than 5 % even so
 */
export async function keepInInt8(
  model: SequenceModel,
  validation: HeldOut,
  work: WorkContext,
): Promise<{ readonly kept: Int8SequenceModel; readonly loss: PrecisionLoss }> {
  const kept = Int8SequenceModel.of(model);
  const loss = await measurePrecisionLoss(model, kept, validation, {
    work,
    maxCases: maxLossCases,
  });
  const limit = loss.change.high < 0 ? maxLoss : maxUncertainLoss;
  if (-loss.change.mean > limit * loss.ndcgAt10.float32) {
    await kept.dispose();
    throw new TrainingError(
      "INT8_LOSES_TOO_MUCH",
      `${kept.name}: ${int8LossText(loss)}, and at most ${100 * limit} % may be lost.`,
      "Train in single precision (without int8), or make the model wider in its recipe.",
      { kind: "conflict" },
    );
  }
  return { kept, loss };
}

/** A loss in words: both numbers, the change with its interval, the cases. */
export function int8LossText({ cases, ndcgAt10, change }: PrecisionLoss): string {
  const { mean, low, high } = change;
  return (
    `NDCG@10 ${ndcgAt10.int8.toFixed(4)} for ${ndcgAt10.float32.toFixed(4)} in single precision ` +
    `on ${cases} validation cases (${signed(mean)}, 95 % interval ${signed(low)} to ${signed(high)})`
  );
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(5)}`;
