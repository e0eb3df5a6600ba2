import { transpose, type CsrMatrix } from "@magpie/numerics";

/**
 * Cosines of sparse features between weighted items and all others, by inverted lists:
 *
 *     row[j] += scale · Σ_i weight_i · x_i · x_j        x: the features of an item
 */
export class FeatureLikeness {
  readonly features: CsrMatrix;
  readonly #byFeature: CsrMatrix;
  readonly #profile: Float32Array;

  /** @param features  [itemCount + 1, F] */
  constructor(features: CsrMatrix) {
    this.features = features;
    this.#byFeature = transpose(features);
    this.#profile = new Float32Array(features.columns);
  }

  /**
   * @param row      [itemCount + 1] is added to
   * @param weights  by item; items beyond the features' rows are passed over
   */
  addTo(row: Float32Array, weights: Iterable<readonly [number, number]>, scale = 1): void {
    const { offsets, indices, values, rows } = this.features;
    const profile = this.#profile;
    const said = new Set<number>();
    for (const [item, weight] of weights) {
      if (item >= rows) continue;
      for (let p = offsets[item]!; p < offsets[item + 1]!; p++) {
        profile[indices[p]!]! += weight * values[p]!;
        said.add(indices[p]!);
      }
    }
    const lists = this.#byFeature;
    for (const feature of said) {
      const weight = scale * profile[feature]!;
      profile[feature] = 0;
      for (let p = lists.offsets[feature]!; p < lists.offsets[feature + 1]!; p++) {
        row[lists.indices[p]!]! += weight * lists.values[p]!;
      }
    }
  }
}

/** The rows of a matrix, each brought to length 1; empty rows stay empty. */
export function unitRows(matrix: CsrMatrix): CsrMatrix {
  const values = matrix.values.slice();
  for (let row = 0; row < matrix.rows; row++) {
    const own = values.subarray(matrix.offsets[row], matrix.offsets[row + 1]);
    let square = 0;
    for (const value of own) square += value * value;
    if (square === 0) continue;
    const factor = 1 / Math.sqrt(square);
    for (let p = 0; p < own.length; p++) own[p]! *= factor;
  }
  return { ...matrix, values };
}

/**
 * Likeness of a batch's items, every one of `left` with every one of `right`.
 *
 * @param out  [left, right]
 */
export function likenessWithin(
  { offsets, indices, values }: CsrMatrix,
  left: Int32Array,
  right: Int32Array,
  out: Float32Array,
): void {
  const lists = new Map<number, { readonly place: number; readonly value: number }[]>();
  right.forEach((item, place) => {
    for (let p = offsets[item]!; p < offsets[item + 1]!; p++) {
      const list = lists.get(indices[p]!);
      const entry = { place, value: values[p]! };
      if (list === undefined) lists.set(indices[p]!, [entry]);
      else list.push(entry);
    }
  });
  const madeAt = new Map<number, number>();
  out.fill(0);
  left.forEach((item, l) => {
    const at = l * right.length;
    const made = madeAt.get(item);
    if (made !== undefined) {
      out.copyWithin(at, made, made + right.length);
      return;
    }
    madeAt.set(item, at);
    for (let p = offsets[item]!; p < offsets[item + 1]!; p++) {
      const list = lists.get(indices[p]!);
      if (list === undefined) continue;
      const value = values[p]!;
      for (const other of list) out[at + other.place]! += value * other.value;
    }
  });
}
