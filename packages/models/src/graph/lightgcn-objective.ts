import { type DenseBlock, type PlacedMatrix, SparseProducts, transpose } from "@magpie/numerics";
import type { PairBatch, PairLoss } from "./pair-losses.ts";
import type { UserItemGraph } from "./user-item-graph.ts";

/**
 * Loss and gradient of LightGCN: vectors E are passed along the graph A and summed over layers, and
 * pairs are judged by the sums,
 *
 *     S = E + A E + … + Aᴷ E        loss = PairLoss(S) + decay/2 ‖E‖²
 *
 * The sum runs by Horner's rule, E + A(E + A(E + …)), and so does its gradient, with Aᵀ.
 */
export class LightGcnObjective {
  readonly nodes: number;
  readonly #layers: number;
  readonly #decay: number;
  readonly #loss: PairLoss;
  readonly #products: SparseProducts;
  readonly #forward: PlacedMatrix;
  readonly #backward: PlacedMatrix;
  readonly #base: DenseBlock;
  readonly #first: DenseBlock;
  readonly #second: DenseBlock;

  /** Memory that an objective takes, without its loss. */
  static bytes(nodes: number, entries: number, width: number): number {
    return (
      2 * SparseProducts.matrixBytes(nodes, entries) + 3 * SparseProducts.blockBytes(nodes, width)
    );
  }

  /**
   * @param width  of the vectors, a multiple of 16
   * @param loss   how pairs are judged; stays its giver's to dispose of
   */
  constructor(
    { adjacency }: UserItemGraph,
    width: number,
    { layers, decay }: { readonly layers: number; readonly decay: number },
    loss: PairLoss,
  ) {
    const nodes = adjacency.rows;
    this.nodes = nodes;
    this.#layers = layers;
    this.#decay = decay;
    this.#loss = loss;
    this.#products = new SparseProducts(
      width,
      LightGcnObjective.bytes(nodes, adjacency.indices.length, width),
    );
    this.#forward = this.#products.place(adjacency);
    this.#backward = this.#products.place(transpose(adjacency));
    this.#base = this.#products.block(nodes);
    this.#first = this.#products.block(nodes);
    this.#second = this.#products.block(nodes);
  }

  /**
   * E + A E + … + Aᴷ E, and the same without the last term, from which one more step gives the whole.
   * Views, valid until the next call.
   */
  layerSums(table: Float32Array): { readonly whole: Float32Array; readonly inner: Float32Array } {
    this.#base.values.set(table);
    const [whole, inner] = this.#sumLayers(this.#forward);
    return { whole: whole.values, inner: inner.values };
  }

  /**
   * @param table     E: [nodes, width]
   * @param gradient  [nodes, width], overwritten
   * @returns         the loss without its decay
   */
  async measure(table: Float32Array, batch: PairBatch, gradient: Float32Array): Promise<number> {
    const { whole } = this.layerSums(table);
    const loss = await this.#loss.measure(whole, batch, this.#base.values.fill(0));
    const [sum] = this.#sumLayers(this.#backward);
    const decay = this.#decay;
    if (decay === 0) gradient.set(sum.values);
    else for (let d = 0; d < gradient.length; d++) gradient[d] = sum.values[d]! + decay * table[d]!;
    return loss;
  }

  /** Horner's rule over `#base`; what stands second lacks the last step. */
  #sumLayers(matrix: PlacedMatrix): readonly [DenseBlock, DenseBlock] {
    let [out, inner] = [this.#base, this.#base];
    for (let layer = 0; layer < this.#layers; layer++) {
      inner = out;
      out = layer % 2 === 0 ? this.#first : this.#second;
      this.#products.multiply(matrix, inner, out, { base: this.#base });
    }
    return [out, inner];
  }
}
