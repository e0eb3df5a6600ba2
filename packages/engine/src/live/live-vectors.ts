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
    return bestWith(this.#index, query, limit, passing, this.#changed, (vector) =>
      dot(query, vector),
    );
  }
}

/**
 * The nearest of an index and of rows that changed since, whose former selves are left out.
 *
 * @param changed  by row; undefined for those that have no vector now
 * @param scoreOf  the product of a changed row with the query
 */
export function bestWith<T>(
  index: VectorIndex,
  query: Float32Array,
  limit: number,
  passing: ItemSet,
  changed: ReadonlyMap<number, T | undefined>,
  scoreOf: (one: T) => number,
): ScoredItems {
  let unchanged = passing;
  if (changed.size > 0) {
    unchanged = passing.clone();
    for (const row of changed.keys()) unchanged.delete(row);
  }
  const old = index.search(query, limit, unchanged);
  const found = Array.from(old.items, (row, place) => ({ row, score: old.scores[place]! }));
  for (const [row, one] of changed) {
    if (one !== undefined && passing.has(row)) found.push({ row, score: scoreOf(one) });
  }
  found.sort((a, b) => b.score - a.score || a.row - b.row).length = Math.min(found.length, limit);
  return {
    items: Int32Array.from(found, ({ row }) => row),
    scores: Float32Array.from(found, ({ score }) => score),
  };
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
