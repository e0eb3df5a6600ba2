import type { Int8SequenceModel, SequenceModel } from "@magpie/models";
import type { ItemSet, ScoredItems, VectorIndex } from "@magpie/retrieval";
import { LiveVectors } from "./live-vectors.ts";

/**
 * Item vectors of a sequence model that reads texts, kept up to date: an item that came after the training
 * stands where its text says, among items that are known from what people did as well.
 */
export class SequenceItems implements VectorIndex {
  readonly rows: number;
  readonly width: number;
  readonly #model: Pick<SequenceModel | Int8SequenceModel, "itemCount" | "itemsOfTexts">;
  readonly #index: VectorIndex;
  readonly #vectors: LiveVectors;

  /** @param index  over the vectors of the items that the model was trained with */
  constructor(
    model: Pick<SequenceModel | Int8SequenceModel, "itemCount" | "itemsOfTexts">,
    index: VectorIndex,
  ) {
    this.rows = index.rows;
    this.width = index.width;
    this.#model = model;
    this.#index = index;
    this.#vectors = new LiveVectors(index);
  }

  /**
   * Takes what the text of an item means, by the encoder that the model was trained with; undefined while
   * that is not known. An item that training knew keeps its vector, which holds more than its words.
   */
  put(row: number, text: Float32Array | undefined): void {
    if (row <= this.#model.itemCount) return;
    const isKnown = text?.some((value) => value !== 0) === true;
    this.#vectors.put(row, isKnown ? this.#model.itemsOfTexts(text) : undefined);
  }

  /** Without a filter those that the model was trained with alone. */
  search(query: Float32Array, limit: number, filter?: ItemSet): ScoredItems {
    return filter === undefined
      ? this.#index.search(query, limit)
      : this.#vectors.search(query, limit, filter);
  }
}
