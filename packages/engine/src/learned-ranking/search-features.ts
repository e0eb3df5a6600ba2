import type { Candidate, HistoryEntry, LearnedSignal, ServingRequest } from "@magpie/domain";
import { queryKey, type CatalogLexicon, type TextField, type TextHits } from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { exactnessFor } from "./exactness.ts";
import type { QueryBehaviour, SearchBehaviour } from "./search-behaviour.ts";

/** One number that says something of a candidate of a search. */
export interface SearchFeature {
  readonly name: string;
  /** What readers are told it speaks of. */
  readonly signal: LearnedSignal;
}

/**
 * What search candidates are described by, the same in training and in serving. Ranges and meanings
 * stand in `docs/guides/search-quality.md`. Numbers that are not known are NaN, which trees understand.
 */
export const searchFeatures: readonly SearchFeature[] = [
  { name: "default-score", signal: "words" },
  { name: "words-score", signal: "words" },
  { name: "title-words", signal: "words" },
  { name: "label-words", signal: "words" },
  { name: "description-words", signal: "words" },
  { name: "coverage", signal: "words" },
  { name: "exactness", signal: "words" },
  { name: "nearness", signal: "meaning" },
  { name: "query-choice-rate", signal: "query-choices" },
  { name: "query-earnest-rate", signal: "query-choices" },
  { name: "query-choice-share", signal: "query-choices" },
  { name: "choice-rate", signal: "choices" },
  { name: "earnest-rate", signal: "choices" },
  { name: "popularity", signal: "choices" },
  { name: "found-category-share", signal: "category" },
  { name: "price-in-category", signal: "price" },
  { name: "price-among-found", signal: "price" },
  { name: "age", signal: "age" },
  { name: "rating", signal: "rating" },
];

/** What a shopper's past says of a candidate: asked apart, so that it can be left out. */
export const tasteFeatures: readonly SearchFeature[] = [
  { name: "taken-before", signal: "taste" },
  { name: "brand-share", signal: "taste" },
  { name: "brand-among-category", signal: "taste" },
  { name: "attributes-among-category", signal: "taste" },
  { name: "likest-attribute", signal: "taste" },
  { name: "category-share", signal: "taste" },
  { name: "visit-category-share", signal: "taste" },
  { name: "price-above-usual", signal: "taste" },
  { name: "price-off-usual", signal: "taste" },
  { name: "past-length", signal: "taste" },
];

/** What a search found, by which its candidates are described. */
export interface RankedSearch {
  readonly request: Pick<ServingRequest, "query" | "nowMs" | "history">;
  /** In the default order, best first. */
  readonly candidates: readonly Candidate[];
  /** What the words matched, field by field; absent where nothing was matched. */
  readonly hits: Pick<TextHits, "items" | "scores" | "parts" | "matchedWords"> | undefined;
  /** Nearness in meaning of those that were near. */
  readonly near: ReadonlyMap<number, number>;
}

/** What the shop knows of its items, frozen in a snapshot or as of a moment of training. */
export interface FeatureSources {
  readonly catalog: LiveCatalog;
  readonly lexicon: CatalogLexicon;
  readonly behaviour: SearchBehaviour;
  /** [items + 1]; shorter where items came since. */
  readonly popularity: () => Float32Array | undefined;
}

const dayMs = 86_400_000;
/** Acts of a past that are looked at, the newest. */
const maxActs = 60;
/** After so long an act of a shopper counts half. */
const tasteHalfLifeMs = 30 * dayMs;
/** Acts no longer ago belong to this visit. */
const visitMs = 30 * 60_000;
/** Acts of nobody that shares of a past are taken of: one act is no taste. */
const priorActs = 3;
/** First places by which it is judged which categories a query is about. */
const judgedPlaces = 20;

const labelFields: ReadonlySet<TextField> = new Set([
  "brand",
  "categories",
  "attributes",
  "pinyin",
]);

/** Attributes that tastes are looked for in, in the order of their names. */
const maxAttributes = 16;

/** Describes the candidates of a search. */
export class SearchFeatures {
  readonly #sources: FeatureSources;
  readonly #attributes: readonly string[];
  #popularity: { scores: Float32Array; highest: number } | undefined;

  constructor(sources: FeatureSources) {
    this.#sources = sources;
    this.#attributes = sources.catalog.facets
      .fields()
      .flatMap(({ field, hasValues }) =>
        hasValues && field.startsWith("attributes.") ? [field] : [],
      )
      .slice(0, maxAttributes);
  }

