import { readdir } from "node:fs/promises";
import { DataError } from "@magpie/domain";
import type { Sequences } from "../../sequences.ts";
import { datasetLines, numbersOf, readDatasetFile } from "./dataset-files.ts";
import { largest, packLists } from "./packed-lists.ts";

/**
 * Reads sequences in the form of S3-Rec (amazon-beauty, amazon-sports, lastfm): one user a line,
 * `user item item …`, oldest first, ids from 1.
 *
 * The data has an order and no times. In the Amazon sets, the order of items bought on one day is
 * arbitrary but the same in every copy: results are comparable with published ones only "with ties
 * as given".
 *
 * @param folder  holds `X.txt` beside `X_item2attributes.json`, plain or gzipped
 * @throws {DataError} `DATASET_FILE_MISSING`, `NOT_A_NUMBER`, or `EMPTY_DATASET`
 * @see Zhou et al. (2020), "S3-Rec: Self-supervised learning for sequential recommendation"
 */
export async function readS3Rec(folder: string): Promise<Sequences> {
  const marker = /^(.+)_item2attributes\.json(\.gz)?$/;
  const names = await readdir(folder).catch(() => []);
  const name = names.flatMap((file) => marker.exec(file)?.[1] ?? [])[0] ?? "X";
  const file = `${name}.txt`;
  const lists: number[][] = [];
  for (const line of datasetLines(file, await readDatasetFile(folder, file))) {
    const [, ...items] = numbersOf(line);
    if (items.includes(0)) {
      throw new DataError(
        "NOT_A_NUMBER",
        `${file}, line ${line.number}: item 0; ids of this data set start at 1.`,
        "Row 0 is padding. Add 1 to every item id of the file.",
      );
    }
    lists.push(items);
  }
  if (lists.length === 0) {
    throw new DataError("EMPTY_DATASET", `${file} holds no line.`, "Fetch the file again.");
  }
  return packLists(lists, largest(lists));
}
