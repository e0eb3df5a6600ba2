import type { ItemFeatureEncoder } from "@magpie/data";
import type { ItemId, ItemIndex, ItemSimilarity, Retriever, VectorScorer } from "@magpie/domain";
import {
  LinearItemModel,
  PopularityModel,
  TwoTowerModel,
  type HistoryExplainer,
  type ItemTable,
  type TrainedModel,
} from "@magpie/models";
import {
  PopularityRetriever,
  SimilarItemsRetriever,
  VectorRetriever,
  type ItemFilterIndex,
  type SimilarItemsConfig,
  type VectorIndex,
} from "@magpie/retrieval";
import { TowerIndex } from "../live/tower-index.ts";
import { SequenceItems } from "../live/sequence-items.ts";
import { isSequenceModel, readsTexts, type ServedSequenceModel } from "../snapshot/item-vectors.ts";
import { TowerRetriever } from "./tower-retriever.ts";

/** The models that candidates come from; each may be missing where the data did not carry it. */
export interface ServedModels {
  readonly popularity?: {
    /** [items + 1] */
    readonly scores: Float32Array;
    /** Days that count; null: all time. */
    readonly days: number | null;
  };
  readonly itemKnn?: ItemSimilarity & { readonly itemCount: number };
  readonly sequence?: {
    readonly encoder: Pick<VectorScorer, "encode" | "itemCount" | "width"> & HistoryExplainer;
    /** Over the model's item vectors; items that training never saw have a vector of zeros. */
    readonly index: VectorIndex;
    /** The same, where items that come later are told by their texts. */
    readonly later?: SequenceItems;
    readonly itemTable: ItemTable;
  };
  readonly towers?: TowerIndex;
}

/**
 * Sorts trained models into the parts they play.
 *
 * @param popularityDays  undefined when nobody has done anything yet: nothing is popular then
 * @param vectors         index over the sequence model's item vectors
 * @param itemFeatures    how the training encoded what items say; absent while it goes on
 */
export function servedModels(
  trained: readonly TrainedModel[],
  {
    popularityDays,
    vectors,
    itemFeatures,
  }: {
    readonly popularityDays: number | null | undefined;
    readonly vectors: VectorIndex | undefined;
    readonly itemFeatures?: ItemFeatureEncoder | undefined;
  },
): ServedModels {
  const popular = trained.find((model) => model instanceof PopularityModel);
  const itemKnn = trained.find((model) => model.kind === "item-knn");
  const sequence = trained.find(isSequenceModel);
  const towers = trained.find((model) => model instanceof TwoTowerModel);
  return {
    ...(popular !== undefined &&
      popularityDays !== undefined && {
        popularity: { scores: popular.scores, days: popularityDays },
      }),
    ...(itemKnn instanceof LinearItemModel && { itemKnn }),
    ...(sequence !== undefined && vectors !== undefined && { sequence: served(sequence, vectors) }),
    ...(towers !== undefined && { towers: new TowerIndex(towers, itemFeatures) }),
  };
}

function served(
  model: ServedSequenceModel,
  index: VectorIndex,
): NonNullable<ServedModels["sequence"]> {
  const { itemTable } = model;
  if (!readsTexts(model)) return { encoder: model, index, itemTable };
  const later = new SequenceItems(model, index);
  return { encoder: model, index: later, later, itemTable };
}

/** What retrievers need of a catalogue. */
export interface RetrievedCatalog {
  readonly filter: ItemFilterIndex;
  idOf(index: number): ItemId;
}

/** Names under which retrievers propose, blend weights are kept and contributions are signed. */
export const retrieverNames = {
  sequence: "sequence",
  itemKnn: "item-knn",
  session: "item-knn-session",
  popularity: "popularity",
  neighbours: "vector-neighbours",
  towers: "two-tower",
} as const;

