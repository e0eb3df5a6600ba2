import type { Candidate, Contribution, RetrievedList } from "@magpie/domain";

/**
 * Joins lists into one in which each item stands once, its score the sum of what each list gives.
 *
 * The order of the lists does not matter: sums are taken in order of retriever names, and equal
 * scores are ordered by item row. Within one list only an item's first place counts.
 *
 * @param amountsOf  what a list gives to each of its candidates, in their order
 */
export function mergeLists(
  lists: readonly RetrievedList[],
  amountsOf: (list: RetrievedList) => ArrayLike<number>,
): Candidate[] {
  const merged = new Map<number, Candidate>();
  const inOrder = lists.toSorted((a, b) => compareText(a.retriever, b.retriever));
  for (const list of inOrder) {
    const amounts = amountsOf(list);
    const seen = new Set<number>();
    list.candidates.forEach(({ itemIndex, contributions }, place) => {
      if (seen.has(itemIndex)) return;
      seen.add(itemIndex);
      const amount = amounts[place]!;
      const shares = shareOut(contributions, amount, list.retriever);
      const present = merged.get(itemIndex);
      if (present === undefined) {
        merged.set(itemIndex, { itemIndex, score: amount, contributions: shares });
      } else {
        present.score += amount;
        present.contributions.push(...shares);
      }
    });
  }
  return [...merged.values()].sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
}

/**
 * The same reasons with amounts that sum to `amount`, in proportion to what spoke for the item.
 * Needed because a merged score is on another scale than the retriever's own.
 */
function shareOut(
  contributions: readonly Contribution[],
  amount: number,
  retriever: string,
): Contribution[] {
  const [only] = contributions;
  if (only === undefined) {
    return [{ stage: retriever, amount, reason: { kind: "rule", rule: retriever } }];
  }
  if (contributions.length === 1) return [{ stage: only.stage, amount, reason: only.reason }];
  let speaking = 0;
  for (const contribution of contributions) speaking += Math.max(0, contribution.amount);
  return contributions.map(({ stage, amount: own, reason }) => ({
    stage,
    amount: speaking > 0 ? amount * (Math.max(0, own) / speaking) : amount / contributions.length, // nothing spoke for it: all carry the same
    reason,
  }));
}

/** By code units, unlike `localeCompare`, so that machines with other locales agree. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
