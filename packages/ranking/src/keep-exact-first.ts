import type { Candidate, ItemIndex } from "@magpie/domain";
import { withReason } from "./with-reason.ts";

/** The rule's name, in explanations. */
const rule = "exact-match";

/**
 * Takes back what a reordering did to those who know what they want: an item that the query names
 * more exactly never stands behind one that it stood before. Among items named equally exactly, the new
 * order holds.
 *
 *     before:  A*  b  C*  d       after reordering:  b  d  C*  A*       result:  C*  A*  b  d
 *
 * Whoever would pass is lowered to just below, as a contribution of its own, so the scores still tell
 * the order.
 *
 * @param before    the order that is not to be lowered
 * @param after     the same items with new scores, best first
 * @param exactness how exactly the query names an item: more is more exact
 */
export function keepExactFirst(
  before: readonly ItemIndex[],
  after: readonly Candidate[],
  exactness: (item: ItemIndex) => number,
): Candidate[] {
  const levels = before.map(exactness);
  if (levels.every((level) => level === levels[0])) return [...after];
  const newly = new Map(after.map((candidate) => [candidate.itemIndex, candidate]));
  /** Least score so far of those above each level: a higher one may not be passed from behind. */
  const ceilings: { level: number; score: number }[] = [];
  const kept = new Map<ItemIndex, Candidate>();
  before.forEach((item, place) => {
    const candidate = newly.get(item);
    if (candidate === undefined) return;
    const level = levels[place]!;
    let ceiling = Infinity;
    for (const above of ceilings) {
      if (above.level > level) ceiling = Math.min(ceiling, above.score);
    }
    const own = candidate.score < ceiling ? candidate.score : justBelow(ceiling);
    kept.set(
      item,
      own === candidate.score
        ? candidate
        : withReason(candidate, rule, own - candidate.score, { kind: "rule", rule }),
    );
    const known = ceilings.find((other) => other.level === level);
    if (known === undefined) ceilings.push({ level, score: own });
    else known.score = Math.min(known.score, own);
  });
  const placeAfter = new Map(after.map(({ itemIndex }, place) => [itemIndex, place]));
  return [...kept.values()].sort(
    (a, b) => b.score - a.score || placeAfter.get(a.itemIndex)! - placeAfter.get(b.itemIndex)!,
  );
}

/** The next lower number that a sort still tells apart, whatever the size of the score. */
function justBelow(score: number): number {
  return score - Math.max(1e-9, Math.abs(score) * 1e-12);
}
