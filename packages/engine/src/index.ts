export * from "./engine.ts";
export * from "./open-engine.ts";
export { savedModels, type SavedModels } from "./snapshot/saved-models.ts";
