import {
  itemIndex,
  type Candidate,
  type Contribution,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import type { ItemFilterIndex } from "../filter/item-filter-index.ts";
import type { TextIndex } from "../text/text-index.ts";

/** Proposes the items whose texts match the query. Requests without one get nothing here. */
export class TextRetriever implements Retriever {
  readonly name: string;
  readonly #index: TextIndex;
  readonly #filters: ItemFilterIndex;

  constructor(
    name: string,
    parts: { readonly index: TextIndex; readonly filters: ItemFilterIndex },
  ) {
    this.name = name;
    this.#index = parts.index;
    this.#filters = parts.filters;
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    if (request.query === undefined) return [];
    const { items, scores, parts } = this.#index.search(request.query, {
      limit,
      locale: request.locale,
      filter: this.#filters.compile(request.filter),
    });
    return Array.from(items, (row, place): Candidate => {
      const byWord = new Map<string, number>();
      for (const { word, amount } of parts[place]!) {
        byWord.set(word, (byWord.get(word) ?? 0) + amount);
      }
      const contributions = Array.from(byWord, ([word, amount]): Contribution => ({
        stage: this.name,
        amount,
        reason: { kind: "query-match", words: [word] },
      }));
      return { itemIndex: itemIndex(row), score: scores[place]!, contributions };
    });
  }
}
