import { topK, VectorScan } from "@magpie/numerics";
import type { ItemSet } from "../filter/item-set.ts";
import type { ScoredItems, VectorIndex } from "./vector-index.ts";

/** The plain index: every row that passes the filter, in float32. What the others are held to. */
export class ExactVectorIndex implements VectorIndex {
  readonly rows: number;
  readonly width: number;
  readonly #scan: VectorScan;

  /** @param itemVectors  [rows, width], row 0 is padding; copied */
  constructor(itemVectors: Float32Array, width: number) {
    this.rows = itemVectors.length / width;
    this.width = width;
    this.#scan = new VectorScan(itemVectors, this.rows, width);
  }

  search(query: Float32Array, limit: number, filter?: ItemSet): ScoredItems {
    const scores = this.#scan.scanFloat(query);
    excludeRows(scores, filter);
    return best(scores, limit);
  }
}

/** The `limit` best rows of a score array whose row 0 is already out. */
export function best(scores: Float32Array, limit: number): ScoredItems {
  const { indices, scores: kept } = topK(scores, limit);
  return { items: indices, scores: kept };
}

/** Sets to -Infinity the scores of padding and of all rows that do not pass. */
export function excludeRows(scores: Float32Array, filter: ItemSet | undefined): void {
  if (scores.length > 0) scores[0] = -Infinity;
  if (filter === undefined) return;
  const { words } = filter;
  for (let from = 0; from < scores.length; from += 32) {
    const word = words[from >> 5] ?? 0;
    if (word === -1) continue;
    const to = Math.min(from + 32, scores.length);
    if (word === 0) {
      scores.fill(-Infinity, from, to);
      continue;
    }
    for (let row = from; row < to; row++) {
      if ((word & (1 << (row & 31))) === 0) scores[row] = -Infinity;
    }
  }
}
