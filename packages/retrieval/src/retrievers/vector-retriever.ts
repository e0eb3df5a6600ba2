import { itemIndex, type Candidate, type Retriever, type ServingRequest } from "@magpie/domain";
import type { VectorScorer } from "@magpie/domain";
import type { ItemFilterIndex } from "../filter/item-filter-index.ts";
import type { VectorIndex } from "../vector/vector-index.ts";
import { modelHistory } from "./request-history.ts";

/** What a vector retriever needs of a model: how to encode a past, and how many items it knows. */
export type HistoryEncoder = Pick<VectorScorer, "encode" | "itemCount" | "width">;

/**
 * Proposes the items whose vectors lie nearest to the vector of the user's past, encoded on
 * request, newest acts included. Strangers get nothing here.
 */
export class VectorRetriever implements Retriever {
  readonly name: string;
  readonly #encoder: HistoryEncoder;
  readonly #index: VectorIndex;
  readonly #filters: ItemFilterIndex;

  constructor(
    name: string,
    parts: {
      readonly encoder: HistoryEncoder;
      /** Over the item vectors of the same model. */
      readonly index: VectorIndex;
      readonly filters: ItemFilterIndex;
    },
  ) {
    this.name = name;
    this.#encoder = parts.encoder;
    this.#index = parts.index;
    this.#filters = parts.filters;
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const history = modelHistory(request.history, this.#encoder.itemCount);
    if (history.items.length === 0) return [];
    const user = new Float32Array(this.#encoder.width);
    await this.#encoder.encode([history], user);
    const passing = this.#filters.compile(request.filter);
    const { items, scores } = this.#index.search(user, limit, passing);
    return Array.from(items, (row, place) => {
      const score = scores[place]!;
      return {
        itemIndex: itemIndex(row),
        score,
        contributions: [{ stage: this.name, amount: score, reason: { kind: "sequence-model" } }],
      };
    });
  }
}
