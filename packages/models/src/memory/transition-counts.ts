import type { Sequences } from "@magpie/data";
import { type CsrMatrix, csrFromEntries } from "@magpie/numerics";

/** Which pairs of a sequence count as a transition, and how much. */
export interface TransitionReach {
  /** Places that may lie between an item and its follower, and one. */
  readonly reach: number;
  /** A follower `d` places on counts fading^(d - 1). */
  readonly fading: number;
  /** What came before counts so much of what came after. */
  readonly backward: number;
}

/**
 * What follows what, counted:
 *
 *     A[i, j] = Σ over users, places p < q ≤ p + reach, items i at p and j at q, of fading^(q - p - 1)
 *               (and `backward` of it to A[j, i])
 *
 * @returns  [itemCount + 1, itemCount + 1]; nothing on the diagonal
 */
export function countTransitions(sequences: Sequences, config: TransitionReach): CsrMatrix {
  const { itemCount, items } = sequences;
  const { reach, fading, backward } = config;
  const pairs = pairCount(sequences, reach);
  const from = new Int32Array(2 * pairs);
  const to = new Int32Array(2 * pairs);
  const counts = new Float32Array(2 * pairs);
  let at = 0;
  forEachPair(sequences, reach, (p, q) => {
    const count = fading ** (q - p - 1);
    from[at] = items[p]!;
    to[at] = items[q]!;
    counts[at++] = count;
    from[at] = items[q]!;
    to[at] = items[p]!;
    counts[at++] = count * backward;
  });
  const size = itemCount + 1;
  return csrFromEntries(size, size, from, to, counts);
}

/** Memory that counting takes at most: 44 bytes for each entry, in lists, their order, and packed. */
export function countTransitionsBytes(sequences: Sequences, reach: number): number {
  return 44 * 2 * pairCount(sequences, reach);
}

function pairCount(sequences: Sequences, reach: number): number {
  let pairs = 0;
  forEachPair(sequences, reach, () => pairs++);
  return pairs;
}

/** Two places of one sequence, not more than `reach` apart, with different items. */
function forEachPair(
  { userCount, offsets, items }: Sequences,
  reach: number,
  visit: (p: number, q: number) => void,
): void {
  for (let user = 0; user < userCount; user++) {
    const end = offsets[user + 1]!;
    for (let p = offsets[user]!; p < end; p++) {
      for (let q = p + 1; q < end && q <= p + reach; q++) {
        if (items[p] !== items[q]) visit(p, q);
      }
    }
  }
}
