import type { History } from "@magpie/domain";

/**
 * Interactions grouped by user, oldest first, packed into flat arrays: user row `u` owns the
 * positions `offsets[u]` up to (not including) `offsets[u + 1]`. What training reads.
 */
export interface Sequences {
  readonly userCount: number;
  /** Item rows run from 1 to `itemCount`; row 0 is padding and never occurs in `items`. */
  readonly itemCount: number;
  /** [userCount + 1] */
  readonly offsets: Int32Array;
  /** ItemIndex of each interaction. */
  readonly items: Int32Array;
  /** Unix milliseconds; absent where the data has only an order. */
  readonly timestampsMs?: Float64Array;
  /** Feedback weight of each interaction; absent means 1 each. */
  readonly weights?: Float32Array;
}

/**
 * The past of user row `u`, or its first `length` interactions, as views into the packed arrays: no
 * copy.
 */
export function historyOf(sequences: Sequences, u: number, length?: number): History {
  const from = sequences.offsets[u]!;
  const to = length === undefined ? sequences.offsets[u + 1]! : from + length;
  return {
    userIndex: u,
    items: sequences.items.subarray(from, to),
    ...(sequences.timestampsMs && { timestampsMs: sequences.timestampsMs.subarray(from, to) }),
    ...(sequences.weights && { weights: sequences.weights.subarray(from, to) }),
  };
}

/**
 * What evaluation asks about: for each case a past, and the items that really came next.
 * Cases are users (leave-one-out, time split) or session prefixes.
 */
export interface HeldOut {
  readonly pasts: readonly History[];
  /** [cases + 1]; case `i` owns `targets[targetOffsets[i] … targetOffsets[i + 1])`. */
  readonly targetOffsets: Int32Array;
  /** ItemIndex of the held-out items. */
  readonly targets: Int32Array;
}

/** Training data and the two held-out parts; validation picks, test is read once. */
export interface Split {
  /** How it was made, in words for tables: "leave-one-out", "time split at 2011-11-01". */
  readonly protocol: string;
  readonly train: Sequences;
  readonly validation: HeldOut;
  readonly test: HeldOut;
}
