import type { ItemSet } from "../filter/item-set.ts";

/** Items with their scores, best first; both arrays have the same length. */
export interface ScoredItems {
  /** ItemIndex values. */
  readonly items: Int32Array;
  readonly scores: Float32Array;
}

/** Finds the items whose vectors have the largest inner product with a query vector. */
export interface VectorIndex {
  /** Rows of the matrix, padding row 0 included: item rows run from 1 to `rows - 1`. */
  readonly rows: number;
  /** D */
  readonly width: number;
  /**
   * The best `limit` items, best first; equal scores by lower row. Fewer when fewer pass.
   *
   * @param query   [D], finite
   * @param filter  items that may be found; all when absent
   */
  search(query: Float32Array, limit: number, filter?: ItemSet): ScoredItems;
}
