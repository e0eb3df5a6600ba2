export type {
  Contribution,
  DictionaryStage,
  EventInput,
  Item,
  Promotion,
  Reason,
  Rule,
  Shop,
  Synonym,
} from "@magpie/domain";
export * from "./catalog.ts";
export * from "./dictionaries.ts";
export * from "./events.ts";
export * from "./facets.ts";
export * from "./openapi.ts";
export * from "./operations.ts";
export * from "./problem.ts";
export * from "./ranking.ts";
export * from "./routes.ts";
export * from "./rules.ts";
export * from "./scopes.ts";
export * from "./search-explanation.ts";
export * from "./settings.ts";
export * from "./suggestions.ts";
export * from "./understanding.ts";
export * from "./users.ts";
