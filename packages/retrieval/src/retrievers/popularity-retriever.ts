import {
  itemIndex,
  type Candidate,
  type Reason,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import { topK } from "@magpie/numerics";
import type { ItemFilterIndex } from "../filter/item-filter-index.ts";

/**
 * Proposes the items that score highest for everybody: bestsellers, this week's risers, newest.
 * The order is worked out once; a request walks along it and takes what its filter passes.
 */
export class PopularityRetriever implements Retriever {
  readonly name: string;
  readonly #items: Int32Array;
  readonly #scores: Float32Array;
  readonly #reason: Reason;
  readonly #filters: ItemFilterIndex;

  constructor(
    name: string,
    parts: {
      /** [items + 1]; row 0 is padding. Items at 0 or below are never proposed. */
      readonly scores: Float32Array;
      /** Why these: `{ kind: "popular", days: 7 }`. */
      readonly reason: Reason;
      readonly filters: ItemFilterIndex;
    },
  ) {
    this.name = name;
    this.#reason = parts.reason;
    this.#filters = parts.filters;
    const positive = parts.scores.map((score, row) => (row > 0 && score > 0 ? score : -Infinity));
    const order = topK(positive, positive.length);
    this.#items = order.indices;
    this.#scores = order.scores;
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const passing = this.#filters.compile(request.filter);
    const candidates: Candidate[] = [];
    for (let place = 0; place < this.#items.length && candidates.length < limit; place++) {
      const row = this.#items[place]!;
      if (!passing.has(row) || row === request.contextItem) continue;
      const score = this.#scores[place]!;
      candidates.push({
        itemIndex: itemIndex(row),
        score,
        contributions: [{ stage: this.name, amount: score, reason: this.#reason }],
      });
    }
    return candidates;
  }
}
