import {
  type CompiledGraph,
  compileTraining,
  Graph,
  LOSS,
  openSession,
  rowGradient,
  type Session,
  sampledSoftmax,
  type Step,
  type Tensor,
} from "@magpie/tensor";

/** Pairs of one step: who took what, and the items that were not taken. Numbers are nodes of the graph. */
export interface PairBatch {
  /** [B] */
  readonly users: Int32Array;
  /** [B] */
  readonly taken: Int32Array;
  /** [`PairLoss.othersOf(B)`] in order of the pairs that they are for */
  readonly others: Int32Array;
}

/** How a step's pairs are judged by the vectors of their nodes. */
export interface PairLoss {
  /** How many items not taken a step of `pairs` pairs draws. */
  othersOf(pairs: number): number;
  /**
   * @param vectors  [nodes, width]
   * @param slopes   [nodes, width]; the loss's slope by each vector is added
   * @returns        the mean loss of the pairs
   */
  measure(vectors: Float32Array, batch: PairBatch, slopes: Float32Array): Promise<number>;
  dispose(): Promise<void>;
}

/**
 * Bayesian personalised ranking: one item not taken for each pair.
 *
 *     loss = mean  -log σ(s⁺ - s⁻)        s = scale² · v_u · v_i
 */
export class BprLoss implements PairLoss {
  readonly #width: number;
  readonly #scale: number;

  /** @param scale  that vectors are multiplied by first, such as 1 / layers for a mean over them */
  constructor(width: number, scale: number) {
    this.#width = width;
    this.#scale = scale;
  }

  othersOf(pairs: number): number {
    return pairs;
  }

