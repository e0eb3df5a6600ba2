import type { Sequences } from "@magpie/data";
import type { Random } from "@magpie/numerics";

/**
 * Batches of next-item examples. Most shoppers have short pasts (median 6 items on public data),
 * so padding every one to the limit would compute mostly padding. Several pasts share a row
 * instead, and attention stays inside each of them:
 *
 *     items      3 8 1 7 │ 5 2 │ 9 4 6 │ 0      one row of T = 10 positions
 *     segments   0 0 0 0 │ 1 1 │ 2 2 2 │ 3
 *     positions  3 2 1 0 │ 1 0 │ 2 1 0 │ 0
 *     targets    8 1 7 2 │ 2 6 │ 4 6 1 │ 0      the next item of the same user
 *     weights    w w w w │ w w │ w w w │ 0      w = 1 / targets in the batch
 */
export interface SequenceBatch {
  /** Rows R and positions T per row; all arrays are [R · T]. */
  readonly rows: number;
  readonly length: number;
  /** ItemIndex; 0 is padding. */
  readonly items: Int32Array;
  /** Equal within one past, different between the pasts of a row. */
  readonly segments: Int32Array;
  /** Number of newer items in its past. */
  readonly positions: Int32Array;
  readonly targets: Int32Array;
  readonly weights: Float32Array;
  /** Unix milliseconds of the items, for networks that read times. */
  readonly timesMs?: Float64Array;
}

/** A batch of nothing but padding, to be filled. */
export function emptyBatch(rows: number, length: number): SequenceBatch {
  const n = rows * length;
  return {
    rows,
    length,
    items: new Int32Array(n),
    segments: new Int32Array(n),
    positions: new Int32Array(n),
    targets: new Int32Array(n),
    weights: new Float32Array(n),
  };
}

/** A run of interactions that is one example row: its items but the last are inputs. */
export interface Span {
  /** Place of its first item in `Sequences.items`. */
  readonly from: number;
  /** Number of inputs, at most T. */
  readonly inputs: number;
}

/**
 * All users' pasts as spans of at most `limit` inputs. A longer past becomes several spans, cut from
 * its end, so that the newest items always stand in a full one.
 */
export function spansOf({ userCount, offsets }: Sequences, limit: number): Span[] {
  const spans: Span[] = [];
  for (let user = 0; user < userCount; user++) {
    for (let to = offsets[user + 1]!; to - offsets[user]! >= 2;) {
      const inputs = Math.min(limit, to - 1 - offsets[user]!);
      spans.push({ from: to - 1 - inputs, inputs });
      to -= inputs;
    }
  }
  return spans;
}

/**
 * Fills `batch` again and again with spans in random order until every span was in one.
 *
 * @yields the number of targets in the batch, after each filling
 */
export function* packedBatches(
  sequences: Sequences,
  spans: readonly Span[],
  batch: SequenceBatch,
  random: Random,
): Generator<number> {
  const order = random.shuffle(Array.from(spans));
  /** Positions taken, and pasts begun, per row. */
  const taken = new Int32Array(batch.rows);
  const begun = new Int32Array(batch.rows);
  let targets = 0;

  const clear = (): void => {
    for (const array of [batch.items, batch.segments, batch.positions, batch.targets]) {
      array.fill(0);
    }
    batch.weights.fill(0);
    taken.fill(0);
    begun.fill(0);
    targets = 0;
  };
  const finish = (): number => {
    for (let row = 0; row < batch.rows; row++) {
      const start = row * batch.length;
      batch.segments.fill(begun[row]!, start + taken[row]!, start + batch.length);
      batch.weights.fill(1 / targets, start, start + taken[row]!);
    }
    return targets;
  };

  clear();
  for (const { from, inputs } of order) {
    let row = tightestRow(taken, batch.length, inputs);
    if (row === -1) {
      yield finish();
      clear();
      row = 0;
    }
    const at = row * batch.length + taken[row]!;
    batch.items.set(sequences.items.subarray(from, from + inputs), at);
    batch.timesMs?.set(sequences.timestampsMs!.subarray(from, from + inputs), at);
    batch.targets.set(sequences.items.subarray(from + 1, from + inputs + 1), at);
    batch.segments.fill(begun[row]!, at, at + inputs);
    for (let place = 0; place < inputs; place++) batch.positions[at + place] = inputs - 1 - place;
    taken[row]! += inputs;
    begun[row]!++;
    targets += inputs;
  }
  if (targets > 0) yield finish();
}

/** The row where the span leaves the least room (best fit), or -1. */
function tightestRow(taken: Int32Array, length: number, inputs: number): number {
  let best = -1;
  for (let row = 0; row < taken.length; row++) {
    const fits = taken[row]! + inputs <= length;
    if (fits && (best === -1 || taken[row]! > taken[best]!)) best = row;
  }
  return best;
}
