import { TrainingError } from "@magpie/domain";

/** Turns a model's logits into probabilities that hold: of things said to happen at 10 %, 10 % do. */
export interface Calibration {
  /** Probability of a logit; never falls as the logit rises. */
  probability(logit: number): number;
  /** What it needs to be made again. */
  readonly card: CalibrationCard;
}

export type CalibrationCard =
  | { readonly kind: "platt"; readonly slope: number; readonly shift: number }
  | {
      readonly kind: "isotonic";
      /** Logits, ascending, at which the probabilities below are reached; straight lines between them. */
      readonly logits: readonly number[];
      readonly probabilities: readonly number[];
    };

const maxIterations = 50;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * Platt's line through the logits, σ(slope · x + shift), by Newton's method. Labels are drawn in
 * from 0 and 1 by their counts, so that a perfect separation does not run to infinity.
 *
 * @see Platt (1999), "Probabilistic outputs for support vector machines"; Lin, Lin & Weng (2007)
 * @throws {TrainingError} `NO_BOTH_ANSWERS` when all labels are the same
 */
export function plattCalibration(logits: Float32Array, labels: Uint8Array): Calibration {
  const positives = checkAnswers(logits, labels);
  const negatives = labels.length - positives;
  const [high, low] = [(positives + 1) / (positives + 2), 1 / (negatives + 2)];
  const lossAt = (slope: number, shift: number): number => {
    let loss = 0;
    logits.forEach((logit, i) => {
      const x = slope * logit + shift;
      const target = labels[i] === 1 ? high : low;
      loss += Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))) - target * x;
    });
    return loss;
  };
  let slope = 1;
  let shift = 0;
  let loss = lossAt(slope, shift);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    let [a, b, aa, ab, bb] = [0, 0, 1e-9, 0, 1e-9];
    logits.forEach((logit, i) => {
      const p = sigmoid(slope * logit + shift);
      const error = p - (labels[i] === 1 ? high : low);
      const curvature = p * (1 - p);
      a += error * logit;
      b += error;
      aa += curvature * logit * logit;
      ab += curvature * logit;
      bb += curvature;
    });
    const determinant = aa * bb - ab * ab;
    const [stepSlope, stepShift] = [
      (bb * a - ab * b) / determinant,
      (aa * b - ab * a) / determinant,
    ];
    let scale = 1;
    let next = lossAt(slope - stepSlope, shift - stepShift);
    while (next > loss && scale > 1e-6) {
      scale /= 2;
      next = lossAt(slope - scale * stepSlope, shift - scale * stepShift);
    }
    if (!(loss - next > 1e-10 * Math.abs(loss))) break;
    [slope, shift, loss] = [slope - scale * stepSlope, shift - scale * stepShift, next];
  }
  return openCalibration({ kind: "platt", slope, shift });
}

/**
 * The rising step function nearest to the labels (pooled adjacent violators), joined by straight lines
 * between the middles of its steps.
 *
 * @see Zadrozny & Elkan (2002), "Transforming classifier scores into accurate multiclass probability
 *   estimates"
 * @throws {TrainingError} `NO_BOTH_ANSWERS` when all labels are the same
 */
export function isotonicCalibration(logits: Float32Array, labels: Uint8Array): Calibration {
  checkAnswers(logits, labels);
  const order = Array.from(logits.keys()).sort((a, b) => logits[a]! - logits[b]!);
  interface Block {
    logitSum: number;
    labelSum: number;
    count: number;
  }
  const blocks: Block[] = [];
  const meanOf = ({ labelSum, count }: Block): number => labelSum / count;
  for (const i of order) {
    blocks.push({ logitSum: logits[i]!, labelSum: labels[i]!, count: 1 });
    for (let last = blocks.length - 1; last > 0; last--) {
      const [before, present] = [blocks[last - 1]!, blocks[last]!];
      const isSame = before.logitSum / before.count === present.logitSum / present.count;
      if (meanOf(before) < meanOf(present) && !isSame) break;
      before.logitSum += present.logitSum;
      before.labelSum += present.labelSum;
      before.count += present.count;
      blocks.pop();
    }
  }
  return openCalibration({
    kind: "isotonic",
    logits: blocks.map(({ logitSum, count }) => logitSum / count),
    probabilities: blocks.map(meanOf),
  });
}

/** Makes a calibration from its card. */
export function openCalibration(card: CalibrationCard): Calibration {
  if (card.kind === "platt") {
    return { card, probability: (logit) => sigmoid(card.slope * logit + card.shift) };
  }
  const { logits, probabilities } = card;
  return {
    card,
    probability(logit) {
      let [low, high] = [0, logits.length - 1];
      if (logit <= logits[low]!) return probabilities[low]!;
      if (logit >= logits[high]!) return probabilities[high]!;
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if (logits[middle]! <= logit) low = middle;
        else high = middle;
      }
      const share = (logit - logits[low]!) / (logits[high]! - logits[low]!);
      return probabilities[low]! + share * (probabilities[high]! - probabilities[low]!);
    },
  };
}

function checkAnswers(logits: Float32Array, labels: Uint8Array): number {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (logits.length === labels.length && positives > 0 && positives < labels.length) {
    return positives;
  }
  throw new TrainingError(
    "NO_BOTH_ANSWERS",
    `Calibration has ${logits.length} logits and ${labels.length} answers, of which ${positives} are yes.`,
    "Calibrate on held-out examples that hold both answers.",
  );
}
