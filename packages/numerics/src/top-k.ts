/** The best entries of a score array, best first. Both arrays have the same length. */
export interface Top {
  /** Positions in the score array. */
  readonly indices: Int32Array;
  readonly scores: Float32Array;
}

/**
 * Reusable selector of the `k` best scores: keeps its heap between calls, so that ranking many
 * users allocates nothing.
 *
 * A binary heap of at most `k` entries has the worst kept entry at its root; an array of `n`
 * scores costs O(n + m log k), where m is how often a score beats that root.
 *
 *               worst kept (lowest score; among equals, highest index)
 *              /     \
 *           better   better
 *
 * Ties go to the lower index. NaN and -Infinity are never selected: they mean "not an item here".
 */
export class TopKSelector {
  readonly k: number;
  readonly #indices: Int32Array;
  readonly #scores: Float32Array;
  #size = 0;

  constructor(k: number) {
    if (!Number.isInteger(k) || k < 0) {
      throw new RangeError(`k is ${k}; it must be an integer that is not negative`);
    }
    this.k = k;
    this.#indices = new Int32Array(k);
    this.#scores = new Float32Array(k);
  }

  /**
   * @param scores  one number per index
   * @returns       at most `k` entries, best first; copies that the caller may keep
   */
  select(scores: Float32Array): Top {
    const size = this.#fill(scores);
    const indices = new Int32Array(size);
    const best = new Float32Array(size);
    // The root is the worst: taking it out again and again fills the answer from its end.
    for (let place = size - 1; place >= 0; place--) {
      indices[place] = this.#indices[0]!;
      best[place] = this.#scores[0]!;
      this.#size--;
      this.#place(0, this.#scores[this.#size]!, this.#indices[this.#size]!);
    }
    return { indices, scores: best };
  }

  #fill(scores: Float32Array): number {
    this.#size = 0;
    if (this.k === 0) return 0;
    const n = scores.length;
    let i = 0;
    for (; i < n && this.#size < this.k; i++) {
      const score = scores[i]!;
      if (score > -Infinity) this.#push(score, i);
    }
    // Indices only grow, so a score equal to the root's never enters: the tie is settled by `>`.
    let worst = this.#scores[0]!;
    for (; i < n; i++) {
      const score = scores[i]!;
      if (score > worst) {
        this.#place(0, score, i);
        worst = this.#scores[0]!;
      }
    }
    return this.#size;
  }

  #push(score: number, index: number): void {
    const scores = this.#scores;
    const indices = this.#indices;
    let hole = this.#size++;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (!isWorse(score, index, scores[parent]!, indices[parent]!)) break;
      scores[hole] = scores[parent]!;
      indices[hole] = indices[parent]!;
      hole = parent;
    }
    scores[hole] = score;
    indices[hole] = index;
  }

  /** Puts an entry into the hole at the root of `hole`'s subtree and sifts it down. */
  #place(hole: number, score: number, index: number): void {
    const scores = this.#scores;
    const indices = this.#indices;
    const size = this.#size;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      const right = child + 1;
      if (
        right < size &&
        isWorse(scores[right]!, indices[right]!, scores[child]!, indices[child]!)
      ) {
        child = right;
      }
      if (!isWorse(scores[child]!, indices[child]!, score, index)) break;
      scores[hole] = scores[child]!;
      indices[hole] = indices[child]!;
      hole = child;
    }
    scores[hole] = score;
    indices[hole] = index;
  }
}

function isWorse(score: number, index: number, than: number, thanIndex: number): boolean {
  return score < than || (score === than && index > thanIndex);
}

/**
 * The `k` best scores, best first; ties go to the lower index; NaN and -Infinity are never among
 * them, so the answer may be shorter than `k`. For many arrays keep one `TopKSelector` instead.
 */
export function topK(scores: Float32Array, k: number): Top {
  return new TopKSelector(Math.min(k, scores.length)).select(scores);
}
