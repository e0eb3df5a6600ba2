import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TrainingError } from "@magpie/domain";
import type { TrainingCost } from "./model.ts";

/** What stands in `model.json` beside the parameters. */
export interface ModelCard {
  readonly kind: string;
  /** Grows when the files of this kind change their meaning. */
  readonly format: number;
  readonly itemCount: number;
  readonly config: object;
  readonly cost: TrainingCost;
}

type Parameters = Readonly<Record<string, Float32Array | Int32Array>>;

const cardFile = "model.json";
const parameterFile = "parameters.bin";

/** Writes a card and named arrays into an existing folder. */
export async function writeModel(
  directory: string,
  card: ModelCard,
  parameters: Parameters,
): Promise<void> {
  const entries = Object.entries(parameters);
  const header = Buffer.from(
    JSON.stringify(
      entries.map(([name, array]) => ({
        name,
        type: array instanceof Int32Array ? "i32" : "f32",
        length: array.length,
      })),
    ),
  );
  const size = Buffer.alloc(4);
  size.writeUInt32LE(header.length);
  const bodies = entries.map(([, a]) => Buffer.from(a.buffer, a.byteOffset, a.byteLength));
  await writeFile(join(directory, parameterFile), Buffer.concat([size, header, ...bodies]));
  await writeFile(join(directory, cardFile), `${JSON.stringify(card, null, 2)}\n`);
}

/**
 * Reads what `writeModel` wrote.
 *
 * @throws {TrainingError} `WRONG_MODEL_KIND` or `WRONG_MODEL_FORMAT` when another model, or another
 *   version of this one, wrote the folder
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
  const bytes = await readFile(join(directory, parameterFile));
  const headerLength = bytes.readUInt32LE(0);
  const header = JSON.parse(bytes.toString("utf8", 4, 4 + headerLength)) as {
    name: string;
    type: "i32" | "f32";
    length: number;
  }[];
  const parameters: Record<string, Float32Array | Int32Array> = {};
  let at = 4 + headerLength;
  for (const { name, type, length } of header) {
    const body = new Uint8Array(length * 4);
    body.set(bytes.subarray(at, at + body.length));
    parameters[name] = type === "i32" ? new Int32Array(body.buffer) : new Float32Array(body.buffer);
    at += body.length;
  }
  return { card, parameters };
}
