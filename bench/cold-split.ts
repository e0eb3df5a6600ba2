import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { DescribedItem, HeldOut, Sequences, Split } from "@magpie/data";
import type { History } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { folderOf, modelTasks } from "./model-tasks.ts";

/** Share of items that training does not see. */
export const coldShare = 0.1;

/** [itemCount + 1] 1 for items that are cold, drawn by the seed. */
export function coldItems(itemCount: number, seed: number): Uint8Array {
  const rows = Array.from({ length: itemCount }, (_, i) => i + 1);
  seededRandom(seed, "cold-items").shuffle(rows);
  const isCold = new Uint8Array(itemCount + 1);
  for (const row of rows.slice(0, Math.round(coldShare * itemCount))) isCold[row] = 1;
  return isCold;
}

/** Titles and categories of amazon-beauty's items. */
export async function beautyItems(): Promise<(DescribedItem | undefined)[]> {
  const folder = folderOf(modelTasks["amazon-beauty"]);
  const read = async (file: string) =>
    gunzipSync(await readFile(join(folder, file))).toString("utf8");
  const attributes = JSON.parse(await read("Beauty_item2attributes.json.gz")) as Record<
    string,
    number[]
  >;
  const named = JSON.parse(
    await readFile(join(folder, "attribute_names_inferred.json"), "utf8"),
  ) as Record<string, unknown>;
  const items: (DescribedItem | undefined)[] = [undefined];
  for (const line of (await read("item_text.jsonl.gz")).split("\n")) {
    if (line === "") continue;
    const { id, title, categories } = JSON.parse(line) as {
      readonly id: number;
      readonly title: string;
      readonly categories: readonly (readonly string[])[];
    };
    const brand = (attributes[id] ?? []).find((attribute) => !Object.hasOwn(named, attribute));
    items[id] = {
      title,
      categories: categories.map((path) => path.join(" > ")),
      ...(brand !== undefined && { brand: `attribute ${brand}` }),
    };
  }
  return items;
}

/** The split without the cold items in training and pasts; only they are asked for. */
export function withoutItems(split: Split, isCold: Uint8Array): Split {
  const { train } = split;
  const keep = Array.from(train.items.keys()).filter((p) => isCold[train.items[p]!] === 0);
  const offsets = new Int32Array(train.userCount + 1);
  for (let u = 0, k = 0; u < train.userCount; u++) {
    while (k < keep.length && keep[k]! < train.offsets[u + 1]!) k++;
    offsets[u + 1] = k;
  }
  const warm: Sequences = {
    userCount: train.userCount,
    itemCount: train.itemCount,
    offsets,
    items: Int32Array.from(keep, (p) => train.items[p]!),
    ...(train.timestampsMs && {
      timestampsMs: Float64Array.from(keep, (p) => train.timestampsMs![p]!),
    }),
  };
  return {
    protocol: split.protocol,
    train: warm,
    validation: aboutCold(split.validation, isCold),
    test: aboutCold(split.test, isCold),
  };
}

function aboutCold({ pasts, targets, targetOffsets }: HeldOut, isCold: Uint8Array): HeldOut {
  const kept: History[] = [];
  const wanted: number[] = [];
  const ends = [0];
  pasts.forEach(({ items }, i) => {
    const own = targets
      .slice(targetOffsets[i], targetOffsets[i + 1])
      .filter((t) => isCold[t] === 1);
    const past = items.filter((item) => isCold[item] === 0);
    if (own.length === 0 || past.length === 0) return;
    // A stranger: nothing is known of the user but this past.
    kept.push({ userIndex: -1, items: past });
    wanted.push(...own);
    ends.push(wanted.length);
  });
  return {
    pasts: kept,
    targets: Int32Array.from(wanted),
    targetOffsets: Int32Array.from(ends),
  };
}
