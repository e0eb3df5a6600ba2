import type { History, Scorer } from "@magpie/domain";
import { ScoreProduct, type CsrMatrix } from "@magpie/numerics";
import { openSession, sizeOf, type Session, type Step, type Values } from "@magpie/tensor";
import { FeatureLikeness } from "./feature-likeness.ts";
import { sumsOfFeatures } from "./feature-sums.ts";
import type { ContentVectors } from "../model.ts";
import {
  itemEncoding,
  twoTowerParameters,
  userEncoding,
  type TwoTowerConfig,
} from "./two-tower.ts";

/** What a training of two towers gives. */
export interface TowerWeights {
  /** Dense weights, as `twoTowerParameters` lays them out. */
  readonly dense: Float32Array;
  /** [1 + features + itemCount + 1, D] embeddings of features and of items, see `FeatureSums`. */
  readonly embeddings: Float32Array;
  /** Features of the training's items, at length 1: [itemCount + 1, F]. */
  readonly features: CsrMatrix;
  /** Used in the place of the λ among the dense weights. */
  readonly likenessShare?: number | undefined;
}

/** How much each item of a past takes part in the user's vector; shares sum to 1. */
export type PooledPast = readonly (readonly [item: number, share: number])[];

/** Items that go through their tower at once: a catalogue's, and the few that came just now. */
const itemBlocks = [256, 16] as const;
/** Pasts that are encoded at once; a single request has a graph of its own. */
const userBlocks = [64, 1] as const;

interface UserEncoding {
  readonly session: Session;
  readonly step: Step;
  readonly past: Float32Array;
  readonly absent: Float32Array;
  readonly users: Float32Array;
  readonly attention: Float32Array;
}

/** Both towers with learnt weights: items and pasts become vectors. */
export class TowerEncoder {
  readonly config: TwoTowerConfig;
  readonly weights: TowerWeights;
  readonly contentWidth: number;
  /** What likeness of features counts beside the vectors' product. */
  readonly likenessShare: number;
  readonly #parameters: Readonly<Record<string, Float32Array>>;
  readonly #users = new Map<number, Promise<UserEncoding>>();
  /** One call after the other: a graph's arrays are shared between calls. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(config: TwoTowerConfig, weights: TowerWeights, contentWidth: number) {
    this.config = config;
    this.weights = weights;
    this.contentWidth = contentWidth;
    this.#parameters = Object.fromEntries(
      twoTowerParameters(config, {
        contentWidth,
        hasFeatures: weights.features.columns > 0,
      }).map(({ name, shape, offset }) => [
        name,
        weights.dense.subarray(offset, offset + sizeOf(shape)),
      ]),
    );
    this.likenessShare = weights.likenessShare ?? this.#parameters["likenessShare"]?.[0] ?? 0;
  }

  /**
   * Vectors of the items that were trained on, and of those beside them that had no interaction.
   *
   * @returns  [itemCount + 1, D], length 1; row 0, and items of which nothing is known, are zero
   */
  items(content: ContentVectors | undefined): Promise<Float32Array> {
    const { width } = this.config;
    const { features } = this.weights;
    const sums = sumsOfFeatures(features, this.weights.embeddings, width);
    const own = this.weights.embeddings.subarray((features.columns + 1) * width);
    for (let i = width; i < sums.length; i++) sums[i]! += own[i - width]!;
    return this.#throughTower(sums, content);
  }

  /**
   * Vectors of items that came after training, by what is said of them.
   *
   * @param features  [n, F], encoded as those of the training were, rows of length 1
   * @param content   n vectors, where the training had them
   */
  newItems(features: CsrMatrix, content?: ContentVectors): Promise<Float32Array> {
    const sums = sumsOfFeatures(features, this.weights.embeddings, this.config.width);
    return this.#throughTower(sums, content);
  }

