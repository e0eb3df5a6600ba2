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
  ItemSet,
  type InvertedTextIndex,
  type TextHits,
  type TextSearchOptions,
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

/** Index over the items that came or changed their words since the snapshot. */
interface ChangedIndex {
  readonly index: InvertedTextIndex;
  /** Catalogue row of each row of the index; row 0 is padding in both. */
  readonly rows: readonly number[];
}

/** One index's answer, in rows of the catalogue. */
interface Answer {
  readonly total: number;
  readonly relaxed: boolean;
  readonly candidates: readonly Candidate[];
  readonly addMatchesTo: (matches: ItemSet) => void;
}

/**
 * Finds items by their present words: in the snapshot's index, and in one of the items whose words
 * changed since, which is made when first asked for. A query without words finds every item.
 */
export class LiveTextRetriever implements Retriever {
  readonly name = textStage;
  readonly #catalog: LiveCatalog;
  readonly #index: InvertedTextIndex;
  readonly #sortOf: (request: ServingRequest) => TextSort | undefined;
  readonly #onFound: (request: ServingRequest, found: Found) => void;
  /** By catalogue row. */
  readonly #changed = new Map<number, Item>();
  #changedIndex: Promise<ChangedIndex> | undefined;

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
      this.#changedIndex = undefined;
    });
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    const { query, locale, explain } = request;
    if (query === undefined) return [];
    const { filter: filters, facets } = this.#catalog;
    const passing = filters.compile(request.filter);
    const refinements = new Map(
      (request.search?.refinements ?? []).map((test) => [facetOf(test), facets.matching(test)]),
    );
    const sort = this.#sortOf(request);
    const options = { limit, locale, explain, emptyFindsAll: true } satisfies TextSearchOptions;
    const answers: Answer[] = [];

    const changed = this.#changed.size === 0 ? undefined : await this.#changedItems();
    const unchanged = changed === undefined ? passing : passing.clone();
    for (const row of changed?.rows ?? []) unchanged.delete(row);
    const old = this.#index.search(query, {
      ...options,
      filter: unchanged,
      refinements,
      ...(sort && { sort }),
    });
    answers.push({
      total: old.total,
      relaxed: old.relaxed,
      candidates: candidatesOf(old),
      addMatchesTo: (matches) => matches.unite(old.matches),
    });
    if (changed !== undefined) {
      const { index, rows } = changed;
      const fresh = index.search(query, {
        ...options,
        filter: placesOf(rows, passing),
        refinements: new Map([...refinements].map(([field, set]) => [field, placesOf(rows, set)])),
        ...(sort && { sort: { ...sort, valueOf: (place) => sort.valueOf(rows[place]!) } }),
      });
      answers.push({
        total: fresh.total,
        relaxed: fresh.relaxed,
        candidates: candidatesOf(fresh, rows),
        addMatchesTo: (matches) => {
          for (const place of fresh.matches.toRows()) matches.add(rows[place]!);
        },
      });
    }

    // Items with every word leave those out that have only some, whichever index they come from.
    const isStrict = answers.some(({ relaxed, total }) => !relaxed && total > 0);
    const taken = answers.filter(({ relaxed }) => !relaxed || !isStrict);
    const matches = new ItemSet(filters.rows);
    for (const { addMatchesTo } of taken) addMatchesTo(matches);
    this.#onFound(request, {
      total: taken.reduce((sum, { total }) => sum + total, 0),
      relaxed: !isStrict && taken.some(({ total }) => total > 0),
      matches,
      refinements,
    });
    const [only, ...others] = taken.map(({ candidates }) => candidates);
    if (others.length === 0) return [...(only ?? [])];
    return [only!, ...others].flat().sort(orderOf(sort)).slice(0, limit);
  }

  #changedItems(): Promise<ChangedIndex> {
    this.#changedIndex ??= this.#index.buildBeside(this.#changed.values()).then((index) => ({
      index,
      rows: [0, ...this.#changed.keys()],
    }));
    return this.#changedIndex;
  }
}

/** The facet that a choice belongs to. Places on the map are one facet. */
function facetOf(test: FieldTest): string {
  return "field" in test ? test.field : "place";
}

/** Places in a smaller index of the rows that a set has. */
function placesOf(rows: readonly number[], set: ItemSet): ItemSet {
  const places = new ItemSet(rows.length);
  for (let place = 1; place < rows.length; place++) if (set.has(rows[place]!)) places.add(place);
  return places;
}

function orderOf(sort: TextSort | undefined): (a: Candidate, b: Candidate) => number {
  const byScore = (a: Candidate, b: Candidate): number =>
    b.score - a.score || a.itemIndex - b.itemIndex;
  if (sort === undefined) return byScore;
  const sign = sort.order === "ascending" ? 1 : -1;
  return (a, b) => {
    const [x, y] = [sort.valueOf(a.itemIndex), sort.valueOf(b.itemIndex)];
    if (Number.isNaN(x) || Number.isNaN(y)) {
      return Number(Number.isNaN(x)) - Number(Number.isNaN(y)) || byScore(a, b);
    }
    return sign * (x - y) || byScore(a, b);
  };
}

/** @param rows  catalogue row of each row of the index that was asked; the same when absent */
function candidatesOf({ items, scores, parts }: TextHits, rows?: readonly number[]): Candidate[] {
  return Array.from(items, (row, place): Candidate => {
    const byWord = new Map<string, number>();
    for (const { word, amount } of parts[place] ?? []) {
      byWord.set(word, (byWord.get(word) ?? 0) + amount);
    }
    return {
      itemIndex: itemIndex(rows?.[row] ?? row),
      score: scores[place]!,
      contributions: Array.from(byWord, ([word, amount]): Contribution => ({
        stage: textStage,
        amount,
        reason: { kind: "query-match", words: [word] },
      })),
    };
  });
}
