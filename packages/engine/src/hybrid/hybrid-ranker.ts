import type { Candidate, ItemIndex, Ranker, RetrievedList, ServingRequest } from "@magpie/domain";
import { meaningStage, type MeaningRetriever } from "./meaning-retriever.ts";

export interface HybridConfig {
  /** What an item whose meaning is that of the query gets beside a best text match of 1. */
  readonly meaningWeight: number;
  /** Nearness that counts as none: unrelated texts are not at 0. */
  readonly meaningFloor: number;
  /** Items without a word of the query are taken when fewer than so many have all of its words. */
  readonly admitBelow: number;
  /** Nearness from which they are. */
  readonly admitFrom: number;
  /** Most of them. */
  readonly maxAdmitted: number;
}

/** Chosen on validation queries by `bench/hybrid.ts`. */
export const hybridDefaults: HybridConfig = {
  meaningWeight: 0.3,
  meaningFloor: 0.2,
  admitBelow: 10,
  admitFrom: 0.5,
  maxAdmitted: 40,
};

/** What the words of a query found, as far as the ranker must know. */
export interface WordsFound {
  /** Items that have all words; 0 when the search was relaxed to some of them. */
  readonly strict: number;
  /** True for items that pass the choices in facets. */
  readonly passes: (row: ItemIndex) => boolean;
}

/**
 * Joins what has the query's words with what means the same:
 *
 *     score = text ranker's score + weight · max(0, nearness − floor) / (1 − floor)
 *
 * Nearness is worked out for every item in the window, not only for those that the meaning leg
 * proposed, so that an item's score does not depend on how deep that list was. Words stay in charge:
 * an item without any is taken only where words found little. The window is fixed, so the second
 * page continues the first; what lies beyond it keeps its order.
 */
export class HybridRanker implements Ranker {
  readonly name = "search-hybrid";
  readonly #text: Ranker;
  readonly #meaning: MeaningRetriever;
  readonly #window: number;
  readonly #foundBy: (request: ServingRequest) => WordsFound | undefined;
  readonly #onAdmitted: (request: ServingRequest, rows: readonly ItemIndex[]) => void;
  readonly #config: HybridConfig;

  constructor(
    parts: {
      /** Orders what has the words. */
      readonly text: Ranker;
      readonly meaning: MeaningRetriever;
      /** Candidates that are ordered anew. */
      readonly window: number;
      readonly foundBy: (request: ServingRequest) => WordsFound | undefined;
      /** Hears which items without the words were taken, before any choice in facets. */
      readonly onAdmitted: (request: ServingRequest, rows: readonly ItemIndex[]) => void;
    },
    config: Partial<HybridConfig> = {},
  ) {
    this.#text = parts.text;
    this.#meaning = parts.meaning;
    this.#window = parts.window;
    this.#foundBy = parts.foundBy;
    this.#onAdmitted = parts.onAdmitted;
    this.#config = { ...hybridDefaults, ...config };
  }

  async rank(request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    const byWords = lists.filter(({ retriever }) => retriever !== meaningStage);
    const near = lists.find(({ retriever }) => retriever === meaningStage)?.candidates ?? [];
    const words = await this.#text.rank(request, byWords);
    const admitted = this.#admit(request, near, words);
    const window = [...words.slice(0, this.#window), ...admitted];
    const scores = this.#meaning.scoresOf(
      request,
      window.map(({ itemIndex }) => itemIndex),
    );
    if (scores === undefined) return words;
    window.forEach((candidate, place) => {
      const amount = this.#amountOf(scores[place]!);
      if (amount === 0) return;
      candidate.score += amount;
      candidate.contributions.push({
        stage: meaningStage,
        amount,
        reason: { kind: "similar-meaning" },
      });
    });
    window.sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
    return [...window, ...words.slice(this.#window)];
  }

  /** Items that have no word of the query and are taken all the same, at score 0. */
  #admit(
    request: ServingRequest,
    near: readonly Candidate[],
    words: readonly Candidate[],
  ): Candidate[] {
    const { admitBelow, admitFrom, maxAdmitted } = this.#config;
    const found = this.#foundBy(request);
    if (found === undefined || found.strict >= admitBelow) return [];
    const known = new Set(words.map(({ itemIndex }) => itemIndex));
    const rows = near
      .filter(({ itemIndex, score }) => score >= admitFrom && !known.has(itemIndex))
      .slice(0, maxAdmitted)
      .map(({ itemIndex }) => itemIndex);
    if (rows.length > 0) this.#onAdmitted(request, rows);
    return rows
      .filter((row) => found.passes(row))
      .map((itemIndex) => ({ itemIndex, score: 0, contributions: [] }));
  }

  #amountOf(nearness: number): number {
    const { meaningWeight, meaningFloor } = this.#config;
    return meaningWeight * Math.max(0, (nearness - meaningFloor) / (1 - meaningFloor));
  }
}
