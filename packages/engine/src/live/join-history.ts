import { feedbackWeight, type HistoryEntry, type ItemIndex } from "@magpie/domain";
import { returnedPurchases, type Act } from "./histories.ts";

/** A pause longer than this ends a run of acts on one item; the default of `buildSequences`. */
const runGapMs = 24 * 3_600_000;

/**
 * A user's acts as models see them: settled by the rules by which training data was settled
 * (`buildSequences` with its defaults), so that a model meets at serving time what it learnt from.
 *
 * Purchases that were returned whole do not count; a run of consecutive acts on one item is one
 * entry, with the strongest weight, at the time of its first act; items that the snapshot does not
 * know are left out.
 *
 * @param acts     oldest first
 * @param indexOf  -1 for an item without an index
 */
export function joinHistory(
  acts: readonly Act[],
  indexOf: (itemId: string) => ItemIndex | -1,
): HistoryEntry[] {
  const returned = returnedPurchases(acts);
  const entries: { itemIndex: ItemIndex; timestampMs: number; weight: number }[] = [];
  let lastMs = -Infinity;
  for (const act of acts) {
    const weight = feedbackWeight(act.type);
    if (weight === 0 || returned.has(act)) continue;
    const itemIndex = indexOf(act.itemId);
    if (itemIndex === -1) continue;
    const last = entries.at(-1);
    const isRun = last?.itemIndex === itemIndex && act.timestampMs - lastMs <= runGapMs;
    lastMs = act.timestampMs;
    if (isRun) last.weight = Math.max(last.weight, weight);
    else entries.push({ itemIndex, timestampMs: act.timestampMs, weight });
  }
  return entries;
}
