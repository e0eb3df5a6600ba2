import type { ItemIndex } from "@magpie/domain";
import type { ItemFilterIndex } from "@magpie/retrieval";

/** How alike two items are: 0 nothing in common, 1 the same. Symmetric. */
export type ItemLikeness = (a: ItemIndex, b: ItemIndex) => number;

/** What is asked of item vectors, however they are kept. */
export interface VectorProducts {
  /** Row 0 is padding. */
  readonly rows: number;
  /** Inner product of two rows. */
  product(a: number, b: number): number;
}

/**
 * Cosine of the items' vectors; opposite directions count as nothing in common. Items past the
 * end of the matrix, or with a vector of zeros, are like nothing.
 */
export function vectorLikeness(vectors: VectorProducts): ItemLikeness {
  const lengths = Float32Array.from({ length: vectors.rows }, (_, row) =>
    Math.sqrt(vectors.product(row, row)),
  );
  return (a, b) => {
    const scale = (lengths[a] ?? 0) * (lengths[b] ?? 0);
    return scale === 0 ? 0 : Math.min(1, Math.max(0, vectors.product(a, b) / scale));
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
