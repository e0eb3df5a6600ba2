import { isAvailable, type Item, type ItemFilter } from "@magpie/domain";
import { openArrays, openStrings, packArrays, packStrings } from "../packed/packed-arrays.ts";
import type { FacetIndex } from "./facet-index.ts";
import { ItemSet } from "./item-set.ts";

/** Bitmaps of single values that are kept; the least recently used go first. */
const maxCachedBytes = 64 * 2 ** 20;

/**
 * Turns an `ItemFilter` into the set of item rows that pass, in well under a millisecond.
 *
 *     column per field ─▶ bitmap per value, made at first use, kept ─▶ OR within a field
 *                                                                      AND between fields
 *
 * It is live: stock, price and whole items change in place, and the next `compile` sees them.
 * Values are compared without regard to case, width (ａ and a) and outer spaces.
 */
export class ItemFilterIndex {
  readonly #rowOf: (itemId: string) => number | undefined;
  readonly #facets: FacetIndex | undefined;
  readonly #brands: Values;
  readonly #shops: Values;
  readonly #categories: Values;
  #rows: number;
  #brandOf: Int32Array;
  #shopOf: Int32Array;
  #priceOf: Float64Array;
  /** Row `i` owns the codes from `offsets[i]` to `offsets[i + 1]`, unless it changed since. */
  #categoryOffsets: Int32Array;
  #categoryCodes: Int32Array;
  readonly #changedCategories = new Map<number, Int32Array>();
  #present: ItemSet;
  #available: ItemSet;
  readonly #bitmaps = new Map<string, ItemSet>();
  readonly #compiled = new WeakMap<ItemFilter, { revision: number; passing: ItemSet }>();
  #revision = 0;

  private constructor(
    columns: Columns,
    rowOf: (itemId: string) => number | undefined,
    facets: FacetIndex | undefined,
  ) {
    this.#rowOf = rowOf;
    this.#facets = facets;
    this.#rows = columns.brandOf.length;
    this.#brands = new Values(columns.brands, valueKey);
    this.#shops = new Values(columns.shops, valueKey);
    this.#categories = new Values(columns.categories, pathKey);
    this.#brandOf = columns.brandOf;
    this.#shopOf = columns.shopOf;
    this.#priceOf = columns.priceOf;
    this.#categoryOffsets = columns.categoryOffsets;
    this.#categoryCodes = columns.categoryCodes;
    this.#present = columns.present;
    this.#available = columns.available;
  }

  /**
   * @param items  the item of row 1, of row 2, and so on; undefined where a row has no item (any
   *               more), which then never passes
   * @param rowOf  the row of an item id, for `excludeItemIds`
   * @param facets over the same rows, for `where`
   */
  static build(
    items: Iterable<Item | undefined>,
    rowOf: (itemId: string) => number | undefined,
    facets?: FacetIndex,
  ): ItemFilterIndex {
    const index = new ItemFilterIndex(emptyColumns(), rowOf, facets);
    let row = 1;
    for (const item of items) {
      if (item === undefined) index.#reserve(row + 1);
      else index.upsert(row, item);
      row++;
    }
    index.#layCategories();
    return index;
  }

  /** Opens what `toBytes` gave. */
  static open(
    bytes: Uint8Array,
    rowOf: (itemId: string) => number | undefined,
    facets?: FacetIndex,
  ): ItemFilterIndex {
    const { arrays } = openArrays(bytes, packedKind);
    const strings = (name: string): string[] =>
      openStrings(arrays[`${name}Text`] as Uint8Array, arrays[`${name}Starts`] as Uint32Array);
    const rows = (arrays["brandOf"] as Int32Array).length;
    // Live updates write into the columns, so they must not be views of the snapshot's bytes.
    return new ItemFilterIndex(
      {
        brands: strings("brands"),
        shops: strings("shops"),
        categories: strings("categories"),
        brandOf: (arrays["brandOf"] as Int32Array).slice(),
        shopOf: (arrays["shopOf"] as Int32Array).slice(),
        priceOf: (arrays["priceOf"] as Float64Array).slice(),
        categoryOffsets: arrays["categoryOffsets"] as Int32Array,
        categoryCodes: arrays["categoryCodes"] as Int32Array,
        present: new ItemSet(rows, (arrays["present"] as Int32Array).slice()),
        available: new ItemSet(rows, (arrays["available"] as Int32Array).slice()),
      },
      rowOf,
      facets,
    );
  }

