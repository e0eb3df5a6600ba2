export * from "./engine.ts";
export * from "./open-engine.ts";
