import type { Contribution, ServingRequest } from "@magpie/domain";
import type { LiveCatalog } from "../../live/live-catalog.ts";
import type { QueryReadings } from "./query-readings.ts";

/** The stage that a likely category is signed with. */
const categoryStage = "category";

/** What an item of a category gets that the query is surely about, where the best text match gets 1. */
export const likelyCategoryShare = 0.1;

/**
 * Raises items of the categories that a query is likely about, as far as it is likely: a little beside
 * the match of its words, and never a filter. Items of no such category stay where their words put them.
 */
export class LikelyCategory {
  readonly #catalog: LiveCatalog;
  readonly #readings: QueryReadings;
  readonly #share: number;

  constructor(catalog: LiveCatalog, readings: QueryReadings, share = likelyCategoryShare) {
    this.#catalog = catalog;
    this.#readings = readings;
    this.#share = share;
  }

  /** What each row gets for this request; undefined where it gets nothing. */
  of(request: ServingRequest): (row: number) => Contribution | undefined {
    const { filter } = this.#catalog;
    const guesses = this.#readings.of(request).categories.flatMap(({ category, probability }) => {
      const code = filter.categoryCode(category);
      return code < 0 ? [] : [{ category, code, amount: this.#share * probability }];
    });
    if (guesses.length === 0) return () => undefined;
    return (row) => {
      const own = filter.categoriesOf(row);
      const likeliest = guesses.find(({ code }) => own.includes(code));
      return (
        likeliest && {
          stage: categoryStage,
          amount: likeliest.amount,
          reason: { kind: "likely-category", category: likeliest.category },
        }
      );
    };
  }
}
