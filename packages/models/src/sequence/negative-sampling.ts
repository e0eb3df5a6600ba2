import type { Sequences } from "@magpie/data";
import type { Random } from "@magpie/numerics";

/**
 * Draws negatives from a mixture of two distributions over items:
 *
 *     q(item) = uniformShare / items + (1 - uniformShare) · interactions with item / interactions
 *
 * Popular negatives are the hard ones, uniform ones reach every item.
 *
 * @see Yang et al. (2020), "Mixed negative sampling for learning two-tower neural networks"
 */
export class NegativeSampler {
  readonly #items: Int32Array;
  readonly #itemCount: number;
  readonly #uniformShare: number;
  /** [items + 1] log q */
  readonly #logProbabilities: Float32Array;

  constructor({ items, itemCount }: Sequences, uniformShare: number) {
    this.#items = items;
    this.#itemCount = itemCount;
    this.#uniformShare = uniformShare;
    const counts = new Int32Array(itemCount + 1);
    for (const item of items) counts[item]!++;
    this.#logProbabilities = Float32Array.from(counts, (count) =>
      Math.log(uniformShare / itemCount + ((1 - uniformShare) * count) / items.length),
    );
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
          ? 1 + random.int(this.#itemCount)
          : popular[random.int(popular.length)]!;
    }
  }

  /** log q(item): 0 for an item that is always drawn, -Infinity for one that never is. */
  logProbability(item: number): number {
    return this.#logProbabilities[item]!;
  }
}
