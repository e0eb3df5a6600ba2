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
 * Opens what the catalogue is called by, and keeps it up to date with the catalogue.
 *
 * @param directory  a snapshot, or one that is being made
 */
export async function openLexicon(
  directory: string,
  catalog: LiveCatalog,
): Promise<CatalogLexicon> {
  const lexicon = CatalogLexicon.open(await readFile(join(directory, snapshotFiles.lexicon)));
  catalog.onWords((row, item) => lexicon.put(row, item));
  return lexicon;
}

/**
 * Opens what queries are understood by.
 *
 * @param directory  a snapshot, or one that is being made
 */
export async function openUnderstanding(
  directory: string,
  index: InvertedTextIndex,
  lexicon: CatalogLexicon,
): Promise<QueryUnderstanding> {
  const [spelling, categories] = await Promise.all(
    [snapshotFiles.spelling, snapshotFiles.queryCategories].map((name) =>
      readFile(join(directory, name)),
    ),
  );
  return new QueryUnderstanding({
    index,
    lexicon,
    spelling: SpellingCorrector.open(spelling!),
    categories: CategoryPredictor.open(categories!),
  });
}
