import { indicator, type Tensor } from "./tensor.ts";

/**
 * Losses. Each gives a scalar: the weighted sum over examples. Weights carry the averaging (1 / n
 * each for a mean) and are 0 on padding, so that a padded last batch needs no graph of its own.
 */

/** Σ weight · (prediction - target)²; all of one shape. */
export function squaredError(prediction: Tensor, target: Tensor, weights: Tensor): Tensor {
  return prediction.sub(target).square().mul(weights).sum();
}

/**
 * Binary cross-entropy of logits, without overflow:
 *
 *     - y log σ(x) - (1 - y) log(1 - σ(x)) = softplus(x) - x y
 *
 * @param logits   any shape
 * @param labels   same shape, in [0, 1]
 * @param weights  same shape
 */
export function binaryCrossEntropy(logits: Tensor, labels: Tensor, weights: Tensor): Tensor {
  return logits.softplus().sub(logits.mul(labels)).mul(weights).sum();
}

/**
 * Cross-entropy over a handful of classes: -log softmax(logits)[class].
 *
 * @param logits   [n, classes]
 * @param classes  [n] int32
 * @param weights  [n]
 */
export function crossEntropy(logits: Tensor, classes: Tensor, weights: Tensor): Tensor {
  const picked = logits.logSoftmax().mul(indicator(classes, logits.shape[1]!));
  return picked.sum([-1]).mul(weights).sum().neg();
}

/**
 * log Σ_k exp(hidden · keys_k + offset_k) for each row of `hidden`, where `excluded` leaves pairs out.
 *
 *     [n, D], [K, D] → [n, 1]        or with a batch on both sides: [b, n, D], [b, K, D] → [b, n, 1]
 *
 * The step that softmax losses over many items share. The backward pass needs no [n, K] matrix besides
 * the probabilities P: it scales the n rows by the incoming gradient g instead of scaling P,
 *
 *     d hidden = g ∘ (P · keys)        d keys = Pᵀ · (g ∘ hidden)
 *
 * A row with all pairs left out gives about -1e9.
 *
 * @param offset    [K] or [n, K], or undefined; no gradient; without a batch only
 * @param excluded  [..., n, K] bool: pairs that do not take part
 */
export function logSumExpOfProducts(
  hidden: Tensor,
  keys: Tensor,
  offset?: Tensor,
  excluded?: Tensor,
): Tensor {
  const { graph } = hidden;
  const { total, probabilities } = graph.untracked(() => {
    const logits = offset
      ? graph.node("Gemm", [hidden, keys, offset], [hidden.shape[0]!, keys.shape[0]!], {
          transB: { int: 1 },
        })
      : hidden.matmul(keys, { transposeRight: true });
    const scores = excluded ? excluded.where(-1e9, logits) : logits;
    const probabilities = scores.softmax();
    // The best key's logit minus the log of its probability: exact where P of another underflows.
    return { probabilities, total: scores.max(-1).sub(probabilities.max(-1).log()) };
  });
  return total.withGradients(
    [hidden, (dy) => dy.mul(probabilities.matmul(keys))],
    [keys, (dy) => probabilities.matmul(hidden.mul(dy), { transposeLeft: true })],
  );
}

/** Row by row inner product: [n, D], [n, D] → [n, 1]. */
function rowProducts(left: Tensor, right: Tensor): Tensor {
  return left.mul(right).sum([-1], true);
}

/**
 * Cross-entropy of the next item over the whole catalogue, without a one-hot matrix.
 *
 *     Σ weight · (log Σ_k exp(hidden · items_k) - hidden · target)
 *
 * @param hidden   [n, D]
 * @param items    [items, D]: the item table
 * @param offset   [items] added to every item's logit, such as -1e9 for padding; or undefined
 * @param targets  [n, D]: rows of the target items
 * @param weights  [n, 1]
 */
export function fullSoftmax(
  hidden: Tensor,
  items: Tensor,
  offset: Tensor | undefined,
  targets: Tensor,
  weights: Tensor,
): Tensor {
  const total = logSumExpOfProducts(hidden, items, offset);
  return total.sub(rowProducts(hidden, targets)).mul(weights).sum();
}

/** log(eˣ + eʸ); `y` may be -1e9, which adds nothing. */
function logAddExp(x: Tensor, y: Tensor): Tensor {
  return x.add(y.sub(x).softplus());
}

