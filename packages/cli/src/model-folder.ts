import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { itemVocabulary, Vocabulary, type ItemVocabulary } from "@magpie/data";
import { TrainingError, type ItemId, type ItemIndex } from "@magpie/domain";
import { savedModels } from "@magpie/engine";

/** A saved model that a command was pointed at. */
export interface ModelPlace {
  /** How the command's output calls it. */
  readonly label: string;
  readonly folder: string;
  /** Item ids by row; empty for a model outside a snapshot, whose ids are not known. */
  readonly vocabulary: ItemVocabulary;
}

/**
 * Finds saved models: a folder that holds one, or those of the active snapshot, all or one by its kind.
 *
 * @param wanted  a folder or a kind
 * @throws {TrainingError} `UNKNOWN_MODEL` when it is neither; `StoreError` as `savedModels` throws
 */
export async function modelPlaces(
  dataFolder: string,
  wanted: string | undefined,
): Promise<readonly ModelPlace[]> {
  if (wanted !== undefined && existsSync(join(wanted, "model.json"))) {
    return [{ label: wanted, folder: resolve(wanted), vocabulary: itemVocabulary() }];
  }
  const { version, vocabulary: path, folders } = await savedModels(dataFolder);
  const vocabulary = await Vocabulary.load<ItemId, ItemIndex>(path);
  const places = Object.entries(folders)
    .filter(([kind]) => wanted === undefined || kind === wanted)
    .map(([kind, folder]) => ({ label: `${kind} of snapshot ${version}`, folder, vocabulary }));
  if (places.length > 0 || wanted === undefined) return places;
  throw new TrainingError(
    "UNKNOWN_MODEL",
    `"${wanted}" is no folder of a model, and snapshot ${version} has no model of that kind.`,
    `The snapshot has ${Object.keys(folders).join(", ") || "none"}; magpie inspect model lists them.`,
    { kind: "not-found" },
  );
}
