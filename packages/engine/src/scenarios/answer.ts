import {
  itemId,
  RequestError,
  type Candidate,
  type Contribution,
  type HistoryEntry,
  type Item,
  type ItemFilter,
  type ItemIndex,
  type RetrievedList,
  type SearchAsk,
  type ServingRequest,
} from "@magpie/domain";
import {
  modelHistory,
  type FacetValue,
  type Highlighter,
  type HighlightTags,
} from "@magpie/retrieval";
import { v7 as uuidV7 } from "uuid";
import type {
  FacetValueOptions,
  InsteadRanking,
  MarkedTexts,
  RankedItem,
  RecommendOptions,
  RuleOptions,
  SearchExplanation,
  SearchOptions,
  ServedRanking,
  ServedRules,
} from "../engine.ts";
import { cartItems, type Act, type LiveHistories } from "../live/histories.ts";
import { joinHistory } from "../live/join-history.ts";
import type { ItemRecords } from "../live/records.ts";
import type { CompiledRules } from "../rules/compiled-rules.ts";
import { explainRules } from "../rules/explain-rules.ts";
import { rulingOn, type Ruling } from "../rules/ruling.ts";
import type { ShopRules } from "../rules/shop-rules.ts";
import type { Serving } from "../snapshot/serving.ts";
import type { DecisionLog } from "./decision-log.ts";
import { nameHistoryItems } from "./explain.ts";
import { markTexts } from "./marked-texts.ts";
import { pageOf } from "./options.ts";
import { proposersOf, runPipeline, type Pipeline } from "./pipeline.ts";
import { retrieverNames } from "./retrievers.ts";
import { scenarioNames } from "./scenarios.ts";
import { rungsBelow, understoodOf } from "./search/understood.ts";
import { variantChooser } from "./search/fitting-variant.ts";
import { Stopwatch } from "./stopwatch.ts";

/** What answering needs beside a snapshot. */
export interface AnswererParts {
  readonly histories: LiveHistories;
  readonly records: ItemRecords;
  readonly decisions: DecisionLog;
  readonly rules: Pick<ShopRules, "compiledFor">;
  /** Whether answers may follow what a user did before, where the request does not forbid it. */
  readonly mayPersonalise: () => boolean;
  /** Hears of what went wrong without failing the answer. */
  readonly note: (subject: string, text: string) => void;
}

/**
 * Answers one request from a snapshot and the live state:
 *
 *     history, filter ─▶ rules ─▶ pipeline ─▶ page ─▶ explanations ─▶ records ─▶ answer
 *                                                                        └────▶ decision log
 *
 * Explanations are worked out for the returned items only. The decision is logged beside the
 * answer, unless nobody is shown it; every pipeline here is deterministic, so each item's propensity is 1: given the same
 * state, it would have been shown at that place for certain. A pipeline that explores must log the
 * probability it used.
 */
export class Answerer {
  readonly #parts: AnswererParts;

  constructor(parts: AnswererParts) {
    this.#parts = parts;
  }

  /**
   * @throws {RequestError} `UNKNOWN_SCENARIO`, `UNKNOWN_ITEM`, `MISSING_CONTEXT_ITEM`,
   *   `INVALID_LIMIT`, `INVALID_OFFSET`
   */
  async answer(
    serving: Serving,
    scenarioName: string,
    options: RecommendOptions & Partial<SearchOptions>,
    nowMs: number,
  ): Promise<ServedRanking> {
    const watch = new Stopwatch();
    const page = pageOf(options);
    const asked = await this.#requestOf(serving, scenarioName, options, nowMs);
    watch.lap("understand");
    const ruling = await this.#ruling(serving, asked, options);
    const request = ruling?.request ?? asked;
    if (ruling !== undefined) watch.lap("rules");

    const pipeline = pipelineOf(serving, request, ruling);
    const { ranking, lists } = await runPipeline(pipeline, request, watch, (retriever, error) =>
      this.#parts.note(
        `retriever ${retriever}`,
        `Retriever "${retriever}" failed: ${error instanceof Error ? error.message : String(error)}`,
      ),
    );

    const chosen = ranking.slice(page.offset, page.offset + page.limit);
    const reasons = request.explain ? await explain(serving, request, chosen, lists) : undefined;
    if (request.explain) watch.lap("explain");

