import { join } from "node:path";
import { openStore } from "@magpie/data";
import { StoreError } from "@magpie/domain";
import { readManifest } from "./folder.ts";
import { modelFolder, snapshotFiles, type SnapshotFacts } from "./manifest.ts";

/** Where the files of the active snapshot's models lie. */
export interface SavedModels {
  readonly version: string;
  /** The item ids by row, as `Vocabulary.load` reads them. */
  readonly vocabulary: string;
  /** Folder of each model, by kind. */
  readonly folders: Readonly<Record<string, string>>;
}

/**
 * Finds the models that a data folder serves, without opening them.
 *
 * @throws {StoreError} `NO_SNAPSHOT` when nothing is published, `SNAPSHOT_DAMAGED`, `DATA_FOLDER_IN_USE`
 */
export async function savedModels(dataFolder: string): Promise<SavedModels> {
  const store = await openStore(dataFolder);
  const active = await store.snapshots.active().finally(() => store.close());
  if (active === undefined) {
    throw new StoreError(
      "NO_SNAPSHOT",
      `Nothing is published in ${dataFolder} yet, so there is no model.`,
      "Train first: magpie train.",
      { kind: "unavailable" },
    );
  }
  const directory = join(dataFolder, active.path);
  const { version, models } = await readManifest<SnapshotFacts>(directory);
  return {
    version,
    vocabulary: join(directory, snapshotFiles.vocabulary),
    folders: Object.fromEntries(
      models.map(({ kind }) => [kind, join(directory, modelFolder(kind))]),
    ),
  };
}
