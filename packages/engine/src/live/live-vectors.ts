import type { ItemSet, ScoredItems, VectorIndex } from "@magpie/retrieval";

/**
 * A snapshot's vectors, kept up to date: beside its index, which does not change, stand the vectors of
 * items that came or changed since. Few do between two trainings, so they are compared one by one.
 */
export class LiveVectors {
  readonly #index: VectorIndex;
  /** By catalogue row; undefined while nothing is known of a changed item. */
  readonly #changed = new Map<number, Float32Array | undefined>();

  constructor(index: VectorIndex) {
    this.#index = index;
  }

  /** Replaces an item's vector, or takes it out of the search. */
  put(row: number, vector: Float32Array | undefined): void {
    this.#changed.set(row, vector);
  }

  /** The vector of an item that came or changed since the snapshot. */
  changed(row: number): Float32Array | undefined {
    return this.#changed.get(row);
  }

  /** The rows nearest to a query's vector, best first, among those that pass. */
  search(query: Float32Array, limit: number, passing: ItemSet): ScoredItems {
    let unchanged = passing;
    if (this.#changed.size > 0) {
      unchanged = passing.clone();
      for (const row of this.#changed.keys()) unchanged.delete(row);
    }
    const old = this.#index.search(query, limit, unchanged);
    const found = Array.from(old.items, (row, place) => ({ row, score: old.scores[place]! }));
    for (const [row, vector] of this.#changed) {
      if (vector !== undefined && passing.has(row)) found.push({ row, score: dot(query, vector) });
    }
    found.sort((a, b) => b.score - a.score || a.row - b.row).length = Math.min(found.length, limit);
    return {
      items: Int32Array.from(found, ({ row }) => row),
      scores: Float32Array.from(found, ({ score }) => score),
    };
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
