import { TrainingError, type WorkContext } from "@magpie/domain";
import { seededRandom, type Random } from "@magpie/numerics";
import { FeatureBins } from "./feature-bins.ts";
import { BoostedForest, type ForestArrays } from "./forest.ts";
import {
  LambdaObjective,
  LogisticObjective,
  meanNdcg,
  type Objective,
  type RankedGroups,
} from "./objectives.ts";
import { TreeGrower, type GrownTree, type TreeConfig } from "./tree-grower.ts";

export interface BoostingConfig extends TreeConfig {
  /** Most trees. */
  readonly trees: number;
  /** Share of the queries (or rows) that each tree learns from, drawn anew. */
  readonly bagging: number;
  /** Share of the features that each tree may ask, drawn anew. */
  readonly featureShare: number;
  /** Trees without a better validation value after which growing ends. */
  readonly patience: number;
}

/** Modest trees, many of them: what a shop's few thousand searches carry. */
export const boostingDefaults: BoostingConfig = {
  trees: 300,
  maxLeaves: 15,
  minLeafRows: 40,
  l2: 1,
  learningRate: 0.06,
  bagging: 0.7,
  featureShare: 0.8,
  patience: 40,
};

/** Rows of features, all of one width. */
export interface FeatureRows {
  /** [rows, features]; NaN is missing. */
  readonly features: Float32Array;
  /**
   * [rows]: what each row scores before the first tree, which the trees then correct; 0 when absent.
   * The forest does not hold it: whoever scores adds it.
   */
  readonly margins?: Float64Array;
}

export type RankingRows = FeatureRows & RankedGroups;

export interface LabelledRows extends FeatureRows {
  /** [rows]: 1 for yes, 0 for no. */
  readonly answers: Uint8Array;
  /** [rows]; 1 each when absent. */
  readonly weights?: Float32Array;
}

/** A forest with how its validation value went, tree by tree. */
export interface BoostingOutcome {
  readonly forest: BoostedForest;
  /** After each grown tree; the forest is cut off at the best. Empty without validation. */
  readonly curve: readonly number[];
}

/** What a training is given beside its rows. */
export interface BoostingContext extends Pick<WorkContext, "signal"> {
  readonly featureNames: readonly string[];
  readonly seed: number;
  /** Hears how many trees there are. */
  readonly onTree?: (trees: number) => void;
}

/** Places of a ranking that LambdaMART cares for, in its gradients and in early stopping. */
export interface LambdaMartConfig extends BoostingConfig {
  readonly cutoff: number;
}

export const lambdaMartDefaults: LambdaMartConfig = { ...boostingDefaults, cutoff: 10 };

/**
 * Learns to order candidates: boosted trees on `LambdaObjective`'s gradients, as many as rank the
 * validation queries best by NDCG.
 *
 * @param validation  queries that training does not see; without them all trees are kept
 * @throws {TrainingError} `BAD_CONFIG`, `BAD_TRAINING_ROWS`
 */
export function trainLambdaMart(
  train: RankingRows,
  validation: RankingRows | undefined,
  config: LambdaMartConfig,
  context: BoostingContext,
): BoostingOutcome {
  const { cutoff } = config;
  if (!(Number.isInteger(cutoff) && cutoff >= 1)) {
    throw badConfig("cutoff", cutoff, "a whole number from 1 on");
  }
  for (const rows of [train, validation]) {
    if (rows !== undefined) checkRows(rows, rows.grades.length, rows.weights, context);
  }
  return boost(
    { rows: train, objective: new LambdaObjective(train, cutoff), start: 0 },
    validation && { rows: validation, valueAt: (scores) => meanNdcg(validation, scores, cutoff) },
    config,
    context,
  );
}

/**
 * Learns the log odds of a yes: boosted trees on the logistic loss, as many as predict the validation
 * rows best. The first tree is a single leaf, the log odds of all rows.
 *
 * @throws {TrainingError} `BAD_CONFIG`, `BAD_TRAINING_ROWS`
 */
