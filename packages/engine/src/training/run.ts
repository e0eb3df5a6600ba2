import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ItemFeatureEncoder, type HeldOut, type Sequences, type Split } from "@magpie/data";
import type { Scorer, WorkContext } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import {
  contentModel,
  identityOf,
  Int8SequenceModel,
  PopularityModel,
  saveModel,
  SequenceModel,
  startCost,
  TwoTowerModel,
  type ContentVectors,
  type DataIdentity,
  type Int8Trade,
  type MeasuredQuality,
  type Model,
  type PrecisionLoss,
  type TrainedModel,
  type TrainingData,
} from "@magpie/models";
import { readMeanings, type WrittenMeanings } from "../hybrid/snapshot-meanings.ts";
import { learnSearchOrder } from "../learned-ranking/learn-search-order.ts";
import type { SearchLog } from "../learned-ranking/search-log.ts";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { servedModels } from "../scenarios/retrievers.ts";
import { weightDefaults, type FittedWeights } from "../scenarios/scenarios.ts";
import { isSequenceModel, itemVectorIndex, readsTexts } from "../snapshot/item-vectors.ts";
import {
  modelFolder,
  snapshotFiles,
  type MeasuredModel,
  type Measurement,
  type ModelCard,
  type SnapshotFacts,
} from "../snapshot/manifest.ts";
import { throwIfCancelled } from "../tasks.ts";
import { BlendScorer, fitWeights } from "./blend-on-held-out.ts";
import { takenOf } from "./build-suggester.ts";
import { byCountingAlone, chooseModels, usersWith } from "./choose-models.ts";
import { chooseSplit, type ChosenSplit } from "./choose-split.ts";
import type { BlendWeights } from "./fit-blend.ts";
import { int8LossText, keepInInt8 } from "./keep-in-8-bits.ts";
import { trainModel, type ModelTraining } from "./train-model.ts";
import { writeCatalog, type CatalogInput } from "./write-catalog.ts";

/** Config fields by model kind that replace a model's defaults; false leaves the model out. */
export type TrainingRecipe = Readonly<Record<string, object | false>>;

/** All that a run works from. Nothing in it changes while it runs. */
export interface TrainingInput extends Omit<CatalogInput, "taken"> {
  readonly sequences: Sequences;
  /** Absent where nobody searched. */
  readonly searchLog?: SearchLog;
  /** Folder for checkpoints, from which an interrupted run goes on. */
  readonly checkpoints: string;
  readonly seed: number;
  /** Processes that train one model together, where it can. */
  readonly workers: number;
  /** Keep the sequence model in 8 bits. */
  readonly int8: boolean;
  /** Learn by counting alone, which takes seconds. */
  readonly quick: boolean;
  /** When the run began, which is the date on the models' cards. */
  readonly startedMs: number;
  readonly budgetSeconds?: number;
  readonly recipe: TrainingRecipe;
}

/** What a run says of the snapshot; the caller adds what only it knows. */
export type TrainingOutcome = Omit<
  SnapshotFacts,
  "catalogRevision" | "events" | "vocabularySha256"
>;

/** Test cases asked of each model; more would cost time and hardly narrow the numbers. */
const maxTestCases = 2_000;
/** What the encoder of meanings is taught by where there is no time for it. */
const noQueries = { train: 0, validation: 0, heldOut: 0 };
/** Popularity of the last weeks is served when it ranks at least so many items. */
const minRecentItems = 20;
/** Share of the budget for the measured sequence model; as much is for the published one. */
const sequenceShare = 0.35;
/** The same for the model that reads the catalogue. */
const contentShare = 0.1;
/** The published model is trained again when the budget allows this share of the measured epochs. */
const minEpochShare = 0.6;

/**
 * One training run, from sequences to the files of a snapshot:
 *
 *     catalogue ─▶ columns, text index
 *     sequences ─▶ split ─▶ train on the past ─▶ fit the blend on validation ─▶ measure on test
 *               └─▶ train again on everything ─▶ model files, vectors
 *
 * The measured models have seen only the training part; those of the snapshot learn from all. A
 * shop with few events gets what its data carries, and the outcome's notes say what is missing.
 */
