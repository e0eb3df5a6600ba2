import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import {
  leaveOneOut,
  readOnlineRetail,
  readRetailRocket,
  readS3Rec,
  simulateShop,
  type Sequences,
  type Split,
  splitByTime,
  timeCuts,
} from "@magpie/data";
import { actorOf, DataError } from "@magpie/domain";
import type { PublishedResult } from "@magpie/evaluation";
import type { ContentVectors } from "@magpie/models";
import type { CsrMatrix } from "@magpie/numerics";
import { readAttributes, simulatedFeatures, simulatedTexts } from "./item-attributes.ts";

/** What models are compared on: a public data set, cut by one protocol. */
export interface ModelTask {
  /** Also the name of the data set's folder. */
  readonly dataset: string;
  /** Made here, from a seed: there is no folder. */
  readonly isMade?: boolean;
  /** Kinds of models that apply, in the order of the table. */
  readonly kinds: readonly string[];
  /** What a reader must know to read the numbers right. */
  readonly notes: readonly string[];
  readonly published: readonly PublishedResult[];
  /** @param retell  what becomes of the whole sequences before they are cut; nothing unless said */
  split(folder: string, retell?: (whole: Sequences) => Sequences): Promise<Split>;
  /** What is known of items besides, for models that read it; see `TrainingData.itemFeatures`. */
  readonly itemFeatures?: (folder: string, itemCount: number) => Promise<CsrMatrix>;
  /** What the texts of items mean, as the engine's own encoder reads them; see `TrainingData.content`. */
  readonly content?: () => Promise<ContentVectors>;
}

/** The folder that a task reads; "" where its data is made. */
export function folderOf({ dataset, isMade }: ModelTask): string {
  return isMade === true ? "" : datasetFolder(dataset);
}

/** Folder of a data set: below `MAGPIE_DATASETS`, or `../shared/data` beside the project. */
export function datasetFolder(dataset: string): string {
  const folder = join(resolve(process.env["MAGPIE_DATASETS"] ?? "../shared/data"), dataset);
  if (existsSync(folder)) return folder;
  throw new DataError(
    "DATASET_FILE_MISSING",
    `The folder ${folder} is not there.`,
    "Set MAGPIE_DATASETS to the folder that holds the public data sets; bench/README.md names them.",
    { kind: "not-found" },
  );
}

const eSasRec = "transformer_benchmark repository (eSASRec, arXiv 2508.06450)";
const s3Rec = "S3-Rec repository (Zhou et al. 2020), table of results";

const leaveOneOutNotes = [
  "Training sees each user's items but the last two; validation (the last but one) picks SASRec's " +
    "epoch and picked the defaults of item-kNN and EASE; test (the last) was read once.",
  "Popularity of the last days does not apply: the data has an order but no times.",
  "One member of the blend, its eSASRec, reads the attributes of items that the data comes with (categories, " +
    "brands, tags); no other row does.",
];

const sequenceTask = (
  dataset: string,
  published: readonly PublishedResult[],
  notes: readonly string[] = [],
): ModelTask => ({
  dataset,
  kinds: ["popularity", "item-knn", "ease", "sasrec", "stacked-blend"],
  notes: [...leaveOneOutNotes, ...notes],
  published,
  split: async (folder, retell = asGiven) => leaveOneOut(retell(await readS3Rec(folder))),
  itemFeatures: readAttributes,
});

const sameDay =
  "Order of items within a day is as given in the file, which is arbitrary but the same in every " +
  "copy, so the published numbers are comparable.";

const asGiven = (whole: Sequences): Sequences => whole;

const dayMs = 24 * 60 * 60 * 1_000;
const startOfDay = (ms: number): number => Math.floor(ms / dayMs) * dayMs;

/** About the last tenth of all interactions is test, the tenth before it validation, cut at midnights. */
function lastTenths(whole: Sequences): Split {
  const { validationFromMs, testFromMs } = timeCuts(whole, { validation: 0.1, test: 0.1 });
  return splitByTime(whole, {
    validationFromMs: startOfDay(validationFromMs),
    testFromMs: startOfDay(testFromMs),
  });
}