    const ids = chosen.map(({ itemIndex }) => serving.catalog.idOf(itemIndex));
    const records = await this.#parts.records.getMany(ids);
    let words: Highlighter | undefined;
    const highlighter = (): Highlighter => (words ??= serving.search.highlighter(request));
    const mark = marker(request, options.highlight, highlighter);
    const variantOf = variantChooser(request, highlighter);
    const found = serving.search.foundBy(request);
    const items = chosen.flatMap((candidate, i): RankedItem[] => {
      const item = records[i];
      // Deleted between ranking and reading.
      if (item === undefined) return [];
      const variantId = variantOf(item);
      return [
        {
          item,
          position: page.offset + i + 1,
          score: candidate.score,
          contributions: reasons?.[i] ?? [],
          ...(mark && { marked: mark(item) }),
          ...(variantId !== undefined && { variantId }),
          ...(found?.closeMatches?.has(candidate.itemIndex) === true && { isCloseMatch: true }),
        },
      ];
    });
    watch.lap("records");

    // What is only tried is shown to nobody.
    if (options.isShown ?? options.rules !== "draft") {
      this.#parts.decisions.add({
        requestId: request.requestId,
        timestampMs: nowMs,
        scenario: scenarioName,
        ...(request.user !== undefined && { user: request.user }),
        snapshot: serving.version,
        pipeline: pipeline.name,
        ...(asked.query !== undefined && { query: asked.query }),
        items: items.map(({ item, position, score }) => ({
          itemId: item.id,
          position,
          score,
          propensity: 1,
          retrievers: proposersOf(lists, serving.catalog.indexOf(item.id) as ItemIndex),
        })),
      });
    }
    const facets = found && serving.search.facetsOf(request);
    if (facets !== undefined && facets.length > 0) watch.lap("facets");
    // Nothing matches, whatever is chosen; counting the matches is for searches that show nothing.
    const isEmpty = found?.total === 0 && page.offset === 0 && found.matches.count() === 0;
    const instead = isEmpty ? await this.#instead(serving, request, options, nowMs) : undefined;
    if (isEmpty) watch.lap("instead");
    return {
      requestId: request.requestId,
      scenario: scenarioName,
      snapshot: serving.version,
      pipeline: pipeline.name,
      items,
      ...(found && {
        total: found.total,
        relaxed: found.relaxed,
        facets: facets!,
        understood: understoodOf(serving, request, found),
      }),
      ...(instead && { instead }),
      ...(ruling && { rules: servedRules(ruling) }),
      timings: watch.timings,
    };
  }

  /** What is shown where a search with words finds nothing, whatever is chosen. */
  async #instead(
    serving: Serving,
    request: ServingRequest,
    options: RecommendOptions & Partial<SearchOptions>,
    nowMs: number,
  ): Promise<InsteadRanking | undefined> {
    if (request.query === undefined || request.query.trim() === "") return undefined;
    const { limit = maxInstead, filter } = options;
    const {
      query: _,
      refinements: __,
      facets: ___,
      sort: ____,
      highlight: _____,
      ...who
    } = options;
    for (const rung of rungsBelow(serving.search.readingOf(request))) {
      const ranking = await this.answer(
        serving,
        "popular",
        {
          ...who,
          limit: Math.min(limit, maxInstead),
          filter: { ...filter, ...(rung.by === "category" && { categories: [rung.category] }) },
        },
        nowMs,
      );
      const { requestId, items } = ranking;
      if (items.length > 0) return { ...rung, requestId, items };
    }
    return undefined;
  }

  /** What is asked, with the user's past and the scenario's own filter. */
  async #requestOf(
    serving: Serving,
    scenarioName: string,
    options: RecommendOptions & Partial<SearchOptions>,
    nowMs: number,
  ): Promise<ServingRequest> {
    const page = pageOf(options);
    const scenario = serving.scenario(scenarioName);
    if (scenario === undefined) {
      throw new RequestError(
        "UNKNOWN_SCENARIO",
        `There is no scenario "${scenarioName}".`,
        `Use one of ${scenarioNames.join(", ")}.`,
        { kind: "not-found" },
      );
    }
    const contextItem = contextItemOf(serving, scenarioName, scenario.contextItem, options);
    const acts = options.user === undefined ? [] : await this.#parts.histories.of(options.user);
    const inCart = scenarioName === "cart" ? cartItems(acts) : [];
    const mayUsePast = this.#parts.mayPersonalise() && (options.personalise ?? true);
    const request: ServingRequest = {
      requestId: uuidV7({ msecs: nowMs }),
      scenario: scenarioName,
      nowMs,
      limit: page.offset + page.limit,
      locale: options.locale ?? "en",
      ...(options.user !== undefined && { user: options.user }),
      history: historyOf(serving, mayUsePast ? acts : [], acts, inCart),
      ...(options.query !== undefined && { query: options.query, search: searchAskOf(options) }),
      ...(contextItem !== undefined && { contextItem }),
      filter: { ...scenario.filter, ...definedOf(options.filter) },
      explain: options.explain ?? false,
    };
    serving.search.checkFields(request);
    return request;
  }

  /**
   * Ranks as `answer` does and says how, for the items asked about. Nothing is logged.
   *
   * @throws {RequestError} `UNKNOWN_FIELD`, `NOT_A_NUMBER_FIELD`
   */
  async explainSearch(
    serving: Serving,
    options: SearchOptions & { readonly itemIds: readonly string[] },
    nowMs: number,
  ): Promise<SearchExplanation> {
    const page = await this.#requestOf(serving, "search", { ...options, explain: true }, nowMs);
    // As deep as an answer's ranking goes by itself; the items may stand anywhere in it.
    const asked: ServingRequest = { ...page, limit: explainedDepth };
    // One set of rules for the ranking and for what is said of it.
    const rules = await this.#rules(options);
    const ruling = rules && rulingOn(rules, serving, asked, options);
    const request = ruling?.request ?? asked;
    const pipeline = pipelineOf(serving, request, ruling);
    const { ranking } = await runPipeline(pipeline, request, new Stopwatch(), (_, error) => {
      throw error;
    });
    const records = await this.#parts.records.getMany(options.itemIds);
    const explanation = serving.search.explain(
      request,
      ranking,
      options.itemIds.map((id, i) => ({ id, item: records[i] })),
    );
    if (rules === undefined) return explanation;
    const hidden = new Set(ruling?.effects.hidden);
    return {
      ...explanation,
      items: explanation.items.map((hit) =>
        hit.state === "filtered" && hidden.has(hit.itemId) ? { ...hit, state: "hidden" } : hit,
      ),
      rules: explainRules(rules, serving, asked, options, ruling),
    };
  }

  #rules({ rules }: RuleOptions): Promise<CompiledRules | undefined> {
    return this.#parts.rules.compiledFor(rules ?? "published");
  }

  async #ruling(
    serving: Serving,
    request: ServingRequest,
    options: RuleOptions,
  ): Promise<Ruling | undefined> {
    const rules = await this.#rules(options);
    return rules && rulingOn(rules, serving, request, options);
  }

  /** @throws {RequestError} `UNKNOWN_FIELD`, `INVALID_LIMIT` */
  async facetValues(
    serving: Serving,
    options: FacetValueOptions,
    nowMs: number,
  ): Promise<readonly FacetValue[]> {
    const { field, text, query, filter, refinements, locale, limit } = options;
    const page = pageOf({ limit: limit ?? defaultFacetValues });
    const request: ServingRequest = {
      requestId: uuidV7({ msecs: nowMs }),
      scenario: "search",
      nowMs,
      limit: 0,
      locale: locale ?? "en",
      history: [],
      query,
      search: searchAskOf({ ...(refinements && { refinements }) }),
      filter: definedOf(filter),
      explain: false,
    };
    serving.search.checkFields(request);
    const ruling = await this.#ruling(serving, request, options);
    const ruled = ruling?.request ?? request;
    await serving.search.find(ruled);
    ruling?.placePins();
    return serving.search.facetValues(ruled, { field, text, limit: page.limit });
  }
}

