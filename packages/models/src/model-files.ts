import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TrainingError } from "@magpie/domain";
import { readParameterFile, writeParameterFile, type StoredTensor } from "@magpie/tensor";
import type { CurvePoint, TrainingCost } from "./model.ts";

/** What stands in `model.json` beside the parameters. */
export interface ModelCard {
  readonly kind: string;
  /** Grows when the files of this kind change their meaning. */
  readonly format: number;
  readonly itemCount: number;
  readonly config: object;
  readonly cost: TrainingCost;
  /** Of models that learn in epochs. */
  readonly curve?: readonly CurvePoint[];
}

type Parameters = Readonly<Record<string, Float32Array | Int32Array>>;

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
  await writeFile(join(directory, cardFile), `${JSON.stringify(card, null, 2)}\n`);
}

/**
 * Reads what `writeModel` wrote.
 *
 * @throws {TrainingError} `WRONG_MODEL_KIND` or `WRONG_MODEL_FORMAT` when another model, or another
 *   version of this one, wrote the folder; `BAD_PARAMETER_FILE` when its parameters are cut off
 */
export async function readModel(
  directory: string,
  kind: string,
  format: number,
): Promise<{ card: ModelCard; parameters: Parameters }> {
  const card = JSON.parse(await readFile(join(directory, cardFile), "utf8")) as ModelCard;
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
  const parameters: Record<string, Float32Array | Int32Array> = {};
  for (const [name, { values }] of Object.entries(tensors)) parameters[name] = values;
  return { card, parameters };
}
