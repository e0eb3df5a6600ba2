import {
  isAvailable,
  type FacetRequest,
  type FieldConditions,
  type FieldTest,
  type GeoPoint,
  type Item,
} from "@magpie/domain";
import { openArrays, openStrings, packArrays, packStrings } from "../packed/packed-arrays.ts";
import type { PackableArray } from "../packed/packed-arrays.ts";
import { ItemSet } from "./item-set.ts";

export interface FacetValue {
  readonly value: string;
  readonly count: number;
  /** What it is called in the reader's language, where that is another word. */
  readonly label?: string;
}

/** `to` is exclusive; the outer ranges are open. */
export interface FacetRange {
  readonly from: number | null;
  readonly to: number | null;
  readonly count: number;
}

/** Counts of one facet over the items that match, its own choice left out. */
export interface FacetCounts {
  readonly field: string;
  /** Most frequent first, equal ones by name. */
  readonly values: readonly FacetValue[];
  /** Of fields with numbers; over no item all are 0. */
  readonly statistics?: {
    readonly min: number;
    readonly max: number;
    readonly sum: number;
    readonly avg: number;
    readonly count: number;
  };
  readonly ranges?: readonly FacetRange[];
}

/** Fields that are there although no item of a shop may have them. */
const ownFields: ReadonlySet<string> = new Set([
  "brand",
  "shop",
  "categories",
  "tags",
  "available",
  "price",
  "rating",
  "createdAt",
]);

const packedKind = "magpie-facets/2";
const defaultLimit = 100;
const earthRadiusMeters = 6_371_000;
const latitude = "attributes.latitude";
const longitude = "attributes.longitude";

/**
 * Values of items by field, for facet counts and for filters on any field, live like
 * `ItemFilterIndex`.
 *
 *     row → set      Int32 per field: items with the same values share a set
 *     set → values   "Shoes > Running" stands for Shoes and Shoes > Running
 *
 * Counting reads one number per matching item and field, and spreads the counts of the sets over
 * their values at the end. Numbers (`price`, `rating`, numeric attributes) have columns of their own.
 */
export class FacetIndex {
  #rows = 1;
  #hidden: ReadonlySet<string> = new Set();
  readonly #sets = new Map<string, SetColumn>();
  readonly #numbers = new Map<string, Float64Array>();

  /** @param items  the item of row 1, of row 2, and so on; undefined where a row has none */
  static build(items: Iterable<Item | undefined>): FacetIndex {
    const index = new FacetIndex();
    let row = 1;
    for (const item of items) {
      if (item === undefined) index.#reserve(row + 1);
      else index.upsert(row, item);
      row++;
    }
    return index;
  }

  /** Opens what `toBytes` gave. */
  static open(bytes: Uint8Array): FacetIndex {
    const { header, arrays } = openArrays(bytes, packedKind);
    const index = new FacetIndex();
    index.#rows = header["rows"] as number;
    for (const [i, name] of (header["sets"] as string[]).entries()) {
      const names = openStrings(
        arrays[`text${i}`] as Uint8Array,
        arrays[`starts${i}`] as Uint32Array,
      );
      const column = new SetColumn(arrays[`setOf${i}`] as SetNumbers, names);
      const offsets = arrays[`offsets${i}`] as Uint32Array;
      const codes = arrays[`codes${i}`] as Int32Array;
      for (let set = 0; set + 1 < offsets.length; set++) {
        column.internCodes(codes.slice(offsets[set]!, offsets[set + 1]!));
      }
      index.#sets.set(name, column);
    }
    for (const [i, name] of (header["numbers"] as string[]).entries()) {
      index.#numbers.set(name, (arrays[`number${i}`] as Float64Array).slice());
    }
    return index;
  }

