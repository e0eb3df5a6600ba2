import type { Candidate, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import { withReason } from "./with-reason.ts";

export interface Pin {
  readonly itemIndex: ItemIndex;
  /** Place in the ranking, from 1. */
  readonly position: number;
}

/**
 * Puts named items at named places and removes others, by an operator's wish. Only moves what is
 * in the ranking: a pinned item that was not retrieved, or did not pass a filter, does not appear.
 * Of two pins to one place the later one stands behind the earlier.
 */
export class Pins implements Reranker {
  readonly name = "pins";
  readonly #pins: readonly Pin[];
  readonly #excluded: ReadonlySet<ItemIndex>;

  constructor(pins: readonly Pin[], excluded: ReadonlySet<ItemIndex> = new Set()) {
    for (const { itemIndex, position } of pins) {
      if (!Number.isInteger(position) || position < 1) {
        throw new RangeError(`Item row ${itemIndex} is pinned to ${position}; places start at 1`);
      }
    }
    this.#pins = pins.toSorted((a, b) => a.position - b.position);
    this.#excluded = excluded;
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const kept = ranking.filter(({ itemIndex }) => !this.#excluded.has(itemIndex));
    const pinned = new Map<ItemIndex, Candidate>();
    const wanted = new Set(this.#pins.map(({ itemIndex }) => itemIndex));
    const free = kept.filter((candidate) => {
      if (!wanted.has(candidate.itemIndex)) return true;
      pinned.set(candidate.itemIndex, candidate);
      return false;
    });
    const result: Candidate[] = [];
    let nextFree = 0;
    for (const { itemIndex, position } of this.#pins) {
      const candidate = pinned.get(itemIndex);
      if (candidate === undefined) continue;
      pinned.delete(itemIndex); // an item pinned twice stands at its first place only
      while (result.length < position - 1 && nextFree < free.length) {
        result.push(free[nextFree++]!);
      }
      result.push(withReason(candidate, this.name, 0, { kind: "rule", rule: "pinned" }));
    }
    return [...result, ...free.slice(nextFree)];
  }
}
