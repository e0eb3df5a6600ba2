import type {
  ApiKey,
  Decision,
  Erasure,
  KeyScope,
  SnapshotRecord,
  UserSummary,
} from "@magpie/data";
import type {
  Contribution,
  Event,
  FacetRequest,
  FieldTest,
  Item,
  ItemFilter,
  Progress,
  Promotion,
  SearchDiversity,
  SearchSort,
  Shop,
  ShopSettings,
  UserId,
} from "@magpie/domain";
import type { RuleEffects } from "@magpie/ranking";
import type { ShopDictionaries } from "./dictionaries/shop-dictionaries.ts";
import type { RulesSource } from "./rules/compiled-rules.ts";
import type { ExplainedRules } from "./rules/explain-rules.ts";
import type { SuggestedRedirect } from "./rules/rules-while-typing.ts";
import type { RuleTags } from "./rules/ruling.ts";
import type { RulesChoice, ShopRules } from "./rules/shop-rules.ts";
import type { SearchExplanation } from "./scenarios/search/explain-search.ts";
import type { AnsweredBy } from "./scenarios/search/live-text-retriever.ts";
import type { InsteadRung } from "./scenarios/search/understood.ts";
import type {
  FacetCounts,
  FacetValue,
  Highlighted,
  HighlightTags,
  NavigationalTarget,
  QueryAnalysis,
  Suggestion,
  SuggestionRung,
} from "@magpie/retrieval";

export type { ExplainedRules, RulesSource, SearchExplanation, ShopRules };

/** Texts of a found item with the query's words marked. Markup that they hold is not escaped. */
export interface MarkedTexts {
  readonly title: Highlighted;
  readonly brand?: Highlighted;
  /** Cut to the stretch that has most of the words. */
  readonly description?: Highlighted;
}

/** One served item: the catalogue's record with why it is here. */
export interface RankedItem {
  readonly item: Item;
  /** From 1. */
  readonly position: number;
  readonly score: number;
  /** Empty unless `explain` was asked for; amounts sum to `score` within 1e-6. */
  readonly contributions: readonly Contribution[];
  /** Present where a search asked for it. */
  readonly marked?: MarkedTexts;
  /** The variant that the search means, where it is another than the featured one. */
  readonly variantId?: string;
  /** Lacks one word of the query, and comes behind those that have all (search). */
  readonly isCloseMatch?: true;
}

/** Milliseconds spent in each stage of one request, in order. */
export type StageTimings = readonly { readonly stage: string; readonly ms: number }[];

/** What merchandisers' rules did to an answer. */
export interface ServedRules extends Pick<
  RuleEffects,
  "applied" | "query" | "redirect" | "banners" | "data"
> {
  readonly source: RulesSource;
}

export interface ServedRanking {
  readonly requestId: string;
  readonly scenario: string;
  readonly snapshot: string;
  readonly pipeline: string;
  readonly items: readonly RankedItem[];
  /** Number of items that matched, where the scenario counts them (search). */
  readonly total?: number;
  /** True when no item has all words of the query, so that items with some of them were taken. */
  readonly relaxed?: boolean;
  /** In the order asked for. */
  readonly facets?: readonly FacetCounts[];
  /** How the query was understood (search). */
  readonly understood?: UnderstoodQuery;
  /** What to show where a search with words found nothing; not counted in `total`. */
  readonly instead?: InsteadRanking;
  /** Absent when no rule had a part in the answer. */
  readonly rules?: ServedRules;
  readonly timings: StageTimings;
}

/** What sells, in the category that a query is about or anywhere, for a page without results. */
export type InsteadRanking = InsteadRung & {
  /** A ranking of its own: events that follow from it carry its id. */
  readonly requestId: string;
  readonly items: readonly RankedItem[];
};

/** How a query was understood, and how far the search for it had to go. */
export interface UnderstoodQuery extends Pick<
  QueryAnalysis,
  "text" | "entities" | "priceCents" | "categories" | "corrections" | "didYouMean"
> {
  /** The one thing that it names exactly. */
  readonly navigational?: {
    readonly kind: NavigationalTarget["kind"];
    readonly value: string;
    /** Of a code or title. */
    readonly itemId?: string;
  };
  readonly answeredBy: AnsweredBy;
  /** Found items that have every word that must be there; the others lack one, and come behind. */
  readonly withAllWords: number;
}