  /**
   * @returns  [candidates, searchFeatures], row by row
   */
  describe({ request, candidates, hits, near }: RankedSearch): Float32Array {
    const F = searchFeatures.length;
    const out = new Float32Array(candidates.length * F);
    const { catalog, lexicon, behaviour } = this.#sources;
    const query = request.query ?? "";
    const exactness = exactnessFor(query, lexicon, catalog);
    const after = behaviour.after(queryKey(query));
    const placeOf = new Map(Array.from(hits?.items ?? [], (row, place) => [row, place]));
    const bestMatch = hits?.scores.reduce((most, score) => Math.max(most, score), 0) ?? 0;
    const mostWords = Math.max(1, ...(hits?.matchedWords.map((words) => words.length) ?? []));
    const categoryShares = this.#categoryShares(candidates);
    const meanLogPrice = this.#meanPriceOf(candidates);

    candidates.forEach(({ itemIndex: row, score }, i) => {
      const place = placeOf.get(row);
      let at = i * F;
      const put = (value: number): void => {
        out[at++] = value;
      };
      put(score);
      if (place === undefined || bestMatch === 0) for (let n = 0; n < 5; n++) put(0);
      else {
        const byField = { title: 0, labels: 0, description: 0 };
        for (const { field, amount } of hits!.parts[place] ?? []) {
          byField[labelFields.has(field) ? "labels" : (field as "title" | "description")] += amount;
        }
        put(hits!.scores[place]! / bestMatch);
        put(byField.title / bestMatch);
        put(byField.labels / bestMatch);
        put(byField.description / bestMatch);
        put((hits!.matchedWords[place]?.length ?? 0) / mostWords);
      }
      put(exactness(row));
      put(near.get(row) ?? NaN);
      this.#putBehaviour(row, behaviour, after, put);
      const leaf = this.#leafOf(row);
      put(categoryShares.get(leaf) ?? 0);
      const price = Math.log(catalog.filter.priceOf(row));
      put(finiteOr(price - catalog.categoryPrices.meanLog(leaf)));
      put(finiteOr(price - meanLogPrice));
      put(Math.log1p(Math.max(0, request.nowMs - catalog.createdMs(row)) / dayMs));
      put(catalog.facets.numberOf("rating", row));
    });
    return out;
  }

  /**
   * @returns  [candidates, tasteFeatures], row by row; undefined where there is no past
   */
  describeTaste({ request, candidates }: RankedSearch): Float32Array | undefined {
    const taste = this.tasteOf(request.history, request.nowMs);
    if (taste === undefined) return undefined;
    const F = tasteFeatures.length;
    const out = new Float32Array(candidates.length * F);
    const { filter } = this.#sources.catalog;
    candidates.forEach(({ itemIndex: row }, i) => {
      const leaf = this.#leafOf(row);
      const brand = filter.brandOf(row);
      const ofLeaf = taste.leaves.get(leaf) ?? 0;
      const above = this.#priceAboveMean(row) - taste.priceAboveMean;
      out.set(
        [
          Math.log1p(taste.items.get(row) ?? 0),
          brand === -1 ? NaN : (taste.brands.get(brand) ?? 0) / (taste.acts + priorActs),
          brand === -1
            ? NaN
            : (taste.brandsOfLeaf.get(`${leaf} ${brand}`) ?? 0) / (ofLeaf + priorActs),
          ...this.#attributeShares(row, leaf, taste),
          ofLeaf / (taste.acts + priorActs),
          taste.visitActs === 0 ? NaN : (taste.visitLeaves.get(leaf) ?? 0) / taste.visitActs,
          finiteOr(above),
          finiteOr(Math.abs(above)),
          Math.log1p(taste.acts),
        ],
        i * F,
      );
    });
    return out;
  }

