import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BoostedForest } from "@magpie/models";
import type { CatalogLexicon } from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";
import type { ServedModels } from "../scenarios/retrievers.ts";
import { snapshotFiles, type SnapshotManifest } from "../snapshot/manifest.ts";
import type { LearnedParts } from "./learned-ranker.ts";
import { SearchBehaviour } from "./search-behaviour.ts";
import {
  SearchFeatures,
  searchFeatures,
  tasteFeatures,
  type SearchFeature,
} from "./search-features.ts";

/**
 * Opens a snapshot's learned order of searches; undefined when searches keep the default one: because
 * none was better, or because it was learned by a version that described candidates otherwise.
 */
export async function openLearned(
  directory: string,
  { searchRanking: ranking, files }: SnapshotManifest,
  {
    catalog,
    lexicon,
    popularity,
  }: Pick<ServedModels, "popularity"> & {
    readonly catalog: LiveCatalog;
    readonly lexicon: CatalogLexicon;
  },
): Promise<LearnedParts | undefined> {
  if (ranking?.scale === undefined) return undefined;
  const read = (name: string): Promise<Buffer> => readFile(join(directory, name));
  const forestOf = async (name: string): Promise<BoostedForest> =>
    BoostedForest.fromBytes(await read(name), join(directory, name));
  const hasTaste = files.some(({ path }) => path === snapshotFiles.searchTaste);
  const forest = await forestOf(snapshotFiles.searchForest);
  const taste = hasTaste ? await forestOf(snapshotFiles.searchTaste) : undefined;
  const isKnown = (of: BoostedForest, features: readonly SearchFeature[]): boolean =>
    of.featureNames.join() === features.map(({ name }) => name).join();
  if (!isKnown(forest, searchFeatures)) return undefined;
  if (taste !== undefined && !isKnown(taste, tasteFeatures)) return undefined;
  const behaviour = SearchBehaviour.open(await read(snapshotFiles.searchBehaviour));
  return {
    model: { forest, ...(taste && { taste }), scale: ranking.scale },
    features: new SearchFeatures({
      catalog,
      lexicon,
      behaviour,
      popularity: () => popularity?.scores,
    }),
    lexicon,
    catalog,
  };
}
