export * from "./comparison-table.ts";
export * from "./comparison.ts";
export * from "./errors.ts";
export * from "./evaluate.ts";
export * from "./line-chart.ts";
export * from "./list-metrics.ts";
export * from "./ranking-metrics.ts";