function pipelineOf(serving: Serving, request: ServingRequest, ruling?: Ruling): Pipeline {
  const pipeline = serving.scenario(request.scenario)!.pipelineFor(request);
  return ruling?.around(pipeline) ?? pipeline;
}

/** What an answer says of the rules that had a part in it. */
function servedRules({ source, effects }: Ruling): ServedRules {
  const { applied, query, redirect, banners, data } = effects;
  return {
    source,
    applied,
    ...(query !== undefined && { query }),
    ...(redirect && { redirect }),
    banners,
    data,
  };
}

/** Places of a ranking in which items are looked for that are asked about. */
const explainedDepth = 1_000;

/** Most items that are shown where a search finds nothing. */
const maxInstead = 12;

/** Facet values listed when the caller does not say how many. */
const defaultFacetValues = 10;

/** What a search asks for beside its words. */
function searchAskOf({
  refinements,
  facets,
  sort,
  diversity,
  correct,
  closeMatches,
}: Partial<SearchOptions>): SearchAsk {
  return {
    refinements: refinements ?? [],
    facets: facets ?? [],
    ...(sort && { sort }),
    ...(diversity && { diversity }),
    ...(correct !== undefined && { correct }),
    ...(closeMatches !== undefined && { closeMatches }),
  };
}

