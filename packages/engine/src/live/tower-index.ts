import type { ItemFeatureEncoder, SparseVector } from "@magpie/data";
import type { History, Item } from "@magpie/domain";
import type { TwoTowerModel } from "@magpie/models";
import { Int8VectorIndex, type ItemSet, type ScoredItems } from "@magpie/retrieval";
import { LiveVectors } from "./live-vectors.ts";

/** Vectors find so many times the items asked for, and features choose among them. */
const looksAround = 3;

/**
 * Item vectors of a two-tower model, kept up to date: an item that comes after the training is put
 * where what is said of it belongs, among items that are known from what people did.
 */
export class TowerIndex {
  readonly #model: TwoTowerModel;
  readonly #features: ItemFeatureEncoder | undefined;
  readonly #vectors: LiveVectors;
  /** What is said of items that came after the training. */
  readonly #said = new Map<number, SparseVector>();
  #waiting = new Map<number, Item>();
  #encoding: Promise<void> = Promise.resolve();

  /** @param features  as the training encoded items; absent: items that come later are not known */
  constructor(model: TwoTowerModel, features?: ItemFeatureEncoder) {
    this.#model = model;
    this.#features = features;
    this.#vectors = new LiveVectors(new Int8VectorIndex(model.itemVectors, model.width));
  }

  /**
   * Takes an item that is new, has other words or is gone (undefined). One that training knew keeps its vector, which holds
   * more than its words; a new one is found once it is encoded.
   */
  put(row: number, item: Item | undefined): void {
    if (this.#features === undefined || row <= this.#model.itemCount) return;
    this.#vectors.put(row, undefined);
    if (item === undefined) {
      this.#waiting.delete(row);
      this.#said.delete(row);
      return;
    }
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

  /**
   * What suits a past, items that came after the training included, best first, among what passes: the
   * nearest by vectors, put in order by what their features share with the past as well.
   */
  async search(past: History, limit: number, passing: ItemSet): Promise<ScoredItems> {
    const { encoder } = this.#model;
    const user = new Float32Array(this.#model.width);
    const [pooled] = await encoder.users([past], (row) => this.vectorOf(row), user);
    if (pooled!.length === 0) return { items: new Int32Array(0), scores: new Float32Array(0) };
    const profile = new Map<number, number>();
    for (const [row, share] of pooled!) {
      this.#eachFeature(row, (feature, value) => {
        profile.set(feature, (profile.get(feature) ?? 0) + encoder.likenessShare * share * value);
      });
    }
    const near = this.#vectors.search(user, looksAround * limit, passing);
    const found = Array.from(near.items, (row, place) => {
      let score = near.scores[place]!;
      this.#eachFeature(row, (feature, value) => {
        score += (profile.get(feature) ?? 0) * value;
      });
      return { row, score };
    });
    found.sort((a, b) => b.score - a.score || a.row - b.row).length = Math.min(found.length, limit);
    return {
      items: Int32Array.from(found, ({ row }) => row),
      scores: Float32Array.from(found, ({ score }) => score),
    };
  }

  #eachFeature(row: number, hear: (feature: number, value: number) => void): void {
    const said = this.#said.get(row);
    said?.indices.forEach((feature, p) => hear(feature, said.values[p]!));
    const { rows, offsets, indices, values } = this.#model.encoder.weights.features;
    if (said !== undefined || row >= rows) return;
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) hear(indices[p]!, values[p]!);
  }

  /** Opens what single requests need, so that none waits for it. */
  warmUp(): Promise<void> {
    return this.#model.encoder.warmUp();
  }

  async #encodeWaiting(): Promise<void> {
    const batch = [...this.#waiting];
    this.#waiting = new Map();
    if (batch.length === 0) return;
    const { width } = this.#model;
    const features = this.#features!.matrix(batch.map(([, item]) => item));
    const vectors = await this.#model.encoder.newItems(features);
    batch.forEach(([row, item], place) => {
      // Its words may have changed again meanwhile; then a later batch has it.
      if (this.#waiting.has(row)) return;
      const vector = vectors.slice(place * width, (place + 1) * width);
      this.#vectors.put(row, vector.some((value) => value !== 0) ? vector : undefined);
      this.#said.set(row, this.#features!.encode(item));
    });
  }
}
