import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CatalogLexicon,
  CategoryPredictor,
  QueryUnderstanding,
  SpellingCorrector,
  type InvertedTextIndex,
} from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { snapshotFiles } from "./manifest.ts";

/**
 * Opens what queries are understood by, and keeps it up to date with the catalogue.
 *
 * @param directory  a snapshot, or one that is being made
 */
export async function openUnderstanding(
  directory: string,
  index: InvertedTextIndex,
  catalog: LiveCatalog,
): Promise<QueryUnderstanding> {
  const [lexiconBytes, spelling, categories] = await Promise.all(
    [snapshotFiles.lexicon, snapshotFiles.spelling, snapshotFiles.queryCategories].map((name) =>
      readFile(join(directory, name)),
    ),
  );
  const lexicon = CatalogLexicon.open(lexiconBytes!);
  catalog.onWords((row, item) => lexicon.put(row, item));
  return new QueryUnderstanding({
    index,
    lexicon,
    spelling: SpellingCorrector.open(spelling!),
    categories: CategoryPredictor.open(categories!),
  });
}
