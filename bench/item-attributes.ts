import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { ItemFeatureEncoder, simulateShop, type DescribedItem } from "@magpie/data";
import { openEncoder } from "@magpie/encoder";
import type { ContentVectors } from "@magpie/models";
import { csrFromEntries, type CsrMatrix } from "@magpie/numerics";

/**
 * What the S3-Rec files say of items: numbers of categories and brands (Amazon) or tags (LastFM), as
 * [itemCount + 1, attributes]; the weights of an item's have a sum of squares of 1.
 */
export async function readAttributes(folder: string, itemCount: number): Promise<CsrMatrix> {
  const isMarker = (name: string): boolean => /_item2attributes\.json(\.gz)?$/.test(name);
  const file = (await readdir(folder)).find(isMarker)!;
  const bytes = await readFile(join(folder, file));
  const text = (file.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
  const attributes = JSON.parse(text) as Readonly<Record<string, readonly number[]>>;
  const [rowOf, columnOf, weights]: [number[], number[], number[]] = [[], [], []];
  for (const [item, own] of Object.entries(attributes)) {
    for (const attribute of new Set(own)) {
      rowOf.push(Number(item));
      columnOf.push(attribute);
      weights.push(1 / Math.sqrt(own.length));
    }
  }
  return csrFromEntries(
    itemCount + 1,
    columnOf.reduce((most, column) => Math.max(most, column), 0) + 1,
    Int32Array.from(rowOf),
    Int32Array.from(columnOf),
    Float32Array.from(weights),
  );
}

const simulatedItems = (): readonly DescribedItem[] =>
  simulateShop({ seed: 1, size: "demo", nowMs: Date.parse("2026-06-01T00:00:00Z") }).items;

/** What the simulated demo shop's catalogue says: words, categories, brand, price. */
export function simulatedFeatures(): CsrMatrix {
  const items = simulatedItems();
  return ItemFeatureEncoder.fit(items).matrix([undefined, ...items]);
}

/** What the titles of the simulated demo shop's items mean. */
export const simulatedTexts = (): Promise<ContentVectors> =>
  titleVectors([undefined, ...simulatedItems()]);

/**
 * What titles mean to the embedded encoder.
 *
 * @param items  by row; row 0 is padding
 */
export async function titleVectors(
  items: readonly (Pick<DescribedItem, "title"> | undefined)[],
): Promise<ContentVectors> {
  const encoder = await openEncoder({ kind: "embedded" });
  const vectors = await encoder.encode(items.map((item) => item?.title ?? ""));
  return { width: encoder.width, vectors };
}
