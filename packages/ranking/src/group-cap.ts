import type { Candidate, ItemIndex, Reranker, ServingRequest } from "@magpie/domain";
import { withReason } from "./with-reason.ts";

export interface GroupCapConfig {
  /** What is capped, for explanations: "brand", "category", "shop". */
  readonly group: string;
  /** Groups of an item, as numbers from 0; items without any are never capped. */
  readonly groupsOf: (item: ItemIndex) => Iterable<number>;
  /** At most this many of one group … */
  readonly atMost: number;
  /** … among this many places from the top. */
  readonly within: number;
}

/**
 * At most so many items of one brand (or category, or seller) among the first places. Those over
 * the cap move behind the first places in their order; they fill up again only when nothing else
 * is left.
 */
export class GroupCap implements Reranker {
  readonly name: string;
  readonly #config: GroupCapConfig;

  constructor(config: GroupCapConfig) {
    this.name = `${config.group}-cap`;
    this.#config = config;
    if (!(config.atMost >= 1 && config.within >= 1)) {
      throw new RangeError(
        `A cap of ${config.atMost} within ${config.within} places: both must be 1 or more`,
      );
    }
  }

  rerank(_request: ServingRequest, ranking: readonly Candidate[]): Candidate[] {
    const { groupsOf, atMost, within } = this.#config;
    const counts = new Map<number, number>();
    const first: Candidate[] = [];
    const over: Candidate[] = [];
    const rest: Candidate[] = [];
    for (const candidate of ranking) {
      if (first.length === within) {
        rest.push(candidate);
        continue;
      }
      const groups = new Set(groupsOf(candidate.itemIndex));
      if ([...groups].some((group) => group >= 0 && (counts.get(group) ?? 0) >= atMost)) {
        over.push(candidate);
        continue;
      }
      for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
      first.push(candidate);
    }
    const moved = over.map((candidate) =>
      withReason(candidate, this.name, 0, { kind: "rule", rule: this.name }),
    );
    return [...first, ...moved, ...rest];
  }
}
