export * from "./clean/k-core.ts";
export * from "./clean/returns.ts";
export * from "./encode/build-sequences.ts";
export * from "./encode/vocabulary.ts";
export * from "./sequences.ts";
export * from "./split/by-time.ts";
export * from "./split/leave-one-out.ts";
export * from "./store/store.ts";
