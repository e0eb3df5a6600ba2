import type { ItemIndex } from "@magpie/domain";
import type { ItemFilterIndex } from "@magpie/retrieval";

/** How alike two items are: 0 nothing in common, 1 the same. Symmetric. */
export type ItemLikeness = (a: ItemIndex, b: ItemIndex) => number;

/**
 * Cosine of the items' vectors; opposite directions count as nothing in common. Items past the
 * end of the matrix, or with a vector of zeros, are like nothing.
 *
 * @param vectors  [rows, width], row 0 is padding
 */
export function vectorLikeness(vectors: Float32Array, width: number): ItemLikeness {
  const rows = vectors.length / width;
  const lengths = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let square = 0;
    for (let i = row * width; i < (row + 1) * width; i++) square += vectors[i]! ** 2;
    lengths[row] = Math.sqrt(square);
  }
  return (a, b) => {
    const scale = (lengths[a] ?? 0) * (lengths[b] ?? 0);
    if (scale === 0) return 0;
    let product = 0;
    for (let d = 0, i = a * width, j = b * width; d < width; d++) {
      product += vectors[i + d]! * vectors[j + d]!;
    }
    return Math.min(1, Math.max(0, product / scale));
  };
}

/**
 * Likeness by catalogue facts, for items that no model knows yet:
 *
 *     brandWeight · [same brand] + (1 − brandWeight) · |shared categories| / |all categories|
 *
 * Ancestors count as categories, so neighbours in the tree are more alike than strangers.
 */
export function catalogueLikeness(
  facts: Pick<ItemFilterIndex, "brandOf" | "categoriesOf">,
  brandWeight = 0.3,
): ItemLikeness {
  return (a, b) => {
    const brand = facts.brandOf(a);
    const sameBrand = brand >= 0 && brand === facts.brandOf(b) ? 1 : 0;
    const [ofA, ofB] = [facts.categoriesOf(a), facts.categoriesOf(b)];
    let shared = 0;
    for (const category of ofA) if (ofB.includes(category)) shared++;
    const all = ofA.length + ofB.length - shared;
    return brandWeight * sameBrand + (1 - brandWeight) * (all === 0 ? 0 : shared / all);
  };
}
