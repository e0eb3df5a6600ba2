import { DataError } from "@magpie/domain";
import type { HeldOut, Sequences, Split } from "../sequences.ts";
import { historyOf } from "../sequences.ts";
import { prefixesOf } from "./prefixes.ts";

/**
 * Holds out each user's last item for test and the last but one for validation.
 *
 *     past of validation        │ v │
 *     1 ── 2 ── 3 ── 4 ── 5 ── 6 ── 7 ── 8
 *     past of test                   │ t │     training sees 1 … 6
 *
 * Users with fewer than three interactions stay in the training data whole and are not asked
 * about. Validation and test hold the same users, in order of user row.
 *
 * Mind: cut at a different moment for each user, training data holds events of others that are
 * later than a held-out one, so a model may know what was in fashion "tomorrow". Where the data
 * has times, put `splitByTime` beside it.
 *
 * @throws {DataError} `NOTHING_TO_HOLD_OUT` when no user has three interactions
 */
export function leaveOneOut(sequences: Sequences): Split {
  const { userCount, offsets, items } = sequences;
  const trainLengths = new Int32Array(userCount);
  const asked: number[] = [];
  for (let user = 0; user < userCount; user++) {
    const length = offsets[user + 1]! - offsets[user]!;
    const isAsked = length >= 3;
    trainLengths[user] = isAsked ? length - 2 : length;
    if (isAsked) asked.push(user);
  }
  if (asked.length === 0) {
    throw new DataError(
      "NOTHING_TO_HOLD_OUT",
      `None of the ${userCount} users has 3 interactions, so none can be held out.`,
      "Import more events, or evaluate with a time split.",
    );
  }
  /** The item `fromEnd` places before the end, asked after what stands before it. */
  const heldOut = (fromEnd: number): HeldOut => ({
    pasts: asked.map((user) => {
      const { length } = historyOf(sequences, user).items;
      return historyOf(sequences, user, length - fromEnd);
    }),
    targetOffsets: Int32Array.from({ length: asked.length + 1 }, (_, i) => i),
    targets: Int32Array.from(asked, (user) => items[offsets[user + 1]! - fromEnd]!),
  });
  return {
    protocol: "leave-one-out",
    train: prefixesOf(sequences, trainLengths),
    validation: heldOut(2),
    test: heldOut(1),
  };
}