export function trainLogisticTrees(
  train: LabelledRows,
  validation: LabelledRows | undefined,
  config: BoostingConfig,
  context: BoostingContext,
): BoostingOutcome {
  for (const rows of [train, validation]) {
    if (rows !== undefined) checkRows(rows, rows.answers.length, rows.weights, context);
  }
  const objective = new LogisticObjective(train.answers, train.weights);
  const held = validation && new LogisticObjective(validation.answers, validation.weights);
  return boost(
    {
      rows: train,
      objective,
      // With margins the log odds of all rows are in them already.
      start: train.margins === undefined ? Math.fround(objective.priorLogOdds) : 0,
    },
    validation && { rows: validation, valueAt: (scores) => -held!.lossAt(scores) },
    config,
    context,
  );
}

/**
 * Gradient boosting: each tree is grown on the derivatives of the loss at what all trees before it
 * score, and its leaves take a step down, shortened by the learning rate.
 */
function boost(
  {
    rows,
    objective,
    start,
  }: { readonly rows: FeatureRows; readonly objective: Objective; readonly start: number },
  validation:
    | {
        readonly rows: FeatureRows;
        /** More is better. */
        readonly valueAt: (scores: Float64Array) => number;
      }
    | undefined,
  config: BoostingConfig,
  { featureNames, seed, signal, onTree }: BoostingContext,
): BoostingOutcome {
  checkConfig(config);
  const F = featureNames.length;
  const bins = FeatureBins.of(rows.features, F);
  const codes = bins.encode(rows.features);
  const grower = new TreeGrower(bins, codes, config);
  const scores = startScores(rows, F, start);
  const heldCodes = validation && bins.encode(validation.rows.features);
  const heldScores = validation && startScores(validation.rows, F, start);
  const gradients = new Float64Array(scores.length);
  const hessians = new Float64Array(scores.length);
  const bagRandom = seededRandom(seed, "boosted-trees/bagging");
  const askRandom = seededRandom(seed, "boosted-trees/features");

  const trees: GrownTree[] = start === 0 ? [] : [leafOnly(start)];
  const curve: number[] = [];
  let best = { trees: trees.length, value: validation?.valueAt(heldScores!) ?? -Infinity };
  for (let grown = 0; grown < config.trees; grown++) {
    signal.throwIfAborted();
    objective.derive(scores, gradients, hessians);
    const bag = drawUnits(objective.offsets, config.bagging, bagRandom);
    const tree = grower.grow(gradients, hessians, bag, drawFeatures(F, config, askRandom));
    // Nothing left to split: later trees, on other draws, may still find something, but not much.
    if (tree.features.length === 1) break;
    trees.push(tree);
    addTree(tree, codes, F, scores);
    onTree?.(trees.length);
    if (validation === undefined) continue;
    addTree(tree, heldCodes!, F, heldScores!);
    const value = validation.valueAt(heldScores!);
    curve.push(value);
    if (value > best.value) best = { trees: trees.length, value };
    else if (trees.length - best.trees >= config.patience) break;
  }
  const kept = validation === undefined ? trees : trees.slice(0, best.trees);
  return { forest: forestOf(kept, bins, featureNames), curve };
}

function startScores({ features, margins }: FeatureRows, F: number, start: number): Float64Array {
  return margins?.slice() ?? new Float64Array(features.length / F).fill(start);
}

/** Rows of the units that a tree learns from; of one unit at least. */
function drawUnits(offsets: Int32Array, share: number, random: Random): Int32Array {
  const units = offsets.length - 1;
  const drawn: number[] = [];
  const take = (unit: number): void => {
    for (let row = offsets[unit]!; row < offsets[unit + 1]!; row++) drawn.push(row);
  };
  for (let unit = 0; unit < units; unit++) if (share >= 1 || random.next() < share) take(unit);
  if (drawn.length === 0) take(random.int(units));
  return Int32Array.from(drawn);
}

function drawFeatures(F: number, { featureShare }: BoostingConfig, random: Random): Uint8Array {
  const mayAsk = new Uint8Array(F);
  const order = random.shuffle(Int32Array.from({ length: F }, (_, f) => f));
  for (let i = 0; i < Math.max(1, Math.round(featureShare * F)); i++) mayAsk[order[i]!] = 1;
  return mayAsk;
}

