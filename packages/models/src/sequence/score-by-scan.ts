import type { History } from "@magpie/domain";

/** What turns users' vectors into scores. */
export interface ScannedItems {
  /** A vector's products with all item rows: [items + 1], valid until the next call. */
  readonly scan: (user: Float32Array) => Float32Array;
  /** Added to items of the newest part of a past. */
  readonly repeatBias: number;
  /** How many items of a past are read. */
  readonly historyLimit: number;
  /** D */
  readonly width: number;
  readonly itemCount: number;
}

/** The items that a past's newest part holds, each once; those that came after the training are left out. */
export function itemsOfPast({ items }: History, historyLimit: number, itemCount: number): number[] {
  const newest = new Set(items.subarray(-historyLimit));
  return [...newest].filter((item) => item > 0 && item <= itemCount);
}

/**
 * Scores of all items, one past after the other.
 *
 * @param users  [B, D]: vectors of the pasts
 * @param out    [B, items + 1]; column 0 becomes -Infinity
 */
export function scoreByScan(
  { scan, repeatBias, historyLimit, width, itemCount }: ScannedItems,
  histories: readonly History[],
  users: Float32Array,
  out: Float32Array,
): void {
  const size = itemCount + 1;
  histories.forEach((history, b) => {
    const row = out.subarray(b * size, (b + 1) * size);
    row.set(scan(users.subarray(b * width, (b + 1) * width)));
    if (repeatBias !== 0) {
      for (const item of itemsOfPast(history, historyLimit, itemCount)) row[item]! += repeatBias;
    }
    row[0] = -Infinity;
  });
}
