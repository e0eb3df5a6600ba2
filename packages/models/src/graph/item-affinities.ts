import { type CsrMatrix, productRows, transpose } from "@magpie/numerics";

/** For each item the `count` items that users take with it most, weighted. */
export interface ItemAffinities {
  readonly count: number;
  /** [columns, count] item rows; 0 where there are fewer. */
  readonly items: Int32Array;
  /** [columns, count] ω; 0 where there are fewer. */
  readonly weights: Float32Array;
}

/**
 * What items are to each other in UltraGCN, with G = RᵀR and its row sums g:
 *
 *     ω_ij = G_ij / (g_i - G_ii) · √(g_i / g_j)        j ≠ i
 *
 * @param interactions  R: [users, items + 1]
 */
export function itemAffinities(interactions: CsrMatrix, count: number): ItemAffinities {
  const { columns } = interactions;
  const flipped = transpose(interactions);
  // g needs no product of its own: Rᵀ (R 1).
  const perUser = rowSums(interactions);
  const sums = new Float64Array(columns);
  for (let item = 0; item < columns; item++) {
    for (let p = flipped.offsets[item]!; p < flipped.offsets[item + 1]!; p++) {
      sums[item]! += flipped.values[p]! * perUser[flipped.indices[p]!]!;
    }
  }
  const items = new Int32Array(columns * count);
  const weights = new Float32Array(columns * count);
  for (const { row, indices, values } of productRows(flipped, interactions)) {
    const own = indices.indexOf(row);
    const others = sums[row]! - (own < 0 ? 0 : values[own]!);
    if (others <= 0) continue;
    const root = Math.sqrt(sums[row]!) / others;
    const at = row * count;
    indices.forEach((other, p) => {
      if (other === row) return;
      const weight = (values[p]! * root) / Math.sqrt(sums[other]!);
      // The list is short: each newcomer sinks to its place.
      let place = count - 1;
      if (weight <= weights[at + place]!) return;
      for (; place > 0 && weight > weights[at + place - 1]!; place--) {
        weights[at + place] = weights[at + place - 1]!;
        items[at + place] = items[at + place - 1]!;
      }
      weights[at + place] = weight;
      items[at + place] = other;
    });
  }
  return { count, items, weights };
}

/** Sum of each row. */
function rowSums({ rows, offsets, values }: CsrMatrix): Float64Array {
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let p = offsets[row]!; p < offsets[row + 1]!; p++) sum += values[p]!;
    return sum;
  });
}