/** What an answer is told of rules. */
export interface RuleOptions extends RuleTags {
  /** The published ones when absent. An answer by the draft is a trial: nothing is logged of it. */
  readonly rules?: RulesChoice;
}

export interface RecommendOptions extends RuleOptions {
  readonly user?: UserId;
  readonly contextItemId?: string;
  readonly limit?: number;
  readonly offset?: number;
  readonly locale?: string;
  readonly filter?: ItemFilter;
  /**
   * False: the answer is what a stranger would get, whatever is known of the user. True by default,
   * where the shop allows it.
   */
  readonly personalise?: boolean;
  readonly explain?: boolean;
  /** False when nobody is shown the answer, so that the decision log must not say so: measuring. */
  readonly isShown?: boolean;
}

export interface SearchOptions extends RecommendOptions {
  readonly query: string;
  /** Mark the query's words in the texts of the items. */
  readonly highlight?: HighlightTags;
  /** Choices in facets, one per field; a facet's own choice is left out of its counts. */
  readonly refinements?: readonly FieldTest[];
  readonly facets?: readonly FacetRequest[];
  /** By relevance when absent. */
  readonly sort?: SearchSort;
  /** Results of one kind give way to others beyond so many; off when absent, and where `sort` is given. */
  readonly diversity?: readonly SearchDiversity[];
  /** False: words are searched for as they are typed. */
  readonly correct?: boolean;
  /**
   * Whether items that lack one word come behind those with all, where fewer than a page have all:
   * never (false), for two words and more (true), or for three words and more (absent).
   */
  readonly closeMatches?: boolean;
}

/** Asks for the values of one facet that begin like a text, over what a search finds. */
export interface FacetValueOptions
  extends
    RuleOptions,
    Pick<SearchOptions, "query" | "filter" | "refinements" | "locale" | "limit"> {
  readonly field: string;
  readonly text: string;
}

/** Asks for completions of what is being typed. */
export interface SuggestRequest extends RuleTags {
  /** As far as it is typed; empty: what to offer before the first key. */
  readonly query: string;
  /** Whose own searches are offered, and whose recent categories come first; nobody's when absent. */
  readonly user?: UserId;
  /** Most of each kind. */
  readonly limit?: number;
  readonly locale?: string;
}

/** What is offered while a shopper types, by kind; best first. */
export interface ServedSuggestions {
  /** The shopper's own searches that begin as typed, newest first. */
  readonly recent: readonly string[];
  /** Queries that enough people searched for, and phrases of the catalogue. */
  readonly queries: readonly Suggestion[];
  readonly products: readonly Item[];
  readonly categories: readonly { readonly path: string; readonly label: string }[];
  readonly brands: readonly string[];
  /** Pages that merchandisers' rules lead to from words that begin as typed. */
  readonly redirects: readonly SuggestedRedirect[];
  /** How far one had to go for queries. */
  readonly rung: SuggestionRung;
  readonly timings: StageTimings;
}

export type ItemOutcome<T extends string> =
  | { readonly ok: true; readonly id: string; readonly status: T }
  | {
      readonly ok: false;
      readonly code: string;
      readonly field: string;
      readonly message: string;
      readonly hint: string;
    };

export interface TrainOptions {
  readonly seed?: number;
  /** Processes that train the sequence model together (default 1): at most one for each core. */
  readonly workers?: number;
  /**
   * Serve the sequence model in 8 bits (default false). The training fails with `INT8_LOSES_TOO_MUCH` when that
   * costs more than 1 % of its NDCG@10 on validation (5 % where the cases are too few to be sure).
   */
  readonly int8?: boolean;
  /**
   * Learn by counting alone (default false): popularity and item-kNN, in the seconds that the catalogue's
   * index takes. For a first page while the training that learns more goes on.
   */
  readonly quick?: boolean;
  /** Stop training after about this long; what is best by then is published. */
  readonly budgetSeconds?: number;
  /** Publish the snapshot when it is ready (default true). */
  readonly activate?: boolean;
  /**
   * Make only what follows from the catalogue and the settings anew, and keep models and all else that
   * was learned from people (default false): takes as long as indexing.
   */
  readonly catalogOnly?: boolean;
}

export type TaskStatus = "queued" | "running" | "succeeded" | "failed" | "cancelled";

