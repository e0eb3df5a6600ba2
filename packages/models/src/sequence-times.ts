import type { SequenceBatch } from "./sequence-batches.ts";

const minuteMs = 60_000;

/**
 * The bucket of the time that lies between two items: 0 below a minute, then one for each doubling; the last
 * holds all that is longer. 22 buckets tell times apart up to two years.
 */
export function timeGap(betweenMs: number, buckets: number): number {
  const minutes = Math.min(2 ** 31 - 1, Math.max(0, Math.floor(betweenMs / minuteMs)));
  return Math.min(buckets - 1, 32 - Math.clz32(minutes));
}

/** Buckets between the places of a past and all places before them: `out` [T, T], row by row. */
export function fillTimeGaps(
  timesMs: Float64Array,
  buckets: number,
  out: Int32Array,
  T: number,
): void {
  for (let to = 0; to < timesMs.length; to++) {
    for (let from = 0; from <= to; from++) {
      out[to * T + from] = timeGap(timesMs[to]! - timesMs[from]!, buckets);
    }
  }
}

/** The same for each row of a batch: `out` [R, T, T]. What lies between two pasts of a row means nothing. */
export function batchTimeGaps(batch: SequenceBatch, buckets: number, out: Int32Array): void {
  const { rows, length, timesMs } = batch;
  if (timesMs === undefined) throw new Error("internal: the batch holds no times");
  for (let row = 0; row < rows; row++) {
    const times = timesMs.subarray(row * length, (row + 1) * length);
    fillTimeGaps(times, buckets, out.subarray(row * length * length), length);
  }
}
