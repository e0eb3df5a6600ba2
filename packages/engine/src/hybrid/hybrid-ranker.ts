import type {
  Candidate,
  Contribution,
  ItemIndex,
  Ranker,
  RetrievedList,
  ServingRequest,
} from "@magpie/domain";
import { meaningStage } from "./meaning-retriever.ts";

export interface HybridConfig {
  /** What the first place by meaning gets beside 1 for the first place by words. */
  readonly meaningWeight: number;
  /** How far down a list a place still counts much. */
  readonly rankConstant: number;
  /**
   * Items without a word of the query are taken when fewer than so many have all of its words. 1: only
   * where words alone find nothing whole, so that what has the words is never watered down.
   */
  readonly admitBelow: number;
  /** Nearness from which they are. */
  readonly admitFrom: number;
  /** Most of them. */
  readonly maxAdmitted: number;
}

/** Chosen on judged queries by `bench/hybrid.ts`. */
export const hybridDefaults: HybridConfig = {
  meaningWeight: 0.1,
  rankConstant: 60,
  admitBelow: 1,
  admitFrom: 0.4,
  maxAdmitted: 40,
};

/** What the words of a query found, as far as the ranker must know. */
export interface WordsFound {
  /** Items that have all words; 0 when the search was relaxed to some of them. */
  readonly strict: number;
  /** Whether the query leaves room for items without its words; asked only where it matters. */
  readonly mayAdmit: () => boolean;
  /** True for items that pass the choices in facets. */
  readonly passes: (row: ItemIndex) => boolean;
}

/**
 * Joins what has the query's words with what means the same, by places, because the two scores have
 * no common scale (reciprocal rank fusion):
 *
 *     score = (c + 1) / (c + place by words) + weight · (c + 1) / (c + place by meaning)
 *
 * An item that only one list has gets nothing from the other. Words stay in charge: the weight is
 * below 1, and an item without any of the words is taken only where words found little. The first
 * `window` places by words are ordered anew, so the second page continues the first; what lies beyond
 * keeps its order. Adding nearness itself to text scores did worse: bench/results/hybrid.md.
 */
export class HybridRanker implements Ranker {
  readonly name = "search-hybrid";
  readonly #text: Ranker;
  readonly #window: number;
  readonly #foundBy: (request: ServingRequest) => WordsFound | undefined;
  readonly #onAdmitted: (request: ServingRequest, rows: readonly ItemIndex[]) => void;
  readonly #config: HybridConfig;

  constructor(
    parts: {
      /** Orders what has the words. */
      readonly text: Ranker;
      /** Candidates that are ordered anew. */
      readonly window: number;
      readonly foundBy: (request: ServingRequest) => WordsFound | undefined;
      /** Hears which items without the words were taken, before any choice in facets. */
      readonly onAdmitted: (request: ServingRequest, rows: readonly ItemIndex[]) => void;
    },
    config: Partial<HybridConfig> = {},
  ) {
    this.#text = parts.text;
    this.#window = parts.window;
    this.#foundBy = parts.foundBy;
    this.#onAdmitted = parts.onAdmitted;
    this.#config = { ...hybridDefaults, ...config };
  }

  async rank(request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    const byWords = lists.filter(({ retriever }) => retriever !== meaningStage);
    const near = lists.find(({ retriever }) => retriever === meaningStage)?.candidates ?? [];
    const words = await this.#text.rank(request, byWords);
    if (near.length === 0) return words;
    const { meaningWeight, rankConstant } = this.#config;
    const amountAt = (place: number): number => (rankConstant + 1) / (rankConstant + place + 1);
    const fused = words.map(({ itemIndex, contributions }, place): Candidate => {
      const score = amountAt(place);
      return { itemIndex, score, contributions: shareOut(contributions, score) };
    });
    const window = fused.slice(0, this.#window);
    const byRow = new Map(window.map((candidate) => [candidate.itemIndex, candidate]));
    if (words.length <= this.#window) {
      for (const candidate of this.#admit(request, near, byRow)) {
        window.push(candidate);
        byRow.set(candidate.itemIndex, candidate);
      }
    }
    near.forEach(({ itemIndex }, place) => {
      const candidate = byRow.get(itemIndex);
      if (candidate === undefined) return;
      const amount = meaningWeight * amountAt(place);
      candidate.score += amount;
      candidate.contributions.push({
        stage: meaningStage,
        amount,
        reason: { kind: "similar-meaning" },
      });
    });
    window.sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
    return [...window, ...fused.slice(this.#window)];
  }

  /** Items that have no word of the query and are taken all the same, at score 0. */
  #admit(
    request: ServingRequest,
    near: readonly Candidate[],
    known: ReadonlyMap<ItemIndex, Candidate>,
  ): Candidate[] {
    const { admitBelow, admitFrom, maxAdmitted } = this.#config;
    const found = this.#foundBy(request);
    if (found === undefined || found.strict >= admitBelow || !found.mayAdmit()) return [];
    const rows = near
      .filter(({ itemIndex, score }) => score >= admitFrom && !known.has(itemIndex))
      .slice(0, maxAdmitted)
      .map(({ itemIndex }) => itemIndex);
    if (rows.length > 0) this.#onAdmitted(request, rows);
    return rows
      .filter((row) => found.passes(row))
      .map((itemIndex) => ({ itemIndex, score: 0, contributions: [] }));
  }
}

/** The same reasons with amounts that sum to `score`, each with its share. */
function shareOut(contributions: readonly Contribution[], score: number): Contribution[] {
  const sum = contributions.reduce((total, { amount }) => total + amount, 0);
  return contributions.map((part) => ({
    ...part,
    amount: sum === 0 ? score / contributions.length : (part.amount / sum) * score,
  }));
}
