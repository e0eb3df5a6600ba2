import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  EmbeddedEncoder,
  identityOf,
  openEncoder,
  type EncoderChoice,
  type EncoderIdentity,
  type LearnedAdaptation,
  type TextEncoder,
} from "@magpie/encoder";
import type { Item, WorkContext } from "@magpie/domain";
import type { ContentVectors } from "@magpie/models";
import { InvertedListsIndex, queryKey } from "@magpie/retrieval";
import type { LearnedSearches } from "../training/learn-searches.ts";
import { meaningText } from "./item-text.ts";
import { throwIfCancelled } from "../tasks.ts";
import { buildMeanings } from "./meaning-index.ts";

/** What became of the meanings of a snapshot's items. */
export interface WrittenMeanings {
  /** Absent when the snapshot has none. */
  readonly encoder?: EncoderIdentity;
  /** What the embedded encoder learned from the shop, and whether that is used. */
  readonly adaptation?: EncoderAdaptation;
  readonly notes: readonly string[];
}

/** What a snapshot says of how its encoder was adapted to the shop. */
export type EncoderAdaptation = Omit<LearnedAdaptation, "bytes"> & {
  /** The snapshot holds what was learned, and queries are read by it. */
  readonly isUsed: boolean;
};

/** The files that meanings are written to, in the folder that becomes the snapshot. */
export interface MeaningFiles {
  readonly draft: string;
  readonly meanings: string;
  readonly adaptation: string;
}

/** What meanings are made from. */
export interface MeaningSources {
  /** By row − 1. */
  readonly items: readonly (Item | undefined)[];
  /** Undefined: search goes by words alone. */
  readonly choice: EncoderChoice | undefined;
  readonly searches: LearnedSearches;
  /** What the embedded encoder learned before, to go by instead of learning anew. */
  readonly taught?: LearnedAdaptation;
  readonly seed: number;
}

/**
 * Encodes the items of a snapshot and writes their vectors beside the name of their encoder. The
 * embedded encoder first learns the shop's words from its searches, and keeps them where that finds more.
 * An encoder that fails costs the vectors, not the snapshot: a note says why.
 */
export async function writeMeanings(
  { items, choice, searches, taught, seed }: MeaningSources,
  files: MeaningFiles,
  { onProgress, signal }: WorkContext,
): Promise<WrittenMeanings> {
  if (choice === undefined) return { notes: [] };
  try {
    const usual = await openEncoder(choice);
    let encoder: TextEncoder = usual;
    let adaptation: EncoderAdaptation | undefined;
    if (usual instanceof EmbeddedEncoder) {
      const { bytes, ...report } =
        taught ??
        learnFrom(usual, items, searches, seed, (done, total) => {
          throwIfCancelled(signal, "Training");
          onProgress({ stage: "index/adapt-encoder", done, total, unit: "epochs" });
        });
      adaptation = { ...report, isUsed: bytes !== undefined };
      if (bytes !== undefined) {
        await writeFile(join(files.draft, files.adaptation), bytes);
        encoder = usual.adaptedBy(bytes);
      }
    }
    const index = await buildMeanings(items, encoder, (done) => {
      throwIfCancelled(signal, "Training");
      onProgress({ stage: "index/meaning", done, total: items.length, unit: "items" });
    });
    await writeFile(join(files.draft, files.meanings), index.toBytes());
    return { encoder: identityOf(encoder), ...(adaptation && { adaptation }), notes: [] };
  } catch (error) {
    throwIfCancelled(signal, "Training");
    const why = error instanceof Error ? error.message : String(error);
    return { notes: [`no vectors of meaning, search goes by words alone: ${why}`] };
  }
}

/** The vectors that `writeMeanings` wrote, for models that read what items mean. */
export async function readMeanings(path: string): Promise<ContentVectors> {
  const index = InvertedListsIndex.open(await readFile(path));
  const { rows, width } = index;
  const vectors = new Float32Array(rows * width);
  for (let row = 1; row < rows; row++) vectors.set(index.vectorOf(row), row * width);
  return { width, vectors };
}

/** Learned queries only, which several people typed, so that no person's words shape the table. */
function learnFrom(
  encoder: EmbeddedEncoder,
  items: readonly (Item | undefined)[],
  { queries, takes }: LearnedSearches,
  seed: number,
  onEpoch: (done: number, total: number) => void,
): LearnedAdaptation {
  const known = items.filter((item) => item !== undefined);
  const places = new Map(known.map(({ id }, place) => [id, place]));
  const texts = new Map(queries.map(({ text }) => [queryKey(text), text]));
  const pairs = takes.flatMap(({ query, itemId }) => {
    const place = places.get(itemId);
    const text = texts.get(query);
    return place === undefined || text === undefined ? [] : [{ query: text, text: place }];
  });
  return encoder.learn({ texts: known.map(meaningText), pairs }, { seed, onEpoch });
}