/** Marks the texts of an item of the answer, where that was asked for. */
function marker(
  { query, locale }: ServingRequest,
  tags: HighlightTags | undefined,
  highlighter: () => Highlighter,
): ((item: Item) => MarkedTexts) | undefined {
  if (query === undefined || tags === undefined) return undefined;
  return (item) => markTexts(item, locale, highlighter(), tags);
}

function contextItemOf(
  serving: Serving,
  scenario: string,
  rule: "required" | "optional",
  { contextItemId }: RecommendOptions,
): ItemIndex | undefined {
  if (contextItemId === undefined) {
    if (rule === "optional") return undefined;
    throw new RequestError(
      "MISSING_CONTEXT_ITEM",
      `The scenario "${scenario}" needs the item whose page is shown.`,
      "Pass its id as contextItemId.",
    );
  }
  const index = serving.catalog.indexOf(contextItemId);
  if (index === -1) {
    throw new RequestError(
      "UNKNOWN_ITEM",
      `There is no item "${contextItemId}".`,
      "Pass the id of an item of the catalogue.",
      { kind: "not-found" },
    );
  }
  return index;
}

/** The user's past; for a cart, what lies in it, as far as anything does. */
function historyOf(
  serving: Serving,
  past: readonly Act[],
  acts: readonly Act[],
  inCart: readonly string[],
): readonly HistoryEntry[] {
  const cart = new Set(inCart);
  const relevant =
    cart.size === 0
      ? past
      : acts.filter(({ itemId: id, type }) => type === "add_to_cart" && cart.has(id));
  return joinHistory(relevant, (id) => serving.catalog.indexOf(id));
}

/** A filter without the fields that are given as undefined, which would hide the scenario's own. */
function definedOf(filter: ItemFilter | undefined): ItemFilter {
  return Object.fromEntries(
    Object.entries(filter ?? {}).filter(([, value]) => value !== undefined),
  );
}

/** Contributions of the returned items, the largest first; those that gave nothing are left out. */
async function explain(
  serving: Serving,
  request: ServingRequest,
  chosen: readonly Candidate[],
  lists: readonly RetrievedList[],
): Promise<readonly (readonly Contribution[])[]> {
  const named = await withHistoryItems(serving, request, chosen, lists);
  const retrievers = new Set(lists.map(({ retriever }) => retriever));
  return named.map((contributions) => {
    // A rule that only moved an item has amount 0 and is still a reason.
    const telling = contributions.filter(
      ({ stage, amount }) => amount !== 0 || !retrievers.has(stage),
    );
    return (telling.length > 0 ? telling : [...contributions]).sort(
      (a, b) => Math.abs(b.amount) - Math.abs(a.amount),
    );
  });
}

/** Puts the past items that moved the sequence model's score in its place. */
async function withHistoryItems(
  serving: Serving,
  request: ServingRequest,
  chosen: readonly Candidate[],
  lists: readonly RetrievedList[],
): Promise<readonly (readonly Contribution[])[]> {
  const { sequence } = serving.models;
  const list = lists.find(({ retriever }) => retriever === retrieverNames.sequence);
  const proposed = new Map(list?.candidates.map(({ itemIndex, score }) => [itemIndex, score]));
  const asked = chosen.filter(({ itemIndex }) => proposed.has(itemIndex));
  if (sequence === undefined || asked.length === 0) {
    return chosen.map(({ contributions }) => contributions);
  }
  const history = modelHistory(request.history, sequence.encoder.itemCount);
  const effects = await sequence.encoder.explain(
    history,
    Int32Array.from(asked, ({ itemIndex }) => itemIndex),
  );
  const effectsOf = new Map(asked.map(({ itemIndex }, i) => [itemIndex, effects[i]!]));
  return chosen.map(({ itemIndex, contributions }) => {
    const own = effectsOf.get(itemIndex);
    if (own === undefined) return contributions;
    return nameHistoryItems(contributions, proposed.get(itemIndex)!, own, (position) => {
      const row = history.items[position];
      return row === undefined ? undefined : itemId(serving.catalog.idOf(row));
    });
  });
}
