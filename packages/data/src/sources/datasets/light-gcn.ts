import { DataError } from "@magpie/domain";
import type { HeldOut, Sequences } from "../../sequences.ts";
import { historyOf } from "../../sequences.ts";
import { datasetLines, numbersOf, readDatasetFile } from "./dataset-files.ts";
import { largest, packLists } from "./packed-lists.ts";

/**
 * Reads a split in the form of LightGCN (gowalla, yelp2018, amazon-book): `user item item …` a
 * line, ids from 0, in `train.txt` and `test.txt`. Item rows are the file's ids plus 1.
 *
 * The split is random and items of a line have **no order**: for models that ignore order only.
 * There is no validation part; carve one out of `train` before choosing anything. Published numbers
 * are Recall@20 and NDCG@20 with seen items removed.
 *
 * @throws {DataError} `DATASET_FILE_MISSING`, `NOT_A_NUMBER`, or `USER_TWICE`
 * @see He et al. (2020), "LightGCN: Simplifying and powering graph convolution network"
 */
export async function readLightGcn(
  folder: string,
): Promise<{ readonly train: Sequences; readonly test: HeldOut }> {
  const [known, asked] = await Promise.all(
    ["train.txt", "test.txt"].map(async (file) =>
      listsByUser(file, await readDatasetFile(folder, file)),
    ),
  );
  const itemCount = Math.max(largest([...known!.values()]), largest([...asked!.values()]));
  const userCount = Math.max(-1, ...known!.keys(), ...asked!.keys()) + 1;
  const users = Array.from({ length: userCount }, (_, user) => user);
  const train = packLists(
    users.map((user) => known!.get(user) ?? []),
    itemCount,
  );
  const targets = packLists(
    [...asked!.values()].filter((items) => items.length > 0),
    itemCount,
  );
  return {
    train,
    test: {
      pasts: [...asked!]
        .filter(([, items]) => items.length > 0)
        .map(([user]) => historyOf(train, user)),
      targetOffsets: targets.offsets,
      targets: targets.items,
    },
  };
}

/** Items from 1, by user. */
function listsByUser(file: string, text: string): Map<number, number[]> {
  const lists = new Map<number, number[]>();
  for (const line of datasetLines(file, text)) {
    const [user, ...items] = numbersOf(line);
    if (lists.has(user!)) {
      throw new DataError(
        "USER_TWICE",
        `${file}, line ${line.number}: user ${user} has a line before.`,
        "Each user has one line in this format; join the lines.",
      );
    }
    lists.set(
      user!,
      items.map((item) => item + 1),
    );
  }
  return lists;
}
