import {
  binaryCrossEntropy,
  bprMax,
  fullSoftmax,
  generalisedBce,
  logSumExpOfProducts,
  sampledSoftmax,
  Tensor,
  type Graph,
} from "@magpie/tensor";
import type { SequenceConfig } from "./sequence-config.ts";
import type { ItemRows } from "./sequence-texts.ts";

/** β of gBCE: α (t (1 - 1/α) + 1/α) = 1 - t (1 - α), with α the rate at which negatives are drawn. */
function gbceBeta(calibration: number, samplingRate: number): number {
  return 1 - calibration * (1 - Math.min(1, samplingRate));
}

/**
 * Logits of gBCE are h · e + log(β / K): the level at which one target pulls as hard as its K negatives push
 * while nothing is known yet. A softmax takes no notice of a level, but a yes or no for each item does, and
 * from 0 the negatives push K / β (some 1,800) times as hard: all items then move away from one direction that
 * all states take, and little else is learnt (amazon-beauty's validation: NDCG@10 .0067, with the level .0697).
 * The paper has no level, but embeddings that start 50 times as long.
 */
function gbceLevel(beta: number, negatives: number): number {
  return Math.log(beta / negatives);
}

/** Adam moves every weight by about the learning rate; the repeat bias has further to go than others. */
export const repeatScale = 8;

/** States of a batch and what its losses need of it. */
interface BatchStates {
  readonly rows: number;
  readonly length: number;
  readonly itemCount: number;
  /** [R · T, D] */
  readonly hidden: Tensor;
  /** [R · T, D]: the inputs' rows. */
  readonly items: Tensor;
  readonly itemRows: ItemRows;
  /** [R, 1, T, T] */
  readonly mask: Tensor;
}

/**
 * The loss of the next item after each position, a scalar. Declares the inputs that it needs: `targets` and,
 * for losses that have them, `negatives` (rows of the item tables), `weights`, and what `OverlapFinder`
 * found. With a loss over the catalogue `catalog` is the whole output table.
 */
export function nextItemLoss(g: Graph, config: SequenceConfig, batch: BatchStates): Tensor {
  const { loss, width: D, tied } = config;
  const { rows: R, length: T, itemCount, hidden, items, itemRows, mask } = batch;
  const n = R * T;
  const targets = itemRows("targets", n);
  const weights = g.input("weights", [n, 1]);
  /** What the repeat bias adds to the logit of a target that stands in the past: [n, 1]. */
  const targetShift = (bias: Tensor): Tensor => g.input("repeats", [n, 1]).mul(bias);

  /** Each position's own past: logits [R, T, T] before the bias, and which of them do not count. */
  const pastOf = () => {
    const itemIds = g.input("itemIds", [R, 1, T], "int32");
    const isTarget = g.input("targetIds", [R, T, 1], "int32").equal(itemIds);
    const isDuplicate = g.input("duplicates", [R, 1, T], "bool");
    // Items that are later, of another past, the target, or counted already.
    const excluded = mask.reshape([R, T, T]).less(-1).or(isTarget).or(isDuplicate);
    const outputs = tied ? items : itemRows("pastOutputs", n);
    return {
      bias: g.parameter("repeatBias", [1]).mul(repeatScale),
      excluded,
      keys: outputs.reshape([R, T, D]),
    };
  };
  /** The past's logits with the bias, one row per position, -1e9 for those that do not count: [n, T]. */
  const pastLogits = (): { logits: Tensor; bias: Tensor } => {
    const { bias, excluded, keys } = pastOf();
    const logits = hidden.reshape([R, T, D]).matmul(keys, { transposeRight: true }).add(bias);
    return { bias, logits: excluded.where(-1e9, logits).reshape([n, T]) };
  };
  /** Adds the past's share of a softmax, and the bias of a target that stands in it. */
  const withPast = () => {
    const { bias, excluded, keys } = pastOf();
    const sum = logSumExpOfProducts(hidden.reshape([R, T, D]), keys, undefined, excluded);
    return { others: sum.reshape([n, 1]).add(bias), targetOffset: targetShift(bias) };
  };

  switch (loss.kind) {
    case "sampled-softmax": {
      const K = loss.negatives;
      const past = loss.ownPast ? withPast() : undefined;
      const offsets = [
        ...(loss.logQ === "all" ? [g.input("targetOffsets", [n, 1])] : []),
        ...(past ? [past.targetOffset] : []),
      ];
      return sampledSoftmax(hidden, {
        targets,
        weights,
        negatives: itemRows("negatives", K),
        offset: g.input("negativeMask", [n, K]),
        ...past,
        ...(offsets.length > 0 && { targetOffset: offsets.reduce((a, b) => a.add(b)) }),
      });
    }
    case "full-softmax": {
      const size = itemCount + 1;
      const catalog = g.rows("catalog", [size, D]);
      if (loss.ownPast !== true) {
        const padding = g.constant([-1e9, ...Array<number>(itemCount).fill(0)], [size]);
        return fullSoftmax(hidden, catalog, padding, targets, weights);
      }
      // The catalogue stands where drawn negatives would: the target and the past are counted apart.
      return sampledSoftmax(hidden, {
        targets,
        weights,
        negatives: catalog,
        offset: g.input("negativeMask", [n, size]),
        ...withPast(),
      });
    }
    case "bce": {
      const score = (rows: Tensor): Tensor => hidden.mul(rows).sum([-1], true);
      const ones = g.constant([1], [1, 1]);
      const zeros = g.constant([0], [1, 1]);
      const positive = binaryCrossEntropy(score(targets), ones, weights);
      const negative = binaryCrossEntropy(score(itemRows("negatives", n)), zeros, weights);
      return positive.add(negative);
    }
    case "gbce":
    case "bpr-max": {
      const K = loss.negatives;
      let logits = hidden
        .matmul(itemRows("negatives", K), { transposeRight: true })
        .add(g.input("negativeMask", [n, K]));
      let target = hidden.mul(targets).sum([-1], true); // [n, 1]
      if (loss.ownPast) {
        const past = pastLogits();
        logits = Tensor.concat([logits, past.logits], 1);
        target = target.add(targetShift(past.bias));
      }
      if (loss.kind === "bpr-max") return bprMax(target, logits, weights, loss.regularisation);
      const beta = gbceBeta(loss.calibration, K / Math.max(1, itemCount - 1));
      const level = gbceLevel(beta, K);
      return generalisedBce(target.add(level), logits.add(level), weights, beta);
    }
    default:
      return loss satisfies never;
  }
}
