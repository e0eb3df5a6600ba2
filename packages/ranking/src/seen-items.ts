import type { Candidate, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import { withReason } from "./with-reason.ts";

export interface SeenItemsConfig {
  /** Acts of less weight do not count as seen: above 1, an item that was only viewed may return. */
  readonly minWeight: number;
  /** Items that people buy again: they come back once `repeatAfterMs` has passed since the act. */
  readonly isRepeatable: (item: ItemIndex) => boolean;
  readonly repeatAfterMs: number;
}

export const seenItemsDefaults: SeenItemsConfig = {
  minWeight: 0,
  isRepeatable: () => false,
  repeatAfterMs: 14 * 86_400_000,
};

/**
 * Removes what the user already knows, and the item whose page is shown. Items that people buy
 * again come back after a while, and say so.
 */
export class SeenItems implements Reranker {
  readonly name = "seen-items";
  readonly #config: SeenItemsConfig;

  constructor(config: Partial<SeenItemsConfig> = {}) {
    this.#config = { ...seenItemsDefaults, ...config };
  }

  rerank(request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const { minWeight, isRepeatable, repeatAfterMs } = this.#config;
    const latestMs = new Map<ItemIndex, number>();
    for (const { itemIndex, timestampMs, weight } of request.history) {
      if (weight < minWeight) continue;
      latestMs.set(itemIndex, Math.max(timestampMs, latestMs.get(itemIndex) ?? -Infinity));
    }
    return ranking.flatMap((candidate) => {
      const { itemIndex } = candidate;
      if (itemIndex === request.contextItem) return [];
      const seenMs = latestMs.get(itemIndex);
      if (seenMs === undefined) return [candidate];
      if (!isRepeatable(itemIndex) || request.nowMs - seenMs < repeatAfterMs) return [];
      return [withReason(candidate, this.name, 0, { kind: "rule", rule: "repeat-purchase" })];
    });
  }
}
