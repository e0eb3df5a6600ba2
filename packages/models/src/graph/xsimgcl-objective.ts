import {
  type DenseBlock,
  type PlacedMatrix,
  type Random,
  SparseProducts,
  transpose,
} from "@magpie/numerics";
import {
  type CompiledGraph,
  compileTraining,
  fullSoftmax,
  Graph,
  LOSS,
  openSession,
  rowGradient,
  type Session,
  type Step,
} from "@magpie/tensor";
import { gather, type PairBatch, type PairLoss, scatterAdd, unitRows } from "./pair-losses.ts";
import type { UserItemGraph } from "./user-item-graph.ts";

/** How vectors are blurred and held apart. */
export interface XSimGclShape {
  /** K: steps along the graph. */
  readonly layers: number;
  /** The layer that is held against the whole, in 1 … K. */
  readonly contrastLayer: number;
  /** λ: how much that counts beside the loss of pairs. */
  readonly contrastWeight: number;
  /** Cosines are divided by it. */
  readonly contrastTemperature: number;
  /** ε: length of the noise that is added to a vector after each step. */
  readonly noise: number;
  /** How strongly vectors are drawn towards 0. */
  readonly decay: number;
}

/** Users, and items, of a step that are held against each other at most. */
const mostContrasted = 2_048;
/** Directions of noise that an epoch draws; a vector takes any of them at each step. */
const noiseRows = 4_096;

/**
 * Loss and gradient of XSimGCL: as in LightGCN vectors are passed along the graph A, but blurred with
 * noise on the way; and a node's vector after one layer should know its own sum over layers among those
 * of other nodes (InfoNCE), which spreads vectors out:
 *
 *     H₀ = E      H_k = A H_{k-1} + ε · sign(A H_{k-1}) ∘ n      n: a random direction, no number negative
 *     S = H₁ + … + H_K        (E itself takes no part)
 *     loss = PairLoss(S) + λ Σ_{users, items} mean  -log ( e^{cos(S_a, H_la)/τ} / Σ_b e^{cos(S_a, H_lb)/τ} )
 *            + decay/2 ‖E‖²
 *
 * The noise has no gradient. Users and items held against each other are the step's first 2,048 of each.
 */
export class XSimGclObjective {
  readonly #width: number;
  readonly #shape: XSimGclShape;
  readonly #pairs: PairLoss;
  readonly #contrast: Contrast;
  readonly #products: SparseProducts;
  readonly #forward: PlacedMatrix;
  readonly #backward: PlacedMatrix;
  readonly #first: DenseBlock;
  readonly #second: DenseBlock;
  readonly #sum: Float32Array;
  readonly #layer: Float32Array;
  readonly #slopes: DenseBlock;
  readonly #layerSlopes: Float32Array;
  readonly #directions: Float32Array;
  #random: Random | undefined;

  /** Memory that an objective takes, about, without its loss of pairs. */
  static bytes(nodes: number, entries: number, width: number): number {
    const contrasted = Math.min(mostContrasted, nodes);
    return (
      2 * SparseProducts.matrixBytes(nodes, entries) +
      6 * SparseProducts.blockBytes(nodes, width) +
      4 * contrasted * (5 * contrasted + 8 * width)
    );
  }

