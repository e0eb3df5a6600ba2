import {
  itemIndex,
  type Candidate,
  type Contribution,
  type FieldTest,
  type Item,
  type Retriever,
  type ServingRequest,
} from "@magpie/domain";
import {
  type ItemSet,
  type InvertedTextIndex,
  type TextHits,
  type TextSort,
} from "@magpie/retrieval";
import type { LiveCatalog } from "../../live/live-catalog.ts";

/** The stage that text matches are signed with. */
export const textStage = "text";

/** What a search found on all pages together. */
export interface Found {
  /** Items that match and pass every choice. */
  readonly total: number;
  /** True when no item has all words, so that items with some of them were taken. */
  readonly relaxed: boolean;
  /** Rows that match, before any choice in facets. */
  readonly matches: ItemSet;
  /** Per facet with a choice, the rows that pass it. */
  readonly refinements: ReadonlyMap<string, ItemSet>;
}

/**
 * Finds items by their present words: items whose words changed since the snapshot are given to its
 * index before the next request is answered. A query without words finds every item.
 */
export class LiveTextRetriever implements Retriever {
  readonly name = textStage;
  readonly #catalog: LiveCatalog;
  readonly #index: InvertedTextIndex;
  readonly #sortOf: (request: ServingRequest) => TextSort | undefined;
  readonly #onFound: (request: ServingRequest, found: Found) => void;
  /** By catalogue row: what the index has not been given yet. */
  #changed = new Map<number, Item>();
  #updated: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly catalog: LiveCatalog;
    readonly index: InvertedTextIndex;
    /** The order asked for, over catalogue rows; by relevance when undefined. */
    readonly sortOf: (request: ServingRequest) => TextSort | undefined;
    /** Hears of each answered request. */
    readonly onFound: (request: ServingRequest, found: Found) => void;
  }) {
    this.#catalog = parts.catalog;
    this.#index = parts.index;
    this.#sortOf = parts.sortOf;
    this.#onFound = parts.onFound;
    parts.catalog.onWords((row, item) => {
      this.#changed.set(row, item);
    });
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const { query, locale, explain } = request;
    if (query === undefined) return [];
    await this.#takeChanges();
    const { filter: filters, facets } = this.#catalog;
    const passing = filters.compile(request.filter);
    const refinements = new Map(
      (request.search?.refinements ?? []).map((test) => [facetOf(test), facets.matching(test)]),
    );
    const sort = this.#sortOf(request);
    const hits = this.#index.search(query, {
      limit,
      locale,
      explain,
      emptyFindsAll: true,
      filter: passing,
      refinements,
      ...(sort && { sort }),
    });
    const { total, relaxed, matches } = hits;
    this.#onFound(request, { total, relaxed, matches, refinements });
    return candidatesOf(hits);
  }

  /** The index has all changes that came before when the promise is kept. */
  #takeChanges(): Promise<void> {
    if (this.#changed.size === 0) return this.#updated;
    const taken = this.#index.update(this.#changed);
    this.#changed = new Map();
    // Whoever asked hears of a failure, later requests are answered from what there is.
    this.#updated = taken.catch(() => undefined);
    return taken;
  }
}

/** The facet that a choice belongs to. Places on the map are one facet. */
function facetOf(test: FieldTest): string {
  return "field" in test ? test.field : "place";
}

function candidatesOf({ items, scores, parts }: TextHits): Candidate[] {
  return Array.from(items, (row, place): Candidate => {
    const byWord = new Map<string, number>();
    for (const { word, amount } of parts[place] ?? []) {
      byWord.set(word, (byWord.get(word) ?? 0) + amount);
    }
    return {
      itemIndex: itemIndex(row),
      score: scores[place]!,
      contributions: Array.from(byWord, ([word, amount]): Contribution => ({
        stage: textStage,
        amount,
        reason: { kind: "query-match", words: [word] },
      })),
    };
  });
}
