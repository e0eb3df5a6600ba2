import {
  itemIndex,
  type Candidate,
  type Contribution,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import type { TowerIndex } from "../live/tower-index.ts";
import { retrieverNames, type RetrievedCatalog } from "./retrievers.ts";

/**
 * Proposes the items whose vectors lie nearest to the user's past, by what people did and by what is
 * said of items: also those that nobody has taken yet. Each names the item of the past that it lies
 * nearest to.
 */
export class TowerRetriever implements Retriever {
  readonly name = retrieverNames.towers;
  readonly #towers: TowerIndex;
  readonly #catalog: RetrievedCatalog;

  constructor(towers: TowerIndex, catalog: RetrievedCatalog) {
    this.#towers = towers;
    this.#catalog = catalog;
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const items = Int32Array.from(request.history, (entry) => entry.itemIndex);
    const past = [...new Set(items)].flatMap((row) => {
      const vector = this.#towers.vectorOf(row);
      return vector === undefined ? [] : [{ row, vector }];
    });
    if (past.length === 0) return [];
    const passing = this.#catalog.filter.compile(request.filter);
    const found = await this.#towers.search({ userIndex: -1, items }, limit, passing);
    return Array.from(found.items, (row, place) => ({ row, score: found.scores[place]! }))
      .filter(({ score }) => score > 0)
      .map(({ row, score }) => ({
        itemIndex: itemIndex(row),
        score,
        contributions: [this.#contribution(row, score, past)],
      }));
  }

  #contribution(
    row: number,
    amount: number,
    past: readonly { readonly row: number; readonly vector: Float32Array }[],
  ): Contribution {
    const vector = this.#towers.vectorOf(row)!;
    const nearest = past.reduce(
      (best, one) => {
        if (one.row === row) return best;
        const cosine = dot(vector, one.vector);
        return cosine > best.cosine ? { row: one.row, cosine } : best;
      },
      { row: past[0]!.row, cosine: -Infinity },
    );
    const itemId = this.#catalog.idOf(nearest.row);
    return { stage: this.name, amount, reason: { kind: "similar-to", itemId } };
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += a[d]! * b[d]!;
  return sum;
}
