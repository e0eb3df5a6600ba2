import { CodeScan, quantiseRows } from "@magpie/numerics";
import type { InvertedListsIndex, ItemSet, ScoredItems } from "@magpie/retrieval";
import { bestWith } from "./live-vectors.ts";

/** Rows that there is room for at first. */
const leastRoom = 64;

/**
 * A snapshot's vectors as codes of 8 bits, kept up to date: those of items that came or changed since
 * stand beside the index, as codes as well, so that they score as they will in the next snapshot.
 */
export class LiveCodes {
  readonly #index: InvertedListsIndex;
  /** By catalogue row that changed: its place in the scan; undefined while it has no vector. */
  readonly #changed = new Map<number, number | undefined>();
  readonly #free: number[] = [];
  #scan: CodeScan;
  /** Places that were ever taken. */
  #taken = 0;

  constructor(index: InvertedListsIndex) {
    this.#index = index;
    this.#scan = new CodeScan(leastRoom, index.width);
  }

  /** Replaces an item's vector, or takes it out of the search. */
  put(row: number, vector: Float32Array | undefined): void {
    let place = this.#changed.get(row);
    if (vector === undefined) {
      if (place !== undefined) this.#free.push(place);
      this.#changed.set(row, undefined);
      return;
    }
    place ??= this.#free.pop() ?? this.#makeRoom();
    const { codes, scales } = quantiseRows(vector, 1, this.#index.width);
    this.#scan.setRow(place, codes, scales[0]!);
    this.#changed.set(row, place);
  }

  #makeRoom(): number {
    if (this.#taken === this.#scan.rows) {
      const larger = new CodeScan(2 * this.#scan.rows, this.#scan.width);
      for (let place = 0; place < this.#taken; place++) {
        larger.setRow(place, this.#scan.codesOf(place), this.#scan.scaleOf(place));
      }
      this.#scan = larger;
    }
    return this.#taken++;
  }

  /** The rows nearest to a query's vector, best first, among those that pass. */
  search(query: Float32Array, limit: number, passing: ItemSet): ScoredItems {
    if (this.#changed.size === 0) return this.#index.search(query, limit, passing);
    this.#scan.setQuery(query);
    const scores = this.#scan.scan(0, this.#taken);
    return bestWith(this.#index, query, limit, passing, this.#changed, (place) => {
      return Math.fround(scores[place]! * this.#scan.unit);
    });
  }
}