export async function runTraining(
  input: TrainingInput,
  context: WorkContext,
): Promise<TrainingOutcome> {
  const readCost = startCost();
  const startedMs = performance.now();
  const { sequences, budgetSeconds } = input;
  const notes: string[] = [];
  const kinds = chooseModels(input, notes);
  announceMemory(kinds, input, context);

  const taken = takenOf(sequences, input.vocabulary.size + 1);
  const taught = input.quick ? { taught: { queries: noQueries, why: byCountingAlone } } : {};
  const { catalog, meanings, items } = await writeCatalog({ ...input, ...taught, taken }, context);
  notes.push(...meanings.notes);
  const encoder = ItemFeatureEncoder.fit(items.filter((item) => item !== undefined));
  await writeFile(join(input.draft, snapshotFiles.itemFeatures), JSON.stringify(encoder.save()));
  // What the catalogue says of each item, [items + 1, features].
  const itemFeatures = encoder.matrix([undefined, ...items]);
  const { split, inVisit, why } = chooseSplit(sequences, input.seed);
  notes.push(...why);

  const content = await textsFor(kinds, input, meanings, notes);
  const withTexts = (model: Model, data: TrainingData): TrainingData =>
    content !== undefined && wantsTexts(model, input) ? { ...data, content } : data;

  let weights = weightDefaults;
  let measurement: Measurement | undefined;
  const measured: TrainedModel[] = [];
  let int8Loss: PrecisionLoss | undefined;
  if (split !== undefined) {
    const data = { train: split.train, validation: split.validation, itemFeatures };
    for (const model of kinds) {
      const share = model === contentModel ? contentShare : sequenceShare;
      const budget = budgetSeconds === undefined ? {} : { budgetSeconds: budgetSeconds * share };
      const trained = await train(
        model,
        withTexts(model, data),
        "measured",
        input,
        context,
        budget,
      );
      if (!input.int8 || !(trained instanceof SequenceModel)) {
        measured.push(trained);
        continue;
      }
      const { kept, loss } = await keepInInt8(trained, split.validation, context);
      int8Loss = loss;
      measured.push(kept);
      await trained.dispose();
    }
    ({ weights, measurement } = await measure(measured, catalog, split, inVisit, context));
  }

  const published: TrainedModel[] = [];
  for (const model of kinds.filter(({ kind }) => kind !== "ease")) {
    const spent = (performance.now() - startedMs) / 1_000;
    const known = measured.find(({ kind }) => kind === model.kind);
    const again =
      known === undefined || known.curve.length === 0
        ? {}
        : planAgain(known, split!.train, sequences, budgetSeconds && budgetSeconds - spent);
    if (again === "keep") {
      published.push(known!);
      notes.push(
        `the published ${model.kind} has not seen the held-out part: the budget of ` +
          `${budgetSeconds} s did not allow to train it again on everything`,
      );
    } else {
      const data = { train: sequences, itemFeatures };
      const trained = await train(
        model,
        withTexts(model, data),
        "published",
        input,
        context,
        again,
      );
      const isKept = int8Loss !== undefined && trained instanceof SequenceModel;
      published.push(isKept ? Int8SequenceModel.of(trained) : trained);
    }
  }

  const { kept, popularityDays } = choosePopularity(published);
  const int8Of = (model: TrainedModel): Int8Trade | undefined =>
    model instanceof Int8SequenceModel ? { bytes: model.savedBytes, loss: int8Loss! } : undefined;
  if (input.int8) notes.push(...int8Notes(kept, int8Of));
  const everything = identityOf(sequences);
  const withoutHeldOut = split && identityOf(split.train);
  await save(kept, input, (model) => {
    const isMeasuredItself = measured.includes(model);
    return {
      data: isMeasuredItself ? withoutHeldOut! : everything,
      measured: qualityOf(model, measurement, !isMeasuredItself),
      int8: int8Of(model),
    };
  });
  for (const one of new Set([...measured, ...published])) await one.dispose();
  const order = input.quick
    ? { notes: [`searches keep their default order: ${byCountingAlone}`] }
    : await learnSearchOrder(
        {
          ...input,
          catalog,
          popularityDays,
          encoder: meanings.encoder && input.encoder,
          isEncoderAdapted: meanings.adaptation?.isUsed ?? false,
        },
        context,
      );
  notes.push(...order.notes);
  return {
    items: input.vocabulary.size,
    users: usersWith(1, sequences),
    interactions: sequences.items.length,
    seed: input.seed,
    models: kept.map((model): ModelCard => {
      const { kind, name, config, cost } = model;
      const int8 = int8Of(model);
      const texts = isSequenceModel(model) && readsTexts(model) ? meanings.encoder : undefined;
      return { kind, name, config, cost, ...(int8 && { int8 }), ...(texts && { texts }) };
    }),
    ...(popularityDays !== undefined && { popularityDays }),
    weights,
    ...(measurement && { measurement }),
    ...(meanings.encoder && { encoder: meanings.encoder }),
    ...(order.ranking && { searchRanking: order.ranking }),
    ...(meanings.adaptation && { encoderAdaptation: meanings.adaptation }),
    notes,
    cost: readCost(),
  };
}

