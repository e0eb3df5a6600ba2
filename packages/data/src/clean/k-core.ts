import type { Sequences } from "../sequences.ts";

export interface KCoreOptions {
  /** Users with fewer interactions are left out. */
  readonly minPerUser: number;
  /** Items with fewer interactions are left out. */
  readonly minPerItem: number;
}

export interface KCore {
  /** Item rows keep their numbers; user rows are renumbered. */
  readonly sequences: Sequences;
  /** For each user row of `sequences`, its row before. */
  readonly users: Int32Array;
  /** How many interactions were left out. */
  readonly removed: number;
  /** Passes until nothing changed any more. */
  readonly rounds: number;
}

/**
 * The largest part of the interactions in which every user has at least `minPerUser` and every
 * item at least `minPerItem` of them. Leaving one out can push another below its bound, so the
 * filter repeats until nothing changes; the result does not depend on the order.
 */
export function kCore(sequences: Sequences, options: KCoreOptions): KCore {
  const { offsets, items, userCount, itemCount } = sequences;
  const perUser = new Int32Array(userCount);
  const perItem = new Int32Array(itemCount + 1);
  const isOut = new Uint8Array(items.length);
  for (let u = 0; u < userCount; u++) perUser[u] = offsets[u + 1]! - offsets[u]!;
  for (const item of items) perItem[item]!++;

  let removed = 0;
  let rounds = 0;
  for (let changed = true; changed; rounds++) {
    changed = false;
    for (let u = 0; u < userCount; u++) {
      const userGoes = perUser[u]! < options.minPerUser;
      for (let i = offsets[u]!; i < offsets[u + 1]!; i++) {
        if (isOut[i] === 1 || !(userGoes || perItem[items[i]!]! < options.minPerItem)) continue;
        isOut[i] = 1;
        perUser[u]!--;
        perItem[items[i]!]!--;
        removed++;
        changed = true;
      }
    }
  }

  const users: number[] = [];
  const keptOffsets = [0];
  const kept: number[] = [];
  for (let u = 0; u < userCount; u++) {
    if (perUser[u] === 0) continue;
    users.push(u);
    for (let i = offsets[u]!; i < offsets[u + 1]!; i++) if (isOut[i] === 0) kept.push(i);
    keptOffsets.push(kept.length);
  }
  return {
    sequences: {
      userCount: users.length,
      itemCount,
      offsets: Int32Array.from(keptOffsets),
      items: Int32Array.from(kept, (i) => items[i]!),
      ...(sequences.timestampsMs && {
        timestampsMs: Float64Array.from(kept, (i) => sequences.timestampsMs![i]!),
      }),
      ...(sequences.weights && { weights: Float32Array.from(kept, (i) => sequences.weights![i]!) }),
    },
    users: Int32Array.from(users),
    removed,
    rounds,
  };
}
