import type { Item } from "@magpie/domain";
import { openArrays, packArrays, queryKey } from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";

/**
 * How exactly a query names an item: 2 by its whole title, SKU or barcode, 1 by its whole brand, 0 by
 * less.
 */
export type Exactness = 0 | 1 | 2;

const packedKind = "exact-names/1";

/**
 * Whole names of items, by which it is known that somebody asks for one thing and no other. Kept as
 * hashes in order: 12 bytes a name.
 */
export class ExactNames {
  /** Ascending. */
  readonly #hashes: Float64Array;
  readonly #rows: Int32Array;
  /** Of rows that changed since; what the arrays say of them no longer counts. */
  readonly #changed = new Map<number, ReadonlySet<number>>();

  private constructor(hashes: Float64Array, rows: Int32Array) {
    this.#hashes = hashes;
    this.#rows = rows;
  }

  /** @param items  by row − 1; undefined where a row has no item */
  static of(items: readonly (Item | undefined)[]): ExactNames {
    const names: { hash: number; row: number }[] = [];
    items.forEach((item, i) => {
      if (item === undefined) return;
      for (const hash of hashesOf(item)) names.push({ hash, row: i + 1 });
    });
    names.sort((a, b) => a.hash - b.hash || a.row - b.row);
    return new ExactNames(
      Float64Array.from(names, ({ hash }) => hash),
      Int32Array.from(names, ({ row }) => row),
    );
  }

  /** Takes an item that is new or has other words. */
  put(row: number, item: Item): void {
    this.#changed.set(row, hashesOf(item));
  }

  /** The rows that a query names whole. */
  named(query: string): ReadonlySet<number> {
    const hash = hashOf(queryKey(query));
    const named = new Set<number>();
    for (let at = firstNotBelow(this.#hashes, hash); this.#hashes[at] === hash; at++) {
      const row = this.#rows[at]!;
      if (!this.#changed.has(row)) named.add(row);
    }
    for (const [row, hashes] of this.#changed) if (hashes.has(hash)) named.add(row);
    return named;
  }

  toBytes(): Uint8Array {
    return packArrays(packedKind, {}, { hashes: this.#hashes, rows: this.#rows });
  }

  /** @throws {DataError} when the bytes are not of this kind */
  static open(bytes: Uint8Array): ExactNames {
    const { arrays } = openArrays(bytes, packedKind);
    return new ExactNames(arrays["hashes"] as Float64Array, arrays["rows"] as Int32Array);
  }
}

/** Says for one query how exactly it names each item. */
export function exactnessFor(
  query: string,
  names: ExactNames,
  { filter }: Pick<LiveCatalog, "filter">,
): (row: number) => Exactness {
  const named = names.named(query);
  const ofBrand = filter.compile({ brands: [query.trim()] });
  return (row) => (named.has(row) ? 2 : ofBrand.has(row) ? 1 : 0);
}

function hashesOf({ title, locales = {}, variants }: Item): Set<number> {
  const names = [
    title,
    ...Object.values(locales).flatMap((locale) => locale.title ?? []),
    ...variants.flatMap(({ sku, barcodes = [] }) => [sku ?? "", ...barcodes]),
  ];
  return new Set(
    names
      .map(queryKey)
      .filter((key) => key !== "")
      .map(hashOf),
  );
}

/** 52 bits of two FNV-1a hashes: of a million names, two are taken for one once in 9,000 catalogues. */
function hashOf(key: string): number {
  let [a, b] = [0x811c9dc5, 0x01234567];
  for (let i = 0; i < key.length; i++) {
    const code = key.charCodeAt(i);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x5bd1e995);
    b ^= b >>> 15;
  }
  return (a >>> 0) * 2 ** 20 + ((b >>> 0) & 0xfffff);
}

function firstNotBelow(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
