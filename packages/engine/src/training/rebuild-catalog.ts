import { copyFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { WorkContext } from "@magpie/domain";
import type { LearnedAdaptation } from "@magpie/encoder";
import { startCost } from "@magpie/models";
import { readManifest } from "../snapshot/folder.ts";
import { snapshotFiles, type SnapshotFacts, type SnapshotManifest } from "../snapshot/manifest.ts";
import type { LearnedSearches } from "./learn-searches.ts";
import type { TrainingOutcome } from "./run.ts";
import { writeCatalog, type CatalogInput } from "./write-catalog.ts";

/** What a snapshot's catalogue is made anew from. */
export interface RebuildInput extends Omit<CatalogInput, "taken" | "searches" | "taught" | "seed"> {
  /** Folder of the snapshot whose models are kept; its ids have the same rows in the vocabulary. */
  readonly former: string;
}

/** What is learned from people, beside the folders of models. */
const learnedFiles: ReadonlySet<string> = new Set([
  snapshotFiles.itemFeatures,
  snapshotFiles.vectors,
  snapshotFiles.searchForest,
  snapshotFiles.searchTaste,
  snapshotFiles.searchBehaviour,
]);

/**
 * Makes all anew that follows from the catalogue, and keeps what was learned from people:
 *
 *     catalogue ───────────────────────▶ columns, text index, names, spelling, meanings ─┐
 *     former snapshot ─▶ searches, acts ─┘                                               ├─▶ snapshot
 *                     └▶ models, learned order, what the encoder was taught ─────────────┘
 *
 * Items that the models have not seen are answered as those that came since a training are.
 */
export async function rebuildCatalog(
  input: RebuildInput,
  context: WorkContext,
): Promise<TrainingOutcome> {
  const readCost = startCost();
  const { former, draft, vocabulary } = input;
  const manifest = await readManifest<SnapshotFacts>(former);
  const read = (name: string): Promise<Buffer> => readFile(join(former, name));
  const taught = await taughtEncoderOf(manifest, read);
  const { meanings } = await writeCatalog(
    {
      ...input,
      searches: JSON.parse(
        (await read(snapshotFiles.learnedSearches)).toString(),
      ) as LearnedSearches,
      taken: new Uint32Array(new Uint8Array(await read(snapshotFiles.taken)).buffer),
      ...(taught && { taught }),
      seed: manifest.seed,
      modelledItems: manifest.modelledItems ?? manifest.items,
    },
    context,
  );
  for (const { path } of manifest.files) {
    if (!learnedFiles.has(path) && !path.startsWith("models/")) continue;
    await mkdir(dirname(join(draft, path)), { recursive: true });
    await copyFile(join(former, path), join(draft, path));
  }
  const { users, interactions, seed, models, weights } = manifest;
  const { popularityDays, measurement, searchRanking } = manifest;
  return {
    items: vocabulary.size,
    modelledItems: manifest.modelledItems ?? manifest.items,
    users,
    interactions,
    seed,
    models,
    ...(popularityDays !== undefined && { popularityDays }),
    weights,
    ...(measurement && { measurement }),
    ...(meanings.encoder && { encoder: meanings.encoder }),
    ...(searchRanking && { searchRanking }),
    ...(meanings.adaptation && { encoderAdaptation: meanings.adaptation }),
    notes: [`models and all that was learned from people are of snapshot ${manifest.version}`],
    cost: readCost(),
  };
}

async function taughtEncoderOf(
  { encoderAdaptation }: SnapshotManifest,
  read: (name: string) => Promise<Buffer>,
): Promise<LearnedAdaptation | undefined> {
  if (encoderAdaptation === undefined) return undefined;
  const { isUsed, ...report } = encoderAdaptation;
  return {
    ...report,
    ...(isUsed && { bytes: await read(snapshotFiles.encoderAdaptation) }),
  };
}
