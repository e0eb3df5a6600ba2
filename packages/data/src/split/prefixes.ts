import type { Sequences } from "../sequences.ts";

/** The first `lengths[user]` interactions of every user; user and item rows stay what they are. */
export function prefixesOf(sequences: Sequences, lengths: Int32Array): Sequences {
  const { userCount, itemCount, offsets } = sequences;
  const cut = new Int32Array(userCount + 1);
  for (let user = 0; user < userCount; user++) cut[user + 1] = cut[user]! + lengths[user]!;

  const copy = <T extends Int32Array | Float32Array | Float64Array>(from: T, to: T): T => {
    for (let user = 0; user < userCount; user++) {
      const start = offsets[user]!;
      to.set(from.subarray(start, start + lengths[user]!), cut[user]!);
    }
    return to;
  };
  const total = cut[userCount]!;
  const { items, timestampsMs, weights } = sequences;
  return {
    userCount,
    itemCount,
    offsets: cut,
    items: copy(items, new Int32Array(total)),
    ...(timestampsMs && { timestampsMs: copy(timestampsMs, new Float64Array(total)) }),
    ...(weights && { weights: copy(weights, new Float32Array(total)) }),
  };
}
