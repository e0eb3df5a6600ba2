import type { ItemId, ItemIndex, UserId } from "./ids.ts";

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

/** Why, in a form that screens put into words in the reader's language. */
export type Reason =
  /** `share` in [0, 1]: how much of the model's preference was lost when this item was left out. */
  | { readonly kind: "history-item"; readonly itemId: ItemId; readonly share: number }
  | { readonly kind: "sequence-model" }
  | { readonly kind: "bought-together"; readonly itemId: ItemId }
  | { readonly kind: "similar-to"; readonly itemId: ItemId }
  | { readonly kind: "popular"; readonly days: number | null }
  | { readonly kind: "query-match"; readonly words: readonly string[] }
  | { readonly kind: "rule"; readonly rule: string }
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
