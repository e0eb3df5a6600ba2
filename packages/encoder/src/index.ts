export * from "./embedded/embedded-encoder.ts";
export type {
  LearnedAdaptation,
  LearningOptions,
  ShopExamples,
} from "./embedded/learn-adaptation.ts";
export * from "./endpoint/endpoint-encoder.ts";
export * from "./open-encoder.ts";
export * from "./text-encoder.ts";