  /**
   * Vectors of users by their pasts alone: a user need not have been there in training.
   *
   * @param vectorOf  an item's vector [D]; items without one are passed over
   * @param out       [B, D]; zeros for a past of which nothing is known
   * @returns         by past, which items the vector was pooled from
   */
  users(
    histories: readonly History[],
    vectorOf: (item: number) => Float32Array | undefined,
    out: Float32Array,
  ): Promise<PooledPast[]> {
    const turn = this.#queue.then(() => this.#encodeUsers(histories, vectorOf, out));
    this.#queue = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  /** Opens the graph of single requests, so that none waits for it. */
  async warmUp(): Promise<void> {
    await this.#userEncoding(1);
  }

  async dispose(): Promise<void> {
    await this.#queue;
    for (const encoding of this.#users.values()) await (await encoding).session.dispose();
    this.#users.clear();
  }

  async #throughTower(
    sums: Float32Array,
    content: ContentVectors | undefined,
  ): Promise<Float32Array> {
    const { config, contentWidth } = this;
    const { width } = config;
    const count = sums.length / width;
    const itemBlock = count < itemBlocks[0] ? itemBlocks[1] : itemBlocks[0];
    const graph = itemEncoding(config, itemBlock, contentWidth);
    const session = await openSession(graph);
    const inputs = {
      sums: new Float32Array(itemBlock * width),
      content: new Float32Array(itemBlock * contentWidth),
    };
    const vectors = new Float32Array(itemBlock * width);
    const step = session.bind(this.#bound(graph.inputs, inputs), { vectors });
    const out = new Float32Array(count * width);
    for (let first = 0; first < count; first += itemBlock) {
      const last = Math.min(count, first + itemBlock);
      inputs.sums.fill(0).set(sums.subarray(first * width, last * width));
      if (contentWidth > 0 && content !== undefined) {
        inputs.content
          .fill(0)
          .set(content.vectors.subarray(first * contentWidth, last * contentWidth));
      }
      await step.run();
      for (let row = first; row < last; row++) {
        if (!this.#isDescribed(sums, content, row)) continue;
        const from = (row - first) * width;
        out.set(vectors.subarray(from, from + width), row * width);
      }
    }
    await session.dispose();
    return out;
  }

  #isDescribed(sums: Float32Array, content: ContentVectors | undefined, row: number): boolean {
    const any = (values: Float32Array, width: number): boolean =>
      values.subarray(row * width, (row + 1) * width).some((value) => value !== 0);
    return (
      any(sums, this.config.width) ||
      (content !== undefined && this.contentWidth > 0 && any(content.vectors, this.contentWidth))
    );
  }

  async #encodeUsers(
    histories: readonly History[],
    vectorOf: (item: number) => Float32Array | undefined,
    out: Float32Array,
  ): Promise<PooledPast[]> {
    const { width, historyLimit } = this.config;
    const pooled: PooledPast[] = [];
    for (let first = 0; first < histories.length;) {
      const left = histories.length - first;
      const block = left === 1 ? 1 : userBlocks[0];
      const asked = histories.slice(first, first + block);
      const { step, past, absent, users, attention } = await this.#userEncoding(block);
      past.fill(0);
      absent.fill(-1e9);
      const read = asked.map(({ items }, b) => {
        const known: number[] = [];
        for (let p = items.length - 1; p >= 0 && known.length < historyLimit; p--) {
          const vector = vectorOf(items[p]!);
          if (vector === undefined) continue;
          const at = b * historyLimit + known.length;
          known.push(items[p]!);
          past.set(vector, at * width);
          absent[at] = 0;
        }
        return known;
      });
      await step.run();
      asked.forEach((_, b) => {
        const row = out.subarray((first + b) * width, (first + b + 1) * width);
        const known = read[b]!;
        if (known.length === 0) row.fill(0);
        else row.set(users.subarray(b * width, (b + 1) * width));
        pooled.push(known.map((item, place) => [item, attention[b * historyLimit + place]!]));
      });
      first += asked.length;
    }
    return pooled;
  }

  #userEncoding(block: number): Promise<UserEncoding> {
    let found = this.#users.get(block);
    if (found === undefined) {
      found = this.#openUsers(block);
      this.#users.set(block, found);
    }
    return found;
  }

  async #openUsers(block: number): Promise<UserEncoding> {
    const { width, historyLimit } = this.config;
    const graph = userEncoding(this.config, block);
    const session = await openSession(graph);
    const past = new Float32Array(block * historyLimit * width);
    const absent = new Float32Array(block * historyLimit);
    const users = new Float32Array(block * width);
    const attention = new Float32Array(block * historyLimit);
    const step = session.bind(this.#bound(graph.inputs, { past, absent }), { users, attention });
    return { session, step, past, absent, users, attention };
  }

  /** A graph's inputs: the given arrays, and the learnt weights. */
  #bound(
    inputs: readonly { readonly name: string }[],
    arrays: Readonly<Record<string, Float32Array>>,
  ): Record<string, Values> {
    return Object.fromEntries(
      inputs.map(({ name }) => [name, arrays[name] ?? this.#parameters[name]!]),
    );
  }
}

/** Pasts that are scored together. */
const scoreBlock = 64;

/** Scores all items: the product of vectors, and the likeness of features that goes beside it. */
export class TowerScorer implements Scorer {
  readonly name = "two-tower";
  readonly itemCount: number;
  readonly width: number;
  /** [itemCount + 1, D] */
  readonly itemVectors: Float32Array;
  readonly encoder: TowerEncoder;
  #product: ScoreProduct | undefined;
  #likeness: FeatureLikeness | undefined;

  constructor(encoder: TowerEncoder, itemVectors: Float32Array) {
    this.encoder = encoder;
    this.width = encoder.config.width;
    this.itemCount = itemVectors.length / this.width - 1;
    this.itemVectors = itemVectors;
  }

  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    this.#product ??= new ScoreProduct(this.itemVectors, this.width, scoreBlock);
    this.#likeness ??= new FeatureLikeness(this.encoder.weights.features);
    const size = this.itemCount + 1;
    for (let first = 0; first < histories.length; first += scoreBlock) {
      const asked = histories.slice(first, first + scoreBlock);
      const users = new Float32Array(asked.length * this.width);
      const vectorOf = (item: number) => this.vectorOf(item);
      const pooled = await this.encoder.users(asked, vectorOf, users);
      this.#product.multiply(users, out.subarray(first * size, (first + asked.length) * size));
      for (const [b, past] of pooled.entries()) {
        const row = out.subarray((first + b) * size, (first + b + 1) * size);
        this.#likeness.addTo(row, past, this.encoder.likenessShare);
        row[0] = -Infinity;
      }
    }
  }

  /** The vector of an item of the training, [D]; undefined for later ones and where nothing is known. */
  vectorOf(item: number): Float32Array | undefined {
    if (item < 1 || item > this.itemCount) return undefined;
    const vector = this.itemVectors.subarray(item * this.width, (item + 1) * this.width);
    return vector.some((value) => value !== 0) ? vector : undefined;
  }
}