export interface Task {
  readonly id: string;
  readonly kind: "train" | "import" | "export";
  readonly status: TaskStatus;
  readonly createdMs: number;
  readonly finishedMs?: number;
  readonly progress?: Progress;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

export interface Health {
  /** "degraded": answers come, but from less than there should be; `notes` say why. */
  readonly status: "ok" | "degraded";
  readonly notes: readonly string[];
  readonly snapshot?: string;
  readonly items: number;
  readonly events: number;
  readonly uptimeSeconds: number;
  readonly rssBytes: number;
}

/** Settings, and whether they are those that searches go by. */
export interface ServedSettings {
  readonly settings: ShopSettings;
  /** True when the snapshot that is served was made by others. */
  readonly needsTraining: boolean;
}

/** All that the server and the command line ask of a shop. One engine owns one data folder. */
export interface Engine {
  /** Merchandisers' rules, which searches and recommendations follow. */
  readonly rules: ShopRules;
  /** What the shop taught its search: synonyms, and words per stage of understanding. */
  readonly dictionaries: ShopDictionaries;
  /** How the shop's fields are searched, and by which encoder. */
  settings(): ServedSettings;
  /**
   * Takes settings in place of all those before. Facets and `personalise` follow at once; the rest counts from the next
   * training on, which reads and encodes all items anew.
   *
   * @throws {RequestError} `INVALID_SETTINGS`
   */
  changeSettings(settings: unknown): Promise<ServedSettings>;
  /** `scenario`: "home-feed", "similar-items", "popular", "cart". Unknown: RequestError UNKNOWN_SCENARIO. */
  recommend(scenario: string, options: RecommendOptions): Promise<ServedRanking>;
  /** `UNKNOWN_FIELD`, `NOT_A_NUMBER_FIELD` for conditions, facets and orders that cannot be. */
  search(options: SearchOptions): Promise<ServedRanking>;
  /** Why items stand where they stand in a search; at most 10 of them. Nothing is logged. */
  explainSearch(
    options: SearchOptions & { readonly itemIds: readonly string[] },
  ): Promise<SearchExplanation>;
  searchFacet(options: FacetValueOptions): Promise<readonly FacetValue[]>;
  /** Completes what is being typed. Nothing is logged: one who types means one search, not ten. */
  suggest(request: SuggestRequest): Promise<ServedSuggestions>;
  scenarios(): readonly string[];

  /** Validates, gates (consent, pseudonyms), stores durably and updates live state; one outcome per input. */
  ingest(
    events: readonly unknown[],
    nowMs: number,
  ): Promise<ItemOutcome<"stored" | "duplicate" | "dropped">[]>;

  item(id: string): Promise<Item | undefined>;
  upsertItems(items: readonly unknown[]): Promise<ItemOutcome<"stored">[]>;
  deleteItems(ids: readonly string[]): Promise<ItemOutcome<"deleted">[]>;
  /** Category paths with the number of items in each, for menus and filters. */
  categories(
    locale: string,
  ): Promise<readonly { readonly path: string; readonly label: string; readonly count: number }[]>;
  shops(): Promise<readonly Shop[]>;
  promotions(nowMs: number): Promise<readonly Promotion[]>;

  users(limit: number): Promise<readonly UserSummary[]>;
  userEvents(user: UserId, limit: number): Promise<readonly Event[]>;
  exportUser(
    user: UserId,
  ): AsyncIterable<{ readonly kind: "event" | "decision"; readonly value: Event | Decision }>;
  /** Durable on return. `note` says what erasure means for the models trained so far. */
  eraseUser(user: UserId): Promise<Erasure & { readonly note: string }>;

  snapshots(): Promise<readonly SnapshotRecord[]>;
  activateSnapshot(version: string): Promise<void>;
  /** Activates the snapshot that was active before this one. */
  rollBack(): Promise<SnapshotRecord>;

  train(options: TrainOptions): Task;
  tasks(): readonly Task[];
  task(id: string): Task | undefined;
  cancelTask(id: string): boolean;
  /** Calls `listener` with the present state and on every change until the returned function is called. */
  watchTask(id: string, listener: (task: Task) => void): () => void;

  verifyKey(secret: string): Promise<ApiKey | undefined>;
  createKey(
    name: string,
    scopes: readonly KeyScope[],
    /** The key is refused from this moment on; absent: never. */
    expiresMs?: number,
  ): Promise<ApiKey & { readonly secret: string }>;
  listKeys(): Promise<readonly ApiKey[]>;
  revokeKey(id: string): Promise<boolean>;

  health(): Promise<Health>;
  close(): Promise<void>;
}