  private constructor(
    { adjacency }: UserItemGraph,
    width: number,
    shape: XSimGclShape,
    pairs: PairLoss,
    contrast: Contrast,
  ) {
    const nodes = adjacency.rows;
    this.#width = width;
    this.#shape = shape;
    this.#pairs = pairs;
    this.#contrast = contrast;
    this.#products = new SparseProducts(
      width,
      2 * SparseProducts.matrixBytes(nodes, adjacency.indices.length) +
        3 * SparseProducts.blockBytes(nodes, width),
    );
    this.#forward = this.#products.place(adjacency);
    this.#backward = this.#products.place(transpose(adjacency));
    this.#first = this.#products.block(nodes);
    this.#second = this.#products.block(nodes);
    this.#slopes = this.#products.block(nodes);
    this.#sum = new Float32Array(nodes * width);
    this.#layer = new Float32Array(nodes * width);
    this.#layerSlopes = new Float32Array(nodes * width);
    this.#directions = new Float32Array(noiseRows * width);
  }

  /**
   * @param width  of the vectors, a multiple of 16
   * @param pairs  how pairs are judged by S; disposed of with the objective
   */
  static async open(
    graph: UserItemGraph,
    width: number,
    shape: XSimGclShape,
    pairs: PairLoss,
    threads = 1,
  ): Promise<XSimGclObjective> {
    const size = Math.min(mostContrasted, Math.max(graph.userCount, graph.itemCount));
    const contrast = await Contrast.open(width, size, shape.contrastTemperature, threads);
    return new XSimGclObjective(graph, width, shape, pairs, contrast);
  }

  /** Draws the directions of noise anew; until it is first called there is none. */
  beginEpoch(random: Random): void {
    const width = this.#width;
    for (let at = 0; at < this.#directions.length; at += width) {
      let square = 0;
      for (let d = at; d < at + width; d++) {
        this.#directions[d] = random.next();
        square += this.#directions[d]! ** 2;
      }
      const factor = this.#shape.noise / Math.sqrt(square);
      for (let d = at; d < at + width; d++) this.#directions[d]! *= factor;
    }
    this.#random = random;
  }

  othersOf(pairs: number): number {
    return this.#pairs.othersOf(pairs);
  }

  /** A E + … + Aᴷ E without noise, and E + … + Aᴷ⁻¹ E. Views, valid until the next call. */
  layerSums(table: Float32Array): { readonly whole: Float32Array; readonly inner: Float32Array } {
    // By Horner's rule, E + A(E + A(E + …)); the slopes' block is free outside of a step.
    const base = this.#slopes;
    base.values.set(table);
    let inner = base;
    for (let layer = 1; layer < this.#shape.layers; layer++) {
      const out = inner === this.#first ? this.#second : this.#first;
      this.#products.multiply(this.#forward, inner, out, { base });
      inner = out;
    }
    const whole = inner === this.#first ? this.#second : this.#first;
    this.#products.multiply(this.#forward, inner, whole);
    return { whole: whole.values, inner: inner.values };
  }

  /**
   * @param table     E: [nodes, width]
   * @param gradient  [nodes, width], overwritten
   * @returns         the loss without its decay
   */
  async measure(table: Float32Array, batch: PairBatch, gradient: Float32Array): Promise<number> {
    const { contrastWeight, decay } = this.#shape;
    this.#passForward(table);
    const slopes = this.#slopes.values.fill(0);
    const layerSlopes = this.#layerSlopes.fill(0);
    let loss = await this.#pairs.measure(this.#sum, batch, slopes);
    for (const ids of contrastWeight === 0 ? [] : [batch.users, batch.taken]) {
      const nodes = firstDistinct(ids, this.#contrast.size);
      const at = { whole: slopes, layer: layerSlopes };
      loss += await this.#contrast.measure(this.#sum, this.#layer, nodes, contrastWeight, at);
    }
    const sum = this.#passBack();
    if (decay === 0) gradient.set(sum);
    else for (let d = 0; d < gradient.length; d++) gradient[d] = sum[d]! + decay * table[d]!;
    return loss;
  }

  async dispose(): Promise<void> {
    await this.#pairs.dispose();
    await this.#contrast.dispose();
  }

  #passForward(table: Float32Array): void {
    let [from, to] = [this.#first, this.#second];
    from.values.set(table);
    this.#sum.fill(0);
    for (let layer = 1; layer <= this.#shape.layers; layer++) {
      this.#products.multiply(this.#forward, from, to);
      this.#blur(to.values);
      const values = to.values;
      const sum = this.#sum;
      for (let d = 0; d < sum.length; d++) sum[d]! += values[d]!;
      if (layer === this.#shape.contrastLayer) this.#layer.set(values);
      [from, to] = [to, from];
    }
  }

  /** Numbers move away from 0; zeros, as of nodes without neighbours, stay. */
  #blur(values: Float32Array): void {
    const random = this.#random;
    if (random === undefined || this.#shape.noise === 0) return;
    const width = this.#width;
    const directions = this.#directions;
    for (let at = 0; at < values.length; at += width) {
      const from = random.int(noiseRows) * width;
      for (let d = 0; d < width; d++) {
        const value = values[at + d]!;
        if (value > 0) values[at + d] = value + directions[from + d]!;
        else if (value < 0) values[at + d] = value - directions[from + d]!;
      }
    }
  }

  /** Slopes by H_K … H₁, then by E. */
  #passBack(): Float32Array {
    const { layers, contrastLayer } = this.#shape;
    let [from, to] = [this.#first, this.#second];
    from.values.set(this.#slopes.values);
    for (let layer = layers; layer >= 1; layer--) {
      if (layer === contrastLayer) {
        const values = from.values;
        const slopes = this.#layerSlopes;
        for (let d = 0; d < values.length; d++) values[d]! += slopes[d]!;
      }
      const base = layer === 1 ? undefined : this.#slopes;
      this.#products.multiply(this.#backward, from, to, base && { base });
      [from, to] = [to, from];
    }
    return from.values;
  }
}

/** The first `count` different users, or items, of a step. */
function firstDistinct(ids: Int32Array, count: number): Int32Array {
  const found = new Set<number>();
  for (const id of ids) {
    if (found.size === count) break;
    found.add(id);
  }
  return Int32Array.from(found);
}

/** InfoNCE of nodes by two vectors of each, with its slopes. */
class Contrast {
  /** Nodes at once at most. */
  readonly size: number;
  readonly #width: number;
  readonly #session: Session;
  readonly #step: Step;
  readonly #rows: { readonly whole: Float32Array; readonly layer: Float32Array };
  readonly #slopes: { readonly whole: Float32Array; readonly layer: Float32Array };
  /** -1e9 where a row is not used. */
  readonly #offsets: Float32Array;
  readonly #weights: Float32Array;
  readonly #loss = new Float32Array(1);

  private constructor(width: number, size: number, session: Session) {
    const rows = () => new Float32Array(size * width);
    this.size = size;
    this.#offsets = new Float32Array(size);
    this.#weights = new Float32Array(size);
    this.#width = width;
    this.#session = session;
    this.#rows = { whole: rows(), layer: rows() };
    this.#slopes = { whole: rows(), layer: rows() };
    this.#step = session.bind(
      { ...this.#rows, offsets: this.#offsets, weights: this.#weights },
      {
        [LOSS]: this.#loss,
        [rowGradient("whole")]: this.#slopes.whole,
        [rowGradient("layer")]: this.#slopes.layer,
      },
    );
  }

  static async open(
    width: number,
    size: number,
    temperature: number,
    threads: number,
  ): Promise<Contrast> {
    const session = await openSession(contrastGraph(width, size, temperature), { threads });
    return new Contrast(width, size, session);
  }

  /** Gives weight · the mean loss, whose slopes are added at `at`. */
  async measure(
    whole: Float32Array,
    layer: Float32Array,
    nodes: Int32Array,
    weight: number,
    at: { readonly whole: Float32Array; readonly layer: Float32Array },
  ): Promise<number> {
    const width = this.#width;
    gather(whole, nodes, this.#rows.whole, width);
    gather(layer, nodes, this.#rows.layer, width);
    this.#offsets.fill(-1e9).fill(0, 0, nodes.length);
    this.#weights.fill(0).fill(weight / nodes.length, 0, nodes.length);
    await this.#step.run();
    scatterAdd(at.whole, nodes, this.#slopes.whole, width);
    scatterAdd(at.layer, nodes, this.#slopes.layer, width);
    return this.#loss[0]!;
  }

  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

function contrastGraph(width: number, size: number, temperature: number): CompiledGraph {
  const g = new Graph();
  const whole = unitRows(g.rows("whole", [size, width])).mul(1 / temperature);
  const layer = unitRows(g.rows("layer", [size, width]));
  const offsets = g.input("offsets", [size]);
  const loss = fullSoftmax(whole, layer, offsets, layer, g.input("weights", [size, 1]));
  return compileTraining(g, loss);
}
