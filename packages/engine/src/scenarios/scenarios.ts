import type { ItemFilter, Ranker, Reranker, Retriever, ServingRequest } from "@magpie/domain";
import {
  Availability,
  catalogueLikeness,
  GroupCap,
  LinearBlend,
  Mmr,
  SeenItems,
  vectorLikeness,
  type ItemLikeness,
} from "@magpie/ranking";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { blendNormalisation, type BlendWeights } from "../training/fit-blend.ts";
import { ContentRetriever } from "./content.ts";
import { NewestRetriever, NewItemSlots } from "./newest.ts";
import { candidateWindow, complementDepths } from "./options.ts";
import type { Pipeline } from "./pipeline.ts";
import { isInVisit } from "./visit.ts";
import {
  personalRetrievers,
  popularRetrievers,
  similarRetrievers,
  type ServedModels,
} from "./retrievers.ts";

/** The slots of a shop's pages that `recommend` fills. */
export const scenarioNames = ["home-feed", "similar-items", "popular", "cart"] as const;

export type ScenarioName = (typeof scenarioNames)[number];

/** Weights of the blends, by retriever; fitted on validation where there was one. */
export interface FittedWeights {
  /** For a user who comes back: the past as a whole speaks. */
  readonly returning: BlendWeights;
  /** For a user within a visit: the last acts speak louder. */
  readonly inVisit: BlendWeights;
  /** For the page of an item. */
  readonly similar: BlendWeights;
}

/** Weights before anything was fitted: the stronger model first, popularity as a tie-breaker. */
export const weightDefaults: FittedWeights = {
  returning: { sequence: 1, "two-tower": 0.3, "item-knn": 0.5, popularity: 0.1, content: 0.2 },
  inVisit: {
    sequence: 1,
    "two-tower": 0.3,
    "item-knn-session": 0.5,
    popularity: 0.02,
    content: 0.5,
  },
  similar: { "item-knn": 1, "vector-neighbours": 0.5, content: 0.7 },
};

/**
 * Least weights, for what no held-out case can speak for. Likeness by content and two towers find what nobody has
 * taken yet and popularity fills up short lists, so they keep a little weight whatever the fit says; newest
 * items wait behind all others for a slot.
 */
export const weightFloors: BlendWeights = {
  content: 0.05,
  "two-tower": 0.05,
  popularity: 0.02,
  newest: 0.005,
};

/** A scenario: what it needs, and which pipeline answers a request. */
export interface Scenario {
  /** The item on show: without one there is nothing to answer ("required"), or it is optional. */
  readonly contextItem: "required" | "optional";
  /** What may be shown when the caller does not say. */
  readonly filter: ItemFilter;
  pipelineFor(request: ServingRequest): Pipeline;
}

/** Builds all scenarios over the models of one snapshot. */
export function buildScenarios(
  catalog: LiveCatalog,
  models: ServedModels,
  weights: FittedWeights,
): Readonly<Record<ScenarioName, Scenario>> {
  const likeness = likenessOf(catalog, models);
  const content = new ContentRetriever(catalog);
  const newest = new NewestRetriever(catalog);
  const popular = popularRetrievers(models, catalog);
  const personal = [...personalRetrievers(models, catalog), ...popular, content];
  const similar = [...similarRetrievers(models, catalog), ...popular, content];

  const available = new Availability((item) => catalog.filter.isAvailable(item));
  const bought = new SeenItems({ minWeight: 3 });
  const onlyContext = new SeenItems({ minWeight: Infinity });
  const variety = new Mmr(likeness, { lambda: 0.85, window: 60 });
  const brandCap = new GroupCap({
    group: "brand",
    groupsOf: (item) => [catalog.filter.brandOf(item)],
    atMost: 4,
    within: 20,
  });
  const categorySpread = new GroupCap({
    group: "category",
    groupsOf: (item) => [catalog.categoryLists.topOf(item)],
    atMost: 4,
    within: 20,
  });
  const slots = new NewItemSlots(catalog);

  const pipeline = (
    name: string,
    retrievers: readonly Retriever[],
    ranker: Ranker,
    rerankers: readonly Reranker[],
  ): Pipeline => ({ name, retrievers, depth: candidateWindow, ranker, rerankers });

  const feed = (name: string, blend: BlendWeights): Pipeline => ({
    ...pipeline(name, [...personal, newest], blendOf(blend, [...personal, newest]), [
      bought,
      available,
      variety,
      brandCap,
      slots,
    ]),
    depths: complementDepths,
  });
  const returning = feed("home-feed/1", weights.returning);
  const inVisit = feed("home-feed-in-visit/1", weights.inVisit);
  const strangers = pipeline(
    "strangers/1",
    [...popular, newest],
    blendOf({ popularity: 1, newest: popular.length === 0 ? 1 : 0.3 }, [...popular, newest]),
    [available, categorySpread, brandCap, slots],
  );
  const bestsellers = pipeline(
    "popular/1",
    [...popular, newest],
    blendOf({ popularity: 1, newest: popular.length === 0 ? 1 : 0 }, [...popular, newest]),
    [available],
  );
  const alike = pipeline("similar-items/1", similar, blendOf(weights.similar, similar), [
    onlyContext,
    available,
    variety,
  ]);
  const together = pipeline(
    "cart/1",
    personal,
    blendOf(
      { ...weights.inVisit, "item-knn": Math.max(1, weights.inVisit["item-knn"] ?? 0) },
      personal,
    ),
    [new SeenItems(), available, variety],
  );

  const shown: ItemFilter = { availableOnly: true };
  return {
    "home-feed": {
      contextItem: "optional",
      filter: shown,
      pipelineFor: (request) =>
        request.history.length === 0 ? strangers : isInVisit(request) ? inVisit : returning,
    },
    "similar-items": { contextItem: "required", filter: shown, pipelineFor: () => alike },
    popular: { contextItem: "optional", filter: shown, pipelineFor: () => bestsellers },
    cart: {
      contextItem: "optional",
      filter: shown,
      pipelineFor: ({ history }) => (history.length === 0 ? strangers : together),
    },
  };
}

/** The blend over these retrievers; those without a weight get the least one, or none. */
export function blendOf(weights: BlendWeights, retrievers: readonly Retriever[]): LinearBlend {
  return new LinearBlend(
    Object.fromEntries(
      retrievers.map(({ name }) => [
        name,
        {
          weight: Math.max(weights[name] ?? 0, weightFloors[name] ?? 0),
          normalisation: blendNormalisation,
        },
      ]),
    ),
  );
}

/** By the sequence model where it knows both items, else by the catalogue. */
function likenessOf(catalog: LiveCatalog, { sequence }: ServedModels): ItemLikeness {
  const byCatalogue = catalogueLikeness(catalog.filter);
  if (sequence === undefined) return byCatalogue;
  const byVector = vectorLikeness(sequence.itemTable);
  const last = sequence.encoder.itemCount;
  return (a, b) => (a <= last && b <= last ? byVector(a, b) : byCatalogue(a, b));
}
