import { historyOf, type Sequences } from "@magpie/data";
import type { History, VectorScorer } from "@magpie/domain";
import { strength } from "../linear/linear-item-model.ts";
import { BlockScores } from "../block-scores.ts";
import type { CurvePoint, TrainedModel, TrainingCost } from "../model.ts";
import { readModel, writeModel } from "../model-files.ts";
import { mapped, ridgeMap } from "./ridge-map.ts";
import type { UserItemGraph } from "./user-item-graph.ts";

/** What scoring needs of vectors that were learnt on a graph. */
export interface GraphVectors {
  /** [itemCount + 1, width] F_i; row 0 is zero. */
  readonly itemVectors: Float32Array;
  /** [itemCount + 1, width] what an item says of those who took it. */
  readonly given: Float32Array;
  /** [userCount, width] what users are beside their past; empty where that is nothing. */
  readonly own: Float32Array;
  /** [userCount] how much a user's past counts; empty where that is 1 for all. */
  readonly shares: Float32Array;
}

/** What a model is called, and what it was trained by. */
export interface GraphModelName<Config extends object> {
  readonly kind: string;
  readonly name: string;
  readonly config: Config;
  /**
   * Scores are cosines, times the item's length to this power: 0 asks for direction alone. Absent: scores are
   * inner products.
   */
  readonly lengthPower?: number;
}

const format = 2;

/**
 * Users and items as vectors, the score their inner product or, from a user's vector of length 1, a cosine
 * that counts for more the longer the item's. The vector of a user is worked
 * out from the past that is asked about, so that pasts that grew since training, and strangers, are
 * answered:
 *
 *     F_u = own_u + share_u / √d_past · Σ_{i in past} r_i · given_i
 *
 * For strangers own_u is zero and share_u 1. For a past as it was in training, F_u is what was trained.
 */
export class GraphVectorModel implements TrainedModel, VectorScorer {
  readonly kind: string;
  readonly name: string;
  readonly itemCount: number;
  readonly width: number;
  readonly config: object;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  readonly itemVectors: Float32Array;
  readonly #lengthPower: number | undefined;
  readonly #vectors: GraphVectors;
  /** [width, width] W of `newItems`. */
  readonly #itemMap: Float32Array;
  readonly #scores: BlockScores;

  /** @param vectors  as they are served: items at the lengths that scores go by */
  constructor(
    { kind, name, config, lengthPower }: GraphModelName<object>,
    vectors: GraphVectors,
    itemMap: Float32Array,
    width: number,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ) {
    this.kind = kind;
    this.name = name;
    this.config = config;
    this.width = width;
    this.itemCount = vectors.itemVectors.length / width - 1;
    this.curve = curve;
    this.cost = cost;
    this.#lengthPower = lengthPower;
    this.#vectors = vectors;
    this.#itemMap = itemMap;
    this.itemVectors = vectors.itemVectors;
    this.#scores = new BlockScores(this.itemVectors, width);
  }

  /** @param vectors  as training leaves them; the items' are brought to the lengths that scores go by */
  static learnt(
    about: GraphModelName<object>,
    vectors: GraphVectors,
    itemMap: Float32Array,
    width: number,
    curve: readonly CurvePoint[],
    cost: TrainingCost,
  ): GraphVectorModel {
    const { lengthPower } = about;
    if (lengthPower !== undefined) raiseLengths(vectors.itemVectors, width, lengthPower);
    return new GraphVectorModel(about, vectors, itemMap, width, curve, cost);
  }