/** Proposes what the user's past leads to: the sequence model, item-kNN over the past, two towers. */
export function personalRetrievers(models: ServedModels, catalog: RetrievedCatalog): Retriever[] {
  const { sequence, itemKnn, towers } = models;
  return [
    ...(towers === undefined ? [] : [new TowerRetriever(towers, catalog)]),
    ...(sequence === undefined
      ? []
      : [
          new VectorRetriever(retrieverNames.sequence, {
            encoder: sequence.encoder,
            index: sequence.index,
            filters: catalog.filter,
          }),
        ]),
    ...(itemKnn === undefined
      ? []
      : [
          knnRetriever(retrieverNames.itemKnn, itemKnn, catalog, { of: "history" }),
          knnRetriever(retrieverNames.session, itemKnn, catalog, session),
        ]),
  ];
}

/** Proposes what goes with the item on show: item-kNN, neighbours among the sequence model's vectors. */
export function similarRetrievers(models: ServedModels, catalog: RetrievedCatalog): Retriever[] {
  const { sequence, itemKnn } = models;
  return [
    ...(itemKnn === undefined
      ? []
      : [knnRetriever(retrieverNames.itemKnn, itemKnn, catalog, { of: "context-item" })]),
    ...(sequence === undefined
      ? []
      : [
          new SimilarItemsRetriever(
            retrieverNames.neighbours,
            {
              similarity: vectorNeighbours(sequence.index, sequence.itemTable),
              filters: catalog.filter,
              idOf: (item) => catalog.idOf(item),
            },
            { of: "context-item", reason: "similar-to" },
          ),
        ]),
  ];
}

/** Proposes what everybody takes. */
export function popularRetrievers(models: ServedModels, catalog: RetrievedCatalog): Retriever[] {
  if (models.popularity === undefined) return [];
  const { scores, days } = models.popularity;
  return [
    new PopularityRetriever(retrieverNames.popularity, {
      scores,
      reason: { kind: "popular", days },
      filters: catalog.filter,
    }),
  ];
}

/** The newest acts alone: what the user is after just now, whatever the past says. */
const session: Partial<SimilarItemsConfig> = { of: "history", maxHistory: 3, recency: 0.6 };

function knnRetriever(
  name: string,
  model: ItemSimilarity & { readonly itemCount: number },
  catalog: RetrievedCatalog,
  config: Partial<SimilarItemsConfig>,
): Retriever {
  return new SimilarItemsRetriever(
    name,
    {
      similarity: knownOnly(model),
      filters: catalog.filter,
      idOf: (item) => catalog.idOf(item),
    },
    { ...config, reason: "bought-together" },
  );
}

const nothing = { items: new Int32Array(0), scores: new Float32Array(0) };

/** Items that came after the training have no neighbours. */
function knownOnly(model: ItemSimilarity & { readonly itemCount: number }): ItemSimilarity {
  return {
    similar: (item, limit) => (item > model.itemCount ? nothing : model.similar(item, limit)),
  };
}

/** Neighbours by cosine among the item vectors of a model. */
function vectorNeighbours(index: VectorIndex, table: ItemTable): ItemSimilarity {
  const { rows, width } = index;
  const lengthOf = (row: number): number => Math.sqrt(table.product(row, row));
  return {
    similar(item: ItemIndex, limit: number) {
      const length = item < rows ? lengthOf(item) : 0;
      if (length === 0) return nothing;
      const query = new Float32Array(width);
      table.copyRow(item, query, 0);
      // The index finds by inner product; twice as many leave room for reordering by cosine.
      const near = index.search(query, 2 * limit + 1);
      const byCosine = Array.from(near.items, (row, place) => ({
        row,
        cosine: near.scores[place]! / (length * (lengthOf(row) || 1)),
      }))
        .filter(({ row, cosine }) => row !== item && cosine > 0)
        .sort((a, b) => b.cosine - a.cosine || a.row - b.row)
        .slice(0, limit);
      return {
        items: Int32Array.from(byCosine, ({ row }) => row),
        scores: Float32Array.from(byCosine, ({ cosine }) => cosine),
      };
    },
  };
}
