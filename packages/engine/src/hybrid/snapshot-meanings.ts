import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { identityOf, openEncoder, type EncoderChoice, type EncoderIdentity } from "@magpie/encoder";
import type { Item, WorkContext } from "@magpie/domain";
import { throwIfCancelled } from "../tasks.ts";
import { buildMeanings } from "./meaning-index.ts";

/** What became of the meanings of a snapshot's items. */
export interface WrittenMeanings {
  /** Absent when the snapshot has none. */
  readonly encoder?: EncoderIdentity;
  readonly notes: readonly string[];
}

/**
 * Encodes the items of a snapshot and writes their vectors beside the name of their encoder. An
 * encoder that fails costs the vectors, not the snapshot: a note says why.
 *
 * @param items   by row − 1
 * @param choice  undefined: search goes by words alone
 */
export async function writeMeanings(
  items: readonly (Item | undefined)[],
  choice: EncoderChoice | undefined,
  path: { readonly draft: string; readonly name: string },
  { onProgress, signal }: WorkContext,
): Promise<WrittenMeanings> {
  if (choice === undefined) return { notes: [] };
  try {
    const encoder = await openEncoder(choice);
    const index = await buildMeanings(items, encoder, (done) => {
      throwIfCancelled(signal, "Training");
      onProgress({ stage: "index/meaning", done, total: items.length, unit: "items" });
    });
    await writeFile(join(path.draft, path.name), index.toBytes());
    return { encoder: identityOf(encoder), notes: [] };
  } catch (error) {
    throwIfCancelled(signal, "Training");
    const why = error instanceof Error ? error.message : String(error);
    return { notes: [`no vectors of meaning, search goes by words alone: ${why}`] };
  }
}
