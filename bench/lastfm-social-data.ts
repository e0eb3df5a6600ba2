import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type HeldOut, historyOf, type Sequences } from "@magpie/data";
import { type CsrMatrix, csrFromEntries } from "@magpie/numerics";
import { packed } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";

type Pairs = readonly (readonly [number, number])[];

/** lastfm-social with its given split: who listened to what, and who is a friend of whom. */
export interface LastfmSocial {
  readonly train: Sequences;
  readonly test: HeldOut;
  /** [userCount, userCount], symmetric. */
  readonly friends: CsrMatrix;
}

/** Reads the three files of the data set. */
export async function readLastfmSocial(): Promise<LastfmSocial> {
  const folder = datasetFolder("lastfm-social");
  const [listens, later, trust] = await Promise.all(
    ["data1.txt.gz", "test1.txt.gz", "trustnetwork.txt.gz"].map((file) => readPairs(folder, file)),
  );
  const userCount = largest([listens!, later!, trust!], 0);
  const itemCount = largest([listens!, later!], 1);
  const train = packed(listsByUser(listens!, userCount), itemCount);
  return {
    train,
    test: heldOutOf(train, listsByUser(later!, userCount)),
    friends: symmetric(trust!, userCount),
  };
}

/** Two leading columns of a file of numbers. */
async function readPairs(folder: string, file: string): Promise<Pairs> {
  const text = gunzipSync(await readFile(join(folder, file))).toString("utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [first, second] = line.trim().split(/\s+/).map(Number);
      return [first!, second!] as const;
    });
}

function largest(files: readonly Pairs[], column: 0 | 1): number {
  return files.flat().reduce((most, pair) => Math.max(most, pair[column]), 0);
}

/** The file's users count from 1, as its items do. */
function listsByUser(pairs: Pairs, userCount: number): number[][] {
  const lists = Array.from({ length: userCount }, (): number[] => []);
  for (const [user, item] of pairs) lists[user - 1]!.push(item);
  return lists;
}

/** What each user took later and not before. */
function heldOutOf(train: Sequences, lists: readonly (readonly number[])[]): HeldOut {
  const known = lists.map((items, user) => {
    const seen = new Set(historyOf(train, user).items);
    return items.filter((item) => !seen.has(item));
  });
  const asked = known.flatMap((items, user) => (items.length > 0 ? [user] : []));
  const targets = packed(
    asked.map((user) => known[user]!),
    train.itemCount,
  );
  return {
    pasts: asked.map((user) => historyOf(train, user)),
    targetOffsets: targets.offsets,
    targets: targets.items,
  };
}

/** Each tie once in both directions, with value 1. */
function symmetric(ties: Pairs, count: number): CsrMatrix {
  const both = ties.flatMap(([a, b]) =>
    a === b ? [] : [[a - 1, b - 1] as const, [b - 1, a - 1] as const],
  );
  const matrix = csrFromEntries(
    count,
    count,
    Int32Array.from(both, ([from]) => from),
    Int32Array.from(both, ([, to]) => to),
  );
  matrix.values.fill(1);
  return matrix;
}
