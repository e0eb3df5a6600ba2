/** What values of facets are called in the page's language: per attribute, then by value. */
interface FacetLabels {
  readonly facetLabels?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** A brand by its name in the page's language, where the catalogue says it. */
export function nameOfBrand(results: unknown, brand: string): string {
  // InstantSearch hands on what an answer has besides its own fields, and does not know its type.
  const { facetLabels } = (results ?? {}) as FacetLabels;
  return facetLabels?.["brand"]?.[brand] ?? brand;
}
