export * from "./sequences.ts";
export * from "./store/store.ts";
