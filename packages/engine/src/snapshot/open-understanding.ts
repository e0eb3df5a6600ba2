import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  CatalogLexicon,
  CategoryPredictor,
  categoryWords,
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
  catalog.onWords((row, item, former) => lexicon.put(row, item, former));
  return lexicon;
}

/**
 * Opens what queries are understood by, and keeps it up to date with the catalogue.
 *
 * @param directory  a snapshot, or one that is being made
 */
export async function openUnderstanding(
  directory: string,
  {
    index,
    lexicon,
    catalog,
  }: {
    readonly index: InvertedTextIndex;
    readonly lexicon: CatalogLexicon;
    readonly catalog: LiveCatalog;
  },
): Promise<QueryUnderstanding> {
  const [spellingBytes, categoryBytes] = await Promise.all(
    [snapshotFiles.spelling, snapshotFiles.queryCategories].map((name) =>
      readFile(join(directory, name)),
    ),
  );
  const spelling = SpellingCorrector.open(spellingBytes!);
  const categories = CategoryPredictor.open(categoryBytes!);
  const wordsOf = (text: string): readonly string[] => categoryWords(index, text);
  catalog.onWords((row, item, former) => {
    spelling.put(item, former);
    categories.put(row, item, wordsOf, former);
  });
  return new QueryUnderstanding({ index, lexicon, spelling, categories });
}
