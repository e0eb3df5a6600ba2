import type { History, VectorScorer } from "@magpie/domain";
import type { HistoryEffect } from "../model.ts";
import type { ItemTable } from "./item-table.ts";

/** Newest history items that are left out one by one. */
const explainedItems = 10;

/** A model of which it is asked what moved its scores. */
export interface ExplainedModel extends Pick<VectorScorer, "encode" | "width" | "itemCount"> {
  readonly itemTable: ItemTable;
  readonly repeatBias: number;
  readonly config: { readonly historyLimit: number };
}

/**
 * Leaves the newest items of the past (at most 10) out, one at a time, and measures how the scores
 * change: all pasts are encoded in one batch. Older items have no entry, and an item that came after
 * the training has no effects.
 *
 * @returns one list per item of `items`, largest effect first
 */
export async function effectsOfLeavingOut(
  model: ExplainedModel,
  history: History,
  items: Int32Array,
): Promise<HistoryEffect[][]> {
  const { width, itemCount, itemTable, repeatBias, config } = model;
  const length = history.items.length;
  const places = Array.from({ length: Math.min(length, explainedItems) }, (_, i) => length - 1 - i);
  const without = places.map((place) => {
    const stays = (_: number, other: number): boolean => other !== place;
    const { userIndex, items, timestampsMs } = history;
    return {
      userIndex,
      items: items.filter(stays),
      ...(timestampsMs && { timestampsMs: timestampsMs.filter(stays) }),
    };
  });
  const pasts = [history, ...without];
  const users = new Float32Array(pasts.length * width);
  await model.encode(pasts, users);
  const scoreOf = (past: number, item: number): number => {
    const isRepeat = pasts[past]!.items.subarray(-config.historyLimit).includes(item);
    const user = users.subarray(past * width, (past + 1) * width);
    return itemTable.dot(user, item) + (isRepeat ? repeatBias : 0);
  };
  return Array.from(items, (item) => {
    if (!(item > 0 && item <= itemCount)) return [];
    const whole = scoreOf(0, item);
    return places
      .map((position, i) => ({ position, effect: whole - scoreOf(i + 1, item) }))
      .sort((a, b) => b.effect - a.effect);
  });
}
