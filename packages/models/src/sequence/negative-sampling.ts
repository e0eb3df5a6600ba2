import type { Sequences } from "@magpie/data";
import type { Random } from "@magpie/numerics";

/**
 * Draws negatives from a mixture of two distributions over items:
 *
 *     q(item) = uniformShare / items + (1 - uniformShare) · interactions with item / interactions
 *
 * Popular negatives are the hard ones, uniform ones reach every item: or every item that somebody has
 * taken, where a model is to say something of the others, of which a training would only say no.
 *
 * @see Yang et al. (2020), "Mixed negative sampling for learning two-tower neural networks"
 */
export class NegativeSampler {
  readonly #items: Int32Array;
  readonly #itemCount: number;
  /** What is drawn from uniformly; undefined: every item. */
  readonly #taken: Int32Array | undefined;
  readonly #uniformShare: number;
  /** [items + 1] log q */
  readonly #logProbabilities: Float32Array;

  constructor(
    { items, itemCount }: Sequences,
    uniformShare: number,
    { isTakenOnly = false }: { readonly isTakenOnly?: boolean } = {},
  ) {
    this.#items = items;
    this.#itemCount = itemCount;
    this.#uniformShare = uniformShare;
    const counts = new Int32Array(itemCount + 1);
    for (const item of items) counts[item]!++;
    this.#taken = isTakenOnly
      ? Int32Array.from(counts.keys()).filter((item) => counts[item]! > 0)
      : undefined;
    const drawn = this.#taken?.length ?? itemCount;
    this.#logProbabilities = Float32Array.from(counts, (count) => {
      const uniform = isTakenOnly && count === 0 ? 0 : uniformShare / drawn;
      return Math.log(uniform + ((1 - uniformShare) * count) / items.length);
    });
  }

  /**
   * Fills `out` with drawn items; equal ones may occur.
   *
   * @param popular  what the second part is drawn from: by default all interactions; a batch's targets stand
   *   for them
   */
  draw(out: Int32Array, random: Random, popular: Int32Array = this.#items): void {
    for (let i = 0; i < out.length; i++) {
      out[i] =
        random.next() < this.#uniformShare
          ? this.#uniform(random)
          : popular[random.int(popular.length)]!;
    }
  }

  #uniform(random: Random): number {
    const taken = this.#taken;
    return taken === undefined ? 1 + random.int(this.#itemCount) : taken[random.int(taken.length)]!;
  }

  /** log q(item): 0 for an item that is always drawn, -Infinity for one that never is. */
  logProbability(item: number): number {
    return this.#logProbabilities[item]!;
  }
}
