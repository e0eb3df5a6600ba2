import type { ShopSettings } from "@magpie/domain";
import type { EncoderIdentity } from "@magpie/encoder";
import type { Int8Trade, TrainingCost } from "@magpie/models";
import type { SearchRanking } from "../learned-ranking/learn-search-order.ts";
import type { EncoderAdaptation } from "../hybrid/snapshot-meanings.ts";
import type { FittedWeights } from "../scenarios/scenarios.ts";
import type { Sealed } from "./folder.ts";

/** Names of the files in a snapshot, relative to its folder. */
export const snapshotFiles = {
  vocabulary: "vocabulary.bin",
  filter: "item-filter.bin",
  facets: "item-facets.bin",
  created: "item-created-ms.f64",
  textHashes: "item-text-hash.u32",
  labels: "category-labels.json",
  formerItems: "item-words.json",
  formerOffsets: "item-words.f64",
  text: "text-index.bin",
  itemFeatures: "item-features.json",
  learnedSearches: "learned-searches.json",
  taken: "item-taken.u32",
  suggestions: "suggestions.bin",
  lexicon: "catalog-lexicon.bin",
  spelling: "spelling.bin",
  queryCategories: "query-categories.bin",
  synonymCandidates: "synonym-candidates.json",
  vectors: "item-vectors.bin",
  meanings: "item-meanings.bin",
  searchForest: "search-order/forest.safetensors",
  searchTaste: "search-order/taste.safetensors",
  searchBehaviour: "search-order/behaviour.bin",
  encoderAdaptation: "encoder-adaptation.bin",
} as const;

/** Folder of a model inside a snapshot. */
export const modelFolder = (kind: string): string => `models/${kind}`;

/** A model in a snapshot: what it is and what it took. */
export interface ModelCard {
  readonly kind: string;
  readonly name: string;
  readonly config: object;
  readonly cost: TrainingCost;
  /** What was won and lost by keeping it in 8 bits; absent: it is in single precision. */
  readonly int8?: Int8Trade;
  /** Whose vectors of texts it was trained with; absent: it reads none. */
  readonly texts?: EncoderIdentity;
}

/** One line of the table of measurements. */
export interface MeasuredModel {
  /** Name as tables show it; "blend" is what `home-feed` serves. */
  readonly model: string;
  readonly ndcgAt10: number;
  readonly recallAt10: number;
  readonly coverageAt10: number;
  /** Seconds of training; 0 for the blend. */
  readonly trainSeconds: number;
}

/** How good the models of a run are on what they have not seen. */
export interface Measurement {
  /** How the data was split. */
  readonly protocol: string;
  /** "keep": items of the past compete in the ranking, as they do in a shop where people buy again. */
  readonly seenItems: "keep";
  /** Test cases asked about. */
  readonly cases: number;
  readonly models: readonly MeasuredModel[];
  /** The same at random moments within visits, where users have such. */
  readonly inVisit?: { readonly cases: number; readonly models: readonly MeasuredModel[] };
  /** NDCG@10 of the fitted blends on the cases they were fitted on, which are of validation. */
  readonly fit: Readonly<
    Record<keyof FittedWeights, { readonly cases: number; readonly ndcgAt10: number }>
  >;
}

/** What a training run says about the snapshot it made. */
export interface SnapshotFacts {
  readonly catalogRevision: number;
  /** Events in the log when it was read. */
  readonly events: number;
  /** Rows of the vocabulary: items of the catalogue, and deleted ones that had a row before. */
  readonly items: number;
  /** Rows that the models know, where items came between their training and this snapshot. */
  readonly modelledItems?: number;
  /** Users with at least one interaction. Their ids are not in the snapshot. */
  readonly users: number;
  readonly interactions: number;
  readonly vocabularySha256: string;
  readonly seed: number;
  readonly models: readonly ModelCard[];
  /** Days that popularity counts; null: all time; absent: nobody has done anything yet. */
  readonly popularityDays?: number | null;
  readonly weights: FittedWeights;
  readonly measurement?: Measurement;
  /** Whose vectors of the items' meaning the snapshot holds; absent when it holds none. */
  readonly encoder?: EncoderIdentity;
  /** What the encoder learned from the shop's searches; absent of encoders that learn nothing. */
  readonly encoderAdaptation?: EncoderAdaptation;
  /** The shop's settings that it was made by; absent in a snapshot from before there were any. */
  readonly settings?: ShopSettings;
  /** The learned order of searches, and whether it is used; absent when too little was searched. */
  readonly searchRanking?: SearchRanking;
  /** What was left out or done otherwise, and why. */
  readonly notes: readonly string[];
  readonly cost: TrainingCost;
}

export type SnapshotManifest = Sealed<SnapshotFacts>;
