import { readFile } from "node:fs/promises";
import { TrainingError } from "@magpie/domain";
import { modelByKind } from "@magpie/models";

/** Fields by model kind that replace the defaults of its recipe. */
export type RecipeFile = Readonly<Record<string, object>>;

/**
 * Reads a recipe file: `{ "sasrec": { "dropout": 0.3 } }`. `magpie tune` writes one.
 *
 * @throws {TrainingError} `BAD_RECIPE` for a file that is none, or a field that the model's recipe lacks;
 *   `UNKNOWN_MODEL`
 */
export async function readRecipe(path: string): Promise<RecipeFile> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw bad(path, `it cannot be read (${error.code})`, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw bad(path, "it is not JSON", error);
  }
  if (!isObject(value)) throw bad(path, "it must be one object, by kind of model");
  for (const [kind, fields] of Object.entries(value)) {
    if (!isObject(fields)) throw bad(path, `"${kind}" must be an object of settings`);
    const { defaults } = modelByKind(kind);
    const stranger = Object.keys(fields).find((field) => !(field in defaults));
    if (stranger !== undefined) {
      const known = Object.keys(defaults).join(", ");
      throw bad(path, `"${kind}" has no setting "${stranger}", but ${known}`);
    }
  }
  return value as RecipeFile;
}

const isObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function bad(path: string, problem: string, cause?: unknown): TrainingError {
  return new TrainingError(
    "BAD_RECIPE",
    `The recipe file ${path}: ${problem}.`,
    'Write it like { "sasrec": { "dropout": 0.3 } }, or let `magpie tune` write it.',
    { cause },
  );
}
