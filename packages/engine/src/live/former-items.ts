import { closeSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import type { Item, ItemText } from "@magpie/domain";

/** Items written at once. */
const batchSize = 1_000;

/**
 * What the dictionaries of a snapshot were made of: its items without their descriptions. They stay
 * on disk, and one is read when it changes: what it was called before is taken back then.
 *
 *     bytes    {"id":"a",…}{"id":"b",…}{"id":"d",…}      row by row
 *     offsets  0 │ 12 │ 24 │ 24 │ 36                     where each row's item ends; row 3 has none
 */
export class FormerItems {
  readonly #path: string;
  /** [items + 1] */
  readonly #offsets: Float64Array;
  /** Opened when an item is first asked for. */
  #file: number | undefined;

  /** @param offsets  what `write` gave */
  constructor(path: string, offsets: Float64Array) {
    this.#path = path;
    this.#offsets = offsets;
  }

  /**
   * @param items     by row − 1; undefined where a row has no item
   * @param path      file of the items
   * @param shortTo   rows past this one are kept whole: who opens the snapshot has to read them
   * @returns         the offsets, which are to be kept beside it
   */
  static async write(
    items: readonly (Item | undefined)[],
    path: string,
    shortTo = items.length,
  ): Promise<Float64Array> {
    const offsets = new Float64Array(items.length + 1);
    const file = await open(path, "w");
    try {
      for (let from = 0; from < items.length; from += batchSize) {
        const batch = items.slice(from, from + batchSize).map((item, i) => {
          const kept = item && from + i < shortTo ? wordsOf(item) : item;
          return Buffer.from(kept === undefined ? "" : JSON.stringify(kept));
        });
        batch.forEach((bytes, i) => {
          offsets[from + i + 1] = offsets[from + i]! + bytes.length;
        });
        await file.write(Buffer.concat(batch));
      }
    } finally {
      await file.close();
    }
    return offsets;
  }

  /** The item of a row as it was written; undefined where there was none. */
  at(row: number): Item | undefined {
    const [from, to] = [this.#offsets[row - 1], this.#offsets[row]];
    if (from === undefined || to === undefined || from === to) return undefined;
    this.#file ??= openSync(this.#path, "r");
    const bytes = Buffer.allocUnsafe(to - from);
    let length = 0;
    while (length < bytes.length) {
      const read = readSync(this.#file, bytes, length, bytes.length - length, from + length);
      if (read === 0) return undefined;
      length += read;
    }
    return JSON.parse(bytes.toString()) as Item;
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }
}

/** An item without what no dictionary is made of: descriptions, pictures, prices, stock. */
export function wordsOf({
  id,
  title,
  brand,
  categories,
  attributes,
  locales,
  variants,
}: Item): Item {
  return {
    id,
    title,
    ...(brand !== undefined && { brand }),
    ...(categories && { categories }),
    ...(attributes && { attributes }),
    ...(locales && {
      locales: Object.fromEntries(
        Object.entries(locales).map(([locale, text]): [string, ItemText] => {
          const { description: _, ...words } = text;
          return [locale, words];
        }),
      ),
    }),
    variants: variants.map(({ id: variant, sku, barcodes, options, price, availability }) => ({
      id: variant,
      price,
      availability,
      ...(sku !== undefined && { sku }),
      ...(barcodes && { barcodes }),
      ...(options && { options }),
    })),
  };
}
