import type { FieldTest, Item, ServingRequest, Variant } from "@magpie/domain";
import type { Highlighter } from "@magpie/retrieval";

/**
 * Which variant of a found product the search means: who looks for "red shoes", or chooses "red" in a
 * facet, is shown the red pair with its own picture and price.
 *
 * What was chosen counts first, then the query's words, then whether the variant can be bought; among
 * equals the catalogue's order decides.
 *
 * @returns  a function from an item to that variant's id; undefined where the search tells nothing that
 *           sets one variant above the featured one
 */
export function variantChooser(
  { query = "", search, filter }: ServingRequest,
  highlighter: () => Highlighter,
): (item: Item) => string | undefined {
  const clauses = [...(filter.where ?? []), ...(search?.refinements ?? []).map((test) => [test])]
    .map((clause) => clause.filter(isOfVariants))
    .filter((tests) => tests.length > 0);
  const hasWords = query.trim() !== "";

  return (item) => {
    const { variants } = item;
    if (variants.length === 1 || (clauses.length === 0 && !hasWords)) return undefined;
    const found = hasWords ? highlighter().termsInVariants(item) : [];
    const fits = variants.map((variant, place): Fit => [
      clauses.filter((tests) => tests.some((test) => passes(variant, test))).length,
      found[place] ?? 0,
      Number(variant.availability.available),
    ]);
    let best = 0;
    for (let place = 1; place < fits.length; place++) {
      if (compare(fits[place]!, fits[best]!) > 0) best = place;
    }
    // Being in stock alone is no reason to show another one than the shop does.
    const isMeant = fits[best]![0] > fits[0]![0] || fits[best]![1] > fits[0]![1];
    return isMeant ? variants[best]!.id : undefined;
  };
}

/** Choices that hold, words found, 1 when it can be bought. */
type Fit = readonly [choices: number, words: number, available: number];

function compare(a: Fit, b: Fit): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

type VariantTest = Extract<FieldTest, { field: string }>;

const optionPrefix = "options.";

function isOfVariants(test: FieldTest): test is VariantTest {
  return "field" in test && test.field.startsWith(optionPrefix);
}

function passes({ options }: Variant, test: VariantTest): boolean {
  const option = options?.[test.field.slice(optionPrefix.length)];
  const holds = option !== undefined && (!("anyOf" in test) || test.anyOf.includes(option));
  return holds !== (test.not ?? false);
}
