import { createHash } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Sequences } from "@magpie/data";
import { TrainingError } from "@magpie/domain";
import { readParameterFile, writeParameterFile, type StoredTensor } from "@magpie/tensor";
import type { CurvePoint, TrainedModel, TrainingCost } from "./model.ts";

/**
 * What stands in `model.json` beside the parameters. Fields from `name` on are there when the model was
 * saved by `saveModel`, as it is in every snapshot.
 */
export interface ModelCard {
  readonly kind: string;
  /** Grows when the files of this kind change their meaning. */
  readonly format: number;
  readonly itemCount: number;
  readonly config: object;
  readonly cost: TrainingCost;
  /** How the parameters are kept and served; absent: in single precision. */
  readonly precision?: "int8";
  /** Of models that learn in epochs. */
  readonly curve?: readonly CurvePoint[];
  /** As tables show it. */
  readonly name?: string;
  readonly origin?: ModelOrigin;
  /** The file beside the card, so that one can be told from another's. */
  readonly parameters?: { readonly bytes: number; readonly sha256: string };
}

/** Where a model comes from: what neither its recipe nor its parameters tell. */
export interface ModelOrigin {
  /** When it was trained: Unix milliseconds. */
  readonly trainedMs: number;
  readonly seed: number;
  /** Processes that trained it together; absent: one, and then equal data and seeds give an equal model. */
  readonly workers?: number;
  readonly data: DataIdentity;
  /** How good the recipe was found to be; absent where there was too little data to tell. */
  readonly measured?: MeasuredQuality;
  /** What was won and lost by keeping it in 8 bits. */
  readonly int8?: Int8Trade;
}

/** What 8 bits save of a model, and what they cost it. */
export interface Int8Trade {
  /** Of the parameters. */
  readonly bytes: { readonly float32: number; readonly int8: number };
  /** Of the same recipe trained without the held-out part, on the same cases in both precisions. */
  readonly loss: PrecisionLoss;
}

/** How good a model is on held-out cases in single precision and in 8 bits. */
export interface PrecisionLoss {
  readonly cases: number;
  readonly ndcgAt10: { readonly float32: number; readonly int8: number };
  /** 8 bits minus single precision, with the 95 % interval over cases. */
  readonly change: { readonly mean: number; readonly low: number; readonly high: number };
}

/** Which data a model learnt from, without any of it. */
export interface DataIdentity {
  /** Of user boundaries, items, times and weights: equal for equal training data alone. */
  readonly sha256: string;
  readonly users: number;
  readonly items: number;
  readonly interactions: number;
}

/** Metrics with what they were measured on. */
export interface MeasuredQuality {
  /** How the data was split, as tables say it. */
  readonly protocol: string;
  readonly cases: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** True where these are of the same recipe trained without the held-out part. */
  readonly isOfTwin: boolean;
}

/** Says which training data it is. */
export function identityOf(train: Sequences): DataIdentity {
  const { userCount, itemCount, offsets, items, timestampsMs, weights } = train;
  const hash = createHash("sha256").update(JSON.stringify([userCount, itemCount]));
  const parts = { offsets, items, timestampsMs, weights };
  for (const [name, values] of Object.entries(parts)) {
    if (values !== undefined) hash.update(name).update(values);
  }
  return {
    sha256: hash.digest("hex"),
    users: userCount,
    items: itemCount,
    interactions: items.length,
  };
}

/**
 * Saves a model with a card that says where it comes from: what was learnt from, by which recipe and seed,
 * when, at what cost, and how good it was.
 *
 * @param directory  an existing empty folder
 */
export async function saveModel(
  model: TrainedModel,
  directory: string,
  origin: ModelOrigin,
): Promise<void> {
  await model.save(directory);
  const bytes = await readFile(join(directory, parameterFile));
  const card: ModelCard = {
    ...(await readCard(directory)),
    name: model.name,
    origin,
    parameters: {
      bytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    },
  };
  await writeCard(directory, card);
}

/**
 * The card of a saved model.
 *
 * @throws {TrainingError} `NO_MODEL` when the folder holds none, `BAD_MODEL_CARD` when it is not readable
 */
export async function readCard(directory: string): Promise<ModelCard> {
  const path = join(directory, cardFile);
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "ENOENT" && cause.code !== "ENOTDIR") throw cause;
    throw new TrainingError(
      "NO_MODEL",
      `There is no trained model in ${directory}: it has no ${cardFile}.`,
      "Name a folder that a model was saved to, such as one in a snapshot's models/.",
      { kind: "not-found", cause },
    );
  });
  const isCard = (value: unknown): value is ModelCard =>
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    typeof value.kind === "string" &&
    "itemCount" in value &&
    typeof value.itemCount === "number";
  let card: unknown;
  try {
    card = JSON.parse(text);
  } catch {
    // Not JSON is not a card.
  }
  if (isCard(card)) return card;
  throw new TrainingError(
    "BAD_MODEL_CARD",
    `${path} is not the card of a model.`,
    "Train again, or restore the file from a copy.",
  );
}

/** Whole or not at all: a reader sees the old card or the new one. */
async function writeCard(directory: string, card: ModelCard): Promise<void> {
  const path = join(directory, cardFile);
  await writeFile(`${path}.tmp`, `${JSON.stringify(card, null, 2)}\n`);
  await rename(`${path}.tmp`, path);
}

type Parameters = Readonly<Record<string, StoredTensor["values"]>>;

const cardFile = "model.json";
const parameterFile = "parameters.safetensors";

/** Writes a card and named arrays into an existing folder. */
export async function writeModel(
  directory: string,
  card: ModelCard,
  parameters: Parameters,
): Promise<void> {
  const tensors: Record<string, StoredTensor> = {};
  for (const [name, values] of Object.entries(parameters)) {
    tensors[name] = { shape: [values.length], values };
  }
  const metadata = { kind: card.kind, format: String(card.format) };
  await writeParameterFile(join(directory, parameterFile), { tensors, metadata });
  await writeCard(directory, card);
}

/**
 * Reads what `writeModel` wrote.
 *
 * @throws {TrainingError} `WRONG_MODEL_KIND` or `WRONG_MODEL_FORMAT` when another model, or another
 *   version of this one, wrote the folder; `NO_MODEL` or `BAD_MODEL_CARD` when it has no card;
 *   `BAD_PARAMETER_FILE` when its parameters are cut off
 */
export async function readModel(
  directory: string,
  kind: string,
  format: number,
): Promise<{ card: ModelCard; parameters: Parameters }> {
  const card = await readCard(directory);
  if (card.kind !== kind) {
    throw new TrainingError(
      "WRONG_MODEL_KIND",
      `${directory} holds a model of kind "${card.kind}", not "${kind}".`,
      "Open it with modelByKind(card.kind).",
    );
  }
  if (card.format !== format) {
    throw new TrainingError(
      "WRONG_MODEL_FORMAT",
      `${directory} was written in format ${card.format} of "${kind}"; this version reads ${format}.`,
      "Train the model again.",
    );
  }
  const { tensors } = await readParameterFile(join(directory, parameterFile));
  const parameters: Record<string, StoredTensor["values"]> = {};
  for (const [name, { values }] of Object.entries(tensors)) parameters[name] = values;
  return { card, parameters };
}
