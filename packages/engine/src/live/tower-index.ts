import type { ItemFeatureEncoder } from "@magpie/data";
import type { History, Item } from "@magpie/domain";
import type { TwoTowerModel } from "@magpie/models";
import { Int8VectorIndex, type ItemSet, type ScoredItems } from "@magpie/retrieval";
import { LiveVectors } from "./live-vectors.ts";

/**
 * Item vectors of a two-tower model, kept up to date: an item that comes after the training is put
 * where what is said of it belongs, among items that are known from what people did.
 */
export class TowerIndex {
  readonly #model: TwoTowerModel;
  readonly #features: ItemFeatureEncoder | undefined;
  readonly #vectors: LiveVectors;
  #waiting = new Map<number, Item>();
  #encoding: Promise<void> = Promise.resolve();

  /** @param features  as the training encoded items; absent: items that come later are not known */
  constructor(model: TwoTowerModel, features?: ItemFeatureEncoder) {
    this.#model = model;
    this.#features = features;
    this.#vectors = new LiveVectors(new Int8VectorIndex(model.itemVectors, model.width));
  }

  get width(): number {
    return this.#model.width;
  }

  /**
   * Takes an item that is new or has other words. One that training knew keeps its vector, which holds
   * more than its words; a new one is found once it is encoded.
   */
  put(row: number, item: Item): void {
    if (this.#features === undefined || row <= this.#model.itemCount) return;
    this.#vectors.put(row, undefined);
    this.#waiting.set(row, item);
    this.#encoding = this.#encoding.then(() => this.#encodeWaiting());
  }

  /** Resolves when all that was put is encoded. */
  settle(): Promise<void> {
    return this.#encoding;
  }

  /** An item's vector; undefined where nothing is known of it. */
  vectorOf(row: number): Float32Array | undefined {
    return this.#vectors.changed(row) ?? this.#model.vectorOf(row);
  }

  /** The vector of the user whose past this is, items that came after the training included. */
  async encode(past: History): Promise<Float32Array> {
    const user = new Float32Array(this.width);
    await this.#model.encoder.users([past], (row) => this.vectorOf(row), user);
    return user;
  }

  /** The rows nearest to a vector, best first, among those that pass. */
  search(query: Float32Array, limit: number, passing: ItemSet): ScoredItems {
    return this.#vectors.search(query, limit, passing);
  }

  /** Opens what single requests need, so that none waits for it. */
  warmUp(): Promise<void> {
    return this.#model.encoder.warmUp();
  }

  async #encodeWaiting(): Promise<void> {
    const batch = [...this.#waiting];
    this.#waiting = new Map();
    if (batch.length === 0) return;
    const { width } = this;
    const features = this.#features!.matrix(batch.map(([, item]) => item));
    const vectors = await this.#model.encoder.newItems(features);
    batch.forEach(([row], place) => {
      // Its words may have changed again meanwhile; then a later batch has it.
      if (this.#waiting.has(row)) return;
      const vector = vectors.slice(place * width, (place + 1) * width);
      this.#vectors.put(row, vector.some((value) => value !== 0) ? vector : undefined);
    });
  }
}
