import { mean, pairedDifference, type Interval } from "@magpie/numerics";

const level = 0.01;

/** A model beside its twin: the same training on permuted labels, asked about the same cases. */
export interface TwinComparison {
  readonly model: string;
  /** What the values of the cases are: "NDCG@10", "accuracy". */
  readonly metric: string;
  readonly ofModel: number;
  readonly ofTwin: number;
  /** Model minus twin over the cases, 95 %. */
  readonly difference: Interval;
  /** Two-sided, of the paired t test. */
  readonly pValue: number;
  /** True where the model is better with p below .01: one worthless model in 200 passes by luck. */
  readonly isAbove: boolean;
  /** For whoever trained it: what to think of a model that is not above its twin. */
  readonly warning?: string;
}

/**
 * Asks whether a model learnt anything that connects what it is shown with what it is asked. Its twin saw
 * the same labels dealt out at random, so whatever the twin reaches comes from elsewhere: from how common
 * each label is, or from a network large enough to learn its examples by heart. A model that is not above
 * its twin on cases that neither has seen has learnt nothing more than that, however good its number looks.
 *
 * @param ofModel  a value per case, larger is better: a held-out case's NDCG, or a training's accuracy
 * @param ofTwin   the same cases, in the same order
 * @throws {RangeError} when the lengths differ or there are fewer than two cases
 * @see Ojala & Garriga (2010), "Permutation tests for studying classifier performance"
 */
export function compareWithTwin(
  model: string,
  metric: string,
  ofModel: ArrayLike<number>,
  ofTwin: ArrayLike<number>,
): TwinComparison {
  const { difference, pValue } = pairedDifference(ofModel, ofTwin);
  const values = { ofModel: mean(ofModel), ofTwin: mean(ofTwin) };
  const isAbove = difference.mean > 0 && pValue < level;
  const warning =
    `${model} is not better than its twin trained on permuted labels: ${metric} ` +
    `${values.ofModel.toFixed(4)} against ${values.ofTwin.toFixed(4)} over ${difference.count} cases ` +
    `(difference ${difference.low.toFixed(4)} to ${difference.high.toFixed(4)}, p = ${pValue.toPrecision(2)}). ` +
    `It has learnt nothing of what belongs to what: do not trust a high number on its training data.`;
  return {
    model,
    metric,
    ...values,
    difference,
    pValue,
    isAbove,
    ...(!isAbove && { warning }),
  };
}
