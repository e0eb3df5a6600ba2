import {
  csrFromEntries,
  type CsrMatrix,
  type DenseBlock,
  type PlacedMatrix,
  SparseProducts,
  transpose,
} from "@magpie/numerics";

/** Users, then items (with the padding row), as nodes of one graph. */
export interface UserItemGraph {
  readonly userCount: number;
  /** [nodes, nodes]: what each node takes from its neighbours, degrees already divided out. */
  readonly adjacency: CsrMatrix;
  /** [itemCount + 1] √degree; 0 for items without users. */
  readonly itemRoots: Float32Array;
  /** [userCount] share of a user's neighbourhood that is items: 1 without friends. */
  readonly itemShares: Float32Array;
}

/**
 * The graph that vectors are passed along:
 *
 *     user u  takes  (1 - w) · r_ui / √(d_u d_i)  of item i   and   w / √(f_u f_v)  of friend v
 *     item i  takes            r_ui / √(d_u d_i)  of user u
 *
 * Users without friends take from items alone, with share 1.
 *
 * @param interactions  [userCount, itemCount + 1]
 * @param friends       [userCount, userCount], or absent: nothing is known of friends
 * @param friendWeight  w, in [0, 1)
 */
export function userItemGraph(
  interactions: CsrMatrix,
  friends: CsrMatrix | undefined,
  friendWeight: number,
): UserItemGraph {
  const { rows: userCount, columns } = interactions;
  const itemShares = new Float32Array(userCount).fill(1);
  const used = friendWeight > 0 ? friends : undefined;
  if (used !== undefined) {
    for (let user = 0; user < userCount; user++) {
      if (used.offsets[user + 1]! > used.offsets[user]!) itemShares[user] = 1 - friendWeight;
    }
  }
  const taste = entriesOf(interactions);
  const social = used === undefined ? undefined : entriesOf(used);
  const [pairs, ties] = [taste.rows.length, social?.rows.length ?? 0];
  const takers = new Int32Array(2 * pairs + ties);
  const givers = new Int32Array(2 * pairs + ties);
  const shares = new Float32Array(2 * pairs + ties);
  for (let p = 0; p < pairs; p++) {
    const [user, item] = [taste.rows[p]!, userCount + taste.columns[p]!];
    takers[p] = user;
    givers[p] = item;
    shares[p] = itemShares[user]! * taste.values[p]!;
    takers[pairs + p] = item;
    givers[pairs + p] = user;
    shares[pairs + p] = taste.values[p]!;
  }
  if (social !== undefined) {
    takers.set(social.rows, 2 * pairs);
    givers.set(social.columns, 2 * pairs);
    for (let p = 0; p < ties; p++) shares[2 * pairs + p] = friendWeight * social.values[p]!;
  }
  const nodes = userCount + columns;
  const adjacency = csrFromEntries(nodes, nodes, takers, givers, shares);
  return { userCount, adjacency, itemRoots: taste.columnRoots, itemShares };
}

/** Entries divided by the roots of their row's and their column's sum. */
function entriesOf({ rows, columns, offsets, indices, values }: CsrMatrix) {
  const rowOf = new Int32Array(indices.length);
  const rowRoots = new Float32Array(rows);
  const columnRoots = new Float32Array(columns);
  for (let row = 0; row < rows; row++) {
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) {
      rowOf[p] = row;
      rowRoots[row]! += values[p]!;
      columnRoots[indices[p]!]! += values[p]!;
    }
  }
  for (let row = 0; row < rows; row++) rowRoots[row] = Math.sqrt(rowRoots[row]!);
  for (let c = 0; c < columns; c++) columnRoots[c] = Math.sqrt(columnRoots[c]!);
  const shares = values.map(
    (value, p) => value / (rowRoots[rowOf[p]!]! * columnRoots[indices[p]!]!),
  );
  return { rows: rowOf, columns: indices, values: shares, columnRoots };
}

/** Pairs of one step: what was taken, and for each pair the items that it is compared with. */
export interface PairBatch {
  /** [B] */
  readonly users: Int32Array;
  /** [B] item rows */
  readonly taken: Int32Array;
  /** [B, negatives] item rows */
  readonly others: Int32Array;
}

/** How the loss is formed; see `LightGcnConfig`. */
export interface LossShape {
  readonly layers: number;
  readonly cosine: boolean;
  readonly temperature: number;
  readonly decay: number;
}

/**
 * Loss and gradient of LightGCN. Vectors E are passed along the graph A and averaged over layers; a
 * pair's loss is the cross-entropy of the taken item among the others:
 *
 *     F = (E + A E + … + Aᴷ E) / (K + 1)     s = F_u · F_i, or their cosine
 *     loss = mean over pairs  -log ( e^{s⁺/τ} / (e^{s⁺/τ} + Σ e^{s⁻/τ}) )   + decay/2 ‖E‖²
 *
 * With one other item, inner products and τ = 1 that is BPR, the loss of the paper. The sum over layers
 * runs by Horner's rule, E + A(E + A(E + …)), and so does its gradient, with Aᵀ.
 */