/** All comparisons that can be run, by name. */
export const modelTasks = {
  "amazon-beauty": sequenceTask(
    "amazon-beauty",
    [
      {
        model: "SASRec, 2018 recipe",
        source: s3Rec,
        metrics: { recallAt5: 0.0387, ndcgAt5: 0.0249, recallAt10: 0.0605, ndcgAt10: 0.0318 },
      },
      {
        model: "S3-Rec",
        source: s3Rec,
        metrics: { recallAt5: 0.0387, ndcgAt5: 0.0244, recallAt10: 0.0647, ndcgAt10: 0.0327 },
      },
      {
        model: "TIGER",
        source: eSasRec,
        metrics: { recallAt5: 0.0454, ndcgAt5: 0.0321, recallAt10: 0.0648, ndcgAt10: 0.0384 },
      },
      { model: "ActionPiece", source: eSasRec, metrics: { recallAt10: 0.0775, ndcgAt10: 0.0424 } },
      {
        model: "SASRec, sampled softmax",
        source: eSasRec,
        metrics: { recallAt10: 0.0921, ndcgAt10: 0.0531 },
      },
      { model: "eSASRec", source: eSasRec, metrics: { recallAt10: 0.0928, ndcgAt10: 0.0523 } },
    ],
    [sameDay],
  ),
  "amazon-sports": sequenceTask(
    "amazon-sports",
    [
      {
        model: "SASRec, 2018 recipe",
        source: s3Rec,
        metrics: { recallAt10: 0.035, ndcgAt10: 0.0192 },
      },
      {
        model: "TIGER",
        source: eSasRec,
        metrics: { recallAt5: 0.0264, ndcgAt5: 0.0181, recallAt10: 0.04, ndcgAt10: 0.0225 },
      },
      {
        model: "SASRec, sampled softmax",
        source: eSasRec,
        metrics: { recallAt10: 0.0569, ndcgAt10: 0.0314 },
      },
      { model: "eSASRec", source: eSasRec, metrics: { recallAt10: 0.056, ndcgAt10: 0.0323 } },
    ],
    [sameDay],
  ),
  "lastfm-s3rec": sequenceTask("lastfm-s3rec", [
    {
      model: "SASRec, 2018 recipe",
      source: s3Rec,
      metrics: { recallAt10: 0.0688, ndcgAt10: 0.039 },
    },
    { model: "S3-Rec", source: s3Rec, metrics: { recallAt10: 0.0743, ndcgAt10: 0.0427 } },
  ]),
  "online-retail": {
    dataset: "online-retail-uci",
    kinds: ["popularity", "popularity-recent", "item-knn", "ease", "sasrec", "stacked-blend"],
    notes: [
      "About the last tenth of all purchases is test, the tenth before it validation; training ends where " +
        "validation begins, so at test all models are a tenth of the data behind, as a shop that " +
        "did not train since would be. Pasts, which models read at serving, are complete.",
      "Customers without a past at the cut are not asked about; items that first sold after the cut " +
        "are among the targets and count as missed.",
      "Cancelled invoices were settled against their purchases first.",
    ],
    published: [],
    split: async (folder, retell = asGiven) =>
      lastTenths(retell((await readOnlineRetail(folder)).sequences)),
  },
  retailrocket: {
    dataset: "retailrocket-multibehavior",
    kinds: ["popularity", "popularity-recent", "item-knn", "ease", "sasrec", "stacked-blend"],
    notes: [
      "Views, carts and purchases of the 2,174 users who bought something (rates are not those of a shop), one " +
        "interaction per user and item, at the time of the first act and with the weight of the strongest; " +
        "the file's own held-out purchases, which have no time, are left out.",
      "About the last tenth of all interactions is test, the tenth before it validation, as for Online Retail. " +
        "Times are exact to about three hours.",
      "Items that were first acted on after the cut are among the targets and count as missed.",
    ],
    published: [],
    split: async (folder, retell = asGiven) =>
      lastTenths(retell((await readRetailRocket(folder)).train)),
  },
  "simulated-shop": {
    dataset: "simulated-shop",
    isMade: true,
    kinds: ["popularity", "popularity-recent", "item-knn", "ease", "sasrec", "stacked-blend"],
    notes: [
      "The demo's shop: 3,000 items, 120,000 events of a year, seed 1. Views, carts and purchases are " +
        "interactions; an item again within the same run of events counts once.",
      "About the last tenth of all interactions is test, the tenth before it validation, as for Online Retail.",
    ],
    published: [],
    itemFeatures: () => Promise.resolve(simulatedFeatures()),
    content: simulatedTexts,
    split: (_folder, retell = asGiven) => Promise.resolve(lastTenths(retell(simulatedSequences()))),
  },
} as const satisfies Record<string, ModelTask>;

export type ModelTaskName = keyof typeof modelTasks;

/**
 * The task of a name that was typed.
 *
 * @throws {Error} naming the tasks there are
 */
export function taskNamed(name: string): ModelTask {
  const task: ModelTask | undefined = Object.entries(modelTasks).find(([own]) => own === name)?.[1];
  if (task !== undefined) return task;
  throw new Error(`There is no task "${name}"; use ${Object.keys(modelTasks).join(", ")}.`);
}

/** What shoppers of the simulated demo shop looked at, put into carts and bought, by shopper. */
function simulatedSequences(): Sequences {
  const nowMs = Date.parse("2026-06-01T00:00:00Z");
  const shop = simulateShop({ seed: 1, size: "demo", nowMs });
  const rowOf = new Map(shop.items.map(({ id }, i) => [id, i + 1]));
  const byActor = new Map<string, { item: number; timeMs: number }[]>();
  for (const event of shop.events()) {
    if (!["view", "add_to_cart", "purchase"].includes(event.type)) continue;
    const actor = actorOf(event);
    const own = byActor.get(actor) ?? [];
    byActor.set(actor, own);
    for (const { itemId } of event.items ?? []) {
      const item = rowOf.get(itemId);
      if (item === undefined || own.at(-1)?.item === item) continue;
      own.push({ item, timeMs: event.timestampMs });
    }
  }
  const users = [...byActor.values()]
    .filter((own) => own.length > 0)
    .map((own) => own.toSorted((a, b) => a.timeMs - b.timeMs));
  const offsets = new Int32Array(users.length + 1);
  users.forEach((own, u) => (offsets[u + 1] = offsets[u]! + own.length));
  return {
    userCount: users.length,
    itemCount: shop.items.length,
    offsets,
    items: Int32Array.from(users.flatMap((own) => own.map(({ item }) => item))),
    timestampsMs: Float64Array.from(users.flatMap((own) => own.map(({ timeMs }) => timeMs))),
  };
}
