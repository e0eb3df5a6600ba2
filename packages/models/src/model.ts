import type { HeldOut, Sequences } from "@magpie/data";
import type { History, Scorer, WorkContext } from "@magpie/domain";
import type { CsrMatrix } from "@magpie/numerics";
import type { ParallelSettings } from "./data-parallel/meetings.ts";
import type { SearchSpace } from "./search-space.ts";

export type { ItemSimilarity } from "@magpie/domain";

/** What a model learns from. Validation, where given, picks the epoch; test is never seen here. */
export interface TrainingData {
  readonly train: Sequences;
  readonly validation?: HeldOut;
  /** What items say of themselves, for models that look at content; absent: nothing is known. */
  readonly content?: ContentVectors;
  /**
   * The same as sparse features (words, categories, brand, price): [itemCount + 1, features], row 0 and
   * rows of items of which nothing is known empty. Models that look at content take either or both.
   */
  readonly itemFeatures?: CsrMatrix;
  /** Who trusts or follows whom, [userCount, userCount], for models that look at friends. */
  readonly friends?: CsrMatrix;
}

/** One vector of content (text, attributes) for each item. */
export interface ContentVectors {
  readonly width: number;
  /** [itemCount + 1, width]; row 0, and rows of items without content, are zero. */
  readonly vectors: Float32Array;
}

export interface TrainingContext extends WorkContext {
  readonly seed: number;
  /** Checkpoints go here, and a run that finds one goes on from it. Absent: none are written. */
  readonly checkpointDir?: string;
  /** Intra-op threads of the numeric engine. Single-threaded runs repeat bit for bit. */
  readonly threads?: number;
  /** Train in several processes, where the model can; absent: in this one alone. */
  readonly parallel?: ParallelSettings;
  /** Training stops after about this long and keeps the best parameters so far. Absent: no limit. */
  readonly budgetSeconds?: number;
}

/** One point of a training curve. */
export interface CurvePoint {
  readonly epoch: number;
  readonly step: number;
  readonly seconds: number;
  readonly loss: number;
  /** On validation, when it was measured at this point. */
  readonly ndcgAt10?: number;
}

export interface TrainingCost {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssBytes: number;
}

/** A model that can be trained: its name, its default recipe, its training, its loading. */
export interface Model<Config extends object = object> {
  /** Stable, kebab-case: "sasrec", "item-knn". */
  readonly kind: string;
  /** True where chance plays a part in training: tables then need several seeds. */
  readonly isSeeded: boolean;
  /** The default recipe, good on every data set; documented where it is declared. */
  readonly defaults: Config;
  /** Settings that `tune` searches; absent where none is worth it. */
  readonly space?: SearchSpace;
  /** Memory that training will take, known before it is spent. */
  expectedBytes(data: TrainingData, config: Config): number;
  train(data: TrainingData, config: Config, context: TrainingContext): Promise<TrainedModel>;
  /** Opens what `save` wrote. */
  load(directory: string): Promise<TrainedModel>;
}

export interface TrainedModel extends Scorer {
  readonly kind: string;
  readonly config: object;
  readonly curve: readonly CurvePoint[];
  readonly cost: TrainingCost;
  /** Writes the parameters and a JSON card into an existing empty folder. */
  save(directory: string): Promise<void>;
  /** Frees native sessions. */
  dispose(): Promise<void>;
}

/** How much one past item moved the score of one candidate. */
export interface HistoryEffect {
  /** Position in the history. */
  readonly position: number;
  /** Score with the whole history minus score without this item. */
  readonly effect: number;
}

/** Models that can say which past items moved a score. */
export interface HistoryExplainer {
  /**
   * Measured, not guessed: by leaving items out (sequence models) or from the linear sum (kNN, EASE).
   *
   * @returns one list per item of `items`, largest effect first
   */
  explain(history: History, items: Int32Array): Promise<HistoryEffect[][]>;
}
