import { TrainingError } from "@magpie/domain";
import type { EpochSchedule } from "../epoch-loop.ts";
import type { FuxiConfig } from "./fuxi.ts";
import type { Gru4RecConfig } from "./gru4rec.ts";
import type { HstuConfig } from "./hstu.ts";
import type { LigrConfig } from "./ligr.ts";
import type { SasRecConfig } from "./sasrec.ts";

/**
 * The recipe of a model that reads a past in its order and predicts the next item:
 *
 *     items of a past ─▶ network ─▶ h [D] after each place       score(item) = h · item's embedding
 *
 * `network` says what stands in the middle; each has a file of its own. Losses, training and serving are
 * the same for all.
 */
export type SequenceConfig = SasRecConfig | LigrConfig | HstuConfig | FuxiConfig | Gru4RecConfig;

/** What the recipes of all networks say. */
export interface SequenceSettings extends EpochSchedule {
  /** D: numbers per item and per position. A multiple of 4. */
  readonly width: number;
  /** Newest items of a past that the model looks at. */
  readonly historyLimit: number;
  /** Share of values dropped in training, after embeddings and each layer. */
  readonly dropout: number;
  /** One table for items as input and as output (true), or one for each. */
  readonly tied: boolean;
  /**
   * Whether what the catalogue says of items (`TrainingData.itemFeatures`: words, categories, brand, price)
   * has embeddings, too: an item is then the sum of its own and of theirs, as input and as output. Needs one
   * table for both, and a loss that does not read the whole catalogue.
   */
  readonly itemFeatures?: boolean;
  /**
   * Whether what texts of items mean (`TrainingData.content`: vectors of their titles) takes part: an item is
   * then its own embedding and what it is said to be, through a projection that is learnt; see
   * `sequence-texts.ts`. Items that nobody has taken are what is said of them alone. Needs what
   * `itemFeatures` needs.
   */
  readonly itemTexts?: boolean;
  /**
   * With texts: how often an item's own embedding (and those of its features) is left out in training, so that
   * texts learn to stand alone, as they must for items that nobody has taken. 0 or absent: never.
   */
  readonly ownDropout?: number;
  /** Numbers of a text's vector; the training fills it in from its data. 0 or absent: no texts. */
  readonly textWidth?: number;
  /**
   * Times since the item before that are told apart, each twice the one before, from a minute: each has an
   * embedding that is added to the item's. 0, the default: none.
   */
  readonly pauseBuckets?: number;
  readonly loss: SequenceLoss;
  /** Rows of `historyLimit` positions in a batch; short pasts share a row. */
  readonly batchRows: number;
  readonly learningRate: number;
  /** Adam's second-moment decay. */
  readonly beta2: number;
  /** Decoupled, on all weights (AdamW). */
  readonly weightDecay: number;
  /**
   * Share of the average of weights over epochs that the next epoch keeps (less in the first ones); the
   * average is what is measured and served. 0: the weights themselves.
   */
  readonly averaging: number;
  /** Standard deviation of fresh embeddings. */
  readonly embeddingDeviation: number;
}

/** What is made small: see `sequence-losses.ts` for each one's formula and source. */
export type SequenceLoss =
  | SampledSoftmaxLoss
  /** Over the whole catalogue: exact, and slow beyond some ten thousand items. */
  | { readonly kind: "full-softmax"; readonly ownPast?: boolean }
  /** SASRec's first loss: one uniform negative per position. */
  | { readonly kind: "bce" }
  | GeneralisedBceLoss
  | BprMaxLoss;

/** Negatives drawn anew for each batch, shared by its examples. */
export interface SharedNegatives {
  readonly negatives: number;
  /** Share of negatives drawn uniformly; the others follow popularity. */
  readonly uniformShare: number;
  /**
   * Where the others are drawn from: all interactions ("log", the default) or the batch's own targets
   * ("batch"), as in-batch negatives are. Both follow popularity.
   */
  readonly popularFrom?: "log" | "batch";
  /**
   * Count each position's own past item by item, and learn one number, the repeat bias, that is added to
   * the logits of these items. With one table for input and output an item is most like itself, so what a
   * shopper already has would rank first; the bias says how likely it is wanted again, and embeddings need
   * not be bent to say so.
   */
  readonly ownPast: boolean;
}

export interface SampledSoftmaxLoss extends SharedNegatives {
  readonly kind: "sampled-softmax";
  /**
   * Correct for how likely each negative was drawn: "none", "negatives" (the sum over negatives then
   * estimates the sum over the catalogue) or "all" (the target too, as if it had been drawn).
   */
  readonly logQ: "none" | "negatives" | "all";
}

export interface GeneralisedBceLoss extends SharedNegatives {
  readonly kind: "gbce";
  /** t, from 0 (plain cross-entropy over k negatives) to 1 (as calibrated as with all items). */
  readonly calibration: number;
}

