import type { ItemIndex } from "./ids.ts";

/**
 * What evaluation and serving see of a model: a number for every item, given a user's past.
 */

/** A user's past as a model sees it: item rows from 1, oldest first. */
export interface History {
  /** Row of the user when known from training, else -1. Sequence models ignore it. */
  readonly userIndex: number;
  /** ItemIndex values, oldest first. */
  readonly items: Int32Array;
  /** Unix milliseconds, one per item; absent where the data has no times. */
  readonly timestampsMs?: Float64Array;
  /** Feedback weights, one per item; absent means 1 each. */
  readonly weights?: Float32Array;
}

/** Gives a number per item; the part of a ranker or retriever that a model fills. */
export interface Scorer {
  readonly name: string;
  /** Number of items; rows run from 1 to `itemCount`, row 0 is padding. */
  readonly itemCount: number;
  /**
   * Scores every item for every history.
   *
   * @param histories  B users' pasts
   * @param out        [B, itemCount + 1], row-major; column 0 is set to -Infinity
   */
  scoreAll(histories: readonly History[], out: Float32Array): Promise<void>;
  /**
   * Counts how many items `scoreAll` would place above one item, and how many beside it: all that measuring
   * asks of most rankings. Only for scorers that can count where they score, and so need not hand out a
   * number for each item.
   *
   * @param items  [B]: one item for each of B histories
   * @param above  [B]: items with a higher score
   * @param alike  [B]: items with the same score, itself among them; 0 where its score is not a number
   */
  countAbove?(
    histories: readonly History[],
    items: Int32Array,
    above: Int32Array,
    alike: Int32Array,
  ): Promise<void>;
}

/**
 * A scorer whose score is the inner product of a user vector and an item vector; items of the past have
 * `repeatBias` added.
 */
export interface VectorScorer extends Scorer {
  /** D */
  readonly width: number;
  /** [itemCount + 1, D]; row 0 is zero. */
  readonly itemVectors: Float32Array;
  /**
   * How much more, or less, an item is wanted because the past holds it already, as the model learnt it.
   * Absent or 0: no difference. Retrieval by vectors leaves it to whoever has a rule for seen items.
   */
  readonly repeatBias?: number;
  /** Encodes B pasts → [B, D] in `out`. An empty past gives a zero vector. */
  encode(histories: readonly History[], out: Float32Array): Promise<void>;
}

/** Names items like one item: item-kNN, neighbours in a vector space. */
export interface ItemSimilarity {
  /** Best first; the item itself is not among them. */
  similar(
    item: ItemIndex,
    limit: number,
  ): { readonly items: Int32Array; readonly scores: Float32Array };
}
