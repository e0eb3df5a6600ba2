import type { Candidate, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import { withReason } from "./with-reason.ts";

/**
 * Removes what cannot be bought now, or moves it behind everything that can. Retrievers filter on
 * the same fact; this is the last look, at the stock of this moment.
 */
export class Availability implements Reranker {
  readonly name = "availability";
  readonly #isAvailable: (item: ItemIndex) => boolean;
  readonly #unavailable: "remove" | "move-last";

  constructor(
    isAvailable: (item: ItemIndex) => boolean,
    unavailable: "remove" | "move-last" = "remove",
  ) {
    this.#isAvailable = isAvailable;
    this.#unavailable = unavailable;
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const available = ranking.filter(({ itemIndex }) => this.#isAvailable(itemIndex));
    if (this.#unavailable === "remove" || available.length === ranking.length) return available;
    const last = ranking
      .filter(({ itemIndex }) => !this.#isAvailable(itemIndex))
      .map((candidate) =>
        withReason(candidate, this.name, 0, { kind: "rule", rule: "out-of-stock" }),
      );
    return [...available, ...last];
  }
}
