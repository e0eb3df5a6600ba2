import {
  RequestError,
  type Candidate,
  type ItemIndex,
  type FacetRequest,
  type FieldTest,
  type ItemFilter,
  type SearchAsk,
  type SearchDiversity,
  type ServingRequest,
} from "@magpie/domain";
import { Availability, CloseMatchesLast, GroupCap } from "@magpie/ranking";
import {
  byUsefulness,
  type FacetCounts,
  type FacetValue,
  type Highlighter,
  type InvertedTextIndex,
  type QueryAnalysis,
  type QueryDictionaries,
  type QueryUnderstanding,
  type TextDictionaries,
  type TextSort,
} from "@magpie/retrieval";
import { HybridRanker } from "../../hybrid/hybrid-ranker.ts";
import type { MeaningIndex } from "../../hybrid/meaning-index.ts";
import { MeaningRetriever } from "../../hybrid/meaning-retriever.ts";
import { LearnedRanker, type LearnedParts } from "../../learned-ranking/learned-ranker.ts";
import type { LiveCatalog } from "../../live/live-catalog.ts";
import { candidateWindow } from "../options.ts";
import type { Pipeline } from "../pipeline.ts";
import type { ServedModels } from "../retrievers.ts";
import type { Scenario } from "../scenarios.ts";
import { explainSearch, type ExplainParts, type SearchExplanation } from "./explain-search.ts";
import { LikelyCategory } from "./likely-category.ts";
import { LiveTextRetriever, meansItsWords, type Found } from "./live-text-retriever.ts";
import { QueryReadings } from "./query-readings.ts";
import { asFound, TextRanker } from "./text-ranker.ts";

/** Items that the meaning leg proposes. */
const meaningDepth = 100;

/** First places that diversity holds for when the request does not say. */
const diversePlaces = 20;

/** Asks for all facets there are. */
const everyField = "*";

/**
 * Search over the snapshot's text index and over the words that changed since.
 *
 *     query, filter, choices ─▶ text match + a little popularity + meaning ─▶ what is out of stock goes last
 *                           ╰─▶ or in the order of a field        ╰▶ counts of the facets asked
 *
 * Without words it lists everything that passes, the most taken first.
 */
