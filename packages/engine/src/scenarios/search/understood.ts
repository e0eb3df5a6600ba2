import type { ServingRequest } from "@magpie/domain";
import type { QueryAnalysis } from "@magpie/retrieval";
import type { UnderstoodQuery } from "../../engine.ts";
import type { Serving } from "../../snapshot/serving.ts";
import type { Found } from "./live-text-retriever.ts";

/** What an answer says of how its query was understood. */
export function understoodOf(
  { catalog, search }: Serving,
  request: ServingRequest,
  { answeredBy, withAllWords }: Found,
): UnderstoodQuery {
  const { text, entities, priceCents, categories, corrections, didYouMean, navigational } =
    search.readingOf(request);
  return {
    text,
    entities,
    categories,
    corrections,
    answeredBy,
    withAllWords,
    ...(priceCents && { priceCents }),
    ...(didYouMean !== undefined && { didYouMean }),
    ...(navigational && {
      navigational:
        navigational.kind === "brand"
          ? navigational
          : {
              kind: navigational.kind,
              value: navigational.value,
              itemId: catalog.idOf(navigational.row),
            },
    }),
  };
}

/** What can be shown where a search finds nothing. */
export type InsteadRung =
  | { readonly by: "category"; readonly category: string }
  | { readonly by: "popular" };

/** A category that a query is about with less is no better than what sells anywhere. */
const minCategoryProbability = 0.3;

/**
 * The last rungs of the ladder, below corrections and words given up: what sells in the category that
 * the query names or is likely about, then what sells anywhere.
 */
export function rungsBelow({ entities, categories }: QueryAnalysis): readonly InsteadRung[] {
  const named = entities.flatMap(({ kind, value }) => (kind === "category" ? [value] : []));
  const likely = categories.flatMap(({ category, probability }) =>
    probability >= minCategoryProbability ? [category] : [],
  );
  return [
    ...[...new Set([...named, ...likely])].map(
      (category) => ({ by: "category", category }) as const,
    ),
    { by: "popular" },
  ];
}
