import { itemVocabulary } from "@magpie/data";
import { itemIndex, type Candidate, type Item, type ServingRequest } from "@magpie/domain";
import { FacetIndex, ItemFilterIndex } from "@magpie/retrieval";
import { CatalogLabels } from "./live/catalog-labels.ts";
import { createdMsOf, LiveCatalog, textHashOf } from "./live/live-catalog.ts";

/** A catalogue of a few items for tests. */
export function smallCatalog(...items: Item[]): LiveCatalog {
  const vocabulary = itemVocabulary(items.map(({ id }) => id));
  const facets = FacetIndex.build(items);
  const rowOf = (id: string): number | undefined => {
    const row = vocabulary.indexOf(id);
    return row === -1 ? undefined : row;
  };
  return new LiveCatalog({
    vocabulary,
    filter: ItemFilterIndex.build(items, rowOf, facets),
    facets,
    createdMs: Float64Array.from([NaN, ...items.map(createdMsOf)]),
    textHashes: Uint32Array.from([0, ...items.map(textHashOf)]),
    labels: CatalogLabels.empty(),
    formerItems: { at: (row) => items[row - 1] },
  });
}

/** An item that costs 1 EUR and can be bought, unless said otherwise. */
export function smallItem(
  id: string,
  {
    amount = 100,
    available = true,
    ...rest
  }: Partial<Item> & { amount?: number; available?: boolean } = {},
): Item {
  return {
    id,
    title: id,
    variants: [{ id: `${id}-v`, price: { amount, currency: "EUR" }, availability: { available } }],
    ...rest,
  };
}

/** A request of a stranger on 2026-02-01, unless said otherwise. */
export function smallRequest(more: Partial<ServingRequest> = {}): ServingRequest {
  return {
    requestId: "r",
    scenario: "home-feed",
    nowMs: Date.parse("2026-02-01T00:00:00Z"),
    limit: 10,
    locale: "en",
    history: [],
    filter: {},
    explain: false,
    ...more,
  };
}

/** Candidates with these scores, rows from 1, as one retriever gave them. */
export function smallRanking(...scores: number[]): Candidate[] {
  return scores.map((score, i) => ({
    itemIndex: itemIndex(i + 1),
    score,
    contributions: [{ stage: "given", amount: score, reason: { kind: "sequence-model" } }],
  }));
}
