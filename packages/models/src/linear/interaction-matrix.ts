import type { Sequences } from "@magpie/data";
import { csrFromEntries, type CsrMatrix } from "@magpie/numerics";
import { strength } from "./linear-item-model.ts";

/**
 * Users × items as linear models see them: [userCount, itemCount + 1], column 0 empty. A user's
 * interactions with one item are summed before `strength` flattens the sum.
 *
 * @param userDamping  divides a user's row by its number of items to this power
 */
export function interactionMatrix(sequences: Sequences, userDamping: number): CsrMatrix {
  const { userCount, itemCount, offsets, items, weights } = sequences;
  const users = new Int32Array(items.length);
  for (let user = 0; user < userCount; user++) users.fill(user, offsets[user]!, offsets[user + 1]!);
  const matrix = csrFromEntries(userCount, itemCount + 1, users, items, weights);
  for (let user = 0; user < userCount; user++) {
    const [from, to] = [matrix.offsets[user]!, matrix.offsets[user + 1]!];
    const damping = (to - from) ** userDamping;
    for (let p = from; p < to; p++) matrix.values[p] = strength(matrix.values[p]!) / damping;
  }
  return matrix;
}

/** Bytes of that matrix, or of its transpose. */
export function interactionMatrixBytes({ userCount, itemCount, items }: Sequences): number {
  return 8 * items.length + 4 * (userCount + itemCount);
}
