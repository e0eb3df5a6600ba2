import type { Candidate, ItemIndex, Retriever, ServingRequest } from "@magpie/domain";
import { topK } from "@magpie/numerics";
import type { ItemSet } from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";

/** Parts of likeness; they sum to 1. */
const shares = { category: 0.7, brand: 0.15, price: 0.15 };
/** The newest different items of the history that are looked around. */
const maxAnchors = 3;
/** Items looked at around one anchor. In a larger category the later rows, which came last, count. */
const maxNeighbours = 1_000;

/**
 * Proposes items that are like the item on show, or like the newest of the history, by what the
 * catalogue says of them: it works on the first day, without any event, and for items that came
 * since the snapshot.
 *
 *     likeness = 0.7 · weighted Jaccard of categories + 0.15 · same brand + 0.15 · near in price
 *
 * A category weighs ln(items / its items): sharing "Running shoes" says more than sharing "Sport".
 * Prices are near by e^−|ln(p/q)|: half at twice the price. An item that is like several anchors
 * gets its best likeness, and names that anchor.
 */
export class ContentRetriever implements Retriever {
  readonly name = "content";
  readonly #catalog: LiveCatalog;
  /** By row, kept between requests so that looking around allocates nothing. */
  #likeness = new Float32Array(0);
  #anchor = new Int32Array(0);
  #lookedAt = new Uint32Array(0);
  #look = 0;
  /** Rows that the present request has met, and how many they are. */
  readonly #met = new Int32Array(maxAnchors * maxNeighbours);
  #metCount = 0;

  constructor(catalog: LiveCatalog) {
    this.#catalog = catalog;
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const { filter } = this.#catalog;
    if (this.#likeness.length < filter.rows) {
      const rows = 2 * filter.rows;
      this.#likeness = new Float32Array(rows);
      this.#anchor = new Int32Array(rows);
      this.#lookedAt = new Uint32Array(rows);
    }
    const passing = filter.compile(request.filter);
    this.#metCount = 0;
    for (const anchor of anchorsOf(request)) this.#lookAround(anchor, passing);

    const met = this.#met.subarray(0, this.#metCount);
    const { indices, scores } = topK(
      Float32Array.from(met, (row) => this.#likeness[row]!),
      limit,
    );
    const candidates = Array.from(indices, (place, rank): Candidate => {
      const row = met[place]!;
      const amount = scores[rank]!;
      const itemId = this.#catalog.idOf(this.#anchor[row]!);
      return {
        itemIndex: row as ItemIndex,
        score: amount,
        contributions: [{ stage: this.name, amount, reason: { kind: "similar-to", itemId } }],
      };
    });
    for (const row of met) this.#likeness[row] = 0;
    return candidates;
  }

  #lookAround(anchor: number, passing: ItemSet): void {
    const lists = this.#catalog.categoryLists;
    const { codes, starts, ends } = lists;
    const weights = lists.weights();
    const own = [...codes.subarray(starts[anchor], ends[anchor])];
    const anchorWeight = own.reduce((sum, code) => sum + weights[code]!, 0);
    const look = ++this.#look;
    let left = maxNeighbours;
    // From the rarest category outwards, so that the nearest are met before the limit is reached.
    own.sort((a, b) => weights[b]! - weights[a]!);
    for (const code of own) {
      const rows = lists.rowsIn(code);
      for (let i = rows.length - 1; i >= 0 && left > 0; i--) {
        const row = rows[i]!;
        if (this.#lookedAt[row] === look || row === anchor || !passing.has(row)) continue;
        this.#lookedAt[row] = look;
        left--;
        let shared = 0;
        let all = anchorWeight;
        for (let c = starts[row]!; c < ends[row]!; c++) {
          const weight = weights[codes[c]!]!;
          if (own.includes(codes[c]!)) shared += weight;
          else all += weight;
        }
        this.#meet(row, anchor, all > 0 ? shared / all : 0);
      }
    }
  }

  #meet(row: number, anchor: number, jaccard: number): void {
    const { filter } = this.#catalog;
    const brand = filter.brandOf(anchor);
    const sameBrand = brand !== -1 && brand === filter.brandOf(row);
    const [p, q] = [filter.priceOf(anchor) + 1, filter.priceOf(row) + 1];
    const near = p < q ? p / q : q / p; // e^−|ln(p/q)|; NaN where a price is unknown
    const likeness =
      shares.category * jaccard +
      (sameBrand ? shares.brand : 0) +
      (near > 0 ? shares.price * near : 0);
    if (this.#likeness[row] === 0) this.#met[this.#metCount++] = row;
    if (likeness > this.#likeness[row]!) {
      this.#likeness[row] = likeness;
      this.#anchor[row] = anchor;
    }
  }
}

/** The item on show, else the newest different items of the history. */
function anchorsOf(request: ServingRequest): number[] {
  if (request.contextItem !== undefined) return [request.contextItem];
  const anchors = new Set<number>();
  for (let i = request.history.length - 1; i >= 0 && anchors.size < maxAnchors; i--) {
    anchors.add(request.history[i]!.itemIndex);
  }
  return [...anchors];
}
