import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import {
  buildSequences,
  buildVocabularies,
  userVocabulary,
  Vocabulary,
  type ItemVocabulary,
  type Sequences,
  type Store,
} from "@magpie/data";
import type { ItemId, ItemIndex } from "@magpie/domain";
import { readSearchLog, type SearchLog } from "../learned-ranking/search-log.ts";
import { learnSearches, type LearnedSearches } from "./learn-searches.ts";

/** The data of a run as it was when the run began; an interrupted run goes on from it. */
export interface FrozenRun {
  readonly vocabulary: ItemVocabulary;
  readonly sequences: Sequences;
  readonly searches: LearnedSearches;
  readonly searchLog: SearchLog | undefined;
  readonly catalogRevision: number;
  readonly events: number;
  readonly startedMs: number;
  /** True when an interrupted run was found and goes on. */
  readonly resumed: boolean;
}

const fileName = "run.v8";
/** Grows when what is saved changes: a run of an older version is begun anew. */
const format = 3;
/** A shop has changed too much after so long for an interrupted run to be worth its end. */
const maxAgeMs = 24 * 3_600_000;

interface Saved {
  readonly options: string;
  readonly vocabulary: Uint8Array;
  readonly sequences: Sequences;
  readonly searches: LearnedSearches;
  readonly searchLog: SearchLog | undefined;
  readonly catalogRevision: number;
  readonly events: number;
  readonly startedMs: number;
}

/**
 * Reads catalogue and log into the run's folder, so that a run that is interrupted (Ctrl-C, crash,
 * power) goes on from the same data and its checkpoints still fit. A run with other options, or one
 * that is a day old, starts anew.
 *
 * Sequences are numbers: the folder holds no user id, but it does hold pasts, which is why it is
 * deleted with the run's end and with every erasure.
 *
 * @param previous  the vocabulary of the active snapshot, whose ids keep their rows
 */
export async function freezeRun(
  store: Store,
  folder: string,
  options: object,
  previous: ItemVocabulary,
  nowMs: number,
): Promise<FrozenRun> {
  const key = createHash("sha256")
    .update(JSON.stringify([format, options]))
    .digest("hex");
  const interrupted = await readSaved(join(folder, fileName));
  if (
    interrupted?.options === key &&
    nowMs - interrupted.startedMs < maxAgeMs &&
    nowMs >= interrupted.startedMs
  ) {
    return {
      ...interrupted,
      vocabulary: Vocabulary.fromBytes<ItemId, ItemIndex>(interrupted.vocabulary),
      resumed: true,
    };
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // Before the catalogue is read: what changes meanwhile is caught up with when serving opens.
  const catalogRevision = await store.catalog.revision();
  const events = await store.events.count();
  const vocabularies = await buildVocabularies(store.events, store.catalog, {
    users: userVocabulary(),
    items: previous,
  });
  const sequences = await buildSequences(store.events, vocabularies);
  const searches = await learnSearches(store.events, nowMs);
  const searchLog = await readSearchLog(store.events, vocabularies);
  const saved: Saved = {
    options: key,
    vocabulary: vocabularies.items.toBytes(),
    sequences,
    searches,
    searchLog,
    catalogRevision,
    events,
    startedMs: nowMs,
  };
  const partial = join(folder, `${fileName}.partial`);
  await writeFile(partial, serialize(saved));
  await rename(partial, join(folder, fileName));
  return { ...saved, vocabulary: vocabularies.items, resumed: false };
}

async function readSaved(path: string): Promise<Saved | undefined> {
  try {
    return deserialize(await readFile(path)) as Saved;
  } catch {
    // None there, or written by another version: either way there is nothing to go on from.
    return undefined;
  }
}
