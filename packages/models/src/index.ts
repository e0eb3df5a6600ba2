export { BlockScores } from "./block-scores.ts";
export { isotonicCalibration, plattCalibration } from "./ranking-network/calibration.ts";
export * from "./boosted-trees/boosting.ts";
export * from "./boosted-trees/forest.ts";
export { meanNdcg, type RankedGroups } from "./boosted-trees/objectives.ts";
export * from "./blend/conditional-logit.ts";
export { parallelDefaults, type ParallelSettings } from "./data-parallel/meetings.ts";
export * from "./linear/ease.ts";
export * from "./memory/item-knn.ts";
export * from "./linear/linear-item-model.ts";
export {
  identityOf,
  readCard,
  saveModel,
  type DataIdentity,
  type Int8Trade,
  type MeasuredQuality,
  type ModelCard,
  type ModelOrigin,
  type PrecisionLoss,
} from "./model-files.ts";
export * from "./model.ts";
export * from "./export/onnx-export.ts";
export { permutedInteractions, trainPermutedTwin } from "./permuted-twin.ts";
export * from "./memory/popularity.ts";
export * from "./export/precision-table.ts";
export * from "./export/pruning.ts";
export * from "./export/quantised-scorer.ts";
export {
  rankingNetworkDefaults,
  trainRankingNetwork,
  type RankingExamples,
  type RankingNetwork,
} from "./ranking-network/ranking-network-trainer.ts";
export type { RankingArchitecture } from "./ranking-network/ranking-network.ts";
export * from "./registry.ts";
export * from "./sequence/sasrec.ts";
export type * from "./sequence/sequence-config.ts";
export { initialise, parameterCountOf } from "./sequence/sequence-graphs.ts";
export { Int8SequenceModel } from "./sequence/int8-sequence-model.ts";
export type { ItemTable } from "./sequence/item-table.ts";
export * from "./sequence/sequence-model.ts";
export * from "./sequence/sequence-trainer.ts";
export { SemanticIdsModel } from "./content/semantic-ids-model.ts";
export type { Choice, SearchSpace } from "./search-space.ts";
export * from "./training-cost.ts";
export * from "./training-thread.ts";
export * from "./tune.ts";
export { GraphVectorModel } from "./graph/graph-vectors.ts";
export { TwoTowerModel } from "./content/two-tower-model.ts";
