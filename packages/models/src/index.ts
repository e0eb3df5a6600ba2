export { isotonicCalibration, plattCalibration } from "./calibration.ts";
export * from "./boosted-trees/boosting.ts";
export * from "./boosted-trees/forest.ts";
export { meanNdcg, type RankedGroups } from "./boosted-trees/objectives.ts";
export * from "./conditional-logit.ts";
export { parallelDefaults, type ParallelSettings } from "./data-parallel/meetings.ts";
export * from "./ease.ts";
export * from "./item-knn.ts";
export * from "./linear-item-model.ts";
export {
  identityOf,
  readCard,
  saveModel,
  type DataIdentity,
  type MeasuredQuality,
  type ModelCard,
  type ModelOrigin,
} from "./model-files.ts";
export * from "./model.ts";
export * from "./onnx-export.ts";
export { permutedInteractions, trainPermutedTwin } from "./permuted-twin.ts";
export * from "./popularity.ts";
export * from "./precision-table.ts";
export * from "./pruning.ts";
export * from "./quantised-scorer.ts";
export {
  rankingNetworkDefaults,
  trainRankingNetwork,
  type RankingExamples,
  type RankingNetwork,
} from "./ranking-network-trainer.ts";
export type { RankingArchitecture } from "./ranking-network.ts";
export * from "./registry.ts";
export * from "./sasrec.ts";
export type * from "./sequence-config.ts";
export { initialise, parameterCountOf } from "./sequence-graphs.ts";
export * from "./sequence-model.ts";
export * from "./sequence-trainer.ts";
export { SemanticIdsModel } from "./semantic-ids-model.ts";
export type { Choice, SearchSpace } from "./search-space.ts";
export * from "./training-cost.ts";
export * from "./training-thread.ts";
export * from "./tune.ts";
export { TwoTowerModel } from "./two-tower-model.ts";
