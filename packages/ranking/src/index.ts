export * from "./availability.ts";
export * from "./group-cap.ts";
export * from "./likeness.ts";
export * from "./linear-blend.ts";
export * from "./mmr.ts";
export * from "./pins.ts";
export * from "./seen-items.ts";
