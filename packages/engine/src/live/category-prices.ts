import type { ItemFilterIndex } from "@magpie/retrieval";

/** Logs of prices are summed in so many parts of one, so that sums do not depend on their order. */
const parts = 2 ** 20;

interface Sum {
  readonly parts: number;
  readonly items: number;
}

/** What items of each most particular category cost on the average, in logs, kept up to date. */
export class CategoryPrices {
  readonly #filter: ItemFilterIndex;
  /** By category number; -1 for items without one. */
  readonly #sums = new Map<number, Sum>();
  /** By row: what was counted of it; nothing where `#partsOf` is NaN. */
  #leafOf = new Int32Array(0);
  #partsOf = new Float64Array(0);

  constructor(filter: ItemFilterIndex) {
    this.#filter = filter;
    this.#reserve(filter.rows);
    for (const row of filter.compile({}).toRows()) this.put(row);
  }

  /** Takes an item as it is now. */
  put(row: number): void {
    this.remove(row);
    const own = Math.round(parts * Math.log(this.#filter.priceOf(row)));
    if (!Number.isFinite(own)) return;
    this.#reserve(row + 1);
    this.#leafOf[row] = this.#filter.categoriesOf(row).at(-1) ?? -1;
    this.#partsOf[row] = own;
    this.#add(this.#leafOf[row]!, own, 1);
  }

  remove(row: number): void {
    const own = this.#partsOf[row] ?? NaN;
    if (Number.isNaN(own)) return;
    this.#partsOf[row] = NaN;
    this.#add(this.#leafOf[row]!, -own, -1);
  }

  /** Mean log price of a category's items; NaN where none has a price. */
  meanLog(leaf: number): number {
    const sum = this.#sums.get(leaf);
    return sum === undefined ? NaN : sum.parts / parts / sum.items;
  }

  #add(leaf: number, more: number, by: 1 | -1): void {
    const sum = this.#sums.get(leaf) ?? { parts: 0, items: 0 };
    const items = sum.items + by;
    if (items === 0) this.#sums.delete(leaf);
    else this.#sums.set(leaf, { parts: sum.parts + more, items });
  }

  #reserve(rows: number): void {
    if (rows <= this.#leafOf.length) return;
    const room = Math.max(rows, Math.ceil(1.5 * this.#leafOf.length));
    const leafOf = new Int32Array(room);
    const partsOf = new Float64Array(room).fill(NaN);
    leafOf.set(this.#leafOf);
    partsOf.set(this.#partsOf);
    [this.#leafOf, this.#partsOf] = [leafOf, partsOf];
  }
}