/** Whether the recipe asks for texts of items. */
function wantsTexts(model: Model, input: TrainingInput): boolean {
  return (
    "itemTexts" in model.defaults &&
    (configOf(model, input) as { itemTexts: unknown }).itemTexts === true
  );
}

/** What items mean, for the models whose recipes ask for it; a note says where there is nothing. */
async function textsFor(
  kinds: readonly Model[],
  input: TrainingInput,
  { encoder }: WrittenMeanings,
  notes: string[],
): Promise<ContentVectors | undefined> {
  const asking = kinds.filter((model) => wantsTexts(model, input));
  if (asking.length === 0) return undefined;
  if (encoder !== undefined) return readMeanings(join(input.draft, snapshotFiles.meanings));
  for (const { kind } of asking) notes.push(`${kind} reads no texts: the snapshot has no meanings`);
  return undefined;
}

/** What a training is told that goes beyond the recipe. */
interface PlannedTraining {
  readonly epochs?: number;
  /** What validation said of likeness of content, see `TwoTowerConfig`. */
  readonly likeness?: number;
  readonly budgetSeconds?: number;
}

/** Says what the run will take before it takes it. */
function announceMemory(kinds: readonly Model[], input: TrainingInput, context: WorkContext): void {
  const { train } = { train: input.sequences };
  const expected = kinds.map((model) => ({
    kind: model.kind,
    bytes: model.expectedBytes({ train }, configOf(model, input)),
  }));
  const most = expected.reduce((max, { bytes }) => Math.max(max, bytes), 0);
  context.onProgress({
    stage: "plan",
    done: 0,
    total: kinds.length,
    unit: "models",
    message:
      expected.length === 0
        ? "No model to train: the snapshot holds the catalogue, its text index and its newest items."
        : `Models: ${expected.map(({ kind, bytes }) => `${kind} ${megabytes(bytes)}`).join(", ")}; ` +
          `trained one after another, so about ${megabytes(most)} beyond the data at a time.`,
    metrics: { expectedBytes: most },
  });
}

async function train(
  model: Model,
  data: TrainingData,
  purpose: ModelTraining["purpose"],
  input: TrainingInput,
  context: WorkContext,
  limits: PlannedTraining,
): Promise<TrainedModel> {
  throwIfCancelled(context.signal, "Training");
  const { budgetSeconds, ...fixed } = limits;
  context.onProgress({ stage: `train/${model.kind}`, done: 0, unit: "models", message: purpose });
  return trainModel(
    {
      model,
      data,
      config: { ...configOf(model, input), ...fixed },
      purpose,
      checkpoints: input.checkpoints,
      seed: input.seed,
      workers: input.workers,
      ...(budgetSeconds !== undefined && { budgetSeconds }),
    },
    context,
  );
}

/** Fits the blends on validation and measures everything on test. */
async function measure(
  measured: readonly TrainedModel[],
  catalog: LiveCatalog,
  split: Split,
  inVisit: ChosenSplit["inVisit"],
  context: WorkContext,
): Promise<{ weights: FittedWeights; measurement: Measurement }> {
  const { kept, popularityDays } = choosePopularity(measured);
  const parts = servedModels(kept, {
    popularityDays,
    vectors: itemVectorIndex(kept, split.train),
  });
  const { weights, fit } = await fitWeights(
    parts,
    catalog,
    { returning: split.validation, inVisit: inVisit?.validation ?? split.validation },
    context,
  );
  const blend = (of: BlendWeights): Scorer => new BlendScorer(parts, catalog, of);
  const onTest = await tableOf([...measured, blend(weights.returning)], split.test, context);
  return {
    weights,
    measurement: {
      protocol: split.protocol,
      seenItems: "keep",
      ...onTest,
      ...(inVisit && {
        inVisit: await tableOf([...measured, blend(weights.inVisit)], inVisit.test, context),
      }),
      fit,
    },
  };
}

async function tableOf(
  scorers: readonly (Scorer & { readonly cost?: TrainedModel["cost"] })[],
  test: HeldOut,
  context: WorkContext,
): Promise<{ readonly cases: number; readonly models: readonly MeasuredModel[] }> {
  const rows: MeasuredModel[] = [];
  let cases = 0;
  for (const scorer of scorers) {
    throwIfCancelled(context.signal, "Training");
    const evaluation = await evaluate(scorer, test, {
      cutoffs: [10],
      metrics: ["ndcg", "recall", "coverage"],
      maxCases: maxTestCases,
      work: context,
    });
    ({ cases } = evaluation);
    rows.push({
      model: scorer.name,
      ndcgAt10: evaluation.metrics.ndcgAt10!,
      recallAt10: evaluation.metrics.recallAt10!,
      coverageAt10: evaluation.metrics.coverageAt10!,
      trainSeconds: scorer.cost?.wallSeconds ?? 0,
    });
  }
  return { cases, models: rows };
}

