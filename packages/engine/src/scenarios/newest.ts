import type { Candidate, ItemIndex, Reranker, Retriever, ServingRequest } from "@magpie/domain";
import type { LiveCatalog } from "../live/live-catalog.ts";

const dayMs = 24 * 3_600_000;
/** After so many days an item is half as new. */
const halfLifeDays = 14;

/**
 * Proposes the newest items that pass the filter. The score is the item's newness: 1 on the day it
 * was created, halved every two weeks. Items without `createdAt` are never proposed.
 */
export class NewestRetriever implements Retriever {
  readonly name = "newest";
  readonly #catalog: LiveCatalog;

  constructor(catalog: LiveCatalog) {
    this.#catalog = catalog;
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const passing = this.#catalog.filter.compile(request.filter);
    const candidates: Candidate[] = [];
    for (const row of this.#catalog.newest()) {
      if (candidates.length === limit) break;
      if (!passing.has(row)) continue;
      const days = Math.max(0, request.nowMs - this.#catalog.createdMs(row)) / dayMs;
      const score = 2 ** (-days / halfLifeDays);
      candidates.push({
        itemIndex: row as ItemIndex,
        score,
        contributions: [
          { stage: this.name, amount: score, reason: { kind: "rule", rule: "new-item" } },
        ],
      });
    }
    return candidates;
  }
}

/** How new items get a place although no model has learnt about them. */
export interface NewItemSlotsConfig {
  /** Every so many places, one new item. */
  readonly every: number;
  /** Items younger than this are new. */
  readonly maxAgeDays: number;
}

export const newItemSlotsDefaults: NewItemSlotsConfig = { every: 8, maxAgeDays: 30 };

/**
 * Gives every eighth place to the best new item further down, so that items without a past can get
 * one. Nothing is added or removed; the item that moves up takes the score of the place it takes,
 * and the difference is its contribution.
 *
 * Where a new item stands among the eight by its own score already, the place stays as it is.
 */
export class NewItemSlots implements Reranker {
  readonly name = "new-item-slots";
  readonly #catalog: LiveCatalog;
  readonly #config: NewItemSlotsConfig;

  constructor(catalog: LiveCatalog, config: NewItemSlotsConfig = newItemSlotsDefaults) {
    this.#catalog = catalog;
    this.#config = config;
  }

  rerank(request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const { every, maxAgeDays } = this.#config;
    const sinceMs = request.nowMs - maxAgeDays * dayMs;
    const list = [...ranking];
    const waiting = ranking.filter(
      ({ itemIndex }) => this.#catalog.createdMs(itemIndex) >= sinceMs,
    );
    const isNew = new Set(waiting);
    for (let slot = every - 1; slot < list.length && waiting.length > 0; slot += every) {
      const block = list.slice(slot - every + 1, slot + 1);
      const own = block.filter((candidate) => isNew.has(candidate));
      if (own.length > 0) {
        for (const candidate of own) waiting.splice(waiting.indexOf(candidate), 1);
        continue;
      }
      const chosen = waiting.shift()!;
      const place = list[slot]!;
      list.splice(list.indexOf(chosen), 1);
      list.splice(slot, 0, {
        ...chosen,
        score: place.score,
        contributions: [
          ...chosen.contributions,
          {
            stage: this.name,
            amount: place.score - chosen.score,
            reason: { kind: "rule", rule: "new-item" },
          },
        ],
      });
    }
    return list;
  }
}
