import type { Item } from "@magpie/domain";
import {
  openArrays,
  openStrings,
  packArrays,
  packedPart,
  packStrings,
} from "../packed/packed-arrays.ts";
import { queryKey } from "../suggest/query-log.ts";
import { compareTerms, TermDictionary } from "../text/term-dictionary.ts";
import { TextNumberList } from "./text-numbers.ts";
import { addNames, WholeNames, type ItemNames } from "./whole-names.ts";

/** What a word of a query may name. */
export const entityKinds = ["brand", "category", "color", "size", "material", "attribute"] as const;

export type EntityKind = (typeof entityKinds)[number];

/** A name that the catalogue has, with what it names. */
export interface CatalogName {
  readonly kind: EntityKind;
  /** As the catalogue has it: the brand, the category's path, the attribute's value. */
  readonly value: string;
  /** The attribute, where it is one. */
  readonly attribute?: string;
  /** Items that have it. */
  readonly items: number;
}

const fieldKinds: readonly (readonly [RegExp, EntityKind])[] = [
  [/^(?:colou?rs?|farbe|couleur|颜色|色|顏色)$/iu, "color"],
  [/^(?:sizes?|größe|taille|尺码|尺寸|规格|尺碼|鞋码)$/iu, "size"],
  [/^(?:materials?|fabric|stoff|matière|材质|面料|材料|材質)$/iu, "material"],
];

const kind = "catalog-lexicon/3";
/** Values that are no names: too long to be typed, or read as numbers. */
const maxNameLength = 40;
const isNumber = /^[\d.,%]+$/;
/** A name has at most so many words; longer ones are sentences. */
const maxNameWords = 5;
/** Names that are kept: of a large catalogue, values of attributes that few items have go first. */
const maxNames = 300_000;
/** Brands before categories, as people mean them: "Apple" is seldom the fruit that a path names. */
const rankOf: Readonly<Record<EntityKind, number>> = {
  brand: 0,
  category: 1,
  color: 2,
  material: 3,
  size: 4,
  attribute: 5,
};

/**
 * Names of brands, categories and attributes that a catalogue has, in all its languages, and the
 * titles and codes of its items: what a query's words are recognised by. Packed in flat arrays, which
 * open from a snapshot's bytes; items that change since are known from the next question on.
 *
 *     black  ─▶ brand Black, 2 items         a key may name several things: the kind that people
 *            └▶ color black, 90 items        mean sooner counts, of one kind what most items have,
 *                                            as long as any item has it
 */
export class CatalogLexicon {
  readonly #packed: Packed;
  /** By key, then by what it names: items that have it more than `#packed` says, or fewer. */
  readonly #changes = new Map<string, Map<string, Counted>>();
  /** Most words, or Chinese characters, that a name has. */
  readonly longest = maxNameWords;
  /** ISO 4217 code that most prices are in; undefined for a catalogue without items. */
  readonly currency: string | undefined;

  private constructor(packed: Packed) {
    this.#packed = packed;
    this.currency = packed.currency;
  }