  measure(
    vectors: Float32Array,
    { users, taken, others }: PairBatch,
    slopes: Float32Array,
  ): Promise<number> {
    const width = this.#width;
    const factor = this.#scale ** 2;
    const count = users.length;
    let total = 0;
    for (let b = 0; b < count; b++) {
      const [user, item, other] = [users[b]! * width, taken[b]! * width, others[b]! * width];
      let margin = 0;
      for (let d = 0; d < width; d++) {
        margin += vectors[user + d]! * (vectors[item + d]! - vectors[other + d]!);
      }
      margin *= factor;
      total += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
      const slope = -factor / (count * (1 + Math.exp(margin)));
      for (let d = 0; d < width; d++) {
        const u = slope * vectors[user + d]!;
        slopes[user + d]! += slope * (vectors[item + d]! - vectors[other + d]!);
        slopes[item + d]! += u;
        slopes[other + d]! -= u;
      }
    }
    return Promise.resolve(total / Math.max(1, count));
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

/** Pairs that share items at most, and pass through the engine at once: their scores stay in the cache. */
const largestSlice = 512;

/** Rows at length 1: [n, D] → [n, D]. Rows of zeros stay zeros. */
export function unitRows(rows: Tensor): Tensor {
  return rows.div(rows.square().sum([-1], true).add(1e-12).sqrt());
}

/**
 * Cross-entropy of the taken item among items that 512 pairs share, over cosines:
 *
 *     loss = mean  -log ( e^{s⁺/τ} / (e^{s⁺/τ} + Σ e^{s⁻/τ}) )        s = cos(v_u, v_i)
 *
 * Sharing them makes scores a matrix product, so hundreds cost less than a few of each pair's own. Where
 * a shared item is what the pair took, it is left out for that pair. A step of thousands of pairs draws
 * items anew for each 512: if all shared the same few, each item of a large catalogue would be pushed
 * away seldom and then hard, and Adam, which divides by such jolts, would hardly follow what was taken.
 *
 * @see Wu et al. (2022), "On the effectiveness of sampled softmax loss for item recommendation"
 */
export class SharedSoftmax implements PairLoss {
  readonly #width: number;
  readonly #negatives: number;
  readonly #slice: number;
  readonly #session: Session;
  readonly #step: Step;
  readonly #rows: { readonly users: Float32Array; readonly taken: Float32Array };
  readonly #shared: Float32Array;
  readonly #ids: { readonly taken: Int32Array; readonly others: Int32Array };
  readonly #weights: Float32Array;
  readonly #loss = new Float32Array(1);
  readonly #slopes: Readonly<Record<"users" | "taken" | "others", Float32Array>>;

  private constructor(width: number, negatives: number, slice: number, session: Session) {
    const rows = (count: number) => new Float32Array(count * width);
    this.#width = width;
    this.#negatives = negatives;
    this.#slice = slice;
    this.#weights = new Float32Array(slice);
    this.#session = session;
    this.#rows = { users: rows(slice), taken: rows(slice) };
    this.#shared = rows(negatives);
    this.#ids = { taken: new Int32Array(slice), others: new Int32Array(negatives) };
    this.#slopes = { users: rows(slice), taken: rows(slice), others: rows(negatives) };
    this.#step = session.bind(
      {
        ...this.#rows,
        others: this.#shared,
        takenIds: this.#ids.taken,
        otherIds: this.#ids.others,
        weights: this.#weights,
      },
      {
        [LOSS]: this.#loss,
        [rowGradient("users")]: this.#slopes.users,
        [rowGradient("taken")]: this.#slopes.taken,
        [rowGradient("others")]: this.#slopes.others,
      },
    );
  }

  /** @param pairs  of a step at most */
  static async open(
    width: number,
    pairs: number,
    { negatives, temperature }: { readonly negatives: number; readonly temperature: number },
    threads = 1,
  ): Promise<SharedSoftmax> {
    const slice = Math.max(1, Math.min(largestSlice, pairs));
    const graph = softmaxGraph(width, slice, negatives, temperature);
    return new SharedSoftmax(width, negatives, slice, await openSession(graph, { threads }));
  }

  /** Memory that the engine takes, about: scores, chances and their like. */
  static bytes(width: number, negatives: number): number {
    return 4 * (6 * largestSlice * negatives + 8 * (largestSlice + negatives) * width);
  }

  othersOf(pairs: number): number {
    return this.#negatives * Math.ceil(pairs / this.#slice);
  }

  async measure(
    vectors: Float32Array,
    { users, taken, others }: PairBatch,
    slopes: Float32Array,
  ): Promise<number> {
    const width = this.#width;
    const [slice, negatives] = [this.#slice, this.#negatives];
    let total = 0;
    for (let first = 0, turn = 0; first < users.length; first += slice, turn++) {
      const [own, items] = [users, taken].map((ids) => ids.subarray(first, first + slice));
      const shared = others.subarray(turn * negatives, (turn + 1) * negatives);
      this.#ids.others.set(shared);
      gather(vectors, shared, this.#shared, width);
      gather(vectors, own!, this.#rows.users, width);
      gather(vectors, items!, this.#rows.taken, width);
      this.#ids.taken.set(items!);
      // What is left of the last slice weighs nothing.
      this.#weights.fill(0).fill(1 / users.length, 0, own!.length);
      await this.#step.run();
      total += this.#loss[0]!;
      scatterAdd(slopes, own!, this.#slopes.users, width);
      scatterAdd(slopes, items!, this.#slopes.taken, width);
      scatterAdd(slopes, shared, this.#slopes.others, width);
    }
    return total;
  }

  async dispose(): Promise<void> {
    await this.#session.dispose();
  }
}

function softmaxGraph(
  width: number,
  slice: number,
  negatives: number,
  temperature: number,
): CompiledGraph {
  const g = new Graph();
  const others = unitRows(g.rows("others", [negatives, width]));
  const otherIds = g.input("otherIds", [1, negatives], "int32");
  const loss = sampledSoftmax(unitRows(g.rows("users", [slice, width])).mul(1 / temperature), {
    targets: unitRows(g.rows("taken", [slice, width])),
    negatives: others,
    offset: g.constant(Array<number>(negatives).fill(0), [negatives]),
    excluded: g.input("takenIds", [slice, 1], "int32").equal(otherIds),
    weights: g.input("weights", [slice, 1]),
  });
  return compileTraining(g, loss);
}

/** out[i] = table[ids[i]]; what stands in `out` beyond stays. */
export function gather(
  table: Float32Array,
  ids: Int32Array,
  out: Float32Array,
  width: number,
): void {
  ids.forEach((id, i) => {
    for (let d = 0; d < width; d++) out[i * width + d] = table[id * width + d]!;
  });
}

/** table[ids[i]] += rows[i] */
export function scatterAdd(
  table: Float32Array,
  ids: Int32Array,
  rows: Float32Array,
  width: number,
): void {
  ids.forEach((id, i) => {
    for (let d = 0; d < width; d++) table[id * width + d]! += rows[i * width + d]!;
  });
}