export class SearchScenario implements Scenario {
  readonly contextItem = "optional";
  /** People look for what they had, too: out-of-stock items are found, behind the others. */
  readonly filter: ItemFilter = {};
  readonly #catalog: LiveCatalog;
  readonly #index: InvertedTextIndex;
  readonly #retriever: LiveTextRetriever;
  readonly #popularity: Float32Array | undefined;
  readonly #byRelevance: Pipeline;
  readonly #asFound: Pipeline;
  readonly #found = new WeakMap<ServingRequest, Found>();
  readonly #readings: QueryReadings;
  readonly #closeMatchesLast = new CloseMatchesLast(
    (request, item) => this.#found.get(request)?.closeMatches?.has(item) ?? false,
  );

  /**
   * @param meanings       what items mean; by words alone when absent
   * @param understanding  what queries are understood by; as the index parses them when absent
   * @param learned        what corrects the default order; nothing when absent
   */
  constructor(
    catalog: LiveCatalog,
    index: InvertedTextIndex,
    models: ServedModels,
    meanings?: MeaningIndex,
    understanding?: QueryUnderstanding,
    learned?: LearnedParts,
  ) {
    this.#catalog = catalog;
    this.#index = index;
    this.#popularity = models.popularity?.scores;
    this.#readings = new QueryReadings(index, understanding);
    this.#retriever = new LiveTextRetriever({
      catalog,
      index,
      readings: this.#readings,
      sortOf: (request) => this.#sortOf(request),
      onFound: (request, found) => this.#found.set(request, found),
      wordByWord: learned !== undefined,
    });
    const lastWhenSoldOut = new Availability(
      (item) => catalog.filter.isAvailable(item),
      "move-last",
      candidateWindow,
    );
    const byWords: Pipeline = {
      name: "search/1",
      retrievers: [this.#retriever],
      depth: candidateWindow,
      ranker: new TextRanker(
        candidateWindow,
        models.popularity,
        new LikelyCategory(catalog, this.#readings),
      ),
      rerankers: [lastWhenSoldOut],
    };
    const byDefault = meanings === undefined ? byWords : this.#withMeaning(byWords, meanings);
    this.#byRelevance = learned === undefined ? byDefault : this.#withLearned(byDefault, learned);
    this.#asFound = { ...byWords, name: "search-sorted/1", ranker: asFound, rerankers: [] };
  }

  #withMeaning(byWords: Pipeline, meanings: MeaningIndex): Pipeline {
    const meaning = new MeaningRetriever(meanings, this.#catalog.filter, async (request) => {
      await this.#retriever.takeChanges();
      return this.readingOf(request).text;
    });
    return {
      ...byWords,
      name: "search-hybrid/1",
      retrievers: [this.#retriever, meaning],
      depths: { [meaning.name]: meaningDepth },
      ranker: new HybridRanker({
        text: byWords.ranker,
        window: candidateWindow,
        foundBy: (request) => {
          const found = this.#found.get(request);
          if (found === undefined) return undefined;
          const choices = [...found.refinements.values()];
          return {
            strict: found.relaxed ? 0 : found.total,
            mayAdmit: () => !meansItsWords(this.readingOf(request).parsed),
            passes: (row) => choices.every((choice) => choice.has(row)),
          };
        },
        onAdmitted: (request, rows) => this.addFound(request, rows, true),
      }),
    };
  }

  #withLearned(byDefault: Pipeline, learned: LearnedParts): Pipeline {
    return {
      ...byDefault,
      name: byDefault.name.replace("/1", "-learned/1"),
      ranker: new LearnedRanker(
        byDefault.ranker,
        candidateWindow,
        learned,
        (request) => this.#found.get(request)?.hits,
      ),
    };
  }

  /**
   * Counts items as found that have not the words: taken for their meaning, or put there by a rule.
   *
   * @param areInstead  they stand in for items with all words, where there are none
   */
  addFound(request: ServingRequest, rows: readonly ItemIndex[], areInstead = false): void {
    const found = this.#found.get(request);
    if (found === undefined || rows.length === 0) return;
    const choices = [...found.refinements.values()];
    const matches = found.matches.clone();
    let { total } = found;
    for (const row of rows) {
      if (matches.has(row)) continue;
      matches.add(row);
      if (choices.every((choice) => choice.has(row))) total++;
    }
    // What a rule puts somewhere stands there, whatever words it lacks.
    const closeMatches = found.closeMatches?.clone();
    for (const row of rows) closeMatches?.delete(row);
    const relaxed = found.relaxed || (areInstead && found.total === 0);
    const isByMeaning = areInstead && found.total === 0 && total > 0;
    const answeredBy = isByMeaning ? "meaning" : found.answeredBy;
    this.#found.set(request, {
      ...found,
      total,
      matches,
      relaxed,
      answeredBy,
      ...(closeMatches && { closeMatches }),
    });
  }

  /** Pages beyond the window that is ranked are reached by asking for more. */
  pipelineFor(request: ServingRequest): Pipeline {
    const depth = Math.max(candidateWindow, request.limit);
    if (this.#sortOf(request) !== undefined) return { ...this.#asFound, depth };
    const caps = (request.search?.diversity ?? []).map((diversity) => this.#capOf(diversity));
    const { rerankers, ...pipeline } = this.#byRelevance;
    return { ...pipeline, depth, rerankers: [...rerankers, ...caps, this.#closeMatchesLast] };
  }

  #capOf({ by, atMost, within = diversePlaces }: SearchDiversity): GroupCap {
    const { filter } = this.#catalog;
    const groupOf = {
      category: (row: ItemIndex) => filter.categoriesOf(row).at(-1) ?? -1,
      brand: (row: ItemIndex) => filter.brandOf(row),
      shop: (row: ItemIndex) => filter.shopOf(row),
    }[by];
    return new GroupCap({ group: by, groupsOf: (row) => [groupOf(row)], atMost, within });
  }

  /** How a request's query is understood; of an answered request, by what its answer was found. */
  readingOf(request: ServingRequest): QueryAnalysis {
    return this.#readings.of(request);
  }

  /** Takes what the shop teaches in place of what it taught before; the next query is read by it. */
  useDictionaries(ofWords: TextDictionaries, ofQueries: QueryDictionaries): void {
    this.#index.useDictionaries(ofWords);
    this.#readings.useDictionaries(ofQueries);
  }

  /** Marks a query's words in texts, those of items that changed since the snapshot too. */
  highlighter(request: ServingRequest): Highlighter {
    return this.#index.highlighter(this.readingOf(request).parsed, request.locale);
  }

  /** What an answered request found on all pages. */
  foundBy(request: ServingRequest): Found | undefined {
    return this.#found.get(request);
  }

  /** Counts of the facets that an answered request asked for, values named in its language. */
  facetsOf(request: ServingRequest): readonly FacetCounts[] {
    return this.#countsOf(request).map(({ values, ...facet }) => ({
      ...facet,
      values: values.map((one) => {
        const label = this.#catalog.valueLabel(facet.field, one.value, request.locale);
        return label === undefined ? one : { ...one, label };
      }),
    }));
  }

  #countsOf(request: ServingRequest): readonly FacetCounts[] {
    const found = this.#found.get(request);
    const asked = request.search?.facets ?? [];
    if (found === undefined || asked.length === 0) return [];
    const { matches, refinements, total } = found;
    const every = asked.find(({ field }) => field === everyField);
    if (every === undefined) return this.#catalog.facets.counts(matches, refinements, asked);
    // What is named has its own bounds and limits; the rest follow, the most telling first.
    const named = asked.filter(({ field }) => field !== everyField);
    const rest = this.#everyFacet(every).filter(({ field }) =>
      named.every((own) => own.field !== field),
    );
    const counted = this.#catalog.facets.counts(matches, refinements, [...named, ...rest]);
    const chosen = new Set(refinements.keys());
    return [
      ...counted.slice(0, named.length),
      ...byUsefulness(counted.slice(named.length), total, chosen),
    ];
  }

  /** Finds without ranking: what `facetValues` counts over. */
  async find(request: ServingRequest): Promise<void> {
    await this.#retriever.retrieve(request, 0);
  }

  /**
   * Values of a facet that begin like a text, over what an answered request found, the facet's own
   * choice left out.
   */
  facetValues(
    request: ServingRequest,
    { field, text, limit }: { field: string; text: string; limit: number },
  ): readonly FacetValue[] {
    this.#checkFacet({ field });
    const { matches, refinements } = this.#found.get(request)!;
    const within = matches.clone();
    for (const [other, choice] of refinements) if (other !== field) within.intersect(choice);
    return this.#catalog.facets.searchValues(field, text, within, limit, (value) =>
      this.#catalog.valueLabel(field, value, request.locale),
    );
  }

  /** How an answered request was read, and why items are where they are in its ranking. */
  explain(
    request: ServingRequest,
    ranking: readonly Candidate[],
    items: ExplainParts["items"],
  ): SearchExplanation {
    const found = this.#found.get(request)!;
    const [catalog, index] = [this.#catalog, this.#index];
    const reading = this.readingOf(request);
    return explainSearch({ catalog, index, request, reading, ranking, found, items });
  }

  /**
   * @throws {RequestError} `UNKNOWN_FIELD`, `NOT_A_NUMBER_FIELD` when a field that is asked about is
   *   not there, or holds no numbers where numbers are needed
   */
  checkFields({ search, filter }: Pick<ServingRequest, "search" | "filter">): void {
    const { refinements = [], facets = [], sort }: Partial<SearchAsk> = search ?? {};
    const { where = [] } = filter;
    for (const clause of where) for (const test of clause) this.#checkTest(test, "filter.where");
    for (const test of refinements) this.#checkTest(test, "refinements");
    for (const facet of facets) this.#checkFacet(facet);
    if (sort !== undefined && "field" in sort && sort.field !== "popularity") {
      this.#checkNumbers(sort.field, "sort.field");
    }
  }

  #checkTest(test: FieldTest, place: string): void {
    if (!("field" in test)) return;
    if ("anyOf" in test || "exists" in test) this.#checkField(test.field, place);
    else this.#checkNumbers(test.field, place);
  }

  #everyFacet({ limit }: FacetRequest): FacetRequest[] {
    const { facets } = this.#catalog;
    const fields = facets.fields().filter(({ field }) => facets.isFacet(field));
    return fields.map(({ field }) => ({ field, ...(limit !== undefined && { limit }) }));
  }

  #checkFacet({ field, bounds }: FacetRequest): void {
    if (field === everyField && bounds === undefined) return;
    if (bounds === undefined) this.#checkField(field, "facets");
    else this.#checkNumbers(field, "facets");
    if (this.#catalog.facets.isFacet(field)) return;
    throw new RequestError(
      "NOT_A_FACET",
      `facets: the shop's settings keep "${field}" from being a facet.`,
      `Leave it out, or set { "fields": { "${field}": { "facet": true } } } in the settings.`,
    );
  }

  #checkField(field: string, place: string): void {
    if (this.#catalog.facets.knows(field)) return;
    throw new RequestError(
      "UNKNOWN_FIELD",
      `${place}: no item has a field "${field}".`,
      `Use one of ${this.#fieldNames(() => true)}.`,
    );
  }

  #checkNumbers(field: string, place: string): void {
    this.#checkField(field, place);
    if (this.#catalog.facets.hasNumbers(field)) return;
    throw new RequestError(
      "NOT_A_NUMBER_FIELD",
      `${place}: "${field}" holds words, and numbers are needed here.`,
      `Use one of ${this.#fieldNames(({ hasNumbers }) => hasNumbers)}.`,
    );
  }

  #fieldNames(isMeant: (field: { readonly hasNumbers: boolean }) => boolean): string {
    const names = this.#catalog.facets.fields().filter(isMeant);
    return names.map(({ field }) => `"${field}"`).join(", ");
  }

  #sortOf({ search, query }: ServingRequest): TextSort | undefined {
    const popularity = this.#popularity;
    const byPopularity = (order: TextSort["order"]): TextSort => ({
      valueOf: (row) => popularity?.[row] ?? NaN,
      order,
    });
    if (search?.sort !== undefined) {
      const { sort } = search;
      if ("near" in sort) {
        return { valueOf: this.#catalog.facets.distanceTo(sort.near), order: sort.order };
      }
      const { field, order } = sort;
      if (field === "popularity") return byPopularity(order);
      return { valueOf: (row) => this.#catalog.facets.numberOf(field, row), order };
    }
    return query?.trim() === "" ? byPopularity("descending") : undefined;
  }
}