/**
 * How a model that learns in epochs is trained again on everything: for as many epochs as were best, because
 * nothing is left to validate on. "keep" when the budget does not allow enough of them.
 */
function planAgain(
  measured: TrainedModel,
  measuredOn: Sequences,
  everything: Sequences,
  secondsLeft: number | undefined,
): PlannedTraining | "keep" {
  const best = measured.curve.reduce<(typeof measured.curve)[number] | undefined>(
    (a, b) => ((b.ndcgAt10 ?? -Infinity) > (a?.ndcgAt10 ?? -Infinity) ? b : a),
    undefined,
  );
  const epochs = Math.max(1, best?.epoch ?? 1);
  const likeness =
    measured instanceof TwoTowerModel ? { likeness: measured.encoder.likenessShare } : {};
  if (best === undefined || secondsLeft === undefined) {
    return { epochs, ...likeness, ...(secondsLeft && { budgetSeconds: secondsLeft }) };
  }
  const needed = best.seconds * (everything.items.length / Math.max(1, measuredOn.items.length));
  if (secondsLeft < minEpochShare * needed) return "keep";
  return { epochs, ...likeness, budgetSeconds: secondsLeft };
}

/** Popularity of the last weeks where it says enough, else of all time; all other models stay. */
function choosePopularity(trained: readonly TrainedModel[]): {
  readonly kept: readonly TrainedModel[];
  readonly popularityDays?: number | null;
} {
  const popular = trained.filter((model) => model instanceof PopularityModel);
  const others = trained.filter((model) => !(model instanceof PopularityModel));
  const kept = others.filter(({ kind }) => kind !== "ease");
  const recent = popular.find(({ config }) => config.windowDays !== null);
  const enough = recent !== undefined && ranked(recent) >= minRecentItems;
  const chosen = enough
    ? recent
    : (popular.find(({ config }) => config.windowDays === null) ?? recent);
  if (chosen === undefined) return { kept };
  return { kept: [chosen, ...kept], popularityDays: chosen.config.windowDays };
}

function ranked({ scores }: PopularityModel): number {
  let count = 0;
  for (const score of scores) if (score > 0) count++;
  return count;
}

async function save(
  kept: readonly TrainedModel[],
  input: TrainingInput,
  originOf: (model: TrainedModel) => {
    readonly data: DataIdentity;
    readonly measured: MeasuredQuality | undefined;
    readonly int8: Int8Trade | undefined;
  },
): Promise<void> {
  const { draft, seed, workers, startedMs: trainedMs } = input;
  for (const model of kept) {
    const folder = join(draft, modelFolder(model.kind));
    await mkdir(folder, { recursive: true });
    const { data, measured, int8 } = originOf(model);
    await saveModel(model, folder, {
      trainedMs,
      seed,
      ...(workers > 1 && isSequenceModel(model) && { workers }),
      data,
      ...(measured && { measured }),
      ...(int8 && { int8 }),
    });
  }
  const vectors = itemVectorIndex(kept, input.sequences);
  if (vectors !== undefined) {
    await writeFile(join(input.draft, snapshotFiles.vectors), vectors.toBytes());
  }
}

/** What became of the wish to keep models in 8 bits. */
function int8Notes(
  kept: readonly TrainedModel[],
  int8Of: (model: TrainedModel) => Int8Trade | undefined,
): string[] {
  const notes = kept.flatMap((model) => {
    const trade = int8Of(model);
    if (trade === undefined) return [];
    const { float32, int8 } = trade.bytes;
    return [
      `${model.kind} is kept in 8 bits: ${count(int8)} bytes for ${count(float32)}; ${int8LossText(trade.loss)}`,
    ];
  });
  if (notes.length > 0) return notes;
  const why = kept.some(isSequenceModel)
    ? "there is nothing to measure their loss on"
    : "there is no sequence model";
  return [`no 8 bits: ${why}`];
}

const count = (value: number): string => value.toLocaleString("en-US");

/** The run's measurement of a model by its name, if it has one. */
function qualityOf(
  { name }: TrainedModel,
  measurement: Measurement | undefined,
  isOfTwin: boolean,
): MeasuredQuality | undefined {
  const row = measurement?.models.find(({ model }) => model === name);
  if (measurement === undefined || row === undefined) return undefined;
  const { protocol, cases } = measurement;
  const { ndcgAt10, recallAt10, coverageAt10 } = row;
  return { protocol, cases, metrics: { ndcgAt10, recallAt10, coverageAt10 }, isOfTwin };
}

function configOf(model: Model, { recipe }: TrainingInput): object {
  return { ...model.defaults, ...(recipe[model.kind] || undefined) };
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
