import {
  itemIndex,
  type Candidate,
  type ItemId,
  type ItemIndex,
  type ItemSimilarity,
  type Reason,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import type { ItemFilterIndex } from "../filter/item-filter-index.ts";

export interface SimilarItemsConfig {
  /** Whose neighbours are proposed: those of the page's item, or of the user's past items. */
  readonly of: "context-item" | "history";
  /** What likeness means here, for explanations. */
  readonly reason: "similar-to" | "bought-together";
  /** Neighbours looked at per item. */
  readonly neighbours: number;
  /** Newest acts of the past that count. */
  readonly maxHistory: number;
  /** Each older act counts this much of the next newer one; 1 counts all alike. */
  readonly recency: number;
}

export const similarItemsDefaults: SimilarItemsConfig = {
  of: "history",
  reason: "similar-to",
  neighbours: 100,
  maxHistory: 20,
  recency: 0.9,
};

/**
 * Proposes neighbours of items: of the one whose page is shown, or of those in the user's past.
 *
 *     score(i) = Σ_acts weight(act) · recency^age(act) · similarity(item(act), i)
 *
 * where the newest act has age 0. Each item that led to a candidate is one contribution.
 */
export class SimilarItemsRetriever implements Retriever {
  readonly name: string;
  readonly #similarity: ItemSimilarity;
  readonly #filters: ItemFilterIndex;
  readonly #idOf: (item: ItemIndex) => ItemId;
  readonly #config: SimilarItemsConfig;

  constructor(
    name: string,
    parts: {
      readonly similarity: ItemSimilarity;
      readonly filters: ItemFilterIndex;
      readonly idOf: (item: ItemIndex) => ItemId;
    },
    config: Partial<SimilarItemsConfig> = {},
  ) {
    this.name = name;
    this.#similarity = parts.similarity;
    this.#filters = parts.filters;
    this.#idOf = parts.idOf;
    this.#config = { ...similarItemsDefaults, ...config };
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const strengths = this.#strengths(request);
    const passing = this.#filters.compile(request.filter);
    const found = new Map<number, Candidate>();
    for (const [origin, strength] of strengths) {
      const near = this.#similarity.similar(origin, this.#config.neighbours);
      const reason: Reason = { kind: this.#config.reason, itemId: this.#idOf(origin) };
      near.items.forEach((row, place) => {
        if (!passing.has(row) || row === request.contextItem) return;
        const amount = strength * near.scores[place]!;
        const candidate = found.get(row);
        if (candidate === undefined) {
          const contributions = [{ stage: this.name, amount, reason }];
          found.set(row, { itemIndex: itemIndex(row), score: amount, contributions });
        } else {
          candidate.score += amount;
          candidate.contributions.push({ stage: this.name, amount, reason });
        }
      });
    }
    const best = [...found.values()].sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
    return best.slice(0, limit);
  }

  /** The items whose neighbours count, each once, with how much. */
  #strengths({ history, contextItem }: ServingRequest): Map<ItemIndex, number> {
    const strengths = new Map<ItemIndex, number>();
    if (this.#config.of === "context-item") {
      if (contextItem !== undefined) strengths.set(contextItem, 1);
      return strengths;
    }
    let age = 1;
    for (const { itemIndex: origin, weight } of history.slice(-this.#config.maxHistory).reverse()) {
      strengths.set(origin, (strengths.get(origin) ?? 0) + weight * age);
      age *= this.#config.recency;
    }
    return strengths;
  }
}