  toBytes(): Uint8Array {
    const arrays: Record<string, PackableArray> = {};
    for (const [i, column] of [...this.#sets.values()].entries()) {
      const { text, starts } = packStrings(column.names);
      arrays[`text${i}`] = text;
      arrays[`starts${i}`] = starts;
      const offsets = new Uint32Array(column.sets.length + 1);
      for (const [set, codes] of column.sets.entries()) {
        offsets[set + 1] = offsets[set]! + codes.length;
      }
      const codes = new Int32Array(offsets.at(-1)!);
      for (const [set, own] of column.sets.entries()) codes.set(own, offsets[set]!);
      arrays[`offsets${i}`] = offsets;
      arrays[`codes${i}`] = codes;
      arrays[`setOf${i}`] = column.setNumbers(this.#rows);
    }
    for (const [i, column] of [...this.#numbers.values()].entries()) {
      arrays[`number${i}`] = column.subarray(0, this.#rows);
    }
    const header = {
      rows: this.#rows,
      sets: [...this.#sets.keys()],
      numbers: [...this.#numbers.keys()],
    };
    return packArrays(packedKind, header, arrays);
  }

  /** Fields that are not to be counted as facets; conditions on them still hold. */
  hide(fields: ReadonlySet<string>): void {
    this.#hidden = fields;
  }

  /** False for a field that is hidden as a facet. */
  isFacet(field: string): boolean {
    return !this.#hidden.has(field);
  }

  /** Fields that some item has, in order of their names. */
  fields(): {
    readonly field: string;
    readonly hasValues: boolean;
    readonly hasNumbers: boolean;
  }[] {
    return [...new Set([...this.#sets.keys(), ...this.#numbers.keys()])].sort().map((field) => ({
      field,
      hasValues: this.#sets.has(field),
      hasNumbers: this.#numbers.has(field),
    }));
  }

  /** Takes a new or changed item; rows past the end make room. */
  upsert(row: number, item: Item): void {
    this.#reserve(row + 1);
    const { values, numbers } = factsOf(item);
    for (const [field, column] of this.#sets) if (!values.has(field)) column.clear(row);
    for (const [field, own] of values) {
      let column = this.#sets.get(field);
      if (column === undefined) {
        column = new SetColumn(new Uint16Array(this.#rows), []);
        this.#sets.set(field, column);
      }
      column.put(row, own);
    }
    for (const [field, column] of this.#numbers) if (!numbers.has(field)) column[row] = NaN;
    for (const [field, value] of numbers) {
      let column = this.#numbers.get(field);
      if (column === undefined) {
        column = new Float64Array(this.#rows).fill(NaN);
        this.#numbers.set(field, column);
      }
      if (column.length <= row) {
        column = widened(column, row + 1, NaN);
        this.#numbers.set(field, column);
      }
      column[row] = value;
    }
  }

  /** The item's number in a field; NaN where it has none. */
  numberOf(field: string, row: number): number {
    return this.#numbers.get(field)?.[row] ?? NaN;
  }

  /** A number that items with the same values in a field share; -1 where the item has none. */
  setOf(field: string, row: number): number {
    return this.#sets.get(field)?.setAt(row) ?? -1;
  }

  /** True for a field that some item has or had, and for those that any item may have. */
  knows(field: string): boolean {
    return this.#sets.has(field) || this.#numbers.has(field) || ownFields.has(field);
  }

  /** True for a field whose values are numbers on some item, or on items by their form. */
  hasNumbers(field: string): boolean {
    return (
      this.#numbers.has(field) || field === "price" || field === "rating" || field === "createdAt"
    );
  }

  /**
   * Values of a field, those of items that are gone included: a value keeps its place, and new ones
   * come behind.
   */
  valuesOf(field: string): readonly string[] {
    return this.#sets.get(field)?.names ?? [];
  }

  /** Items that pass all conditions. */
  passing(conditions: FieldConditions): ItemSet {
    const passing = ItemSet.all(this.#rows);
    for (const clause of conditions) {
      const some = new ItemSet(this.#rows);
      for (const test of clause) some.unite(this.matching(test));
      passing.intersect(some);
    }
    return passing;
  }

  /**
   * Tells of single items whether they pass all conditions: cheaper than `passing` where few are
   * asked about. Holds until the next change of the index.
   */
  tester(conditions: FieldConditions): (row: number) => boolean {
    const clauses = conditions.map((clause) => clause.map((test) => this.#testerOf(test)));
    return (row) => clauses.every((clause) => clause.some((passes) => passes(row)));
  }

  #testerOf(test: FieldTest): (row: number) => boolean {
    const passes = this.#positiveTesterOf(test);
    return test.not === true ? (row) => !passes(row) : passes;
  }

  #positiveTesterOf(test: FieldTest): (row: number) => boolean {
    if ("near" in test || "southWest" in test) {
      const found = this.#found(test);
      return (row) => found.has(row);
    }
    const column = this.#sets.get(test.field);
    const numberOf = (row: number): number => this.numberOf(test.field, row);
    if ("anyOf" in test) {
      const wanted = new Set(test.anyOf.map((value) => column?.codeOf(value)));
      return (row) => column?.sets[column.setAt(row)]?.some((code) => wanted.has(code)) ?? false;
    }
    if ("exists" in test) {
      return (row) => !Number.isNaN(numberOf(row)) || (column?.setAt(row) ?? -1) >= 0;
    }
    const { min = -Infinity, max = Infinity } = test;
    return (row) => numberOf(row) >= min && numberOf(row) <= max;
  }

  /** Items that pass one test. */
  matching(test: FieldTest): ItemSet {
    const found = this.#found(test);
    return test.not === true ? ItemSet.all(this.#rows).subtract(found) : found;
  }

  #found(test: FieldTest): ItemSet {
    if ("near" in test) return this.around(test.near, test.radiusMeters);
    if ("southWest" in test) return this.insideBox(test.southWest, test.northEast);
    if ("anyOf" in test) return this.select(test.field, test.anyOf);
    if ("exists" in test) return this.#having(test.field);
    return this.range(test.field, test);
  }

  #having(field: string): ItemSet {
    const having = this.range(field, {});
    const column = this.#sets.get(field);
    if (column === undefined) return having;
    for (let row = 1; row < this.#rows; row++) {
      if (column.setAt(row) >= 0) having.words[row >> 5]! |= 1 << (row & 31);
    }
    return having;
  }

  /** Items with at least one of the values; none for a field or value that no item has. */
  select(field: string, values: readonly string[]): ItemSet {
    const passing = new ItemSet(this.#rows);
    const column = this.#sets.get(field);
    if (column === undefined) return passing;
    const wanted = new Set(values.map((value) => column.codeOf(value)));
    const isWanted = column.sets.map((codes) => codes.some((code) => wanted.has(code)));
    for (let row = 1; row < this.#rows; row++) {
      const set = column.setAt(row);
      if (set >= 0 && isWanted[set]) passing.words[row >> 5]! |= 1 << (row & 31);
    }
    return passing;
  }

  /** Items whose number lies within the bounds, both inclusive. */
  range(
    field: string,
    { min = -Infinity, max = Infinity }: { min?: number; max?: number },
  ): ItemSet {
    const passing = new ItemSet(this.#rows);
    const column = this.#numbers.get(field);
    if (column === undefined) return passing;
    for (let row = 1; row < this.#rows; row++) {
      const value = column[row] ?? NaN;
      if (value >= min && value <= max) passing.words[row >> 5]! |= 1 << (row & 31);
    }
    return passing;
  }

  /** Items whose attributes `latitude` and `longitude` lie within a distance, as a bird flies. */
  around(point: GeoPoint, radiusMeters: number): ItemSet {
    const passing = this.range(latitude, {
      min: point.latitude - degreesOf(radiusMeters),
      max: point.latitude + degreesOf(radiusMeters),
    });
    for (const row of passing.toRows()) {
      const there = {
        latitude: this.numberOf(latitude, row),
        longitude: this.numberOf(longitude, row),
      };
      if (!(distanceMeters(point, there) <= radiusMeters)) passing.delete(row);
    }
    return passing;
  }

  /** Items within a box; one whose west is east of its east goes across the date line. */
  insideBox(southWest: GeoPoint, northEast: GeoPoint): ItemSet {
    const [west, east] = [southWest.longitude, northEast.longitude];
    const byLongitude =
      west <= east
        ? this.range(longitude, { min: west, max: east })
        : this.range(longitude, { min: west }).unite(this.range(longitude, { max: east }));
    return byLongitude.intersect(
      this.range(latitude, { min: southWest.latitude, max: northEast.latitude }),
    );
  }

  /**
   * Counts over the items that match a search. Each facet's own choice is left out of its counts,
   * the choices of all others hold (disjunctive facets).
   *
   * @param matches      of a search, before any choice
   * @param refinements  choices: per facet the items that pass
   */
  counts(
    matches: ItemSet,
    refinements: ReadonlyMap<string, ItemSet>,
    requests: readonly FacetRequest[],
  ): FacetCounts[] {
    const withAll = matches.clone();
    for (const choice of refinements.values()) withAll.intersect(choice);
    const hits = withAll.toRows();
    return requests.map((request) => {
      if (!refinements.has(request.field)) return this.#count(hits, request);
      const others = matches.clone();
      for (const [field, choice] of refinements) {
        if (field !== request.field) others.intersect(choice);
      }
      return this.#count(others.toRows(), request);
    });
  }

  /**
   * Values of a facet that begin, or have a word that begins, like a text, most frequent first:
   * search inside a facet.
   *
   * @param labelOf  what values are called in the reader's language, by which they are found as well
   */
  searchValues(
    field: string,
    text: string,
    matches: ItemSet,
    limit = 10,
    labelOf: (value: string) => string | undefined = () => undefined,
  ): FacetValue[] {
    const wanted = valueKey(text);
    const found: FacetValue[] = [];
    for (const one of this.#sets.get(field)?.countOver(matches.toRows()) ?? []) {
      if (found.length === limit) break;
      const label = labelOf(one.value);
      const isMeant =
        beginsLike(one.value, wanted) || (label !== undefined && beginsLike(label, wanted));
      if (isMeant) found.push(label === undefined ? one : { ...one, label });
    }
    return found;
  }

  /**
   * A number per item to order a search by: metres to a point, as a bird flies; NaN for an item
   * without a place.
   */
  distanceTo(point: GeoPoint): (row: number) => number {
    return (row) =>
      distanceMeters(point, {
        latitude: this.numberOf(latitude, row),
        longitude: this.numberOf(longitude, row),
      });
  }

  #count(rows: Int32Array, { field, limit = defaultLimit, bounds }: FacetRequest): FacetCounts {
    const values = this.#sets.get(field)?.countOver(rows, limit) ?? [];
    const column = this.#numbers.get(field);
    if (column === undefined) return { field, values };
    const limits = Float64Array.from(bounds ?? []);
    const inRange = new Uint32Array(limits.length + 1);
    let [min, max, sum, count] = [Infinity, -Infinity, 0, 0];
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!;
      if (row >= column.length) break; // rows ascend
      const value = column[row]!;
      if (value !== value) continue; // NaN
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
      count++;
      // Without a branch on the value: which range it is in is as good as random.
      let place = 0;
      for (let k = 0; k < limits.length; k++) place += Number(value >= limits[k]!);
      inRange[place]!++;
    }
    const statistics =
      count === 0
        ? { min: 0, max: 0, sum: 0, avg: 0, count }
        : { min, max, sum, avg: sum / count, count };
    const ranges = Array.from(inRange, (own, i) => ({
      from: bounds?.[i - 1] ?? null,
      to: bounds?.[i] ?? null,
      count: own,
    }));
    return {
      field,
      values: values.length > 0 ? values : numbersIn(column, rows).slice(0, limit),
      statistics,
      ...(bounds && { ranges }),
    };
  }

  #reserve(rows: number): void {
    if (rows <= this.#rows) return;
    this.#rows = rows;
  }
}

/** More different numbers are a measure, not a choice: stars are listed, prices are not. */
const maxListedNumbers = 50;

/** The numbers themselves with their counts, most frequent first; none where they are too many. */
function numbersIn(column: Float64Array, rows: Int32Array): FacetValue[] {
  const counts = new Map<number, number>();
  for (const row of rows) {
    const value = column[row] ?? NaN;
    if (Number.isNaN(value)) continue;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size > maxListedNumbers) return [];
  }
  return Array.from(counts, ([value, count]) => ({ value: String(value), count })).sort(
    (a, b) => b.count - a.count || Number(a.value) - Number(b.value),
  );
}

/** Half the memory to read where few sets are, which is what counting waits for. */
type SetNumbers = Uint16Array | Uint32Array;
const maxSmallSet = 0xffff;

/** How many rows have each set. Rows ascend. */
function countSets(setOf: SetNumbers, rows: Int32Array, sets: number): Uint32Array {
  const counts = new Uint32Array(sets + 1); // by number plus one, so that none is counted as well
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    if (row >= setOf.length) break;
    counts[setOf[row]!]!++;
  }
  return counts.subarray(1);
}

/** One field's values: sets of values that rows share. */
class SetColumn {
  readonly names: string[];
  readonly sets: Int32Array[] = [];
  /** By row: number of its set plus one; 0 where the item has no value. */
  #setOf: SetNumbers;
  readonly #codes = new Map<string, number>();
  readonly #numbers = new Map<string, number>();
  #order: NameOrder | undefined;

  constructor(setOf: SetNumbers, names: readonly string[]) {
    this.names = [...names];
    for (const [code, name] of names.entries()) this.#codes.set(valueKey(name), code);
    this.#setOf = setOf.slice();
  }

  codeOf(value: string): number | undefined {
    return this.#codes.get(valueKey(value));
  }

  put(row: number, values: readonly string[]): void {
    const codes = values.map((value) => {
      const key = valueKey(value);
      let code = this.#codes.get(key);
      if (code === undefined) {
        code = this.names.length;
        this.names.push(value);
        this.#codes.set(key, code);
      }
      return code;
    });
    const set = this.internCodes(Int32Array.from(new Set(codes)).sort());
    if (this.#setOf.length <= row) this.#setOf = widened(this.#setOf, row + 1, 0);
    if (set >= maxSmallSet && this.#setOf instanceof Uint16Array) {
      this.#setOf = Uint32Array.from(this.#setOf);
    }
    this.#setOf[row] = set + 1;
  }

  /** The item of the row has no value from now on. */
  clear(row: number): void {
    if (row < this.#setOf.length) this.#setOf[row] = 0;
  }

  /** Number of the row's set; -1 where the item has no value. */
  setAt(row: number): number {
    return (this.#setOf[row] ?? 0) - 1;
  }

  /** What `setAt` gives plus one, of rows below `rows`. */
  setNumbers(rows: number): SetNumbers {
    return this.#setOf.length < rows
      ? widened(this.#setOf, rows, 0).subarray(0, rows)
      : this.#setOf.subarray(0, rows);
  }

  internCodes(codes: Int32Array): number {
    const key = codes.join(" ");
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.sets.length;
      this.sets.push(codes);
      this.#numbers.set(key, number);
    }
    return number;
  }

  /** Values of the rows with their counts, most frequent first, equal ones by name. */
  countOver(rows: Int32Array, limit = Infinity): FacetValue[] {
    const ofSet = countSets(this.#setOf, rows, this.sets.length);
    const counts = new Uint32Array(this.names.length);
    for (let set = 0; set < ofSet.length; set++) {
      const count = ofSet[set]!;
      if (count > 0) for (const code of this.sets[set]!) counts[code]! += count;
    }
    // Count and place by name in one number, so that sorting is native.
    const order = this.#nameOrder();
    const keys = new Float64Array(counts.length);
    let found = 0;
    for (let code = 0; code < counts.length; code++) {
      if (counts[code]! > 0)
        keys[found++] = counts[code]! * maxNames + (maxNames - 1 - order.placeOf[code]!);
    }
    return Array.from(keys.subarray(0, found).sort().reverse().subarray(0, limit), (key) => {
      const code = order.codes[maxNames - 1 - (key % maxNames)]!;
      return { value: this.names[code]!, count: counts[code]! };
    });
  }

  /** Codes in the order of their names, and the place of each code there. */
  #nameOrder(): NameOrder {
    if (this.#order?.codes.length !== this.names.length) {
      const codes = Uint32Array.from(this.names.keys());
      codes.sort((a, b) => (this.names[a]! < this.names[b]! ? -1 : 1));
      const placeOf = new Uint32Array(codes.length);
      for (const [place, code] of codes.entries()) placeOf[code] = place;
      this.#order = { codes, placeOf };
    }
    return this.#order;
  }
}

interface NameOrder {
  readonly codes: Uint32Array;
  readonly placeOf: Uint32Array;
}

/** More names than a facet ever has: with counts below 2²⁹, both fit a number exactly. */
const maxNames = 2 ** 24;

interface Facts {
  readonly values: ReadonlyMap<string, string[]>;
  readonly numbers: ReadonlyMap<string, number>;
}

/** What an item says in each field. */
function factsOf(item: Item): Facts {
  const values = new Map<string, string[]>();
  const numbers = new Map<string, number>();
  const add = (field: string, value: string): void => {
    if (value === "") return;
    const own = values.get(field);
    if (own === undefined) values.set(field, [value]);
    else own.push(value);
  };
  if (item.brand !== undefined) add("brand", item.brand);
  if (item.shopId !== undefined) add("shop", item.shopId);
  add("available", String(isAvailable(item)));
  for (const path of item.categories ?? []) {
    const levels = path.split(">").map((level) => level.trim());
    for (let depth = 1; depth <= levels.length; depth++) {
      add("categories", levels.slice(0, depth).join(" > "));
    }
  }
  for (const tag of item.tags ?? []) add("tags", tag);
  for (const [name, value] of Object.entries(item.attributes ?? {})) {
    const field = `attributes.${name}`;
    if (typeof value === "number") numbers.set(field, value);
    else for (const one of Array.isArray(value) ? value : [value]) add(field, String(one));
  }
  for (const { options } of item.variants) {
    for (const [name, value] of Object.entries(options ?? {})) add(`options.${name}`, value);
  }
  numbers.set("price", item.variants[0]!.price.amount);
  if (item.rating !== undefined) numbers.set("rating", item.rating.value);
  if (item.createdAt !== undefined) numbers.set("createdAt", Date.parse(item.createdAt));
  return { values, numbers };
}

/** Longer by half, at least, so that rows added one by one cost little each. */
function widened<T extends SetNumbers | Float64Array>(column: T, rows: number, filler: number): T {
  const length = Math.max(rows, Math.ceil(1.5 * column.length));
  const larger = new (column.constructor as new (length: number) => T)(length).fill(filler) as T;
  larger.set(column);
  return larger;
}

const valueKey = (value: string): string => value.normalize("NFKC").trim().toLowerCase();
const degreesOf = (meters: number): number => (meters / earthRadiusMeters) * (180 / Math.PI);

/** True for a value that begins, or has a word that begins, like a key; in Chinese: that has it. */
function beginsLike(value: string, wanted: string): boolean {
  const key = valueKey(value);
  if (/^[\x20-\x7e]*$/.test(key)) {
    return ` ${key.replaceAll(/[^a-z0-9]+/g, " ")}`.includes(` ${wanted}`);
  }
  return key.includes(wanted);
}

/** Great-circle distance by the haversine. */
function distanceMeters(a: GeoPoint, b: GeoPoint): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const half = (from: number, to: number): number => Math.sin(radians(to - from) / 2) ** 2;
  const h =
    half(a.latitude, b.latitude) +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) * half(a.longitude, b.longitude);
  return 2 * earthRadiusMeters * Math.asin(Math.min(1, Math.sqrt(h)));
}
