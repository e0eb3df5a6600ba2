import { topK } from "@magpie/numerics";
import type { TextSort } from "./text-index.ts";

/** Places of the best rows in `rows`, best first; equal ones by lower row. */
export function bestPlaces(
  rows: Int32Array,
  scoreOf: (row: number) => number,
  sort: TextSort | undefined,
  count: number,
): Int32Array {
  if (sort !== undefined) return sortedPlaces(rows, scoreOf, sort, count);
  const scores = new Float32Array(rows.length);
  for (let i = 0; i < rows.length; i++) scores[i] = scoreOf(rows[i]!);
  return Int32Array.from(topK(scores, count).indices);
}

function sortedPlaces(
  rows: Int32Array,
  scoreOf: (row: number) => number,
  { valueOf, order }: TextSort,
  count: number,
): Int32Array {
  // Smallest first either way; unknown values are larger than all.
  const direction = order === "ascending" ? 1 : -1;
  const keys = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const value = valueOf(rows[i]!);
    keys[i] = Number.isNaN(value) ? Infinity : direction * value;
  }
  // Sorting numbers alone is native and fast; only what reaches the page is compared in full.
  const last = keys.slice().sort()[Math.min(count, keys.length) - 1] ?? -Infinity;
  const reaching: number[] = [];
  for (let i = 0; i < keys.length; i++) if (keys[i]! <= last) reaching.push(i);
  reaching.sort((a, b) => {
    const [x, y] = [keys[a]!, keys[b]!]; // not subtracted before they differ: ∞ − ∞ is no number
    return x === y ? scoreOf(rows[b]!) - scoreOf(rows[a]!) || a - b : x - y;
  });
  return Int32Array.from(reaching.slice(0, count));
}
