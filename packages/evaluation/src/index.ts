export * from "./errors.ts";
export * from "./evaluate.ts";
export * from "./list-metrics.ts";
export * from "./ranking-metrics.ts";