export class LightGcnObjective {
  readonly width: number;
  readonly nodes: number;
  readonly #shape: LossShape;
  readonly #userCount: number;
  readonly #products: SparseProducts;
  readonly #forward: PlacedMatrix;
  readonly #backward: PlacedMatrix;
  readonly #base: DenseBlock;
  readonly #first: DenseBlock;
  readonly #second: DenseBlock;
  /** F, or its rows at length 1 where scores are cosines. */
  readonly #vectors: Float32Array;
  readonly #lengths: Float32Array;

  /** Memory that an objective takes. */
  static bytes(nodes: number, entries: number, width: number): number {
    return (
      2 * SparseProducts.matrixBytes(nodes, entries) + 4 * SparseProducts.blockBytes(nodes, width)
    );
  }

  /** @param width  of the vectors, a multiple of 16 */
  constructor({ adjacency, userCount }: UserItemGraph, width: number, shape: LossShape) {
    const nodes = adjacency.rows;
    this.width = width;
    this.nodes = nodes;
    this.#shape = shape;
    this.#userCount = userCount;
    this.#products = new SparseProducts(
      width,
      LightGcnObjective.bytes(nodes, adjacency.indices.length, width),
    );
    this.#forward = this.#products.place(adjacency);
    this.#backward = this.#products.place(transpose(adjacency));
    this.#base = this.#products.block(nodes);
    this.#first = this.#products.block(nodes);
    this.#second = this.#products.block(nodes);
    this.#vectors = new Float32Array(nodes * width);
    this.#lengths = new Float32Array(nodes);
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
  measure(table: Float32Array, batch: PairBatch, gradient: Float32Array): number {
    const { layers, cosine, decay } = this.#shape;
    const { width, nodes } = this;
    const { whole } = this.layerSums(table);
    const [vectors, lengths] = [this.#vectors, this.#lengths];
    for (let node = 0; node < nodes; node++) {
      let square = 0;
      const at = node * width;
      for (let d = at; d < at + width; d++) square += whole[d]! * whole[d]!;
      const length = cosine ? Math.sqrt(square) : layers + 1;
      lengths[node] = length;
      const factor = length === 0 ? 0 : 1 / length;
      for (let d = at; d < at + width; d++) vectors[d] = whole[d]! * factor;
    }
    const slopes = this.#base.values.fill(0);
    const loss = this.#pairLoss(batch, slopes);
    for (let node = 0; node < nodes; node++) {
      const at = node * width;
      let along = 0;
      if (cosine) for (let d = at; d < at + width; d++) along += slopes[d]! * vectors[d]!;
      const factor = lengths[node] === 0 ? 0 : 1 / lengths[node]!;
      for (let d = at; d < at + width; d++) slopes[d] = (slopes[d]! - along * vectors[d]!) * factor;
    }
    const [sum] = this.#sumLayers(this.#backward);
    for (let d = 0; d < gradient.length; d++) gradient[d] = sum.values[d]! + decay * table[d]!;
    return loss;
  }

  /** Horner's rule over `#base`; what stands second lacks the last step. */
  #sumLayers(matrix: PlacedMatrix): readonly [DenseBlock, DenseBlock] {
    let [out, inner] = [this.#base, this.#base];
    for (let layer = 0; layer < this.#shape.layers; layer++) {
      inner = out;
      out = layer % 2 === 0 ? this.#first : this.#second;
      this.#products.multiply(matrix, inner, out, { base: this.#base });
    }
    return [out, inner];
  }

  /** Adds the slope by each vector; gives the mean loss. */
  #pairLoss({ users, taken, others }: PairBatch, slopes: Float32Array): number {
    const { width } = this;
    const vectors = this.#vectors;
    const sharpness = 1 / this.#shape.temperature;
    const count = users.length;
    const each = others.length / count;
    const rows = new Int32Array(each + 1);
    const scores = new Float64Array(each + 1);
    const userSlope = new Float64Array(width);
    let total = 0;
    for (let b = 0; b < count; b++) {
      const user = users[b]! * width;
      let top = -Infinity;
      for (let n = 0; n <= each; n++) {
        const item = n === 0 ? taken[b]! : others[b * each + n - 1]!;
        const row = (this.#userCount + item) * width;
        let score = 0;
        for (let d = 0; d < width; d++) score += vectors[user + d]! * vectors[row + d]!;
        rows[n] = row;
        scores[n] = score * sharpness;
        top = Math.max(top, scores[n]!);
      }
      let sum = 0;
      for (let n = 0; n <= each; n++) sum += Math.exp(scores[n]! - top);
      total += top + Math.log(sum) - scores[0]!;
      userSlope.fill(0);
      for (let n = 0; n <= each; n++) {
        const chance = Math.exp(scores[n]! - top) / sum;
        const slope = ((chance - (n === 0 ? 1 : 0)) * sharpness) / count;
        const row = rows[n]!;
        for (let d = 0; d < width; d++) {
          userSlope[d]! += slope * vectors[row + d]!;
          slopes[row + d]! += slope * vectors[user + d]!;
        }
      }
      for (let d = 0; d < width; d++) slopes[user + d]! += userSlope[d]!;
    }
    return total / Math.max(1, count);
  }
}
