import type { SequenceBatch } from "./sequence-batches.ts";

const minuteMs = 60_000;

/** The bucket of the time that lies between two items: 0 below a minute, then one for each doubling. */
export function timeGap(betweenMs: number): number {
  const minutes = Math.min(2 ** 31 - 1, Math.max(0, Math.floor(betweenMs / minuteMs)));
  return 32 - Math.clz32(minutes);
}

/** Buckets between the places of a past and all places before them: `out` [T, T], row by row. */
export function fillTimeGaps(timesMs: Float64Array, out: Int32Array, T: number): void {
  for (let to = 0; to < timesMs.length; to++) {
    for (let from = 0; from <= to; from++) {
      out[to * T + from] = timeGap(timesMs[to]! - timesMs[from]!);
    }
  }
}

/** The same for each row of a batch: `out` [R, T, T]; 0 between two pasts of a row. */
export function batchTimeGaps(batch: SequenceBatch, out: Int32Array): void {
  const { rows, length, segments, timesMs } = batch;
  if (timesMs === undefined) throw new Error("internal: the batch holds no times");
  out.fill(0);
  for (let to = 0; to < rows * length; to++) {
    const start = to - (to % length);
    for (let from = to - 1; from >= start && segments[from] === segments[to]; from--) {
      out[to * length + from - start] = timeGap(timesMs[to]! - timesMs[from]!);
    }
  }
}
