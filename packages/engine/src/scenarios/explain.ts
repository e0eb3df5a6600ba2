import type { Contribution, ItemId } from "@magpie/domain";
import type { HistoryEffect } from "@magpie/models";

/** Past items named per explained item; more would not be read. */
const maxNamed = 3;

/**
 * Puts the history items that moved a sequence model's score in the place of its one contribution.
 *
 * The model's contribution `a` to the final score is divided by what leaving items out did to the
 * model's own score `s`: item `i` with effect `eᵢ` has the share `max(0, eᵢ) / s` (in [0, 1]) and
 * the amount `a · shareᵢ`. Leaving out one of several alike items changes little, so shares may sum
 * to less than 1: the rest stays with the model as a whole. Where they sum to more, they are scaled
 * to 1. Only the largest three are named; the amounts sum to `a` in any case.
 *
 * @param contributions  of one candidate; those with another reason stay as they are
 * @param modelScore     `s`; shares need it to be positive, else nothing is divided
 * @param effects        largest first
 * @param itemAt         id of the item at a position of the history; undefined when it has no name
 */
export function nameHistoryItems(
  contributions: readonly Contribution[],
  modelScore: number,
  effects: readonly HistoryEffect[],
  itemAt: (position: number) => ItemId | undefined,
): readonly Contribution[] {
  const shares = shareByItem(modelScore, effects, itemAt);
  if (shares.length === 0) return contributions;
  return contributions.flatMap((contribution) => {
    if (contribution.reason.kind !== "sequence-model") return [contribution];
    const { stage, amount } = contribution;
    const named = shares.map(({ itemId, share }): Contribution => ({
      stage,
      amount: amount * share,
      reason: { kind: "history-item", itemId, share },
    }));
    const rest = named.reduce((left, part) => left - part.amount, amount);
    return [...named, { ...contribution, amount: rest }];
  });
}

/** An item that stands in the history several times is named once, with its shares together. */
function shareByItem(
  modelScore: number,
  effects: readonly HistoryEffect[],
  itemAt: (position: number) => ItemId | undefined,
): readonly { readonly itemId: ItemId; readonly share: number }[] {
  if (!(modelScore > 0)) return [];
  const byItem = new Map<ItemId, number>();
  let all = 0;
  for (const { position, effect } of effects) {
    const itemId = itemAt(position);
    if (itemId === undefined || !(effect > 0)) continue;
    all += effect;
    byItem.set(itemId, (byItem.get(itemId) ?? 0) + effect);
  }
  const whole = Math.max(modelScore, all);
  return [...byItem]
    .map(([itemId, effect]) => ({ itemId, share: effect / whole }))
    .sort((a, b) => b.share - a.share)
    .slice(0, maxNamed);
}
