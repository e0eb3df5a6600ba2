export * from "./sequences.ts";
export * from "./split/by-time.ts";
export * from "./split/leave-one-out.ts";
export * from "./store/store.ts";
