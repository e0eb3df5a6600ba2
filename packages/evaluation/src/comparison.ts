import { type Interval, meanInterval } from "@magpie/numerics";
import { EvaluationError } from "./errors.ts";
import type { Evaluation, MetricAt } from "./evaluate.ts";

/** One training and its evaluation. */
export interface Run {
  /** The row it belongs to, as shown: "SASRec". */
  readonly model: string;
  /** Absent for models in which chance plays no part: they have one run. */
  readonly seed?: number;
  readonly evaluation: Pick<
    Evaluation,
    "cases" | "itemCount" | "seenItems" | "ties" | "metrics" | "skippedCases"
  >;
  readonly cost?: {
    readonly wallSeconds: number;
    readonly cpuSeconds: number;
    readonly peakRssBytes: number;
  };
}

/** A number that somebody else published, to stand beside ours. */
export interface PublishedResult {
  readonly model: string;
  readonly source: string;
  readonly metrics: Readonly<Partial<Record<MetricAt, number>>>;
}

/** All runs of one model. */
export interface ModelSummary {
  readonly model: string;
  readonly seeds: readonly number[];
  readonly metrics: Readonly<Record<MetricAt, Interval>>;
  /** Mean over seeds; peak memory is the largest. */
  readonly cost?: NonNullable<Run["cost"]>;
}

/** Models side by side, measured by one protocol. */
export interface Comparison {
  readonly dataset: string;
  readonly protocol: string;
  readonly seenItems: Evaluation["seenItems"];
  readonly cases: number;
  readonly itemCount: number;
  readonly models: readonly ModelSummary[];
  readonly published: readonly PublishedResult[];
}

/**
 * Gathers runs into one comparison: mean and 95 % t-interval over seeds for each model, models in
 * the order in which they first occur.
 *
 * @throws {EvaluationError} `DIFFERENT_PROTOCOLS` when runs differ in cases, items or rules, and so
 *   cannot stand in one table; `NO_RUNS` when there are none
 */
export function compareRuns(
  about: { readonly dataset: string; readonly protocol: string },
  runs: readonly Run[],
  published: readonly PublishedResult[] = [],
): Comparison {
  const [first] = runs;
  if (first === undefined) {
    throw new EvaluationError("NO_RUNS", "There is no run to compare.", "Evaluate a model first.");
  }
  const { seenItems, cases, itemCount } = first.evaluation;
  for (const { model, evaluation } of runs) {
    for (const field of ["cases", "itemCount", "seenItems", "skippedCases"] as const) {
      if (evaluation[field] === first.evaluation[field]) continue;
      throw new EvaluationError(
        "DIFFERENT_PROTOCOLS",
        `"${model}" was measured with ${field} ${evaluation[field]}, "${first.model}" with ${first.evaluation[field]}.`,
        "Evaluate all models of a table on the same held-out data by the same rules.",
      );
    }
  }
  const models = [...Map.groupBy(runs, (run) => run.model)].map(([model, own]) =>
    summarize(model, own),
  );
  return { ...about, seenItems, cases, itemCount, models, published };
}

function summarize(model: string, runs: readonly Run[]): ModelSummary {
  const metrics: Record<MetricAt, Interval> = {};
  for (const name of Object.keys(runs[0]!.evaluation.metrics) as MetricAt[]) {
    metrics[name] = meanInterval(runs.map((run) => run.evaluation.metrics[name] ?? NaN));
  }
  const costs = runs.flatMap((run) => run.cost ?? []);
  const meanOf = (field: "wallSeconds" | "cpuSeconds") =>
    costs.reduce((sum, cost) => sum + cost[field], 0) / costs.length;
  return {
    model,
    seeds: runs.flatMap((run) => run.seed ?? []),
    metrics,
    ...(costs.length > 0 && {
      cost: {
        wallSeconds: meanOf("wallSeconds"),
        cpuSeconds: meanOf("cpuSeconds"),
        peakRssBytes: Math.max(...costs.map((cost) => cost.peakRssBytes)),
      },
    }),
  };
}
