import type { History } from "@magpie/domain";
import { ScoreProduct } from "@magpie/numerics";

/** Pasts that are scored together. */
const block = 64;

/** Scores of all items as inner products with the vectors of pasts; its memory is taken when first asked. */
export class BlockScores {
  readonly #itemVectors: Float32Array;
  readonly #width: number;
  #product: ScoreProduct | undefined;

  /** @param itemVectors  [items + 1, width] */
  constructor(itemVectors: Float32Array, width: number) {
    this.#itemVectors = itemVectors;
    this.#width = width;
  }

  /**
   * @param encode  fills [B, width] with the vectors of B pasts
   * @param out     [B, items + 1]; column 0 becomes -Infinity
   */
  async scoreAll(
    histories: readonly History[],
    encode: (histories: readonly History[], out: Float32Array) => Promise<void>,
    out: Float32Array,
  ): Promise<void> {
    this.#product ??= new ScoreProduct(this.#itemVectors, this.#width, block);
    const size = this.#itemVectors.length / this.#width;
    for (let first = 0; first < histories.length; first += block) {
      const asked = histories.slice(first, first + block);
      const queries = new Float32Array(asked.length * this.#width);
      await encode(asked, queries);
      this.#product.multiply(queries, out.subarray(first * size, (first + asked.length) * size));
    }
    for (let b = 0; b < histories.length; b++) out[b * size] = -Infinity;
  }

  dispose(): void {
    this.#product = undefined;
  }
}
