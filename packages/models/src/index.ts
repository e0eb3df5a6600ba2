export * from "./item-knn.ts";
export * from "./linear-item-model.ts";
export * from "./model.ts";
export * from "./popularity.ts";
export * from "./registry.ts";
export * from "./sasrec-model.ts";
export * from "./sasrec.ts";
export * from "./training-cost.ts";