  /** What a past says; undefined where it is empty. */
  tasteOf(history: readonly HistoryEntry[], nowMs: number): Taste | undefined {
    if (history.length === 0) return undefined;
    const taste = new TasteParts();
    let [prices, priced] = [0, 0];
    for (const { itemIndex: row, timestampMs, weight } of history.slice(-maxActs)) {
      const ageMs = Math.max(0, nowMs - timestampMs);
      const amount = weight * 2 ** (-ageMs / tasteHalfLifeMs);
      const brand = this.#sources.catalog.filter.brandOf(row);
      const leaf = this.#leafOf(row);
      taste.add(row, leaf, brand, amount, ageMs <= visitMs);
      this.#attributes.forEach((field, a) => {
        const set = this.#sources.catalog.facets.setOf(field, row);
        if (set !== -1) raise(taste.attributesOfLeaf, attributeKey(leaf, a, set), amount);
      });
      const above = this.#priceAboveMean(row);
      if (!Number.isFinite(above)) continue;
      prices += amount * above;
      priced += amount;
    }
    return Object.assign(taste, { priceAboveMean: prices / priced });
  }

  #putBehaviour(
    row: number,
    behaviour: SearchBehaviour,
    after: QueryBehaviour | undefined,
    put: (value: number) => void,
  ): void {
    put(after?.choiceRate(row) ?? NaN);
    put(after?.earnestRate(row) ?? NaN);
    put(after?.choiceShare(row) ?? NaN);
    put(behaviour.choiceRate(row));
    put(behaviour.earnestRate(row));
    put(this.#popularityOf(row));
  }

  /** Mean and highest share of the past in this category that has the same values as the item. */
  #attributeShares(row: number, leaf: number, taste: Taste): [mean: number, highest: number] {
    const all = (taste.leaves.get(leaf) ?? 0) + priorActs;
    let [sum, most, count] = [0, 0, 0];
    this.#attributes.forEach((field, a) => {
      const set = this.#sources.catalog.facets.setOf(field, row);
      if (set === -1) return;
      const share = (taste.attributesOfLeaf.get(attributeKey(leaf, a, set)) ?? 0) / all;
      sum += share;
      most = Math.max(most, share);
      count++;
    });
    return count === 0 ? [NaN, NaN] : [sum / count, most];
  }

  #popularityOf(row: number): number {
    const scores = this.#sources.popularity();
    if (scores === undefined) return NaN;
    if (this.#popularity?.scores !== scores) {
      const highest = scores.reduce((most, score) => Math.max(most, score), 0);
      this.#popularity = { scores, highest };
    }
    const taken = Math.max(0, scores[row] ?? 0);
    return taken === 0 ? 0 : Math.log1p(taken) / Math.log1p(this.#popularity.highest);
  }

  /** The most particular category that an item names last; -1 where it names none. */
  #leafOf(row: number): number {
    return this.#sources.catalog.filter.categoriesOf(row).at(-1) ?? -1;
  }

  /** How much dearer than its category, in logs; NaN where unknown. */
  #priceAboveMean(row: number): number {
    const mean = this.#sources.catalog.categoryPrices.meanLog(this.#leafOf(row));
    return Math.log(this.#sources.catalog.filter.priceOf(row)) - mean;
  }

  /** Share of the first places that each category holds. */
  #categoryShares(candidates: readonly Candidate[]): Map<number, number> {
    const shares = new Map<number, number>();
    const first = candidates.slice(0, judgedPlaces);
    for (const { itemIndex: row } of first) {
      const leaf = this.#leafOf(row);
      shares.set(leaf, (shares.get(leaf) ?? 0) + 1 / first.length);
    }
    return shares;
  }

  #meanPriceOf(candidates: readonly Candidate[]): number {
    let [sum, count] = [0, 0];
    for (const { itemIndex: row } of candidates.slice(0, judgedPlaces)) {
      const price = Math.log(this.#sources.catalog.filter.priceOf(row));
      if (!Number.isFinite(price)) continue;
      sum += price;
      count++;
    }
    return sum / count;
  }
}

/** A shopper's past in sums of acts, each weighted by what it was and how long ago. */
export interface Taste {
  readonly acts: number;
  readonly items: ReadonlyMap<number, number>;
  readonly brands: ReadonlyMap<number, number>;
  readonly leaves: ReadonlyMap<number, number>;
  /** By leaf category and brand. */
  readonly brandsOfLeaf: ReadonlyMap<string, number>;
  /** By leaf category, attribute and value. */
  readonly attributesOfLeaf: ReadonlyMap<number, number>;
  readonly visitActs: number;
  readonly visitLeaves: ReadonlyMap<number, number>;
  /** How much dearer than their category the items were, in logs; NaN where no price is known. */
  readonly priceAboveMean: number;
}

class TasteParts {
  acts = 0;
  visitActs = 0;
  readonly items = new Map<number, number>();
  readonly brands = new Map<number, number>();
  readonly leaves = new Map<number, number>();
  readonly brandsOfLeaf = new Map<string, number>();
  readonly attributesOfLeaf = new Map<number, number>();
  readonly visitLeaves = new Map<number, number>();

  add(row: number, leaf: number, brand: number, amount: number, isOfVisit: boolean): void {
    this.acts += amount;
    raise(this.items, row, amount);
    if (leaf !== -1) raise(this.leaves, leaf, amount);
    if (brand !== -1) raise(this.brands, brand, amount);
    if (leaf !== -1 && brand !== -1) raise(this.brandsOfLeaf, `${leaf} ${brand}`, amount);
    if (!isOfVisit) return;
    this.visitActs += amount;
    if (leaf !== -1) raise(this.visitLeaves, leaf, amount);
  }
}

/** One number for three: below 2⁵³ for a million categories and 2²⁸ sets of values. */
function attributeKey(leaf: number, attribute: number, set: number): number {
  return ((leaf + 1) * maxAttributes + attribute) * 2 ** 28 + set;
}

function raise<K>(sums: Map<K, number>, key: K, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by);
}

function finiteOr(value: number): number {
  return Number.isFinite(value) ? value : NaN;
}
