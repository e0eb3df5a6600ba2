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
  readonly #within: number;

  /** @param within  "move-last" goes no further than this place, so that deeper pages stay as they are */
  constructor(
    isAvailable: (item: ItemIndex) => boolean,
    unavailable: "remove" | "move-last" = "remove",
    within = Infinity,
  ) {
    this.#isAvailable = isAvailable;
    this.#unavailable = unavailable;
    this.#within = within;
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    if (this.#unavailable === "remove") {
      return ranking.filter(({ itemIndex }) => this.#isAvailable(itemIndex));
    }
    const top = ranking.slice(0, this.#within);
    const available = top.filter(({ itemIndex }) => this.#isAvailable(itemIndex));
    if (available.length === top.length) return [...ranking];
    const last = top
      .filter(({ itemIndex }) => !this.#isAvailable(itemIndex))
      .map((candidate) =>
        withReason(candidate, this.name, 0, { kind: "rule", rule: "out-of-stock" }),
      );
    return [...available, ...last, ...ranking.slice(top.length)];
  }
}