/**
 * Softmax over the target and negatives that all examples share.
 *
 *     Σ weight · log(1 + (Σ_k exp(hidden · negative_k + offset_k) + Z) / exp(hidden · target + targetOffset))
 *
 * With offset_k = -log(K q_k) for K negatives drawn with probabilities q ("logQ correction") the sum over
 * negatives is an unbiased estimate of the sum over the catalogue. A negative that happens to be an
 * example's target, or is counted in Z, must be left out for that example.
 *
 * @param hidden        [n, D]
 * @param targets       [n, D]: rows of the target items
 * @param targetOffset  [n, 1] added to the target's logit, or undefined
 * @param negatives     [K, D]: rows of the negatives
 * @param offset        [K] or [n, K] added to the negatives' logits; -1e9 leaves one out for an example
 * @param excluded      [n, K] bool: negatives that do not take part for an example, or undefined
 * @param others        [n, 1] log Z: logits that each example has of its own, summed; or undefined
 * @param weights       [n, 1]
 * @see Bengio & Senécal (2008), "Adaptive importance sampling to accelerate training of a neural
 *      probabilistic language model"; Yi et al. (2019), "Sampling-bias-corrected neural modeling for
 *      large corpus item recommendations"
 */
export function sampledSoftmax(
  hidden: Tensor,
  {
    targets,
    targetOffset,
    negatives,
    offset,
    excluded,
    others,
    weights,
  }: {
    readonly targets: Tensor;
    readonly targetOffset?: Tensor;
    readonly negatives: Tensor;
    readonly offset: Tensor;
    readonly excluded?: Tensor;
    readonly others?: Tensor;
    readonly weights: Tensor;
  },
): Tensor {
  const shared = logSumExpOfProducts(hidden, negatives, offset, excluded);
  const total = others ? logAddExp(shared, others) : shared;
  const product = rowProducts(hidden, targets);
  const target = targetOffset ? product.add(targetOffset) : product;
  return total.sub(target).softplus().mul(weights).sum();
}

/**
 * Generalised binary cross-entropy over a target and k negatives:
 *
 *     Σ weight · (-log σ(s⁺)^β - Σ_k log (1 - σ(s_k))) = Σ weight · (β · softplus(-s⁺) + Σ_k softplus(s_k))
 *
 * The paper divides by k + 1, which Adam does not notice. With β = 1 it is plain cross-entropy, whose scores
 * are too sure of themselves when few of many negatives are seen; with β the rate at which negatives are drawn
 * it is as calibrated as with all.
 *
 * @param target    [n, 1] logits s⁺
 * @param logits    [n, k] logits of the negatives; about -1e9 where one does not take part
 * @param weights   [n, 1]
 * @see Petrov & Macdonald (2023), "gSASRec: reducing overconfidence in sequential recommendation trained
 *      with negative sampling"
 */
export function generalisedBce(
  target: Tensor,
  logits: Tensor,
  weights: Tensor,
  beta: number,
): Tensor {
  const negatives = logits.softplus().sum([-1], true);
  const positive = target.neg().softplus().mul(beta);
  return positive.add(negatives).mul(weights).sum();
}

/**
 * BPR-max: the target should be above the negatives, those that matter most first.
 *
 *     Σ weight · (-log Σ_k p_k σ(s⁺ - s_k) + λ Σ_k p_k s_k²)     p = softmax(s)
 *
 * @param target          [n, 1] logits s⁺
 * @param logits          [n, k] logits s of the negatives; about -1e9 where one does not take part
 * @param weights         [n, 1]
 * @param regularisation  λ
 * @see Hidasi & Karatzoglou (2018), "Recurrent neural networks with top-k gains for session-based
 *      recommendations"
 */
export function bprMax(
  target: Tensor,
  logits: Tensor,
  weights: Tensor,
  regularisation: number,
): Tensor {
  const p = logits.softmax();
  const above = p.mul(target.sub(logits).sigmoid()).sum([-1], true);
  const large = p.mul(logits.square()).sum([-1], true);
  // A tiny share keeps the logarithm finite where the target is far below all negatives.
  const loss = above.add(1e-10).log().neg().add(large.mul(regularisation));
  return loss.mul(weights).sum();
}
