import type { Random } from "@magpie/numerics";

const dayMs = 86_400_000;

/**
 * Spans of time in which a variant cannot be bought, as alternating starts and ends in Unix
 * milliseconds: [from, to, from, to, …], ascending, not overlapping.
 */
export type Gaps = readonly number[];

/**
 * Draws stock-outs between two moments: exponential waits, then 2 to 14 days until the delivery.
 *
 * @param meanDaysBetween  shorter for products that sell fast
 */
export function drawGaps(
  random: Random,
  fromMs: number,
  toMs: number,
  meanDaysBetween: number,
): Gaps {
  const gaps: number[] = [];
  let t = fromMs;
  for (;;) {
    t += -Math.log(1 - random.next()) * meanDaysBetween * dayMs;
    if (t >= toMs) return gaps;
    const end = t + (2 + 12 * random.next()) * dayMs;
    gaps.push(Math.round(t), Math.round(end));
    t = end;
  }
}

/** Whether `tMs` lies in one of the gaps; a gap includes its start and excludes its end. */
export function inGap(gaps: Gaps, tMs: number): boolean {
  for (let i = 0; i < gaps.length; i += 2) {
    if (tMs < gaps[i]!) return false;
    if (tMs < gaps[i + 1]!) return true;
  }
  return false;
}

/** The union of two sets of gaps. */
export function mergeGaps(a: Gaps, b: Gaps): Gaps {
  const spans: [number, number][] = [];
  for (const gaps of [a, b]) {
    for (let i = 0; i < gaps.length; i += 2) spans.push([gaps[i]!, gaps[i + 1]!]);
  }
  spans.sort((x, y) => x[0] - y[0]);
  const merged: number[] = [];
  for (const [from, to] of spans) {
    if (merged.length > 0 && from <= merged.at(-1)!) {
      merged[merged.length - 1] = Math.max(merged.at(-1)!, to);
    } else {
      merged.push(from, to);
    }
  }
  return merged;
}

/** The time that lies in a gap of every one of the sets. */
export function commonGaps(sets: readonly Gaps[]): Gaps {
  const [first = [], ...rest] = sets;
  return rest.reduce((common: Gaps, gaps) => {
    const shared: number[] = [];
    for (let i = 0; i < common.length; i += 2) {
      for (let j = 0; j < gaps.length; j += 2) {
        const from = Math.max(common[i]!, gaps[j]!);
        const to = Math.min(common[i + 1]!, gaps[j + 1]!);
        if (from < to) shared.push(from, to);
      }
    }
    return shared;
  }, first);
}
