import type { Sequences } from "@magpie/data";
import { productRows, topK, transpose } from "@magpie/numerics";
import { interactionMatrix } from "./interaction-matrix.ts";

/** The items that may explain one item, and what a regression on them needs. */
export interface Neighbourhood {
  readonly target: number;
  /** Most similar first. */
  readonly candidates: Int32Array;
  /** [candidates, candidates]: inner products of the candidates' columns. */
  readonly gram: Float64Array;
  /** [candidates]: inner products with the target's column. */
  readonly products: Float64Array;
}

/** Shrinks the similarity that picks candidates; see `ItemKnnConfig.shrinkage`. */
const candidateShrinkage = 20;

/** At most so many pairs of items share a user; each takes 8 bytes while neighbourhoods are made. */
export function pairsBound({ userCount, itemCount, offsets }: Sequences): number {
  let pairs = 0;
  for (let user = 0; user < userCount; user++) pairs += (offsets[user + 1]! - offsets[user]!) ** 2;
  return Math.min(pairs, itemCount ** 2);
}

/**
 * Each item in turn with the `limit` items most similar to it by shrunk cosine, for models that
 * solve one small regression for each item. Memory grows with the pairs of items that share a user.
 */
export function* itemNeighbourhoods(
  train: Sequences,
  limit: number,
  userDamping: number,
): Generator<Neighbourhood> {
  const byUser = interactionMatrix(train, userDamping);
  const size = train.itemCount + 1;
  const rows: { readonly indices: Int32Array; readonly values: Float32Array }[] = [];
  const squares = new Float64Array(size);
  for (const { row, indices, values } of productRows(transpose(byUser), byUser)) {
    rows.push({ indices: indices.slice(), values: values.slice() });
    squares[row] = values[indices.indexOf(row)] ?? 0;
  }
  /** Place of an item among the candidates of the present target, or -1. */
  const placeOf = new Int32Array(size).fill(-1);
  for (let target = 1; target < size; target++) {
    const row = rows[target]!;
    const similarity = row.values.map((product, p) => {
      const other = row.indices[p]!;
      if (other === target) return -Infinity;
      return product / (Math.sqrt(squares[target]! * squares[other]!) + candidateShrinkage);
    });
    const chosen = topK(similarity, limit).indices;
    const n = chosen.length;
    const candidates = chosen.map((p) => row.indices[p]!);
    const products = Float64Array.from(chosen, (p) => row.values[p]!);
    const gram = new Float64Array(n * n);
    candidates.forEach((item, place) => (placeOf[item] = place));
    candidates.forEach((item, place) => {
      const { indices, values } = rows[item]!;
      for (let p = 0; p < indices.length; p++) {
        const other = placeOf[indices[p]!]!;
        if (other >= 0) gram[place * n + other] = values[p]!;
      }
    });
    for (const item of candidates) placeOf[item] = -1;
    yield { target, candidates, gram, products };
  }
}
