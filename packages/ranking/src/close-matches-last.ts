import type { Candidate, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import { withReason } from "./with-reason.ts";

/**
 * Moves what lacks a word of the query behind everything that has all of them, whatever other
 * reasons lifted it: a page draws one line between the two. Either part keeps its order.
 */
export class CloseMatchesLast implements Reranker {
  readonly name = "close-matches";
  readonly #isClose: (request: ServingRequest, item: ItemIndex) => boolean;

  /** @param isClose  true for an item that lacks a word while others have all */
  constructor(isClose: (request: ServingRequest, item: ItemIndex) => boolean) {
    this.#isClose = isClose;
  }

  rerank(request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const close = ranking.filter(({ itemIndex }) => this.#isClose(request, itemIndex));
    if (close.length === 0) return [...ranking];
    return [
      ...ranking.filter(({ itemIndex }) => !this.#isClose(request, itemIndex)),
      ...close.map((candidate) =>
        withReason(candidate, this.name, 0, { kind: "rule", rule: "close-match" }),
      ),
    ];
  }
}
