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
  type MatchStage,
  type ParsedQuery,
  type QueryAnalysis,
  type TextHits,
  type TextSort,
} from "@magpie/retrieval";
import type { LiveCatalog } from "../../live/live-catalog.ts";
import type { QueryReadings } from "./query-readings.ts";

/** The stage that text matches are signed with. */
export const textStage = "text";

/**
 * How far a search had to go: `all`: items have all words that must be there; `without-low`,
 * `high-only`, `some`: those words were given up by importance; `meaning`: items have none of the
 * words and mean the same; `nothing`: nothing was found.
 */
export type AnsweredBy = MatchStage | "meaning" | "nothing";

/** What a search found on all pages together. */
export interface Found {
  /** Items that match and pass every choice. */
  readonly total: number;
  /** Those of them that have every word that must be there; the others lack one, and come behind. */
  readonly withAllWords: number;
  /** True when no item has all words, so that items with some of them were taken. */
  readonly relaxed: boolean;
  /** What was done to find something, as far as that had to go. */
  readonly answeredBy: AnsweredBy;
  /** Rows that match, before any choice in facets. */
  readonly matches: ItemSet;
  /** Those of them that lack a word while others have all. */
  readonly closeMatches?: ItemSet;
  /** What was found in the window that is ranked, word by word where that was asked for. */
  readonly hits: Pick<TextHits, "items" | "scores" | "parts" | "matchedWords">;
  /** Per facet with a choice, the rows that pass it. */
  readonly refinements: ReadonlyMap<string, ItemSet>;
}

/**
 * Finds items by their present words: items whose words changed since the snapshot are given to its
 * index before the next request is answered. A query without words finds every item.
 *
 *     as read ─▶ corrections undone ─▶ the price left out     the first that finds what was asked
 */
export class LiveTextRetriever implements Retriever {
  readonly name = textStage;
  readonly #catalog: LiveCatalog;
  readonly #index: InvertedTextIndex;
  readonly #readings: QueryReadings;
  readonly #sortOf: (request: ServingRequest) => TextSort | undefined;
  readonly #onFound: (request: ServingRequest, found: Found) => void;
  readonly #wordByWord: boolean;
  /** By catalogue row: what the index has not been given yet. */
  #changed = new Map<number, Item | undefined>();
  #updated: Promise<void> = Promise.resolve();

  constructor(parts: {
    readonly catalog: LiveCatalog;
    readonly index: InvertedTextIndex;
    readonly readings: QueryReadings;
    /** The order asked for, over catalogue rows; by relevance when undefined. */
    readonly sortOf: (request: ServingRequest) => TextSort | undefined;
    /** Hears of each answered request. */
    readonly onFound: (request: ServingRequest, found: Found) => void;
    /** Whether a ranker reads what each word gave, of requests that nobody wants explained too. */
    readonly wordByWord?: boolean;
  }) {
    this.#catalog = parts.catalog;
    this.#index = parts.index;
    this.#readings = parts.readings;
    this.#sortOf = parts.sortOf;
    this.#onFound = parts.onFound;
    this.#wordByWord = parts.wordByWord ?? false;
    parts.catalog.onWords((row, item) => {
      this.#changed.set(row, item);
    });
  }

