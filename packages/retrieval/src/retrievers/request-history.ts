import type { History, HistoryEntry } from "@magpie/domain";

/**
 * A request's history as a model sees it. Acts on items that the model does not know (newer than
 * its training) are left out.
 *
 * @param itemCount  items the model knows: rows 1 to `itemCount`
 */
export function modelHistory(entries: readonly HistoryEntry[], itemCount: number): History {
  const known = entries.filter(({ itemIndex }) => itemIndex > 0 && itemIndex <= itemCount);
  return {
    userIndex: -1,
    items: Int32Array.from(known, ({ itemIndex }) => itemIndex),
    timestampsMs: Float64Array.from(known, ({ timestampMs }) => timestampMs),
    weights: Float32Array.from(known, ({ weight }) => weight),
  };
}
