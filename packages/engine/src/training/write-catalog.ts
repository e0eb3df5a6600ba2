import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Item, ShopSettings, WorkContext } from "@magpie/domain";
import type { EncoderChoice, LearnedAdaptation } from "@magpie/encoder";
import {
  FacetIndex,
  InvertedTextIndex,
  ItemFilterIndex,
  type TextSettings,
} from "@magpie/retrieval";
import { writeMeanings, type WrittenMeanings } from "../hybrid/snapshot-meanings.ts";
import { CatalogLabels } from "../live/catalog-labels.ts";
import { FormerItems } from "../live/former-items.ts";
import { createdMsOf, LiveCatalog, textHashOf } from "../live/live-catalog.ts";
import { snapshotFiles } from "../snapshot/manifest.ts";
import { throwIfCancelled } from "../tasks.ts";
import { buildSuggester, type SuggesterSources } from "./build-suggester.ts";
import { withCategories } from "./learn-searches.ts";
import { writeQueryKnowledge } from "./write-query-knowledge.ts";

/** What the catalogue's part of a snapshot is made from. */
export interface CatalogInput extends SuggesterSources {
  /** In any order; items without a row in the vocabulary came later and are passed over. */
  readonly items: AsyncIterable<readonly Item[]>;
  /** Folder that becomes the snapshot. */
  readonly draft: string;
  /** Encodes what items mean; search goes by words alone when absent. */
  readonly encoder?: EncoderChoice;
  /** What the embedded encoder learned before, to go by; it learns anew when absent. */
  readonly taught?: LearnedAdaptation;
  /** Rows that models know, where they are fewer than those of the vocabulary. */
  readonly modelledItems?: number;
  readonly seed: number;
  /** How the shop's fields are searched; as usual when absent. */
  readonly settings?: ShopSettings;
  /** Words that the shop wants in one piece. */
  readonly wholeWords?: readonly string[];
}

/** A catalogue that was written, and what training goes on with. */
export interface WrittenCatalog {
  readonly catalog: LiveCatalog;
  readonly meanings: WrittenMeanings;
  /** By row − 1; undefined for a row whose item is gone. */
  readonly items: readonly (Item | undefined)[];
}

/**
 * Writes columns, ages, category words, the text index, what queries are understood by, the
 * suggestions and the meanings of a catalogue, batch by batch, and gives back the catalogue as serving
 * will see it.
 */
export async function writeCatalog(
  input: CatalogInput,
  context: WorkContext,
): Promise<WrittenCatalog> {
  const { vocabulary, items, draft, taken } = input;
  const noItems = Array.from<undefined>({ length: vocabulary.size });
  const facets = FacetIndex.build(noItems);
  const rowOf = (id: string): number | undefined => {
    const row = vocabulary.indexOf(id);
    return row === -1 ? undefined : row;
  };
  const filter = ItemFilterIndex.build(noItems, rowOf, facets);
  const createdMs = new Float64Array(vocabulary.size + 1).fill(NaN);
  const textHashes = new Uint32Array(vocabulary.size + 1);
  const labels = CatalogLabels.empty();
  const texts = Array.from<Item | undefined>({ length: vocabulary.size });
  let done = 0;
  for await (const batch of items) {
    throwIfCancelled(context.signal, "Training");
    for (const item of batch) {
      const row = vocabulary.indexOf(item.id);
      if (row === -1) continue;
      filter.upsert(row, item);
      facets.upsert(row, item);
      createdMs[row] = createdMsOf(item);
      textHashes[row] = textHashOf(item);
      labels.put(item);
      texts[row - 1] = item;
    }
    done += batch.length;
    context.onProgress({ stage: "index/catalogue", done, total: vocabulary.size, unit: "items" });
  }
  await writeFile(join(draft, snapshotFiles.filter), filter.toBytes());
  await writeFile(join(draft, snapshotFiles.facets), facets.toBytes());
  await writeFile(join(draft, snapshotFiles.created), new Uint8Array(createdMs.buffer));
  await writeFile(join(draft, snapshotFiles.textHashes), new Uint8Array(textHashes.buffer));
  await writeFile(join(draft, snapshotFiles.labels), JSON.stringify(labels));
  const offsets = await FormerItems.write(
    texts,
    join(draft, snapshotFiles.formerItems),
    input.modelledItems,
  );
  await writeFile(join(draft, snapshotFiles.formerOffsets), new Uint8Array(offsets.buffer));
  const text = await InvertedTextIndex.build(texts, {
    settings: textSettingsOf(input.settings ?? {}),
    wholeWords: input.wholeWords ?? [],
  });
  await writeFile(join(draft, snapshotFiles.text), text.toBytes());
  const known = texts.filter((item) => item !== undefined);
  const searches = withCategories(input.searches, known);
  await writeFile(join(draft, snapshotFiles.learnedSearches), JSON.stringify(searches));
  await writeFile(join(draft, snapshotFiles.taken), new Uint8Array(taken.buffer));
  const suggester = buildSuggester(known, { vocabulary, taken, searches });
  await writeFile(join(draft, snapshotFiles.suggestions), suggester.toBytes());
  await writeQueryKnowledge(draft, texts, text, searches);
  await vocabulary.save(join(draft, snapshotFiles.vocabulary));
  const { encoder: choice, taught, seed } = input;
  const meanings = await writeMeanings(
    { items: texts, choice, searches, seed, ...(taught && { taught }) },
    { draft, meanings: snapshotFiles.meanings, adaptation: snapshotFiles.encoderAdaptation },
    context,
  );
  const catalog = new LiveCatalog({ vocabulary, filter, facets, createdMs, textHashes, labels });
  return { catalog, meanings, items: texts };
}

/** What the text index reads of the settings. */
const textSettingsOf = ({ language, fields }: ShopSettings): TextSettings => ({
  ...(language !== undefined && { language }),
  ...(fields && { fields }),
});
