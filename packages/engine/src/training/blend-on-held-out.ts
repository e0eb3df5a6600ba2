import type { HeldOut } from "@magpie/data";
import {
  itemIndex,
  type History,
  type Ranker,
  type RetrievedList,
  type Retriever,
  type Scorer,
  type ServingRequest,
  type WorkContext,
} from "@magpie/domain";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { ContentRetriever } from "../scenarios/content.ts";
import { candidateWindow, complementDepths } from "../scenarios/options.ts";
import {
  personalRetrievers,
  popularRetrievers,
  similarRetrievers,
  type ServedModels,
} from "../scenarios/retrievers.ts";
import { blendOf, weightFloors, type FittedWeights } from "../scenarios/scenarios.ts";
import type { Measurement } from "../snapshot/manifest.ts";
import { throwIfCancelled } from "../tasks.ts";
import { fitBlend, type BlendCase, type BlendWeights, type FittedBlend } from "./fit-blend.ts";

/** Validation cases that a blend is fitted on, evenly spread over all. */
const maxFitCases = 500;

/** Validation cases that the blends are fitted on. */
export interface FitCases {
  /** Users who come back after a while. */
  readonly returning: HeldOut;
  /** Users within a visit. */
  readonly inVisit: HeldOut;
}

/**
 * Fits the blends of `home-feed` and of `similar-items` on validation, with the retrievers that
 * serving uses. For similar items, the page's item is the last one of the past, and what was really
 * taken next is what its page should show; popularity is not asked there: it would often be right
 * about what comes next, and never about what is similar.
 */
export async function fitWeights(
  models: ServedModels,
  catalog: LiveCatalog,
  cases: FitCases,
  context: WorkContext,
): Promise<{ weights: FittedWeights; fit: Measurement["fit"] }> {
  const content = new ContentRetriever(catalog);
  const popular = popularRetrievers(models, catalog);
  const personal = [...personalRetrievers(models, catalog), ...popular, content];
  const similar = [...similarRetrievers(models, catalog), content];
  const ofItem = (history: History): ServingRequest => {
    const last = history.items.at(-1);
    return { ...requestOf(history), ...(last !== undefined && { contextItem: itemIndex(last) }) };
  };
  const returning = await fit(personal, cases.returning, requestOf, complementDepths, context);
  const inVisit = await fit(personal, cases.inVisit, requestOf, complementDepths, context);
  const ofPage = await fit(similar, cases.inVisit, ofItem, {}, context);
  return {
    weights: {
      returning: returning.weights,
      inVisit: inVisit.weights,
      similar: ofPage.weights,
    },
    fit: {
      returning: { cases: returning.cases, ndcgAt10: returning.ndcgAt10 },
      inVisit: { cases: inVisit.cases, ndcgAt10: inVisit.ndcgAt10 },
      similar: { cases: ofPage.cases, ndcgAt10: ofPage.ndcgAt10 },
    },
  };
}

async function fit(
  retrievers: readonly Retriever[],
  { pasts, targets, targetOffsets }: HeldOut,
  requestFor: (history: History) => ServingRequest,
  depths: Readonly<Record<string, number>>,
  context: WorkContext,
): Promise<FittedBlend> {
  const cases: BlendCase[] = [];
  const total = Math.min(maxFitCases, pasts.length);
  for (let place = 0; place < total; place++) {
    throwIfCancelled(context.signal, "Training");
    const i = Math.floor((place * pasts.length) / total);
    cases.push({
      lists: await retrieveAll(retrievers, requestFor(pasts[i]!), depths),
      relevant: new Set(targets.subarray(targetOffsets[i]!, targetOffsets[i + 1]!)),
    });
    context.onProgress({
      stage: "blend/fit",
      done: cases.length,
      total,
      unit: "cases",
    });
  }
  return fitBlend(
    retrievers.map(({ name }) => name),
    cases,
    weightFloors,
  );
}

/** The blend of `home-feed` as a scorer, so that it is measured like a model. */
export class BlendScorer implements Scorer {
  readonly name = "blend";
  readonly itemCount: number;
  readonly #retrievers: readonly Retriever[];
  readonly #ranker: Ranker;

  constructor(models: ServedModels, catalog: LiveCatalog, weights: BlendWeights) {
    this.itemCount = catalog.trainedItems;
    this.#retrievers = [
      ...personalRetrievers(models, catalog),
      ...popularRetrievers(models, catalog),
      new ContentRetriever(catalog),
    ];
    this.#ranker = blendOf(weights, this.#retrievers);
  }

  /** Items that no retriever proposed get -Infinity: they would not be shown. */
  async scoreAll(histories: readonly History[], out: Float32Array): Promise<void> {
    const width = this.itemCount + 1;
    out.fill(-Infinity, 0, histories.length * width);
    for (const [b, history] of histories.entries()) {
      const request = requestOf(history);
      const lists = await retrieveAll(this.#retrievers, request, complementDepths);
      for (const { itemIndex, score } of await this.#ranker.rank(request, lists)) {
        out[b * width + itemIndex] = score;
      }
    }
  }
}

function retrieveAll(
  retrievers: readonly Retriever[],
  request: ServingRequest,
  depths: Readonly<Record<string, number>>,
): Promise<RetrievedList[]> {
  return Promise.all(
    retrievers.map(async (retriever) => ({
      retriever: retriever.name,
      candidates: await retriever.retrieve(request, depths[retriever.name] ?? candidateWindow),
    })),
  );
}

/** The request that serving would make of this past, with nothing filtered. */
function requestOf({ items, timestampsMs, weights }: History): ServingRequest {
  return {
    requestId: "held-out",
    scenario: "home-feed",
    nowMs: timestampsMs?.at(-1) ?? 0,
    limit: candidateWindow,
    locale: "en",
    history: Array.from(items, (item, p) => ({
      itemIndex: itemIndex(item),
      timestampMs: timestampsMs?.[p] ?? 0,
      weight: weights?.[p] ?? 1,
    })),
    filter: {},
    explain: false,
  };
}
