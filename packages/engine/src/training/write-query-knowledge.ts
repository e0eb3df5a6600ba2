import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Item } from "@magpie/domain";
import {
  CatalogLexicon,
  catalogWords,
  categorisedTitles,
  CategoryPredictor,
  categoryWords,
  SpellingCorrector,
  type CategorisedText,
  type CategorySignal,
  type InvertedTextIndex,
} from "@magpie/retrieval";
import { snapshotFiles } from "../snapshot/manifest.ts";
import type { LearnedSearches } from "./learn-searches.ts";

/** Titles that categories are learned from: of more, every so many, as words repeat. */
const maxTitles = 100_000;

/**
 * Writes what queries are understood by: the catalogue's names, titles and codes; how its words are
 * spelt; which categories its words and its shoppers' queries are about; synonyms to be decided about.
 *
 * @param items     by row − 1
 * @param searches  with the categories of what was taken
 */
export async function writeQueryKnowledge(
  draft: string,
  items: readonly (Item | undefined)[],
  index: InvertedTextIndex,
  searches: LearnedSearches,
): Promise<void> {
  const lexicon = CatalogLexicon.build(items);
  await writeFile(join(draft, snapshotFiles.lexicon), lexicon.toBytes());
  const spelling = SpellingCorrector.build(catalogWords(items), searches.queries);
  await writeFile(join(draft, snapshotFiles.spelling), spelling.toBytes());
  const step = Math.max(1, Math.ceil(items.length / maxTitles));
  const categories = CategoryPredictor.build(
    signalsOf(searches),
    titlesOf(items, step),
    (text) => categoryWords(index, text),
    step,
  );
  await writeFile(join(draft, snapshotFiles.queryCategories), categories.toBytes());
  await writeFile(
    join(draft, snapshotFiles.synonymCandidates),
    `${JSON.stringify(searches.synonyms, null, 2)}\n`,
  );
}

/** What people took after a query, by the first category of what they took. */
function signalsOf({ takes }: LearnedSearches): CategorySignal[] {
  return takes.flatMap(({ query, category, weight }) =>
    category === undefined ? [] : [{ query, category, weight }],
  );
}

function* titlesOf(items: readonly (Item | undefined)[], step: number): Generator<CategorisedText> {
  for (let i = 0; i < items.length; i += step) yield* categorisedTitles(items[i]);
}
