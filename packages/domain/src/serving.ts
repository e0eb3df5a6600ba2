import type { ItemId, ItemIndex, UserId } from "./ids.ts";

export interface GeoPoint {
  /** Degrees, in [-90, 90]. */
  readonly latitude: number;
  /** Degrees, in [-180, 180]. */
  readonly longitude: number;
}

/**
 * A test of one field of an item. Fields are "brand", "shop", "categories", "tags", "available",
 * "price" (minor units), "rating", "createdAt" (Unix milliseconds), `attributes.NAME` and
 * `options.NAME`.
 */
export type FieldTest = { readonly not?: boolean } & (
  | { readonly field: string; readonly anyOf: readonly string[] }
  /** Bounds are inclusive; one of them may be absent. */
  | { readonly field: string; readonly min?: number; readonly max?: number }
  | { readonly field: string; readonly exists: true }
  | { readonly near: GeoPoint; readonly radiusMeters: number }
  | { readonly southWest: GeoPoint; readonly northEast: GeoPoint }
);

/** Each clause must hold, and holds when one of its tests does: any condition can be said so. */
export type FieldConditions = readonly (readonly FieldTest[])[];

/** Filters that every retriever honours. Several values of one field are alternatives. */
export interface ItemFilter {
  readonly availableOnly?: boolean;
  /** Category paths; an item below one of them passes. */
  readonly categories?: readonly string[];
  readonly brands?: readonly string[];
  readonly shopIds?: readonly string[];
  /** Inclusive bounds on the featured variant's price, in minor units. */
  readonly priceCents?: { readonly min?: number; readonly max?: number };
  readonly excludeItemIds?: readonly string[];
  /** Conditions on any field, beside the ones above. */
  readonly where?: FieldConditions;
}

/** A number to order a search by, in place of relevance; items without it go last either way. */
export type SearchSort = { readonly order: "ascending" | "descending" } &
  /** A field with numbers, or "popularity". */
  (
    | { readonly field: string }
    /** Distance from a point, as a bird flies, of items with the attributes `latitude` and `longitude`. */
    | { readonly near: GeoPoint }
  );

/** What is asked of one facet. */
export interface FacetRequest {
  readonly field: string;
  /** Most values that are listed; 100 when absent. */
  readonly limit?: number;
  /** Bounds of ranges to count in, ascending, for numbers: [10, 20] gives <10, 10-20, >=20. */
  readonly bounds?: readonly number[];
}

/** What results of a search can be alike in. */
export const diversityGroups = ["category", "brand", "shop"] as const;

/** At most so many results of one category, brand or shop among the first places. */
export interface SearchDiversity {
  readonly by: (typeof diversityGroups)[number];
  readonly atMost: number;
  /** Places that it holds for, from the first; 20 when absent. */
  readonly within?: number;
}

/** What a search asks for beside its words. */
export interface SearchAsk {
  /**
   * Choices in facets, one per field: all must hold, and a facet's own choice is left out of its
   * counts, so that its other values keep theirs.
   */
  readonly refinements: readonly FieldTest[];
  readonly facets: readonly FacetRequest[];
  readonly sort?: SearchSort;
  /** Only of searches in order of relevance. */
  readonly diversity?: readonly SearchDiversity[];
  /** False: words are searched for as they are typed; true when absent. */
  readonly correct?: boolean;
  /**
   * Whether items that lack one word come behind those with all, where fewer than a page have all:
   * never (false), for two words and more (true), or for three words and more (absent).
   */
  readonly closeMatches?: boolean;
}

/** One act of a user as models and explanations see it. */
export interface HistoryEntry {
  readonly itemIndex: ItemIndex;
  readonly timestampMs: number;
  readonly weight: number;
}

/** All that one call asks for. */
export interface ServingRequest {
  readonly requestId: string;
  readonly scenario: string;
  readonly nowMs: number;
  readonly limit: number;
  readonly locale: string;
  readonly user?: UserId;
  /** The user's past, oldest first, newest events included; empty for a stranger. */
  readonly history: readonly HistoryEntry[];
  /** What the user typed. */
  readonly query?: string;
  readonly search?: SearchAsk;
  /** The item whose page is shown. */
  readonly contextItem?: ItemIndex;
  readonly filter: ItemFilter;
  /** Explanations are computed only when asked for. */
  readonly explain: boolean;
}

/**
 * One thing that moved a candidate's score. Whoever changes a score adds what it contributed, so
 * that the amounts sum to the score (within 1e-6).
 */
export interface Contribution {
  /** The stage that added it: a retriever's, ranker's or reranker's name. */
  readonly stage: string;
  readonly amount: number;
  readonly reason: Reason;
}

/** What a learned ranker judged an item by, in groups that a reader can tell apart. */
export const learnedSignals = [
  "words",
  "meaning",
  "query-choices",
  "choices",
  "category",
  "price",
  "age",
  "rating",
  "taste",
] as const;

export type LearnedSignal = (typeof learnedSignals)[number];

/** Why, in a form that screens put into words in the reader's language. */
export type Reason =
  /** `share` in [0, 1]: how much of the model's preference was lost when this item was left out. */
  | { readonly kind: "history-item"; readonly itemId: ItemId; readonly share: number }
  | { readonly kind: "sequence-model" }
  | { readonly kind: "bought-together"; readonly itemId: ItemId }
  | { readonly kind: "similar-to"; readonly itemId: ItemId }
  | { readonly kind: "popular"; readonly days: number | null }
  | { readonly kind: "query-match"; readonly words: readonly string[] }
  /** Its text means what the query means, whatever its words. */
  | { readonly kind: "similar-meaning" }
  /** The query is likely about this category, by what people took after it and by its words. */
  | { readonly kind: "likely-category"; readonly category: string }
  /**
   * What shoppers did before with such items, as a learned ranker sees it. `itemId`: the item of the
   * shopper's own past that this one is most like, where taste speaks for it.
   */
  | { readonly kind: "learned"; readonly signal: LearnedSignal; readonly itemId?: ItemId }
  /** One of our own rules ("out-of-stock", "close-match") by its code, or a merchandiser's by its name. */
  | {
      readonly kind: "rule";
      readonly rule: string;
      /** Of a merchandiser's rule: what it did to the item. */
      readonly effect?: "pinned" | "boosted" | "buried";
      /** Of a merchandiser's rule. */
      readonly ruleId?: string;
    }
  | { readonly kind: "diversity" }
  | { readonly kind: "exploration" };

/** An item proposed for one request, not yet in final order. */
export interface Candidate {
  readonly itemIndex: ItemIndex;
  /** Any order-giving number; comparable only inside one stage's output. */
  score: number;
  readonly contributions: Contribution[];
}

/** Proposes at most `limit` candidates, best first. Cheap, and free to be wrong about order. */
export interface Retriever {
  readonly name: string;
  retrieve(request: ServingRequest, limit: number): Promise<Candidate[]>;
}

/** Candidates of one retriever, best first, as the ranker sees them. */
export interface RetrievedList {
  readonly retriever: string;
  readonly candidates: readonly Candidate[];
}

/** Joins the lists of all retrievers into one, each item once, best first. */
export interface Ranker {
  readonly name: string;
  rank(request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]>;
}

/** Rearranges or removes candidates for reasons other than relevance. */
export interface Reranker {
  readonly name: string;
  rerank(request: ServingRequest, ranking: readonly Candidate[]): Candidate[];
}