/** Adds a tree's answers to the scores of coded rows. */
function addTree(tree: GrownTree, codes: Uint8Array, F: number, scores: Float64Array): void {
  const { features, bins, children, missingLeft, values } = tree;
  for (let row = 0; row < scores.length; row++) {
    let node = 0;
    for (let feature = features[0]!; feature >= 0; feature = features[node]!) {
      const code = codes[row * F + feature]!;
      const goesLeft = code === 0 ? missingLeft[node] === 1 : code <= bins[node]!;
      node = children[node]! + (goesLeft ? 0 : 1);
    }
    scores[row]! += values[node]!;
  }
}

function leafOnly(value: number): GrownTree {
  return {
    features: [-1],
    bins: [0],
    children: [0],
    missingLeft: [0],
    values: [value],
    gains: [0],
  };
}

function forestOf(
  trees: readonly GrownTree[],
  bins: FeatureBins,
  featureNames: readonly string[],
): BoostedForest {
  const starts = new Int32Array(trees.length + 1);
  trees.forEach(({ features }, t) => (starts[t + 1] = starts[t]! + features.length));
  const nodes = starts.at(-1)!;
  const arrays: ForestArrays = {
    starts,
    features: new Int32Array(nodes),
    thresholds: new Float32Array(nodes),
    children: new Int32Array(nodes),
    missingLeft: new Int32Array(nodes),
    values: new Float32Array(nodes),
    gains: new Float32Array(featureNames.length),
  };
  trees.forEach((tree, t) => {
    tree.features.forEach((feature, n) => {
      const node = starts[t]! + n;
      arrays.features[node] = feature;
      arrays.values[node] = tree.values[n]!;
      if (feature === -1) return;
      arrays.children[node] = starts[t]! + tree.children[n]!;
      arrays.missingLeft[node] = tree.missingLeft[n]!;
      arrays.gains[feature]! += tree.gains[n]!;
      // Past the last bin: all that is known goes left, and what is missing right.
      const isLast = tree.bins[n] === bins.countOf(feature) - 1;
      arrays.thresholds[node] = isLast ? Infinity : bins.thresholdOf(feature, tree.bins[n]!);
    });
  });
  return new BoostedForest(featureNames, arrays);
}

function checkConfig(config: BoostingConfig): void {
  const { trees, maxLeaves, minLeafRows, l2, learningRate, bagging, featureShare, patience } =
    config;
  for (const [field, value, least] of [
    ["trees", trees, 1],
    ["maxLeaves", maxLeaves, 2],
    ["minLeafRows", minLeafRows, 1],
    ["patience", patience, 1],
  ] as const) {
    if (Number.isInteger(value) && value >= least) continue;
    throw badConfig(field, value, `a whole number from ${least} on`);
  }
  for (const [field, value] of Object.entries({ learningRate, bagging, featureShare })) {
    if (!(value > 0 && value <= 1)) throw badConfig(field, value, "above 0 and at most 1");
  }
  if (!(l2 >= 0 && l2 < Infinity)) throw badConfig("l2", l2, "0 or more");
}

function badConfig(field: string, value: number, wanted: string): TrainingError {
  return new TrainingError(
    "BAD_CONFIG",
    `${field} is ${value}; it must be ${wanted}.`,
    "Correct the configuration of the boosted trees.",
  );
}

function checkRows(
  { features, margins }: FeatureRows,
  rows: number,
  weights: Float32Array | undefined,
  { featureNames }: BoostingContext,
): void {
  const lengths = [margins, weights].flatMap((array) => array?.length ?? []);
  const fits =
    rows > 0 &&
    features.length === rows * featureNames.length &&
    lengths.every((length) => length === rows);
  if (fits) return;
  throw new TrainingError(
    "BAD_TRAINING_ROWS",
    `${rows} labels, ${features.length} numbers of ${featureNames.length} features, and ` +
      `${lengths.join(" and ")} margins or weights do not fit together.`,
    "Give at least one row, and one label, margin and weight per row.",
  );
}
