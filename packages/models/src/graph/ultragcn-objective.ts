import type { CsrMatrix } from "@magpie/numerics";
import {
  type CompiledGraph,
  compileTraining,
  Graph,
  LOSS,
  openSession,
  rowGradient,
  type Session,
  type Step,
} from "@magpie/tensor";
import { type ItemAffinities, itemAffinities } from "./item-affinities.ts";
import { gather, type PairBatch, scatterAdd } from "./pair-losses.ts";

/** How the parts of the loss weigh. */
export interface UltraGcnWeights {
  /** N: items not taken that a pair is compared with, shared by 512 pairs. */
  readonly negatives: number;
  /** How much the mean over them counts beside one item taken. */
  readonly negativeWeight: number;
  /** w₁ and w₂: what each pair taken counts, and what the more by β of its degrees. */
  readonly takenWeights: readonly [base: number, byDegrees: number];
  /** w₃ and w₄: the same of pairs not taken. */
  readonly otherWeights: readonly [base: number, byDegrees: number];
  /** λ: how much the taken item's likes count beside it. */
  readonly affinityWeight: number;
  /** How many likes each item has. */
  readonly affinities: number;
  /** How strongly vectors are drawn towards 0. */
  readonly decay: number;
}

/** Pairs that share items not taken at most, and pass through the engine at once. */
const largestSlice = 512;

const factorNames = [
  "pairWeights",
  "userFactors",
  "otherFactors",
  "likeWeights",
  "weights",
] as const;
const rowNames = ["users", "taken", "others", "likes"] as const;

/**
 * Loss and gradient of UltraGCN: no vector is passed along the graph. Instead, pairs are weighted so
 * that the vectors which minimise the loss are those that passing on would converge to:
 *
 *     loss = mean over pairs  (w₁ + w₂ β_ui) · softplus(-s_ui)                            what was taken
 *                           + negativeWeight · mean_j (w₃ + w₄ β_uj) · softplus(s_uj)      what was not
 *                           + λ Σ_{j like i} ω_ij · softplus(-s_uj)                        likes of it
 *          + decay/2 ‖E‖²                        s = e_u · e_i,   β_ui = √(d_u + 1) / d_u / √(d_i + 1)
 *
 * The items not taken are shared by 512 pairs, where the paper draws each pair's own: the expected gradient
 * is the same, and their scores are one matrix product.
 */
export class UltraGcnObjective {
  readonly #width: number;
  readonly #userCount: number;
  readonly #slice: number;
  readonly #weights: UltraGcnWeights;
  readonly #affinities: ItemAffinities;
  /** [nodes] √(d_u + 1) / d_u of users, 1 / √(d_i + 1) of items */
  readonly #factors: Float32Array;
  readonly #session: Session;
  readonly #step: Step;
  readonly #rows: Readonly<Record<(typeof rowNames)[number], Float32Array>>;
  readonly #slopes: Readonly<Record<(typeof rowNames)[number], Float32Array>>;
  readonly #inputs: Readonly<Record<(typeof factorNames)[number], Float32Array>>;
  readonly #loss = new Float32Array(1);

