import {
  itemIndex,
  type Candidate,
  type Contribution,
  type Item,
  type ItemFilter,
  type Ranker,
  type RetrievedList,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import { Availability } from "@magpie/ranking";
import {
  ItemSet,
  type Highlighter,
  type InvertedTextIndex,
  type TextHits,
} from "@magpie/retrieval";
import type { LiveCatalog } from "../live/live-catalog.ts";
import { candidateWindow } from "./options.ts";
import type { Pipeline } from "./pipeline.ts";
import type { ServedModels } from "./retrievers.ts";
import type { Scenario } from "./scenarios.ts";

const textRetriever = "text";
const popularity = "popularity";

/**
 * Search over the snapshot's text index and over the words that changed since.
 *
 *     query ─▶ snapshot's index, without changed items ─┐
 *          └─▶ index of changed items, made when asked ─┴─▶ text match + a little popularity
 *                                                           ─▶ what is out of stock goes last
 */
export class SearchScenario implements Scenario {
  readonly contextItem = "optional";
  /** People look for what they had, too: out-of-stock items are found, behind the others. */
  readonly filter: ItemFilter = {};
  readonly #index: InvertedTextIndex;
  readonly #pipeline: Pipeline;
  readonly #totals = new WeakMap<ServingRequest, number>();

  constructor(catalog: LiveCatalog, index: InvertedTextIndex, models: ServedModels) {
    this.#index = index;
    const retriever = new LiveTextRetriever(catalog, index, (request, total) =>
      this.#totals.set(request, total),
    );
    this.#pipeline = {
      name: "search/1",
      retrievers: [retriever],
      depth: candidateWindow,
      ranker: new TextRanker(models.popularity),
      rerankers: [new Availability((item) => catalog.filter.isAvailable(item), "move-last")],
    };
  }

  pipelineFor(): Pipeline {
    return this.#pipeline;
  }

  /** Marks a query's words in texts, those of items that changed since the snapshot too. */
  highlighter(query: string, locale: string): Highlighter {
    return this.#index.highlighter(query, locale);
  }

  /** Number of items that matched an answered request. */
  totalOf(request: ServingRequest): number | undefined {
    return this.#totals.get(request);
  }
}

/** Index over the items that came or changed their words since the snapshot. */
interface ChangedIndex {
  readonly index: InvertedTextIndex;
  /** Catalogue row of each row of the index; row 0 is padding in both. */
  readonly rows: readonly number[];
}

/** Finds items by their present words. */
class LiveTextRetriever implements Retriever {
  readonly name = textRetriever;
  readonly #catalog: LiveCatalog;
  readonly #index: InvertedTextIndex;
  readonly #onTotal: (request: ServingRequest, total: number) => void;
  /** By catalogue row. */
  readonly #changed = new Map<number, Item>();
  #changedIndex: Promise<ChangedIndex> | undefined;

  constructor(
    catalog: LiveCatalog,
    index: InvertedTextIndex,
    onTotal: (request: ServingRequest, total: number) => void,
  ) {
    this.#catalog = catalog;
    this.#index = index;
    this.#onTotal = onTotal;
    catalog.onWords((row, item) => {
      this.#changed.set(row, item);
      this.#changedIndex = undefined;
    });
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const { query, locale } = request;
    if (query === undefined) return [];
    const passing = this.#catalog.filter.compile(request.filter);
    if (this.#changed.size === 0) {
      const hits = this.#index.search(query, { limit, locale, filter: passing });
      this.#onTotal(request, hits.total);
      return candidatesOf(hits);
    }
    this.#changedIndex ??= this.#indexChanged();
    const { index, rows } = await this.#changedIndex;
    const unchanged = passing.clone();
    const changed = new ItemSet(rows.length);
    for (const [place, row] of rows.entries()) {
      unchanged.delete(row);
      if (place > 0 && passing.has(row)) changed.add(place);
    }
    const old = this.#index.search(query, { limit, locale, filter: unchanged });
    const fresh = index.search(query, { limit, locale, filter: changed });
    const found = [
      { relaxed: old.relaxed, total: old.total, candidates: candidatesOf(old) },
      { relaxed: fresh.relaxed, total: fresh.total, candidates: candidatesOf(fresh, rows) },
    ].filter(({ total }) => total > 0);
    // Items with every word leave those out that have only some, whichever index they come from.
    const strict = found.filter(({ relaxed }) => !relaxed);
    const taken = strict.length > 0 ? strict : found;
    this.#onTotal(
      request,
      taken.reduce((sum, { total }) => sum + total, 0),
    );
    return taken
      .flatMap(({ candidates }) => candidates)
      .sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex)
      .slice(0, limit);
  }

  async #indexChanged(): Promise<ChangedIndex> {
    return {
      rows: [0, ...this.#changed.keys()],
      index: await this.#index.buildBeside(this.#changed.values()),
    };
  }
}

/** @param rows  catalogue row of each row of the index that was asked; the same when absent */
function candidatesOf({ items, scores, parts }: TextHits, rows?: readonly number[]): Candidate[] {
  return Array.from(items, (row, place): Candidate => {
    const byWord = new Map<string, number>();
    for (const { word, amount } of parts[place]!) {
      byWord.set(word, (byWord.get(word) ?? 0) + amount);
    }
    return {
      itemIndex: itemIndex(rows?.[row] ?? row),
      score: scores[place]!,
      contributions: Array.from(byWord, ([word, amount]): Contribution => ({
        stage: textRetriever,
        amount,
        reason: { kind: "query-match", words: [word] },
      })),
    };
  });
}

/** What popularity can add to a score whose best text match is 1. */
const popularityShare = 0.15;

/**
 * Orders text hits: their match as a share of the best one, plus a little for what others take, so
 * that of two equal matches the one that sells is first.
 *
 *     score = match / best match + 0.15 · ln(1 + popularity) / ln(1 + highest popularity)
 */
class TextRanker implements Ranker {
  readonly name = "search-blend";
  readonly #popularity: ServedModels["popularity"];
  readonly #highest: number;

  constructor(models: ServedModels["popularity"]) {
    this.#popularity = models;
    this.#highest = models?.scores.reduce((most, score) => Math.max(most, score), 0) ?? 0;
  }

  async rank(_request: ServingRequest, lists: readonly RetrievedList[]): Promise<Candidate[]> {
    const hits = lists.flatMap(({ candidates }) => candidates);
    const best = hits.reduce((most, { score }) => Math.max(most, score), 0);
    if (best === 0) return hits;
    return hits
      .map(({ itemIndex, score, contributions }): Candidate => {
        const popular = this.#popularityOf(itemIndex);
        return {
          itemIndex,
          score: score / best + popular,
          contributions: [
            ...contributions.map((part) => ({ ...part, amount: part.amount / best })),
            ...(popular === 0
              ? []
              : [
                  {
                    stage: popularity,
                    amount: popular,
                    reason: { kind: "popular", days: this.#popularity!.days } as const,
                  },
                ]),
          ],
        };
      })
      .sort((a, b) => b.score - a.score || a.itemIndex - b.itemIndex);
  }

  #popularityOf(row: number): number {
    const taken = this.#popularity?.scores[row] ?? 0;
    if (!(taken > 0)) return 0;
    return (popularityShare * Math.log1p(taken)) / Math.log1p(this.#highest);
  }
}
