import { type EncoderIdentity, type TextEncoder } from "@magpie/encoder";
import type { Item } from "@magpie/domain";
import { quantiseRows } from "@magpie/numerics";
import { InvertedListsIndex, type ItemSet, type ScoredItems } from "@magpie/retrieval";
import { LiveCodes } from "../live/live-codes.ts";
import { meaningText } from "./item-text.ts";

/** Items that are encoded at once. */
const batchSize = 256;
/** Queries whose vectors are kept. */
const keptQueries = 1_000;

/**
 * Encodes items batch by batch into codes, so that no float matrix of the whole catalogue is held.
 *
 * @param items   by row − 1; undefined where a row has no item: it gets zeros
 * @param onDone  hears how many rows are done; may throw to stop
 */
export async function buildMeanings(
  items: readonly (Item | undefined)[],
  encoder: TextEncoder,
  onDone: (rows: number) => void,
): Promise<InvertedListsIndex> {
  const { width } = encoder;
  const rows = items.length + 1;
  const codes = new Int8Array(rows * width);
  const scales = new Float32Array(rows);
  for (let from = 0; from < items.length; from += batchSize) {
    const batch = items.slice(from, from + batchSize);
    const texts = batch.map((item) => (item === undefined ? "" : meaningText(item)));
    const vectors = await encoder.encode(texts);
    const quantised = quantiseRows(vectors, batch.length, width);
    codes.set(quantised.codes, (from + 1) * width);
    scales.set(quantised.scales, from + 1);
    onDone(from + batch.length);
  }
  return InvertedListsIndex.fromCodes({ codes, scales }, width);
}

/**
 * What items mean, kept up to date: the snapshot's vectors, and beside them those of items that came
 * or changed their words since.
 */
export class MeaningIndex {
  readonly identity: EncoderIdentity;
  readonly #encoder: TextEncoder;
  /** A changed item has no vector while it is not encoded yet. */
  readonly #index: InvertedListsIndex;
  readonly #vectors: LiveCodes;
  readonly #listeners: ((row: number, vector: Float32Array | undefined) => void)[] = [];
  readonly #queries = new Map<string, Promise<Float32Array>>();
  readonly #onFailure: (error: unknown) => void;
  #waiting = new Map<number, Item>();
  #encoding: Promise<void> = Promise.resolve();

  /**
   * @param index      over the snapshot's rows, by the same encoder
   * @param onFailure  hears when changed items could not be encoded: they are found by words alone
   */
  constructor(
    encoder: TextEncoder,
    index: InvertedListsIndex,
    onFailure: (error: unknown) => void = () => {},
  ) {
    this.identity = encoder;
    this.#encoder = encoder;
    this.#index = index;
    this.#vectors = new LiveCodes(index);
    this.#onFailure = onFailure;
  }

  /** Takes an item that is new, has other words or is gone (undefined). It is found once it is encoded. */
  put(row: number, item: Item | undefined): void {
    this.#set(row, undefined);
    if (item === undefined) {
      this.#waiting.delete(row);
      return;
    }
    this.#waiting.set(row, item);
    this.#encoding = this.#encoding.then(() => this.#encodeWaiting());
  }

  /** Calls `listener` with every vector that is put since, and with undefined where there is none any more. */
  onVectors(listener: (row: number, vector: Float32Array | undefined) => void): void {
    this.#listeners.push(listener);
  }

  /** The snapshot's vector of an item; zeros where it has none. */
  vectorOf(row: number): Float32Array {
    return this.#index.vectorOf(row);
  }

  /** Resolves when all that was put is encoded, or could not be. */
  settle(): Promise<void> {
    return this.#encoding;
  }

  /** The vector of a query; those of the latest queries are kept. */
  encodeQuery(query: string): Promise<Float32Array> {
    const known = this.#queries.get(query);
    this.#queries.delete(query);
    const vector = known ?? this.#encoder.encode([query], "query");
    this.#queries.set(query, vector);
    if (known === undefined) {
      vector.catch(() => this.#queries.delete(query));
      if (this.#queries.size > keptQueries) {
        this.#queries.delete(this.#queries.keys().next().value!);
      }
    }
    return vector;
  }

  /** The rows nearest to a query's vector, best first, among those that pass. */
  search(query: Float32Array, limit: number, passing: ItemSet): ScoredItems {
    return this.#vectors.search(query, limit, passing);
  }

  #set(row: number, vector: Float32Array | undefined): void {
    this.#vectors.put(row, vector);
    for (const listener of this.#listeners) listener(row, vector);
  }

  async #encodeWaiting(): Promise<void> {
    const batch = [...this.#waiting];
    this.#waiting = new Map();
    if (batch.length === 0) return;
    try {
      const { width } = this.#encoder;
      const vectors = await this.#encoder.encode(batch.map(([, item]) => meaningText(item)));
      batch.forEach(([row], place) => {
        // Its words may have changed again meanwhile; then a later batch has it.
        if (this.#waiting.has(row)) return;
        this.#set(row, vectors.slice(place * width, (place + 1) * width));
      });
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