  /** The present state, updates included. */
  toBytes(): Uint8Array {
    this.#layCategories();
    const words = (this.#rows + 31) >> 5;
    const brands = packStrings(this.#brands.names);
    const shops = packStrings(this.#shops.names);
    const categories = packStrings(this.#categories.names);
    return packArrays(
      packedKind,
      {},
      {
        brandsText: brands.text,
        brandsStarts: brands.starts,
        shopsText: shops.text,
        shopsStarts: shops.starts,
        categoriesText: categories.text,
        categoriesStarts: categories.starts,
        brandOf: this.#brandOf.subarray(0, this.#rows),
        shopOf: this.#shopOf.subarray(0, this.#rows),
        priceOf: this.#priceOf.subarray(0, this.#rows),
        categoryOffsets: this.#categoryOffsets,
        categoryCodes: this.#categoryCodes,
        present: this.#present.words.subarray(0, words),
        available: this.#available.words.subarray(0, words),
      },
    );
  }

  /** Rows known, padding row 0 included. */
  get rows(): number {
    return this.#rows;
  }

  /**
   * The rows that pass. A list without values asks for nothing. Items that name no brand, shop,
   * category or price fail a filter on it; values that no item has pass nothing.
   *
   * @returns  shared with later callers: do not change it
   */
  compile(filter: ItemFilter): ItemSet {
    // Every retriever of one request asks with the same object.
    const known = this.#compiled.get(filter);
    if (known?.revision === this.#revision) return known.passing;
    const passing = (filter.availableOnly === true ? this.#available : this.#present).clone();
    if (filter.categories?.length) {
      passing.intersect(this.#anyOf("category", filter.categories, this.#categories));
    }
    if (filter.brands?.length) {
      passing.intersect(this.#anyOf("brand", filter.brands, this.#brands));
    }
    if (filter.shopIds?.length) {
      passing.intersect(this.#anyOf("shop", filter.shopIds, this.#shops));
    }
    if (filter.priceCents) this.#keepPrices(passing, filter.priceCents);
    if (filter.where?.length) {
      if (this.#facets === undefined) throw new Error("internal: a filter without fields");
      passing.intersect(this.#facets.passing(filter.where));
    }
    for (const id of filter.excludeItemIds ?? []) {
      const row = this.#rowOf(id);
      if (row !== undefined) passing.delete(row);
    }
    this.#compiled.set(filter, { revision: this.#revision, passing });
    return passing;
  }

  /** Takes a new or changed item; rows past the end make room. */
  upsert(row: number, item: Item): void {
    this.#reserve(row + 1);
    this.#mark(row, false);
    this.#brandOf[row] = item.brand === undefined ? -1 : this.#brands.add(item.brand);
    this.#shopOf[row] = item.shopId === undefined ? -1 : this.#shops.add(item.shopId);
    this.#changedCategories.set(row, this.#categoryCodesOf(item.categories ?? []));
    this.#mark(row, true);
    this.#present.add(row);
    this.setPrice(row, item.variants[0]!.price.amount);
    this.setAvailable(row, isAvailable(item));
  }

  /** The item is gone from the catalogue: it passes no filter any more. */
  remove(row: number): void {
    this.#present.delete(row);
    this.#available.delete(row);
    this.#revision++;
  }

  setAvailable(row: number, available: boolean): void {
    if (!this.#present.has(row)) return;
    if (available) this.#available.add(row);
    else this.#available.delete(row);
    this.#revision++;
  }

  /** @param priceCents  of the featured variant, minor units */
  setPrice(row: number, priceCents: number): void {
    if (!this.#present.has(row)) return;
    this.#priceOf[row] = priceCents;
    this.#revision++;
  }

  /** True for an item of the catalogue with something to sell. */
  isAvailable(row: number): boolean {
    return this.#available.has(row);
  }

  /** A number per brand; -1 for items that name none. */
  brandOf(row: number): number {
    return this.#brandOf[row] ?? -1;
  }

  /** A number per seller; -1 for items that name none. */
  shopOf(row: number): number {
    return this.#shopOf[row] ?? -1;
  }

  /** Numbers of the item's categories and of all their ancestors. */
  categoriesOf(row: number): Int32Array {
    const changed = this.#changedCategories.get(row);
    if (changed !== undefined) return changed;
    const from = this.#categoryOffsets[row];
    const to = this.#categoryOffsets[row + 1];
    return from === undefined || to === undefined ? none : this.#categoryCodes.subarray(from, to);
  }

  /** The number of a category path, as `categoriesOf` has it; -1 where no item is in it. */
  categoryCode(path: string): number {
    return this.#categories.code(path) ?? -1;
  }

  /** Featured price in minor units; NaN where unknown. */
  priceOf(row: number): number {
    return this.#priceOf[row] ?? NaN;
  }

  /** Every category path with the number of its items in the catalogue, those below it included. */
  countCategories(): { readonly path: string; readonly count: number }[] {
    const counts = new Int32Array(this.#categories.names.length);
    for (const row of this.#present.toRows()) {
      for (const code of this.categoriesOf(row)) counts[code]!++;
    }
    return this.#categories.names
      .map((path, code) => ({ path, count: counts[code]! }))
      .filter(({ count }) => count > 0);
  }

  /** Puts the row into, or takes it out of, the bitmaps of its values that are in use. */
  #mark(row: number, member: boolean): void {
    const names = [`brand ${this.brandOf(row)}`, `shop ${this.shopOf(row)}`];
    for (const code of this.categoriesOf(row)) names.push(`category ${code}`);
    for (const name of names) {
      const bitmap = this.#bitmaps.get(name);
      if (bitmap === undefined) continue;
      if (member) bitmap.add(row);
      else bitmap.delete(row);
    }
  }

  #anyOf(field: Field, names: readonly string[], values: Values): ItemSet {
    const codes = names.map((name) => values.code(name)).filter((code) => code !== undefined);
    const first = codes[0];
    if (first === undefined) return new ItemSet(this.#present.rows);
    if (codes.length === 1) return this.#bitmap(field, first);
    const any = this.#bitmap(field, first).clone();
    for (const code of codes.slice(1)) any.unite(this.#bitmap(field, code));
    return any;
  }

  #bitmap(field: Field, code: number): ItemSet {
    const name = `${field} ${code}`;
    const known = this.#bitmaps.get(name);
    if (known !== undefined) {
      this.#bitmaps.delete(name);
      this.#bitmaps.set(name, known); // now the most recently used
      return known;
    }
    const bitmap = new ItemSet(this.#present.rows);
    if (field === "category") {
      const [offsets, codes] = [this.#categoryOffsets, this.#categoryCodes];
      for (let row = 1; row + 1 < offsets.length; row++) {
        for (let i = offsets[row]!; i < offsets[row + 1]!; i++) {
          if (codes[i] === code) bitmap.add(row);
        }
      }
      for (const [row, changed] of this.#changedCategories) {
        if (changed.includes(code)) bitmap.add(row);
        else bitmap.delete(row);
      }
    } else {
      const column = field === "brand" ? this.#brandOf : this.#shopOf;
      for (let row = 1; row < this.#rows; row++) if (column[row] === code) bitmap.add(row);
    }
    this.#bitmaps.set(name, bitmap);
    const maxBitmaps = Math.max(16, Math.floor(maxCachedBytes / (4 * bitmap.words.length)));
    if (this.#bitmaps.size > maxBitmaps) {
      this.#bitmaps.delete(this.#bitmaps.keys().next().value!);
    }
    return bitmap;
  }

  #keepPrices(passing: ItemSet, { min, max }: PriceBounds): void {
    const { words } = passing;
    const prices = this.#priceOf;
    const least = min ?? -Infinity;
    const most = max ?? Infinity;
    for (let i = 0; i < words.length; i++) {
      const candidates = words[i]!;
      if (candidates === 0) continue;
      // Without a branch on the price: which rows pass is as good as random, and mispredicted
      // branches made this loop six times slower.
      let kept = 0;
      const first = i << 5;
      for (let bit = 0; bit < 32; bit++) {
        const price = prices[first + bit]!; // NaN and rows past the end pass no bound
        kept |= (Number(price >= least) & Number(price <= most)) << bit;
      }
      words[i] = candidates & kept;
    }
  }

  #categoryCodesOf(paths: readonly string[]): Int32Array {
    const codes = new Set<number>();
    for (const path of paths) {
      const levels = levelsOf(path);
      for (let depth = 1; depth <= levels.length; depth++) {
        const name = levels.slice(0, depth).join(" > ");
        codes.add(this.#categories.add(name));
      }
    }
    return Int32Array.from(codes);
  }

  /** Lays the codes of all rows one after another again, those of changed rows included. */
  #layCategories(): void {
    const offsets = new Int32Array(this.#rows + 1);
    for (let row = 0; row < this.#rows; row++) {
      offsets[row + 1] = offsets[row]! + this.categoriesOf(row).length;
    }
    const codes = new Int32Array(offsets[this.#rows]!);
    for (let row = 0; row < this.#rows; row++) codes.set(this.categoriesOf(row), offsets[row]!);
    this.#categoryOffsets = offsets;
    this.#categoryCodes = codes;
    this.#changedCategories.clear();
  }

  #reserve(rows: number): void {
    if (rows <= this.#rows) return;
    if (rows > this.#brandOf.length) {
      const capacity = Math.max(rows, 2 * this.#brandOf.length);
      const grow = <T extends Int32Array | Float64Array>(column: T, filler: number): T => {
        const larger = new (column.constructor as new (n: number) => T)(capacity).fill(filler) as T;
        larger.set(column);
        return larger;
      };
      this.#brandOf = grow(this.#brandOf, -1);
      this.#shopOf = grow(this.#shopOf, -1);
      this.#priceOf = grow(this.#priceOf, NaN);
      this.#present = widened(this.#present, capacity);
      this.#available = widened(this.#available, capacity);
      for (const [name, bitmap] of this.#bitmaps) {
        this.#bitmaps.set(name, widened(bitmap, capacity));
      }
    }
    this.#rows = rows;
    this.#revision++;
  }
}

interface Columns {
  readonly brands: readonly string[];
  readonly shops: readonly string[];
  readonly categories: readonly string[];
  readonly brandOf: Int32Array;
  readonly shopOf: Int32Array;
  readonly priceOf: Float64Array;
  readonly categoryOffsets: Int32Array;
  readonly categoryCodes: Int32Array;
  readonly present: ItemSet;
  readonly available: ItemSet;
}

const packedKind = "magpie-item-filter/1";
const none = new Int32Array(0);

const emptyColumns = (): Columns => ({
  brands: [],
  shops: [],
  categories: [],
  brandOf: Int32Array.of(-1),
  shopOf: Int32Array.of(-1),
  priceOf: Float64Array.of(NaN),
  categoryOffsets: Int32Array.of(0, 0),
  categoryCodes: none,
  present: new ItemSet(1),
  available: new ItemSet(1),
});

function widened(set: ItemSet, rows: number): ItemSet {
  return new ItemSet(rows).unite(set);
}

/** Values of one field as first written, found by their folded form. */
class Values {
  readonly names: string[] = [];
  readonly #key: (name: string) => string;
  readonly #codes = new Map<string, number>();

  constructor(names: readonly string[], key: (name: string) => string) {
    this.#key = key;
    for (const name of names) this.add(name);
  }

  add(name: string): number {
    const key = this.#key(name);
    let code = this.#codes.get(key);
    if (code === undefined) {
      code = this.names.length;
      this.names.push(name);
      this.#codes.set(key, code);
    }
    return code;
  }

  code(name: string): number | undefined {
    return this.#codes.get(this.#key(name));
  }
}

type Field = "category" | "brand" | "shop";
type PriceBounds = NonNullable<ItemFilter["priceCents"]>;

const valueKey = (value: string): string => value.normalize("NFKC").trim().toLowerCase();
const levelsOf = (path: string): string[] =>
  path
    .split(">")
    .map((level) => level.trim())
    .filter((level) => level !== "");
const pathKey = (path: string): string => levelsOf(valueKey(path)).join(" > ");
