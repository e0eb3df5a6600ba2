/** What trees are grown to lower. */
export interface Objective {
  /**
   * [units + 1]: rows that belong together, such as the candidates of one query, stand side by side.
   */
  readonly offsets: Int32Array;
  /** First and second derivatives of the loss at each row's score. */
  derive(scores: Float64Array, gradients: Float64Array, hessians: Float64Array): void;
}

/** What is to be put in order: candidates query after query. */
export interface RankedGroups {
  /** [queries + 1]: query `q` owns the rows from `offsets[q]` to `offsets[q + 1]`. */
  readonly offsets: Int32Array;
  /** [rows]: 0 for what nobody took, more for what was taken more earnestly. */
  readonly grades: Uint8Array;
  /**
   * [rows]: how much a row's grade counts, 1 each when absent; the inverse chance that the row was
   * looked at makes up for the place it was shown at.
   */
  readonly weights?: Float32Array;
}

const gainOf = (grade: number): number => 2 ** grade - 1;
/** @param place  from 0 */
const discountOf = (place: number): number => 1 / Math.log2(place + 2);

/**
 * LambdaMART's gradients: for every pair of candidates of a query of which one has the better grade,
 * how much NDCG would change if they changed places, times how wrongly they stand:
 *
 *     λ(i, j) = w_i · |ΔNDCG(i, j)| / (1 + exp(s_i − s_j))      for grade_i > grade_j
 *     gradient_i −= λ, gradient_j += λ      hessian_i, hessian_j += w_i · |ΔNDCG| · ρ (1 − ρ)
 *
 * They are the derivatives of Σ w_i |ΔNDCG(i, j)| · ln(1 + exp(s_j − s_i)) with |ΔNDCG| held still.
 * Pairs of which neither stands among the first `cutoff` places are left out.
 *
 * @see Burges (2010), "From RankNet to LambdaRank to LambdaMART: An Overview"
 * @see Joachims, Swaminathan & Schnabel (2017) for the weights
 */
export class LambdaObjective implements Objective {
  readonly offsets: Int32Array;
  readonly #grades: Uint8Array;
  readonly #weights: Float32Array | undefined;
  readonly #cutoff: number;
  readonly #idealDcg: Float64Array;

