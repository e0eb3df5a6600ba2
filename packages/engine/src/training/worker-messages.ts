import type { Sequences } from "@magpie/data";
import type { Item, Progress, ShopSettings } from "@magpie/domain";
import type { EncoderChoice } from "@magpie/encoder";
import type { Task } from "../engine.ts";
import type { SearchLog } from "../learned-ranking/search-log.ts";
import type { LearnedSearches } from "./learn-searches.ts";
import type { TrainingOutcome, TrainingRecipe } from "./run.ts";

/** What the training thread starts with. */
export type WorkerStart = CatalogStart & (TrainingStart | RebuildStart);

/** What a snapshot's catalogue is made by. */
export interface CatalogStart {
  readonly vocabulary: Uint8Array;
  readonly draft: string;
  readonly encoder?: EncoderChoice;
  readonly settings: ShopSettings;
  /** Words that the shop wants in one piece. */
  readonly wholeWords: readonly string[];
  /** [1], shared: not 0 once the run is to stop. A busy thread reads it with every progress. */
  readonly stop: Int32Array;
}

/** What is learned, and from what. */
export interface TrainingStart {
  readonly sequences: Sequences;
  readonly searches: LearnedSearches;
  readonly searchLog?: SearchLog;
  readonly checkpoints: string;
  readonly seed: number;
  readonly workers: number;
  readonly int8: boolean;
  readonly quick: boolean;
  readonly startedMs: number;
  readonly budgetSeconds?: number;
  readonly recipe: TrainingRecipe;
}

/** Nothing is learned. */
export interface RebuildStart {
  /** Folder of the snapshot whose models are kept. */
  readonly former: string;
}

/** What the training thread is told. */
export type ToWorker =
  /** The next items of the catalogue; undefined after the last. */
  | { readonly kind: "items"; readonly items: readonly Item[] | undefined }
  | { readonly kind: "stop" };

/** What the training thread says. */
export type FromWorker =
  | { readonly kind: "progress"; readonly progress: Progress }
  /** It is ready for the next items: the catalogue is sent as fast as it is taken. */
  | { readonly kind: "more-items" }
  | { readonly kind: "done"; readonly outcome: TrainingOutcome }
  | { readonly kind: "failed"; readonly error: NonNullable<Task["error"]> };
