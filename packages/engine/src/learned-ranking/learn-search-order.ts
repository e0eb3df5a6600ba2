import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Sequences } from "@magpie/data";
import type { WorkContext } from "@magpie/domain";
import { EmbeddedEncoder, openEncoder, type EncoderChoice } from "@magpie/encoder";
import {
  InvertedListsIndex,
  InvertedTextIndex,
  queryKey,
  type CatalogLexicon,
} from "@magpie/retrieval";
import { MeaningIndex } from "../hybrid/meaning-index.ts";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { SearchScenario } from "../scenarios/search/search-scenario.ts";
import { snapshotFiles } from "../snapshot/manifest.ts";
import { openLexicon, openUnderstanding } from "../snapshot/open-understanding.ts";
import { throwIfCancelled } from "../tasks.ts";
import type { LearnedSearches } from "../training/learn-searches.ts";
import { SearchBehaviour } from "./search-behaviour.ts";
import { buildSearchExamples, recordSearch, type SearchExamples } from "./search-examples.ts";
import { SearchFeatures } from "./search-features.ts";
import type { SearchLog } from "./search-log.ts";
import {
  searchRankerDefaults,
  tooFewSearches,
  trainSearchRanker,
  type SearchRankerReport,
} from "./train-search-ranker.ts";

/** What a learned order of searches is made from. */
export interface SearchOrderInput {
  /** Folder that becomes the snapshot; holds its catalogue, text index and vectors already. */
  readonly draft: string;
  readonly catalog: LiveCatalog;
  readonly sequences: Sequences;
  /** Undefined where nobody searched. */
  readonly searchLog?: SearchLog;
  readonly searches: LearnedSearches;
  /** Days that the snapshot's popularity counts; undefined where nothing is popular. */
  readonly popularityDays: number | null | undefined;
  /** The encoder of the snapshot's vectors; undefined where it has none. */
  readonly encoder: EncoderChoice | undefined;
  /** Whether the encoder reads queries by what it learned from the shop. */
  readonly isEncoderAdapted: boolean;
  readonly seed: number;
  readonly budgetSeconds?: number;
}

/** What a snapshot says of its learned order of searches. */
export interface SearchRanking extends SearchRankerReport {
  /** What one unit of the default score is worth, in the forests' answers; only where it is used. */
  readonly scale?: number;
}

/** Searches that are trained on per second of a budget: about a seventh of it goes into their order. */
const searchesPerSecond = 30;

/**
 * Learns from the log in which order searches are best answered, and writes what serving needs of it
 * into the snapshot: the forests, and what became of searches that enough people made.
 *
 * @returns what was found out; a note alone where there is too little to learn from
 */
export async function learnSearchOrder(
  input: SearchOrderInput,
  context: WorkContext,
): Promise<{ readonly ranking?: SearchRanking; readonly notes: readonly string[] }> {
  const { draft, catalog, searchLog: log, seed } = input;
  if (log === undefined || input.sequences.timestampsMs === undefined) {
    return { notes: ["searches keep their default order: the log holds no search with a queryId"] };
  }
  const { examples, lexicon } = await readSearchExamples({ ...input, searchLog: log }, context);
  const missing = tooFewSearches(examples);
  if (missing !== undefined) return { notes: [`searches keep their default order: ${missing}`] };
  const { report, model } = trainSearchRanker(
    examples,
    { lexicon, catalog },
    searchRankerDefaults,
    {
      seed,
      signal: context.signal,
      onTree(done) {
        context.onProgress({ stage: "search-order/train", done, unit: "trees" });
        throwIfCancelled(context.signal, "Training");
      },
    },
  );
  if (model === undefined) {
    const note = "searches keep their default order: the learned one was not better beyond chance";
    return { ranking: report, notes: [note] };
  }
  const now = new SearchBehaviour();
  for (let search = 0; search < log.timesMs.length; search++) {
    recordSearch(log, search, now, examples.examination);
  }
  const learned = new Set(input.searches.queries.map(({ text }) => queryKey(text)));
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    await mkdir(dirname(join(draft, name)), { recursive: true });
    await writeFile(join(draft, name), bytes);
  };
  await write(
    snapshotFiles.searchBehaviour,
    now.toBytes((query) => learned.has(query)),
  );
  await write(snapshotFiles.searchForest, model.forest.toBytes());
  if (model.taste !== undefined) await write(snapshotFiles.searchTaste, model.taste.toBytes());
  return { ranking: { ...report, scale: model.scale }, notes: [] };
}

/** Answers the searches of the log as they would have been answered by default, each in its time. */
export async function readSearchExamples(
  input: SearchOrderInput & { readonly searchLog: SearchLog },
  { onProgress, signal }: WorkContext,
): Promise<{
  readonly examples: SearchExamples;
  readonly lexicon: CatalogLexicon;
  readonly features: SearchFeatures;
}> {
  const { draft, catalog, sequences, searchLog: log, popularityDays, budgetSeconds } = input;
  const lexicon = await openLexicon(draft, catalog);
  const popularityThen = { scores: new Float32Array(1), days: popularityDays ?? null };
  const text = await InvertedTextIndex.open(await readFile(join(draft, snapshotFiles.text)));
  const scenario = new SearchScenario(
    catalog,
    text,
    popularityDays === undefined ? {} : { popularity: popularityThen },
    await openMeanings(input),
    await openUnderstanding(draft, { index: text, lexicon, catalog }),
  );
  const behaviour = new SearchBehaviour();
  const popularity = (): Float32Array => popularityThen.scores;
  const features = new SearchFeatures({ catalog, lexicon, behaviour, popularity });
  const examples = await buildSearchExamples({
    log,
    sequences,
    scenario,
    features,
    behaviour,
    popularityThen,
    createdMs: (row) => catalog.createdMs(row),
    ...(budgetSeconds !== undefined && { maxTrain: Math.ceil(budgetSeconds * searchesPerSecond) }),
    onSearch(done, total) {
      throwIfCancelled(signal, "Training");
      if (done % 100 !== 0) return;
      onProgress({ stage: "search-order/read", done, total, unit: "searches" });
    },
  });
  return { examples, lexicon, features };
}

/** The snapshot's vectors and the encoder that queries are read by, as serving will open them. */
async function openMeanings({
  draft,
  encoder: choice,
  isEncoderAdapted,
}: SearchOrderInput): Promise<MeaningIndex | undefined> {
  if (choice === undefined) return undefined;
  const usual = await openEncoder(choice);
  const encoder =
    isEncoderAdapted && usual instanceof EmbeddedEncoder
      ? usual.adaptedBy(await readFile(join(draft, snapshotFiles.encoderAdaptation)))
      : usual;
  const bytes = await readFile(join(draft, snapshotFiles.meanings));
  return new MeaningIndex(encoder, InvertedListsIndex.open(bytes));
}