  constructor({ offsets, grades, weights }: RankedGroups, cutoff: number) {
    this.offsets = offsets;
    this.#grades = grades;
    this.#weights = weights;
    this.#cutoff = cutoff;
    this.#idealDcg = Float64Array.from({ length: offsets.length - 1 }, (_, q) =>
      idealDcg(grades.subarray(offsets[q]!, offsets[q + 1]!), cutoff),
    );
  }

  derive(scores: Float64Array, gradients: Float64Array, hessians: Float64Array): void {
    gradients.fill(0);
    hessians.fill(0);
    for (let query = 0; query + 1 < this.offsets.length; query++) {
      const ideal = this.#idealDcg[query]!;
      if (ideal === 0) continue;
      const order = byScore(scores, this.offsets[query]!, this.offsets[query + 1]!);
      const firstPlaces = Math.min(this.#cutoff, order.length);
      for (let a = 0; a < firstPlaces; a++) {
        for (let b = a + 1; b < order.length; b++) {
          this.#push(order, a, b, ideal, scores, gradients, hessians);
        }
      }
    }
  }

  /** Adds the pair at places `a` < `b`. */
  #push(
    order: Int32Array,
    a: number,
    b: number,
    ideal: number,
    scores: Float64Array,
    gradients: Float64Array,
    hessians: Float64Array,
  ): void {
    const [atA, atB] = [this.#grades[order[a]!]!, this.#grades[order[b]!]!];
    if (atA === atB) return;
    const [better, worse] = atA > atB ? [order[a]!, order[b]!] : [order[b]!, order[a]!];
    const discountB = b < this.#cutoff ? discountOf(b) : 0;
    const delta = (Math.abs(gainOf(atA) - gainOf(atB)) * (discountOf(a) - discountB)) / ideal;
    const wrong = 1 / (1 + Math.exp(scores[better]! - scores[worse]!));
    const push = (this.#weights?.[better] ?? 1) * delta;
    gradients[better]! -= push * wrong;
    gradients[worse]! += push * wrong;
    const bend = push * wrong * (1 - wrong);
    hessians[better]! += bend;
    hessians[worse]! += bend;
  }
}

/**
 * Mean NDCG of queries ordered by score, equal scores in order of rows; queries in which nobody took
 * anything are left out. With weights, a query counts as much as its graded rows on average.
 *
 *     DCG@k = Σ_{place < k} (2^grade − 1) / log2(place + 2)
 */
export function meanNdcg(
  { offsets, grades, weights }: RankedGroups,
  scores: Float64Array,
  cutoff: number,
): number {
  let sum = 0;
  let count = 0;
  for (let query = 0; query + 1 < offsets.length; query++) {
    const [from, to] = [offsets[query]!, offsets[query + 1]!];
    const ideal = idealDcg(grades.subarray(from, to), cutoff);
    if (ideal === 0) continue;
    const order = byScore(scores, from, to);
    let dcg = 0;
    for (let place = 0; place < Math.min(cutoff, order.length); place++) {
      dcg += gainOf(grades[order[place]!]!) * discountOf(place);
    }
    const weight = weights === undefined ? 1 : weightOf(grades, weights, from, to);
    sum += (weight * dcg) / ideal;
    count += weight;
  }
  return count === 0 ? 0 : sum / count;
}

/**
 * Logistic loss of yes-or-no answers: scores are log odds.
 *
 *     loss = − Σ w · (y ln p + (1 − y) ln(1 − p))      p = 1 / (1 + exp(−score))
 */
export class LogisticObjective implements Objective {
  /** Each row by itself. */
  readonly offsets: Int32Array;
  readonly #answers: Uint8Array;
  readonly #weights: Float32Array | undefined;

  constructor(answers: Uint8Array, weights?: Float32Array) {
    this.#answers = answers;
    this.#weights = weights;
    this.offsets = Int32Array.from({ length: answers.length + 1 }, (_, row) => row);
  }

  /** The log odds of a yes, by which one guesses before anything is known. */
  get priorLogOdds(): number {
    let [yes, all] = [0, 0];
    for (let row = 0; row < this.#answers.length; row++) {
      const weight = this.#weights?.[row] ?? 1;
      all += weight;
      yes += weight * this.#answers[row]!;
    }
    // Half a row on either side: data with one answer only must not give an infinite prior.
    return Math.log((yes + 0.5) / (all - yes + 0.5));
  }

  derive(scores: Float64Array, gradients: Float64Array, hessians: Float64Array): void {
    for (let row = 0; row < this.#answers.length; row++) {
      const weight = this.#weights?.[row] ?? 1;
      const p = 1 / (1 + Math.exp(-scores[row]!));
      gradients[row] = weight * (p - this.#answers[row]!);
      hessians[row] = weight * p * (1 - p);
    }
  }

  /** Mean loss per row, in nats. */
  lossAt(scores: Float64Array): number {
    let [sum, all] = [0, 0];
    for (let row = 0; row < this.#answers.length; row++) {
      const weight = this.#weights?.[row] ?? 1;
      const signed = this.#answers[row] === 1 ? -scores[row]! : scores[row]!;
      // ln(1 + e^x) without overflow.
      sum += weight * (Math.max(0, signed) + Math.log1p(Math.exp(-Math.abs(signed))));
      all += weight;
    }
    return all === 0 ? 0 : sum / all;
  }
}

/** Rows from `from` to `to`, the highest score first; equal scores in order of rows. */
function byScore(scores: Float64Array, from: number, to: number): Int32Array {
  return Int32Array.from({ length: to - from }, (_, i) => from + i).sort(
    (a, b) => scores[b]! - scores[a]! || a - b,
  );
}

function idealDcg(grades: Uint8Array, cutoff: number): number {
  const ideal = grades.slice().sort().reverse();
  let dcg = 0;
  for (let place = 0; place < Math.min(cutoff, ideal.length); place++) {
    dcg += gainOf(ideal[place]!) * discountOf(place);
  }
  return dcg;
}

function weightOf(grades: Uint8Array, weights: Float32Array, from: number, to: number): number {
  let [sum, graded] = [0, 0];
  for (let row = from; row < to; row++) {
    if (grades[row] === 0) continue;
    sum += weights[row]!;
    graded++;
  }
  return sum / graded;
}