  /** @param items  the item of row 1, of row 2, and so on; undefined where a row has none */
  static build(items: Iterable<Item | undefined>): CatalogLexicon {
    const names = new Map<string, Map<string, Counted>>();
    const whole = new TextNumberList();
    const currencies = new Map<string, number>();
    let row = 0;
    for (const item of items) {
      row++;
      if (item === undefined) continue;
      countNames(names, item, 1);
      addNames(whole, row, wholeNamesOf(item));
      const currency = item.variants[0]?.price.currency;
      if (currency !== undefined) currencies.set(currency, (currencies.get(currency) ?? 0) + 1);
    }
    const usual = [...currencies].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))[0]?.[0];
    return new CatalogLexicon({
      ...packNames(names),
      whole: WholeNames.build(whole),
      currency: usual,
    });
  }

  toBytes(): Uint8Array {
    const { keys, values, whole, fields, currency, ...rest } = this.#packed;
    return packArrays(
      kind,
      { fields, ...(currency !== undefined && { currency }) },
      {
        keyText: keys.text,
        keyStarts: keys.starts,
        keySlots: keys.slots,
        valueText: values.text,
        valueStarts: values.starts,
        ...whole.arrays(),
        ...rest,
      },
    );
  }

  /**
   * Opens what `toBytes` gave; the arrays are views of `bytes`. Changes are not in them: whoever gave
   * them has them.
   *
   * @throws {DataError} `BAD_INDEX_FILE` when the bytes are of another kind or cut short
   */
  static open(bytes: Uint8Array): CatalogLexicon {
    const { header, arrays } = openArrays(bytes, kind);
    const part = <T>(name: string): T => packedPart<T>(arrays, kind, name);
    return new CatalogLexicon({
      keys: new TermDictionary(part("keyText"), part("keyStarts"), part("keySlots")),
      values: { text: part("valueText"), starts: part("valueStarts") },
      named: part("named"),
      kinds: part("kinds"),
      attributes: part("attributes"),
      items: part("items"),
      whole: WholeNames.open({
        firsts: part("firsts"),
        seconds: part("seconds"),
        marks: part("marks"),
      }),
      fields: header["fields"] as string[],
      currency: header["currency"] as string | undefined,
    });
  }

  /**
   * Takes an item that is new, has other words or is gone (undefined).
   *
   * @param former  the item as it was before, whose names it takes back; undefined where none was
   */
  put(row: number, item: Item | undefined, former?: Item): void {
    this.#packed.whole.put(row, item === undefined ? noNames : wholeNamesOf(item));
    if (former !== undefined) countNames(this.#changes, former, -1);
    if (item !== undefined) countNames(this.#changes, item, 1);
  }

  /** What the catalogue calls by this text, its plural or singular in English too. */
  nameOf(text: string): CatalogName | undefined {
    const key = queryKey(text);
    return (
      this.#nameAt(key) ??
      (/^[a-z ]{3,}$/.test(key)
        ? (this.#nameAt(`${key}s`) ??
          this.#nameAt(`${key}es`) ??
          (key.endsWith("s") ? this.#nameAt(key.slice(0, -1)) : undefined))
        : undefined)
    );
  }

  /** Row of an item whose title says exactly this, in any language; undefined where none does. */
  rowTitled(text: string): number | undefined {
    return this.#packed.whole.rowTitled(queryKey(text));
  }

  /** Row of an item that has this text as its id, SKU or barcode. */
  rowCoded(text: string): number | undefined {
    return this.#packed.whole.rowCoded(queryKey(text));
  }

  /** Rows of all items that this text names whole: by title, id, SKU or barcode. */
  rowsNamed(text: string): ReadonlySet<number> {
    return this.#packed.whole.rowsNamed(queryKey(text));
  }

  /** Names in the form in which they are compared, for a segmenter to keep whole. */
  *names(): Generator<string> {
    const { keys } = this.#packed;
    for (let number = 0; number < keys.size; number++) {
      const key = keys.term(number);
      if (this.#nameAt(key) !== undefined) yield key;
    }
    for (const key of this.#changes.keys()) {
      if (keys.find(key) < 0 && this.#nameAt(key) !== undefined) yield key;
    }
  }

  #nameAt(key: string): CatalogName | undefined {
    const changes = this.#changes.get(key);
    let best: CatalogName | undefined;
    const take = (name: CatalogName): void => {
      if (name.items > 0 && (best === undefined || isMeantSooner(name, best))) best = name;
    };
    const packed = this.#packedNames(key);
    for (const name of packed) {
      const change = changes?.get(identityOf(name))?.items ?? 0;
      take(change === 0 ? name : { ...name, items: name.items + change });
    }
    if (changes !== undefined) {
      const known = new Set(packed.map(identityOf));
      for (const [identity, name] of changes) if (!known.has(identity)) take({ ...name });
    }
    return best;
  }

  #packedNames(key: string): CatalogName[] {
    const { keys, named, values, kinds, attributes, items, fields } = this.#packed;
    const number = keys.find(key);
    if (number < 0) return [];
    const [from, to] = [named[number]!, named[number + 1]!];
    return openStrings(values.text, values.starts.subarray(from, to + 1)).map((value, i) => {
      const attribute = fields[attributes[from + i]! - 1];
      return {
        kind: entityKinds[kinds[from + i]!]!,
        value: value === "" ? key : value,
        items: items[from + i]!,
        ...(attribute !== undefined && { attribute }),
      };
    });
  }
}

/** What keys name: those of key `k` are the names from `named[k]` to `named[k + 1]`. */
interface PackedNames {
  readonly keys: TermDictionary;
  readonly named: Uint32Array;
  /** Empty where it is the key. */
  readonly values: ReturnType<typeof packStrings>;
  /** Index in `entityKinds`. */
  readonly kinds: Uint8Array;
  /** Place in `fields` from 1; 0: none. */
  readonly attributes: Uint32Array;
  readonly items: Uint32Array;
  readonly fields: readonly string[];
}

interface Packed extends PackedNames {
  readonly whole: WholeNames;
  readonly currency: string | undefined;
}

type Named = Omit<CatalogName, "items">;
type Counted = Named & { readonly items: number };

const noNames: ItemNames = { titles: new Set(), codes: new Set() };

/** Tells the things apart that one key names. */
const identityOf = ({ kind: of, value, attribute = "" }: Named): string =>
  `${of}\0${attribute}\0${value}`;

function isMeantSooner(a: CatalogName, b: CatalogName): boolean {
  const byKind = rankOf[a.kind] - rankOf[b.kind];
  if (byKind !== 0) return byKind < 0;
  return a.items === b.items ? identityOf(a) < identityOf(b) : a.items > b.items;
}

/** Counts an item for all that it names, each once; what comes to nothing is forgotten. */
function countNames(counts: Map<string, Map<string, Counted>>, item: Item, by: 1 | -1): void {
  const own = new Map<string, Map<string, Named>>();
  readNames(item, (key, found) => {
    const named = own.get(key) ?? new Map<string, Named>();
    own.set(key, named.set(identityOf(found), found));
  });
  for (const [key, named] of own) {
    const known = counts.get(key) ?? new Map<string, Counted>();
    counts.set(key, known);
    for (const [identity, found] of named) {
      const items = (known.get(identity)?.items ?? 0) + by;
      if (items === 0) known.delete(identity);
      else known.set(identity, { ...found, items });
    }
    if (known.size === 0) counts.delete(key);
  }
}

function packNames(names: ReadonlyMap<string, ReadonlyMap<string, Counted>>): PackedNames {
  const kept = [...names].flatMap(([key, named]) =>
    Array.from(named.values(), (name) => ({ key, ...name })),
  );
  if (kept.length > maxNames) {
    const isMinor = ({ kind: of }: Counted): number =>
      of === "attribute" || of === "size" ? 1 : 0;
    kept.sort((a, b) => isMinor(a) - isMinor(b) || b.items - a.items);
    kept.length = maxNames;
  }
  kept.sort((a, b) => compareTerms(a.key, b.key));
  const keys: string[] = [];
  const starts: number[] = [];
  kept.forEach(({ key }, place) => {
    if (keys.at(-1) === key) return;
    keys.push(key);
    starts.push(place);
  });
  const fields = [...new Set(kept.flatMap(({ attribute }) => attribute ?? []))];
  const placeOf = new Map(fields.map((field, i) => [field, i + 1]));
  return {
    keys: TermDictionary.build(keys),
    named: Uint32Array.from([...starts, kept.length]),
    values: packStrings(kept.map(({ key, value }) => (value === key ? "" : value))),
    kinds: Uint8Array.from(kept, (name) => entityKinds.indexOf(name.kind)),
    attributes: Uint32Array.from(kept, ({ attribute }) => placeOf.get(attribute ?? "") ?? 0),
    items: Uint32Array.from(kept, ({ items }) => items),
    fields,
  };
}

function wholeNamesOf({ id, title, locales = {}, variants }: Item): ItemNames {
  const keysOf = (texts: readonly string[]): Set<string> =>
    new Set(texts.map(queryKey).filter((key) => key !== ""));
  return {
    titles: keysOf([title, ...Object.values(locales).flatMap((own) => own.title ?? [])]),
    codes: keysOf([id, ...variants.flatMap(({ sku, barcodes = [] }) => [sku ?? "", ...barcodes])]),
  };
}

/** Calls `name` for each brand, category and attribute of an item, in the form in which it is compared. */
function readNames(item: Item, name: (key: string, found: Named) => void): void {
  const named = (text: string, found: Named): void => {
    const key = queryKey(text);
    if (key === "" || key.length > maxNameLength || isNumber.test(key)) return;
    if (key.split(" ").length <= maxNameWords) name(key, found);
  };
  const attribute = (field: string, value: unknown, shown: unknown): void => {
    if (typeof value !== "string" || typeof shown !== "string") return;
    const of = fieldKinds.find(([pattern]) => pattern.test(field))?.[1] ?? "attribute";
    named(shown, { kind: of, value, attribute: field });
  };
  const levels = (path: string, canonical: string): void => {
    const own = canonical.split(" > ");
    path.split(" > ").forEach((level, depth) => {
      named(level, { kind: "category", value: own.slice(0, depth + 1).join(" > ") });
    });
  };
  const { brand, categories = [], locales = {} } = item;
  if (brand !== undefined) named(brand, { kind: "brand", value: brand });
  for (const path of categories) levels(path, path);
  const values: [string, unknown][] = [
    ...Object.entries(item.attributes ?? {}),
    ...item.variants.flatMap(({ options }) => Object.entries(options ?? {})),
  ];
  for (const [field, value] of values) {
    for (const one of Array.isArray(value) ? value : [value]) {
      attribute(field, one, one);
      for (const { terms } of Object.values(locales)) attribute(field, one, terms?.[String(one)]);
    }
  }
  for (const own of Object.values(locales)) {
    if (own.brand !== undefined) named(own.brand, { kind: "brand", value: brand ?? own.brand });
    own.categories?.forEach((path, i) => levels(path, categories[i] ?? path));
  }
}
