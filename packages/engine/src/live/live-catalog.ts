import type { CatalogStore, ItemVocabulary } from "@magpie/data";
import { itemId, itemIndex, type Item, type ItemId, type ItemIndex } from "@magpie/domain";
import type { FacetIndex, ItemFilterIndex } from "@magpie/retrieval";
import { CategoryLists } from "./category-lists.ts";
import { CategoryPrices } from "./category-prices.ts";
import type { CatalogLabels } from "./catalog-labels.ts";
import { wordsOf, type FormerItems } from "./former-items.ts";

/** What a snapshot says about its items. */
export interface CatalogParts {
  readonly vocabulary: ItemVocabulary;
  /** Over `facets`. */
  readonly filter: ItemFilterIndex;
  readonly facets: FacetIndex;
  /** [items + 1]: Unix milliseconds of `createdAt`; NaN where the catalogue does not say. */
  readonly createdMs: Float64Array;
  /** [items + 1]: `textHashOf` each item, by which a change of stock is told from one of words. */
  readonly textHashes: Uint32Array;
  readonly labels: CatalogLabels;
  /** Items as the snapshot's dictionaries know them. */
  readonly formerItems?: Pick<FormerItems, "at">;
}

/**
 * Hears of an item that is new, has other words or is gone (undefined).
 *
 * @param former  what it was called before: the item without its descriptions; undefined where
 *                there was none
 */
export type WordsListener = (
  row: ItemIndex,
  item: Item | undefined,
  former: Item | undefined,
) => void;

/**
 * The catalogue as serving sees it: the columns of a snapshot, kept up to date in place.
 *
 *     rows   0        1 … N              N + 1 …
 *           padding   the snapshot's     items that came since: known to filters, text search and
 *                     vocabulary         content similarity, unknown to trained models
 *
 * An item keeps its row while the snapshot serves, even when it is deleted and comes back.
 */
export class LiveCatalog {
  readonly filter: ItemFilterIndex;
  readonly facets: FacetIndex;
  /** Rows that trained models know: 1 to this. */
  readonly trainedItems: number;
  readonly #vocabulary: ItemVocabulary;
  readonly #labels: CatalogLabels;
  readonly #newIds: ItemId[] = [];
  readonly #newIndices = new Map<string, ItemIndex>();
  readonly #wordListeners: WordsListener[] = [];
  readonly #formerItems: Pick<FormerItems, "at"> | undefined;
  /** By row that changed since the snapshot: what its item is called now. */
  readonly #changedWords = new Map<number, Item | undefined>();
  #createdMs: Float64Array;
  #textHashes: Uint32Array;
  #newest: Int32Array | undefined;
  #categoryLists: CategoryLists | undefined;
  #categoryPrices: CategoryPrices | undefined;

  constructor(parts: CatalogParts) {
    this.#vocabulary = parts.vocabulary;
    this.filter = parts.filter;
    this.facets = parts.facets;
    this.trainedItems = parts.vocabulary.size;
    this.#createdMs = parts.createdMs;
    this.#textHashes = parts.textHashes;
    this.#labels = parts.labels;
    this.#formerItems = parts.formerItems;
  }

