import type { Sequences } from "@magpie/data";
import { csrFromEntries, productRows, topK, transpose } from "@magpie/numerics";
import { interactionMatrix, interactionMatrixBytes } from "../linear/interaction-matrix.ts";
import { NeighbourLists } from "./neighbour-lists.ts";
import { uncollectedBytes } from "../training-cost.ts";

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

/** Items whose partners are counted by `pairsEstimate`. */
const countedItems = 1_024;

/**
 * About how many ordered pairs of items share a user, an item's pair with itself included; each takes
 * 8 bytes while neighbourhoods are made. Exact up to 1,024 items. Beyond that the partners of so many
 * items are counted, evenly spread from the most to the least popular, because partners grow with
 * popularity and a sum over users would count a pair once for every user that it shares.
 */
export function pairsEstimate({ userCount, itemCount, offsets, items }: Sequences): number {
  const users = new Int32Array(items.length);
  for (let user = 0; user < userCount; user++) users.fill(user, offsets[user]!, offsets[user + 1]!);
  const { offsets: starts, indices: usersOf } = csrFromEntries(
    itemCount + 1,
    userCount,
    items,
    users,
  );
  const degree = (item: number) => starts[item + 1]! - starts[item]!;
  const byPopularity = Int32Array.from({ length: itemCount }, (_, i) => i + 1).sort(
    (a, b) => degree(b) - degree(a) || a - b,
  );
  const counted = Math.min(countedItems, itemCount);
  const countedFor = new Int32Array(itemCount + 1);
  let pairs = 0;
  for (let c = 0; c < counted; c++) {
    const item = byPopularity[Math.floor(((c + 0.5) * itemCount) / counted)]!;
    for (let p = starts[item]!; p < starts[item + 1]!; p++) {
      const user = usersOf[p]!;
      for (let q = offsets[user]!; q < offsets[user + 1]!; q++) {
        if (countedFor[items[q]!] === item) continue;
        countedFor[items[q]!] = item;
        pairs++;
      }
    }
  }
  return counted === 0 ? 0 : Math.round((pairs * itemCount) / counted);
}

/**
 * Memory that a model takes which keeps so many entries from each item's neighbourhood: inner products of all
 * pairs beside lists that grow, or the lists turned at the end, when the products are gone.
 */
export function neighbourhoodBytes(train: Sequences, kept: number): number {
  const pairs = pairsEstimate(train);
  // No item has more neighbours than it shares users with others.
  const entries = Math.min(pairs, train.itemCount * kept);
  const whileSolving = 8 * pairs + NeighbourLists.bytesOf(entries);
  const atEnd = NeighbourLists.bytesAtEnd(entries);
  // Twice: a system of candidates is made and dropped for each item.
  const dropped = 2 * uncollectedBytes;
  return 2 * interactionMatrixBytes(train) + Math.max(whileSolving, atEnd) + dropped;
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