  private constructor(
    interactions: CsrMatrix,
    width: number,
    weights: UltraGcnWeights,
    slice: number,
    session: Session,
  ) {
    const { negatives, affinities } = weights;
    this.#width = width;
    this.#userCount = interactions.rows;
    this.#slice = slice;
    this.#weights = weights;
    this.#affinities = itemAffinities(interactions, affinities);
    this.#factors = factorsOf(interactions);
    this.#session = session;
    const rows = () => ({
      users: new Float32Array(slice * width),
      taken: new Float32Array(slice * width),
      others: new Float32Array(negatives * width),
      likes: new Float32Array(slice * affinities * width),
    });
    this.#rows = rows();
    this.#slopes = rows();
    this.#inputs = {
      pairWeights: new Float32Array(slice),
      userFactors: new Float32Array(slice),
      otherFactors: new Float32Array(negatives),
      likeWeights: new Float32Array(slice * affinities),
      weights: new Float32Array(slice),
    };
    this.#step = session.bind(
      { ...this.#rows, ...this.#inputs },
      {
        [LOSS]: this.#loss,
        ...Object.fromEntries(rowNames.map((name) => [rowGradient(name), this.#slopes[name]])),
      },
    );
  }

  /**
   * @param interactions  [userCount, itemCount + 1]
   * @param pairs         of a step at most
   */
  static async open(
    interactions: CsrMatrix,
    width: number,
    pairs: number,
    weights: UltraGcnWeights,
    threads = 1,
  ): Promise<UltraGcnObjective> {
    const slice = Math.max(1, Math.min(largestSlice, pairs));
    const session = await openSession(lossGraph(width, slice, weights), { threads });
    return new UltraGcnObjective(interactions, width, weights, slice, session);
  }

  /** Memory that an objective takes, about. */
  static bytes(nodes: number, width: number, { negatives, affinities }: UltraGcnWeights): number {
    const rows = largestSlice * (2 + affinities) + negatives;
    return 4 * (4 * rows * width + 8 * largestSlice * negatives + nodes * (1 + 2 * affinities));
  }

  othersOf(pairs: number): number {
    return this.#weights.negatives * Math.ceil(pairs / this.#slice);
  }

  /**
   * @param table     E: [nodes, width], users, padding, items
   * @param gradient  [nodes, width], overwritten
   * @returns         the loss without its decay
   */
  async measure(
    table: Float32Array,
    { users, taken, others }: PairBatch,
    gradient: Float32Array,
  ): Promise<number> {
    const width = this.#width;
    const { decay, takenWeights, affinities, negatives } = this.#weights;
    const [base, byDegrees] = takenWeights;
    const factors = this.#factors;
    const slice = this.#slice;
    for (let d = 0; d < gradient.length; d++) gradient[d] = decay * table[d]!;
    const likes = new Int32Array(slice * affinities);
    let total = 0;
    for (let first = 0, turn = 0; first < users.length; first += slice, turn++) {
      const shared = others.subarray(turn * negatives, (turn + 1) * negatives);
      gather(table, shared, this.#rows.others, width);
      shared.forEach((other, j) => (this.#inputs.otherFactors[j] = factors[other]!));
      const own = users.subarray(first, first + slice);
      const items = taken.subarray(first, first + slice);
      const { pairWeights, userFactors, likeWeights, weights } = this.#inputs;
      own.forEach((user, b) => {
        pairWeights[b] = base + byDegrees * factors[user]! * factors[items[b]!]!;
        userFactors[b] = factors[user]!;
        const from = (items[b]! - this.#userCount) * affinities;
        for (let k = 0; k < affinities; k++) {
          likes[b * affinities + k] = this.#userCount + this.#affinities.items[from + k]!;
          likeWeights[b * affinities + k] = this.#affinities.weights[from + k]!;
        }
      });
      // What is left of the last slice weighs nothing.
      weights.fill(0).fill(1 / users.length, 0, own.length);
      const liked = likes.subarray(0, own.length * affinities);
      gather(table, own, this.#rows.users, width);
      gather(table, items, this.#rows.taken, width);
      gather(table, liked, this.#rows.likes, width);
      await this.#step.run();
      total += this.#loss[0]!;
      scatterAdd(gradient, own, this.#slopes.users, width);
      scatterAdd(gradient, items, this.#slopes.taken, width);
      scatterAdd(gradient, shared, this.#slopes.others, width);
      scatterAdd(gradient, liked, this.#slopes.likes, width);
    }
    return total;
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}

function factorsOf({ rows, columns, offsets, indices, values }: CsrMatrix): Float32Array {
  const degrees = new Float32Array(rows + columns);
  for (let user = 0; user < rows; user++) {
    for (let p = offsets[user]!; p < offsets[user + 1]!; p++) {
      degrees[user]! += values[p]!;
      degrees[rows + indices[p]!]! += values[p]!;
    }
  }
  return degrees.map((degree, node) => {
    if (node >= rows) return 1 / Math.sqrt(degree + 1);
    return degree === 0 ? 0 : Math.sqrt(degree + 1) / degree;
  });
}

function lossGraph(
  width: number,
  slice: number,
  { negatives, negativeWeight, otherWeights, affinities, affinityWeight }: UltraGcnWeights,
): CompiledGraph {
  const g = new Graph();
  const users = g.rows("users", [slice, width]);
  const taken = g.rows("taken", [slice, width]);
  const others = g.rows("others", [negatives, width]);
  const likes = g.rows("likes", [slice * affinities, width]).reshape([slice, affinities, width]);
  const positive = users
    .mul(taken)
    .sum([-1], true)
    .neg()
    .softplus()
    .mul(g.input("pairWeights", [slice, 1]));
  const misses = users.matmul(others, { transposeRight: true }).softplus(); // [slice, negatives]
  const [base, byDegrees] = otherWeights;
  const weighted = misses
    .matmul(g.input("otherFactors", [negatives, 1]))
    .mul(g.input("userFactors", [slice, 1]))
    .mul(byDegrees);
  const negative = weighted.add(misses.sum([-1], true).mul(base)).mul(negativeWeight / negatives);
  const alike = users
    .reshape([slice, 1, width])
    .mul(likes)
    .sum([-1])
    .neg()
    .softplus()
    .mul(g.input("likeWeights", [slice, affinities]))
    .sum([-1], true)
    .mul(affinityWeight);
  const loss = positive
    .add(negative)
    .add(alike)
    .mul(g.input("weights", [slice, 1]))
    .sum();
  return compileTraining(g, loss);
}