  async retrieve(request: ServingRequest, limit: number): Promise<Candidate[]> {
    if (request.query === undefined) return [];
    await this.takeChanges();
    const { hits, refinements } = this.#find(request, limit);
    const { total, withAllWords, relaxed, matches, lacking, stage } = hits;
    const answeredBy = total === 0 ? "nothing" : stage;
    this.#onFound(request, {
      total,
      withAllWords,
      relaxed,
      matches,
      ...(lacking && { closeMatches: lacking }),
      hits,
      refinements,
      answeredBy,
    });
    return candidatesOf(hits);
  }

  #find(request: ServingRequest, limit: number): Answered {
    const reading = this.#readings.of(request);
    const asRead = this.#ask(request, reading, limit);
    if (isWhole(asRead)) return asRead;
    let [best, counts] = [asRead, reading];
    if (reading.corrections.length > 0) {
      const typed = this.#readings.read(request, { correct: false });
      const asTyped = this.#ask(request, typed, limit);
      if (isWhole(asTyped) || asRead.hits.total === 0) {
        best = asTyped;
        counts = {
          ...typed,
          didYouMean: reading.text,
          stages: [
            ...typed.stages,
            {
              stage: "spelling",
              before: reading.text,
              after: typed.text,
              reason: "corrected, it finds less: taken as it is typed",
            },
          ],
        };
      }
    }
    if (findsNothing(best) && counts.priceCents !== undefined) {
      const { priceCents: _, ...anyPrice } = counts;
      const without = this.#ask(request, anyPrice, limit);
      if (!findsNothing(without)) {
        best = without;
        const reason = "nothing that matches costs this: the bound is left out";
        const record = {
          stage: "price",
          before: counts.query,
          after: counts.text,
          reason,
        } as const;
        counts = { ...anyPrice, stages: [...counts.stages, record] };
      }
    }
    if (counts !== reading) this.#readings.replace(request, counts);
    return best;
  }

  #ask(
    request: ServingRequest,
    reading: Pick<QueryAnalysis, "parsed" | "priceCents" | "navigational">,
    limit: number,
  ): Answered {
    const { locale, explain, search } = request;
    const { parsed, priceCents } = reading;
    const { filter: filters, facets } = this.#catalog;
    const refinements = new Map(
      (search?.refinements ?? []).map((test) => [facetOf(test), facets.matching(test)]),
    );
    if (priceCents !== undefined) {
      // As though it were chosen in the facet: the counts of other prices stay.
      const within = facets.range(priceField, priceCents);
      refinements.set(priceField, within.intersect(refinements.get(priceField) ?? within));
    }
    const sort = this.#sortOf(request);
    const hits = this.#index.search(parsed, {
      limit,
      locale,
      explain: explain || (this.#wordByWord && sort === undefined),
      emptyFindsAll: true,
      mode: takesCloseMatches(reading, search?.closeMatches) ? "close" : "relaxed",
      filter: filters.compile(request.filter),
      refinements,
      ...(sort && { sort }),
    });
    return { hits, refinements };
  }

  /** The index has all changes that came before when the promise is kept. */
  takeChanges(): Promise<void> {
    if (this.#changed.size === 0) return this.#updated;
    const taken = this.#index.update(this.#changed);
    this.#changed = new Map();
    // Whoever asked hears of a failure, later requests are answered from what there is.
    this.#updated = taken.catch(() => undefined);
    return taken;
  }
}

/** What was found for one reading of a query. */
interface Answered {
  readonly hits: TextHits;
  readonly refinements: ReadonlyMap<string, ItemSet>;
}

/** Who writes a phrase or leaves words out means the words, and gets nothing without them. */
export function meansItsWords({ groups }: ParsedQuery): boolean {
  return groups.some(({ need, isPhrase }) => need === "excluded" || isPhrase);
}

/** With so many words, an item that has all but one has most of what is asked for. */
const closeFrom = 3;

/** Whether items that lack a word may follow those with all, where few have all. */
function takesCloseMatches(
  { parsed, navigational }: Pick<QueryAnalysis, "parsed" | "navigational">,
  asked: boolean | undefined,
): boolean {
  if (asked === false || meansItsWords(parsed)) return false;
  // Who names one thing wants that one.
  return asked === true || (navigational === undefined && wordsNeeded(parsed) >= closeFrom);
}

/** Words that must be there; those that are one thing together, as "mouse pad" is, each count. */
function wordsNeeded({ groups }: ParsedQuery): number {
  return groups
    .filter(({ need }) => need === "required")
    .reduce((sum, { text }) => sum + text.trim().split(/\s+/u).length, 0);
}

/** Items that lack a word where others have it are no answer of their own. */
const findsNothing = ({ hits }: Answered): boolean =>
  hits.stage === "all" ? hits.withAllWords === 0 : hits.total === 0;

const isWhole = ({ hits }: Answered): boolean => hits.withAllWords > 0;

const priceField = "price";

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
