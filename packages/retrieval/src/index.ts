export * from "./filter/item-filter-index.ts";
export * from "./filter/item-set.ts";
export { ExactVectorIndex } from "./vector/exact.ts";
export * from "./vector/int8.ts";
export * from "./vector/vector-index.ts";
