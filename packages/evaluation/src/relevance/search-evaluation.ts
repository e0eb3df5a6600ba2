import { meanInterval, pairedDifference, type Interval } from "@magpie/numerics";
import { EvaluationError } from "../errors.ts";
import type { Judgements } from "./judgements.ts";
import {
  cheatNdcg,
  firstRelevant,
  gradedRecall,
  judgedOnlyNdcg,
  judgedShare,
  trecNdcg,
} from "./search-metrics.ts";

/** What one configuration of a search is asked for: ids of items, best first. */
export type SearchUnderTest = (
  query: string,
  limit: number,
) => Promise<readonly string[]> | readonly string[];

/** Columns of an evaluation; the cutoff is 10 where the name says so, 100 for recall. */
export const searchMetrics = [
  "trecNdcgAt10",
  "cheatNdcgAt10",
  "judgedOnlyNdcg",
  "mrrAt10",
  "recallAt100",
  "judgedAt10",
] as const;

export type SearchMetric = (typeof searchMetrics)[number];

/** Answers to one query set by one configuration, measured. */
export interface SearchEvaluation {
  readonly name: string;
  /** Queries with at least one item of a grade above 0, in the order of the judgement list. */
  readonly queries: readonly string[];
  /** Queries left out, because nothing was judged relevant: they can only be answered wrongly. */
  readonly skippedQueries: number;
  /** One value per query. */
  readonly perQuery: Readonly<Record<SearchMetric, Float64Array>>;
  /** First ten per query: what a win or a loss looked like. */
  readonly answers: readonly (readonly string[])[];
}

const depth = 100;

/**
 * Runs every judged query and measures the answers.
 *
 * @throws {EvaluationError} `NO_RELEVANT_ITEMS` when no query has an item of a grade above 0
 */
export async function evaluateSearch(
  name: string,
  judgements: Judgements,
  search: SearchUnderTest,
): Promise<SearchEvaluation> {
  const judged = [...judgements].filter(([, grades]) => Math.max(...grades.values()) > 0);
  if (judged.length === 0) {
    throw new EvaluationError(
      "NO_RELEVANT_ITEMS",
      `None of the ${judgements.size} queries has an item of a grade above 0.`,
      "Give a judgement list in which something is relevant.",
    );
  }
  const topGrade = Math.max(...judged.flatMap(([, grades]) => [...grades.values()]));
  const perQuery = Object.fromEntries(
    searchMetrics.map((metric) => [metric, new Float64Array(judged.length)]),
  ) as Record<SearchMetric, Float64Array>;
  const answers: string[][] = [];
  for (const [q, [query, grades]] of judged.entries()) {
    const ranking = await search(query, depth);
    perQuery.trecNdcgAt10[q] = trecNdcg(ranking, grades, 10);
    perQuery.cheatNdcgAt10[q] = cheatNdcg(ranking, grades, 10, topGrade);
    perQuery.judgedOnlyNdcg[q] = judgedOnlyNdcg(ranking, grades);
    perQuery.mrrAt10[q] = firstRelevant(ranking, grades, 10);
    perQuery.recallAt100[q] = gradedRecall(ranking, grades, depth);
    perQuery.judgedAt10[q] = judgedShare(ranking, grades, 10);
    answers.push(ranking.slice(0, 10));
  }
  return {
    name,
    queries: judged.map(([query]) => query),
    skippedQueries: judgements.size - judged.length,
    perQuery,
    answers,
  };
}

/** A query on which two configurations differ. */
export interface QueryDifference {
  readonly query: string;
  readonly before: number;
  readonly after: number;
  /** `after - before`. */
  readonly difference: number;
  readonly beforeItems: readonly string[];
  readonly afterItems: readonly string[];
}

/** Two configurations side by side on one query set. */
export interface SearchComparison {
  readonly metric: SearchMetric;
  readonly before: Interval;
  readonly after: Interval;
  /** Of `after - before` over the same queries: what both share drops out. */
  readonly difference: Interval;
  readonly pValue: number;
  /** Largest gain first. */
  readonly wins: readonly QueryDifference[];
  /** Largest loss first. */
  readonly losses: readonly QueryDifference[];
  readonly ties: number;
}

/**
 * Compares two evaluations of the same judgement list by one metric.
 *
 * @throws {EvaluationError} `DIFFERENT_PROTOCOLS` when their queries differ; `TOO_FEW_QUERIES` for
 *   one query, which tells nothing about the spread
 */
export function compareSearch(
  before: SearchEvaluation,
  after: SearchEvaluation,
  metric: SearchMetric,
): SearchComparison {
  const { queries } = before;
  if (
    queries.length !== after.queries.length ||
    queries.some((query, q) => query !== after.queries[q])
  ) {
    throw new EvaluationError(
      "DIFFERENT_PROTOCOLS",
      `"${before.name}" answered ${queries.length} queries and "${after.name}" ${after.queries.length}, not the same ones.`,
      "Run both on one judgement list.",
    );
  }
  if (queries.length < 2) {
    throw new EvaluationError(
      "TOO_FEW_QUERIES",
      "One query tells nothing about the spread between queries.",
      "Judge at least two queries; some fifty make differences of a few points visible.",
    );
  }
  const old = before.perQuery[metric];
  const fresh = after.perQuery[metric];
  const { difference, pValue } = pairedDifference(fresh, old);
  const changes = queries.map((query, q) => ({
    query,
    before: old[q]!,
    after: fresh[q]!,
    difference: fresh[q]! - old[q]!,
    beforeItems: before.answers[q]!,
    afterItems: after.answers[q]!,
  }));
  const wins = changes.filter((change) => change.difference > 0);
  const losses = changes.filter((change) => change.difference < 0);
  return {
    metric,
    before: meanInterval(old),
    after: meanInterval(fresh),
    difference,
    pValue,
    wins: wins.sort((a, b) => b.difference - a.difference),
    losses: losses.sort((a, b) => a.difference - b.difference),
    ties: queries.length - wins.length - losses.length,
  };
}