  /** The row of an item, deleted ones included; -1 for an id never seen. */
  indexOf(id: string): ItemIndex | -1 {
    const known = this.#vocabulary.indexOf(id);
    return known === -1 ? (this.#newIndices.get(id) ?? -1) : known;
  }

  idOf(index: number): ItemId {
    return index <= this.trainedItems
      ? this.#vocabulary.idOf(index)
      : this.#newIds[index - this.trainedItems - 1]!;
  }

  /** Takes a new or changed item; the next request sees it. */
  put(item: Item): void {
    let index = this.indexOf(item.id);
    if (index === -1) {
      this.#newIds.push(itemId(item.id));
      index = itemIndex(this.trainedItems + this.#newIds.length);
      this.#newIndices.set(item.id, index);
    }
    this.filter.upsert(index, item);
    this.facets.upsert(index, item);
    this.#reserve(index);
    this.#setCreated(index, item);
    this.#categoryLists?.put(index);
    this.#categoryPrices?.put(index);
    this.#setWords(index, item);
  }

  /** The item leaves every answer from the next request on. */
  delete(id: string): void {
    const index = this.indexOf(id);
    if (index === -1) return;
    this.filter.remove(index);
    this.#categoryPrices?.remove(index);
    this.#setWords(index, undefined);
  }

  #setWords(index: ItemIndex, item: Item | undefined): void {
    const hash = item === undefined ? 0 : textHashOf(item);
    if (hash === this.#textHashes[index]) return;
    this.#textHashes[index] = hash;
    const former = this.#changedWords.has(index)
      ? this.#changedWords.get(index)
      : this.#formerItems?.at(index);
    this.#changedWords.set(index, item && wordsOf(item));
    this.#labels.put(item, former);
    for (const listener of this.#wordListeners) listener(index, item, former);
  }

  /** Calls `listener` after every change of an item's words, its coming and going included. */
  onWords(listener: WordsListener): void {
    this.#wordListeners.push(listener);
  }

  /** Takes over what changed in the store since a revision of its catalogue. */
  async catchUp(catalog: CatalogStore, revision: number): Promise<void> {
    for await (const { upserted, deleted } of catalog.changesSince(revision)) {
      for (const item of upserted) this.put(item);
      for (const id of deleted) this.delete(id);
    }
  }

  /** Unix milliseconds; NaN when the catalogue does not say. */
  createdMs(index: number): number {
    return this.#createdMs[index] ?? NaN;
  }

  /** Rows whose age is known, deleted ones included, newest first; then the later row first. */
  newest(): Int32Array {
    this.#newest ??= Int32Array.from(
      Array.from({ length: this.filter.rows - 1 }, (_, i) => i + 1).filter(
        (row) => this.createdMs(row) > 0,
      ),
    ).sort((a, b) => this.createdMs(b) - this.createdMs(a) || b - a);
    return this.#newest;
  }

  /** Items by category and categories by item, made when first asked for. */
  get categoryLists(): CategoryLists {
    this.#categoryLists ??= new CategoryLists(this.filter);
    return this.#categoryLists;
  }

  /** What the items of categories cost, made when first asked for. */
  get categoryPrices(): CategoryPrices {
    this.#categoryPrices ??= new CategoryPrices(this.filter);
    return this.#categoryPrices;
  }

  /** Category paths in order, with the number of items below each. */
  categories(
    locale: string,
  ): { readonly path: string; readonly label: string; readonly count: number }[] {
    return this.filter
      .countCategories()
      .map(({ path, count }) => ({ path, label: this.#labels.labelOf(path, locale), count }))
      .sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** What a category path is called in a reader's language: its last level. */
  categoryLabel(path: string, locale: string): string {
    return this.#labels.labelOf(path, locale);
  }

  /** What a facet's value is called in a reader's language; undefined where it has no other name. */
  valueLabel(field: string, value: string, locale: string): string | undefined {
    return this.#labels.valueLabel(field, value, locale);
  }

  #setCreated(index: number, item: Item): void {
    const createdMs = createdMsOf(item);
    // NaN is not equal to itself: an unknown age that stays unknown moves nothing either.
    if (Object.is(this.#createdMs[index], createdMs)) return;
    this.#createdMs[index] = createdMs;
    this.#newest = undefined;
  }

  #reserve(index: number): void {
    if (index < this.#createdMs.length) return;
    const rows = Math.max(index + 1, 2 * this.#createdMs.length);
    const createdMs = new Float64Array(rows).fill(NaN);
    createdMs.set(this.#createdMs);
    this.#createdMs = createdMs;
    const textHashes = new Uint32Array(rows);
    textHashes.set(this.#textHashes);
    this.#textHashes = textHashes;
  }
}

/** Unix milliseconds of an item's `createdAt`; NaN when it has none. */
export function createdMsOf(item: Item): number {
  return item.createdAt === undefined ? NaN : Date.parse(item.createdAt);
}

/**
 * A number that changes with an item's words: what text search and menus read of it. Never 0, which
 * stands for a row without words.
 */
export function textHashOf(item: Item): number {
  const { title, description, brand, categories, tags, attributes, locale, locales } = item;
  const variants = item.variants.map(({ title: name, options, sku, barcodes }) => {
    return [name, options, sku, barcodes];
  });
  const words = JSON.stringify([
    title,
    description,
    brand,
    categories,
    tags,
    attributes,
    locale,
    locales,
    variants,
  ]);
  let hash = 0x811c9dc5; // FNV-1a over code units
  for (let i = 0; i < words.length; i++) {
    hash = Math.imul(hash ^ words.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0 || 1;
}