export interface BprMaxLoss extends SharedNegatives {
  readonly kind: "bpr-max";
  /** λ: pulls negatives' scores towards 0, those of high scores most. */
  readonly regularisation: number;
}

/** The recipe that networks share; its numbers were found with SASRec on amazon-beauty's validation part. */
export const sequenceDefaults: SequenceSettings = {
  width: 64,
  historyLimit: 50,
  dropout: 0.4,
  tied: true,
  itemFeatures: false,
  itemTexts: false,
  ownDropout: 0,
  pauseBuckets: 0,
  loss: {
    kind: "sampled-softmax",
    negatives: 512,
    uniformShare: 1,
    logQ: "negatives",
    ownPast: true,
  },
  batchRows: 16,
  epochs: 200,
  learningRate: 1e-3,
  beta2: 0.98,
  weightDecay: 0,
  averaging: 0.9,
  embeddingDeviation: 0.02,
  validateEvery: 5,
  patience: 5,
  validationCases: 25_000,
};

/** The loss's shared negatives; undefined where it has none. */
export function sharedNegativesOf(loss: SequenceLoss): SharedNegatives | undefined {
  return loss.kind === "bce" || loss.kind === "full-softmax" ? undefined : loss;
}

/** Whether the model learns the repeat bias: see `SharedNegatives.ownPast`. */
export function learnsRepeats({ loss }: SequenceSettings): boolean {
  return loss.kind !== "bce" && loss.ownPast === true;
}

const settingCounts = [
  "width",
  "historyLimit",
  "batchRows",
  "epochs",
  "validateEvery",
  "patience",
  "validationCases",
] as const;

/** Whole numbers from 1 that each network has besides. */
const networkCounts = {
  transformer: ["heads", "feedForward"],
  ligr: ["heads", "feedForward"],
  hstu: ["heads"],
  fuxi: ["heads", "feedForward"],
  gru: [],
} as const satisfies Record<SequenceConfig["network"], readonly string[]>;

/**
 * @param name  of the model, for the message
 * @throws {TrainingError} `BAD_CONFIG` naming the field that cannot be
 */
export function checkSequenceConfig(name: string, config: SequenceConfig): void {
  const { width, dropout, loss } = config;
  const fail = (field: string, expected: string, found: unknown): never => {
    throw new TrainingError(
      "BAD_CONFIG",
      `${name}'s ${field} must be ${expected}, not ${String(found)}.`,
      `Leave ${field} out to use the default, or choose another value.`,
    );
  };
  const numbers = config as unknown as Readonly<Record<string, number>>;
  const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;
  const isShare = (value: unknown): boolean => Number(value) >= 0 && Number(value) <= 1;
  for (const field of [...settingCounts, ...networkCounts[config.network]]) {
    if (!isCount(numbers[field])) fail(field, "a whole number from 1", numbers[field]);
  }
  for (const field of ["blocks", "timeBuckets", "pauseBuckets"]) {
    const value = numbers[field];
    if (value !== undefined && !(value === 0 || isCount(value))) {
      fail(field, "a whole number from 0", value);
    }
  }
  const heads = "heads" in config ? config.heads : 1;
  if (width % 4 !== 0 || width % heads !== 0) {
    fail("width", `a multiple of 4 and of its ${heads} heads`, width);
  }
  for (const field of ["itemFeatures", "itemTexts"] as const) {
    if (config[field] === true && (!config.tied || loss.kind === "full-softmax")) {
      fail(field, "left out with two item tables or a full softmax", true);
    }
  }
  if (!(dropout >= 0 && dropout < 1)) fail("dropout", "at least 0 and below 1", dropout);
  for (const field of ["learningRate", "embeddingDeviation"] as const) {
    if (!(config[field] > 0)) fail(field, "above 0", config[field]);
  }
  if (!(config.averaging >= 0 && config.averaging < 1)) {
    fail("averaging", "at least 0 and below 1", config.averaging);
  }
  const { ownDropout = 0 } = config;
  if (!(ownDropout >= 0 && ownDropout < 1)) {
    fail("ownDropout", "at least 0 and below 1", ownDropout);
  }
  if (!(config.beta2 > 0 && config.beta2 < 1)) fail("beta2", "between 0 and 1", config.beta2);
  if (!(config.weightDecay >= 0)) fail("weightDecay", "at least 0", config.weightDecay);
  const shared = sharedNegativesOf(loss);
  if (shared === undefined) return;
  if (!isCount(shared.negatives)) {
    fail("loss.negatives", "a whole number from 1", shared.negatives);
  }
  if (!isShare(shared.uniformShare)) fail("loss.uniformShare", "from 0 to 1", shared.uniformShare);
  if (loss.kind === "gbce" && !isShare(loss.calibration)) {
    fail("loss.calibration", "from 0 to 1", loss.calibration);
  }
  if (loss.kind === "bpr-max" && !(loss.regularisation >= 0)) {
    fail("loss.regularisation", "at least 0", loss.regularisation);
  }
}
