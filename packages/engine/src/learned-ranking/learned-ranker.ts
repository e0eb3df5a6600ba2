import {
  itemId,
  type Candidate,
  type Contribution,
  type HistoryEntry,
  type ItemIndex,
  type LearnedSignal,
  type Ranker,
  type RetrievedList,
  type ServingRequest,
} from "@magpie/domain";
import type { BoostedForest } from "@magpie/models";
import { keepExactFirst } from "@magpie/ranking";
import type { CatalogLexicon } from "@magpie/retrieval";
import { meaningStage } from "../hybrid/meaning-retriever.ts";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { exactnessFor } from "./exactness.ts";
import {
  searchFeatures,
  tasteFeatures,
  type RankedSearch,
  type SearchFeatures,
} from "./search-features.ts";

/** The stage that learned corrections are signed with. */
const learnedStage = "learned";
/** The stage that corrections by a shopper's own past are signed with. */
const tasteStage = "taste";

/** What was learned from a shop's searches: corrections of the default score. */
export interface LearnedModel {
  /** Over `searchFeatures`. */
  readonly forest: BoostedForest;
  /** Over `tasteFeatures`; absent where it did not help. */
  readonly taste?: BoostedForest;
  /** What a forest's answer of 1 is worth: answers per unit of the default score. */
  readonly scale: number;
}

/**
 * Most that a shopper's past may add to or take from an answer of the forests (log odds): it decides
 * between items that fit the query about equally well, and cannot make another thing of it.
 */
export const tasteBound = 1.5;

/** What the learned ranker knows of the shop beside its models. */
export interface LearnedParts {
  readonly model: LearnedModel;
  readonly features: SearchFeatures;
  readonly lexicon: CatalogLexicon;
  readonly catalog: LiveCatalog;
}

/**
 * Corrects the default order of a search by what shoppers did before:
 *
 *     score = default score + (forest(x) − mean) / scale + bounded(taste(past) − mean) / scale
 *
 * The first `window` places are ordered anew; what lies beyond keeps its order. The default's
 * contributions stay as they are, and each group of features adds what it gave, so that they still sum
 * to the score. What a query names exactly is never passed by what it names less exactly
 * (`keepExactFirst`). Without a past nothing is added for taste.
 */
export class LearnedRanker implements Ranker {
  readonly name: string;
  readonly #byDefault: Ranker;
  readonly #window: number;
  readonly #parts: LearnedParts;
  readonly #hitsOf: (request: ServingRequest) => RankedSearch["hits"];

  /** @param hitsOf  what the words of an answered request matched, field by field */
  constructor(
    byDefault: Ranker,
    window: number,
    parts: LearnedParts,
    hitsOf: (request: ServingRequest) => RankedSearch["hits"],
  ) {
    this.name = `${byDefault.name}-learned`;
    this.#byDefault = byDefault;
    this.#window = window;
    this.#parts = parts;
    this.#hitsOf = hitsOf;
  }

  async rank(request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    const ranking = await this.#byDefault.rank(request, lists);
    // Without words there is nothing that a query's candidates could be told by.
    if ((request.query ?? "").trim() === "" || ranking.length < 2) return ranking;
    const window = ranking.slice(0, this.#window);
    const search: RankedSearch = {
      request,
      candidates: window,
      hits: this.#hitsOf(request),
      near: nearnessIn(lists),
    };
    const { features, model } = this.#parts;
    const described: DescribedSearch = {
      ...search,
      features: features.describe(search),
      taste: model.taste && features.describeTaste(search),
    };
    return [...correct(this.#parts, described), ...ranking.slice(window.length)];
  }
}

/** Nearness in meaning of what was proposed for its meaning. */
export function nearnessIn(lists: readonly RetrievedList[]): ReadonlyMap<number, number> {
  const near = lists.find(({ retriever }) => retriever === meaningStage)?.candidates ?? [];
  return new Map(near.map(({ itemIndex, score }) => [itemIndex, score]));
}

/** A search with its candidates in numbers. */
export interface DescribedSearch extends RankedSearch {
  /** [candidates, searchFeatures] */
  readonly features: Float32Array;
  /** [candidates, tasteFeatures]; absent where there is no past, or none may be used. */
  readonly taste: Float32Array | undefined;
}

/** The candidates of a search in the learned order. */
export function correct(
  { model, lexicon, catalog }: Omit<LearnedParts, "features">,
  { candidates, request, features: described, taste }: DescribedSearch,
): Candidate[] {
  const F = searchFeatures.length;
  const parts = new Float64Array(F);
  const learned = candidates.map((candidate, i): Candidate => {
    const contributions = [...candidate.contributions];
    model.forest.contribute(described, i * F, parts);
    for (const [signal, amount] of bySignal(parts)) {
      const reason = { kind: "learned", signal } as const;
      contributions.push({ stage: learnedStage, amount: amount / model.scale, reason });
    }
    if (taste !== undefined && model.taste !== undefined) {
      const answer = model.taste.score(taste, i * tasteFeatures.length) - model.taste.meanScore;
      const amount = Math.min(tasteBound, Math.max(-tasteBound, answer)) / model.scale;
      contributions.push(tasteOf(candidate.itemIndex, amount, request.history, catalog));
    }
    const added = contributions.slice(candidate.contributions.length);
    const score = added.reduce((sum, { amount }) => sum + amount, candidate.score);
    return { itemIndex: candidate.itemIndex, score, contributions };
  });
  const placeOf = new Map(candidates.map(({ itemIndex }, place) => [itemIndex, place]));
  learned.sort(
    (a, b) => b.score - a.score || placeOf.get(a.itemIndex)! - placeOf.get(b.itemIndex)!,
  );
  return keepExactFirst(
    candidates.map(({ itemIndex }) => itemIndex),
    learned,
    exactnessFor(request.query ?? "", lexicon, catalog),
  );
}

/** Sums of features' parts by what they speak of; groups that gave nothing are left out. */
function bySignal(parts: Float64Array): Map<LearnedSignal, number> {
  const sums = new Map<LearnedSignal, number>();
  searchFeatures.forEach(({ signal }, f) => {
    if (parts[f] !== 0) sums.set(signal, (sums.get(signal) ?? 0) + parts[f]!);
  });
  return sums;
}

/** A part by taste, with the act of the past that stands nearest to the item where it speaks for it. */
function tasteOf(
  item: ItemIndex,
  amount: number,
  history: readonly HistoryEntry[],
  catalog: LiveCatalog,
): Contribution {
  const because = amount > 0 ? nearestAct(item, history, catalog) : undefined;
  return {
    stage: tasteStage,
    amount,
    reason: {
      kind: "learned",
      signal: "taste",
      ...(because !== undefined && { itemId: itemId(catalog.idOf(because)) }),
    },
  };
}

/** The newest act on the item itself, else on its brand and category, else on either. */
function nearestAct(
  item: ItemIndex,
  history: readonly HistoryEntry[],
  { filter }: LiveCatalog,
): ItemIndex | undefined {
  const brand = filter.brandOf(item);
  const leaf = filter.categoriesOf(item).at(-1);
  let nearest: ItemIndex | undefined;
  let best = 0;
  for (const { itemIndex: other } of history) {
    const sameBrand = brand !== -1 && filter.brandOf(other) === brand ? 1 : 0;
    const sameLeaf = leaf !== undefined && filter.categoriesOf(other).at(-1) === leaf ? 2 : 0;
    const likeness = other === item ? 4 : sameBrand + sameLeaf;
    if (likeness > 0 && likeness >= best) [nearest, best] = [other, likeness];
  }
  return nearest;
}
