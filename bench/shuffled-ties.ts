import type { Sequences } from "@magpie/data";
import { seededRandom } from "@magpie/numerics";

/**
 * The same interactions, those of one user at one moment in an order by chance: what a model owes to the
 * order in which a file happens to list one basket is gone.
 *
 * @throws {RangeError} where the data has no times: nothing says which interactions are tied
 */
export function withTiesShuffled(sequences: Sequences, seed: number): Sequences {
  const { timestampsMs: times, offsets, userCount } = sequences;
  if (times === undefined) {
    throw new RangeError("Ties cannot be shuffled: the data has an order and no times.");
  }
  const random = seededRandom(seed, "ties");
  const order = new Int32Array(sequences.items.length);
  for (let u = 0; u < userCount; u++) {
    for (let from = offsets[u]!, to = from; from < offsets[u + 1]!; from = to) {
      while (to < offsets[u + 1]! && times[to] === times[from]) to++;
      const tied = random.shuffle(Array.from({ length: to - from }, (_, i) => from + i));
      order.set(tied, from);
    }
  }
  const { weights } = sequences;
  return {
    ...sequences,
    items: order.map((at) => sequences.items[at]!),
    ...(weights && { weights: Float32Array.from(order, (at) => weights[at]!) }),
  };
}