  encode(histories: readonly History[], out: Float32Array): Promise<void> {
    const { width } = this;
    histories.forEach((history, b) => {
      const row = out.subarray(b * width, (b + 1) * width);
      addUser(this.#vectors, history, row.fill(0));
      if (this.#lengthPower !== undefined) raiseLengths(row, width, 0);
    });
    return Promise.resolve();
  }

  /**
   * Vectors of items that came after the training, by those who took them since: who they are says what the
   * item is, as much as it does of items known from training (see `itemMapOf`). They stand beside
   * `itemVectors` and may be compared with what `encode` gives.
   *
   *     F_i = Σ_u F_u / √(d_u d_i) · W        d_u, d_i: what u took, i included; who took i
   *
   * @param takers  of each item, with their pasts as this model knows them, without the item itself
   * @returns       [items, width]; zeros for an item whose takers took nothing else that is known
   */
  newItems(takers: readonly (readonly History[])[]): Float32Array {
    const { width } = this;
    const sums = new Float32Array(takers.length * width);
    const user = new Float32Array(width);
    takers.forEach((histories, i) => {
      for (const history of histories) {
        const degree = addUser(this.#vectors, history, user.fill(0));
        const share = 1 / Math.sqrt((degree + 1) * histories.length);
        for (let d = 0; d < width; d++) sums[i * width + d]! += share * user[d]!;
      }
    });
    const vectors = mapped(sums, this.#itemMap, width);
    const power = this.#lengthPower;
    return power === undefined ? vectors : raiseLengths(vectors, width, power);
  }

  scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    return this.#scores.scoreAll(histories, (asked, queries) => this.encode(asked, queries), out);
  }

  save(directory: string): Promise<void> {
    const { kind, itemCount, config, cost, curve } = this;
    const { itemVectors, given, own, shares } = this.#vectors;
    const card = { kind, format, itemCount, config, cost, curve };
    return writeModel(directory, card, {
      itemVectors,
      given,
      itemMap: this.#itemMap,
      ...(own.length > 0 && { own }),
      ...(shares.length > 0 && { shares }),
    });
  }

  /** @param nameOf  what the stored recipe makes of the model's name */
  static async load<Config extends object>(
    directory: string,
    kind: string,
    nameOf: (config: Config) => GraphModelName<Config>,
  ): Promise<GraphVectorModel> {
    const { card, parameters } = await readModel(directory, kind, format);
    const array = (key: keyof GraphVectors) =>
      (parameters[key] as Float32Array | undefined) ?? new Float32Array(0);
    const vectors = {
      itemVectors: array("itemVectors"),
      given: array("given"),
      own: array("own"),
      shares: array("shares"),
    };
    const width = vectors.itemVectors.length / (card.itemCount + 1);
    const about = nameOf(card.config as Config);
    // Cards written before there was a map have none.
    const itemMap = (parameters["itemMap"] as Float32Array | undefined) ?? identity(width);
    return new GraphVectorModel(about, vectors, itemMap, width, card.curve ?? [], card.cost);
  }

  dispose(): Promise<void> {
    this.#scores.dispose();
    return Promise.resolve();
  }
}

/**
 * The sum over layers, taken apart into what items say and what users are beside their past.
 *
 * @param whole  [nodes, width] the sum
 * @param inner  [nodes, width] the sum that one step along the graph makes the whole of
 * @param own    [userCount, width] what users are beside their neighbours, scaled; friends are added
 * @param scale  of the sums, such as 1 / layers
 */
export function vectorsOfSums(
  { userCount, adjacency, itemRoots, itemShares }: UserItemGraph,
  { whole, inner }: { readonly whole: Float32Array; readonly inner: Float32Array },
  own: Float32Array,
  width: number,
  scale: number,
): GraphVectors {
  const start = userCount * width;
  const itemVectors = whole.slice(start).map((value) => value * scale);
  const given = inner.slice(start).map((value, at) => {
    const root = itemRoots[Math.floor(at / width)]!;
    return root === 0 ? 0 : (value * scale) / root;
  });
  for (let user = 0; user < userCount; user++) {
    for (let p = adjacency.offsets[user]!; p < adjacency.offsets[user + 1]!; p++) {
      const friend = adjacency.indices[p]!;
      if (friend >= userCount) break; // items follow users
      const factor = adjacency.values[p]! * scale;
      for (let d = 0; d < width; d++) {
        own[user * width + d]! += factor * inner[friend * width + d]!;
      }
    }
  }
  return { itemVectors, given, own, shares: itemShares };
}

/**
 * W of `GraphVectorModel.newItems`: what makes the vectors of items, as training left them, of those who took
 * them, by ridge regression over all items of training. Nobody's vector counts the item itself here, as it
 * does not for items that come later.
 *
 * @returns  [width, width]; the identity where nobody took anything
 */
export function itemMapOf(vectors: GraphVectors, train: Sequences, width: number): Float32Array {
  const { given, itemVectors, shares } = vectors;
  const sums = new Float32Array(itemVectors.length);
  const degrees = new Float64Array(itemVectors.length / width);
  const row = new Float32Array(width);
  for (let user = 0; user < train.userCount; user++) {
    const history = historyOf(train, user);
    const degree = addUser(vectors, history, row.fill(0));
    if (degree === 0) continue;
    const root = Math.sqrt(degree);
    for (const [item, value] of strengthsOf(history)) {
      degrees[item]! += value;
      const own = ((shares[user] ?? 1) * value) / root;
      const at = item * width;
      for (let d = 0; d < width; d++) {
        sums[at + d]! += (value / root) * (row[d]! - own * given[at + d]!);
      }
    }
  }
  degrees.forEach((degree, item) => {
    if (degree === 0) return;
    const root = Math.sqrt(degree);
    for (let d = item * width; d < (item + 1) * width; d++) sums[d]! /= root;
  });
  return ridgeMap(sums, itemVectors, width) ?? identity(width);
}

function identity(width: number): Float32Array {
  return Float32Array.from({ length: width * width }, (_, i) => Number(i % (width + 1) === 0));
}

/**
 * Adds the vector of a user with this past to a row of zeros, as `GraphVectorModel` tells.
 *
 * @returns  d_past; 0 where nothing is known of the past, and the row stays as it was
 */
function addUser(
  { own, given, shares }: GraphVectors,
  history: History,
  row: Float32Array,
): number {
  const width = row.length;
  const { userIndex } = history;
  const strengths = strengthsOf(history);
  if (strengths.size === 0) return 0;
  if (userIndex >= 0 && userIndex < own.length / width) {
    row.set(own.subarray(userIndex * width, (userIndex + 1) * width));
  }
  let degree = 0;
  for (const value of strengths.values()) degree += value;
  const share = (shares[userIndex] ?? 1) / Math.sqrt(degree);
  for (const [item, value] of strengths) {
    for (let d = 0; d < width; d++) row[d]! += share * value * given[item * width + d]!;
  }
  return degree;
}

/** Brings each row from its length to a power of it, in place; rows of zeros stay. */
function raiseLengths(rows: Float32Array, width: number, power: number): Float32Array {
  for (let at = 0; at < rows.length; at += width) {
    let square = 0;
    for (let d = at; d < at + width; d++) square += rows[d]! * rows[d]!;
    if (square === 0) continue;
    const factor = Math.sqrt(square) ** (power - 1);
    for (let d = at; d < at + width; d++) rows[d]! *= factor;
  }
  return rows;
}

/** How strongly each item of a past counts, as in training: weights summed, then flattened. */
function strengthsOf({ items, weights }: Pick<History, "items" | "weights">): Map<number, number> {
  const sums = new Map<number, number>();
  items.forEach((item, p) => sums.set(item, (sums.get(item) ?? 0) + (weights?.[p] ?? 1)));
  for (const [item, sum] of sums) sums.set(item, strength(sum));
  return sums;
}
