import type {
  CategoriesResponse,
  CreatedKey,
  CreateKeyRequest,
  DecidedSynonym,
  DeletedItem,
  DeletedSynonym,
  Dictionary,
  DictionaryStage,
  ErasureResponse,
  EventsRequest,
  EventsResponse,
  ExplainSearchRequest,
  ExportLine,
  FullRuleVersion,
  HealthResponse,
  ItemsResponse,
  KeysResponse,
  MultiSearchRequest,
  MultiSearchResponse,
  PromotionsResponse,
  FacetValuesRequest,
  FacetValuesResponse,
  PublishRulesRequest,
  RankingResponse,
  RecommendRequest,
  RevokedKey,
  RollBackRulesRequest,
  Rule,
  RuleConflicts,
  RulesChange,
  RulesDraft,
  RulesRequest,
  RuleVersion,
  RuleVersionsResponse,
  ScenariosResponse,
  SearchExplanation,
  SearchRequest,
  SettingsResponse,
  ShopSettings,
  ShopsResponse,
  SuggestRequest,
  Suggestions,
  SimilarRequest,
  Snapshot,
  SnapshotsResponse,
  Synonym,
  SynonymCandidatesResponse,
  SynonymDecision,
  SynonymsResponse,
  TaskRecord,
  TasksResponse,
  TrainRequest,
  UpsertRequest,
  UpsertResponse,
  UserEventsResponse,
  UsersResponse,
} from "@magpie/contract";
import { EventQueue, type EventQueueOptions, type TrackedEvent } from "./events.ts";
import { send, sendForJson, type Call, type Transport } from "./http.ts";
import { readLines, readServerEvents } from "./streams.ts";

/** How a client is set up. */
export interface ClientOptions extends EventQueueOptions {
  /** "https://search.shop.example"; without a path. */
  readonly baseUrl: string;
  /** In a web page only a key with the scopes `events` and `read`. */
  readonly apiKey?: string;
  /** Repetitions after 429, 5xx and silence, where they are harmless. Default 3. */
  readonly retries?: number;
  /** For each attempt, until the answer begins. Default 10,000. */
  readonly timeoutMs?: number;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
}

/** What every call takes. */
export interface CallOptions {
  /** Stops waiting and repeating; the call rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** What a change of the merchandisers' rules takes. */
export interface RuleChangeOptions extends CallOptions {
  /** Only when the draft is at this revision still; else it rejects with `RULES_CHANGED`. */
  readonly ifRevision?: number;
}

/** A product record. */
type Item = ItemsResponse["items"][number];

/** The API as functions. Every call rejects with `MagpieClientError`. */
export type Client = ReturnType<typeof createClient>;

/** Makes a client for a browser page or for Node. */
export function createClient(options: ClientOptions) {
  const transport: Transport = {
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    apiKey: options.apiKey,
    retries: options.retries ?? 3,
    timeoutMs: options.timeoutMs ?? 10_000,
    fetch: options.fetch ?? ((...call) => fetch(...call)), // a bare reference fails in browsers
  };
  const queue = new EventQueue(transport, options);
  const get = <T>(path: string, query?: object, { signal }: CallOptions = {}) =>
    sendForJson<T>(transport, { path, query, signal });
  const post = <T>(
    path: string,
    body: unknown,
    { signal }: CallOptions = {},
    rest: Partial<Call> = {},
  ) => sendForJson<T>(transport, { method: "POST", path, body, signal, ...rest });
  const remove = <T>(path: string, { signal }: CallOptions = {}) =>
    sendForJson<T>(transport, { method: "DELETE", path, signal });
  /** Not repeated by itself: after a change that went through unseen, the draft is another one. */
  const changeRules = <T>(
    method: "POST" | "PUT" | "DELETE",
    path: string,
    body: unknown,
    { signal, ...query }: RuleChangeOptions = {},
  ) =>
    sendForJson<T>(transport, {
      method,
      path: `/v1/rules/${path}`,
      body,
      query,
      signal,
      mayRepeat: false,
    });
  const part = encodeURIComponent;

  return {
    /**
     * Records an event: at once for the caller, in a batch for the network, by a beacon when the page
     * goes away first.
     */
    track: (event: TrackedEvent): void => queue.add(event),

    /**
     * Resolves when all tracked events are stored, or cannot be for now, at the latest after
     * `maxWaitMs` (default 3,000); never rejects.
     */
    flush: (maxWaitMs?: number): Promise<void> => queue.flush(maxWaitMs),

    /** Sends events now and tells what became of each. Give them `eventId`s: a retry then counts once. */
    sendEvents: (events: EventsRequest["events"], options?: CallOptions) =>
      post<EventsResponse>("/v1/events", { events }, options, {
        mayRepeat: events.every(({ eventId }) => eventId !== undefined),
      }),

    /** Items for a page slot. */
    recommend: (scenario: string, request: RecommendRequest = {}, options?: CallOptions) =>
      post<RankingResponse>(`/v1/recommend/${part(scenario)}`, request, options),

    /** Items like one item. */
    similar: (request: SimilarRequest, options?: CallOptions) =>
      post<RankingResponse>("/v1/similar", request, options),

    /** Items for what was typed. */
    search: (request: SearchRequest, options?: CallOptions) =>
      post<RankingResponse>("/v1/search", request, options),

    /** Several searches in one round trip, answered in their order; at most 20. */
    multiSearch: (searches: MultiSearchRequest["searches"], options?: CallOptions) =>
      post<MultiSearchResponse>("/v1/multi-search", { searches }, options),

    /** Why items stand where they stand in a search. */
    explainSearch: (request: ExplainSearchRequest, options?: CallOptions) =>
      post<SearchExplanation>("/v1/search/explain", request, options),

    /** Completes what is being typed: queries, products, categories, brands, one's own searches. */
    suggest: (request: SuggestRequest, options?: CallOptions) =>
      post<Suggestions>("/v1/suggest", request, options),

    /** Values of a facet that begin like a text, over what a query finds. */
    searchFacet: (field: string, request: FacetValuesRequest, options?: CallOptions) =>
      post<FacetValuesResponse>(`/v1/facets/${part(field)}`, request, options),

    /** The merchandisers' rules that are being worked on. */
    rulesDraft: (options?: CallOptions) => get<RulesDraft>("/v1/rules/draft", {}, options),

    /** The draft becomes these rules, in this order. */
    saveRules: (rules: RulesRequest["rules"], options?: RuleChangeOptions) =>
      changeRules<RulesChange>("PUT", "draft", { rules }, options),

    rule: (id: string, options?: CallOptions) =>
      get<Rule>(`/v1/rules/draft/${part(id)}`, {}, options),

    /** Puts a rule into the draft: at its place when there is one of its id, else behind the others. */
    putRule: (rule: Rule, options?: RuleChangeOptions) =>
      changeRules<RulesChange>("PUT", `draft/${part(rule.id)}`, rule, options),

    deleteRule: (id: string, options?: RuleChangeOptions) =>
      changeRules<RulesChange>("DELETE", `draft/${part(id)}`, undefined, options),

    /** What in the draft, or in these rules, cannot all come true. */
    checkRules: (rules?: RulesRequest["rules"], options?: CallOptions) =>
      post<RuleConflicts>("/v1/rules/check", rules === undefined ? {} : { rules }, options),

    /** Brings the draft into force. */
    publishRules: (request: PublishRulesRequest = {}, options?: RuleChangeOptions) =>
      changeRules<RuleVersion>("POST", "publish", request, options),

    /** Brings the rules of a former version back, as a new one. */
    rollBackRules: (request: RollBackRulesRequest, options?: RuleChangeOptions) =>
      changeRules<RuleVersion>("POST", "rollback", request, options),

    /** Every publication, newest first; the first is in force. */
    ruleVersions: (options?: CallOptions) =>
      get<RuleVersionsResponse>("/v1/rules/versions", {}, options),

    ruleVersion: (version: number, options?: CallOptions) =>
      get<FullRuleVersion>(`/v1/rules/versions/${version}`, {}, options),

    synonyms: (options?: CallOptions) => get<SynonymsResponse>("/v1/synonyms", {}, options),

    /** A new synonym, or in place of the one of its id; the next search goes by it. */
    putSynonym: ({ id, ...synonym }: Synonym, { signal }: CallOptions = {}) =>
      sendForJson<Synonym>(transport, {
        method: "PUT",
        path: `/v1/synonyms/${part(id)}`,
        body: synonym,
        signal,
      }),

    deleteSynonym: (id: string, options?: CallOptions) =>
      remove<DeletedSynonym>(`/v1/synonyms/${part(id)}`, options),

    /** Mined synonyms that nobody has decided about. */
    synonymCandidates: (options?: CallOptions) =>
      get<SynonymCandidatesResponse>("/v1/synonyms/candidates", {}, options),

    /** Takes a mined synonym, or never offers it again. */
    decideSynonym: (decision: SynonymDecision, options?: CallOptions) =>
      post<DecidedSynonym>("/v1/synonyms/candidates", decision, options, { mayRepeat: false }),

    /** Words that the shop taught one stage of understanding. */
    dictionary: (stage: DictionaryStage, options?: CallOptions) =>
      get<Dictionary>(`/v1/dictionaries/${stage}`, {}, options),

    /** In place of all entries before. */
    saveDictionary: (
      stage: DictionaryStage,
      entries: Dictionary["entries"],
      { signal }: CallOptions = {},
    ) =>
      sendForJson<Dictionary>(transport, {
        method: "PUT",
        path: `/v1/dictionaries/${stage}`,
        body: { entries },
        signal,
      }),

    /** How the shop's fields are searched. */
    settings: (options?: CallOptions) => get<SettingsResponse>("/v1/settings", {}, options),

    /** Takes the place of all settings before. */
    changeSettings: (settings: ShopSettings, { signal }: CallOptions = {}) =>
      sendForJson<SettingsResponse>(transport, {
        method: "PUT",
        path: "/v1/settings",
        body: settings,
        signal,
      }),

    scenarios: (options?: CallOptions) => get<ScenariosResponse>("/v1/scenarios", {}, options),

    item: (id: string, options?: CallOptions) => get<Item>(`/v1/items/${part(id)}`, {}, options),

    /** At most 100. */
    items: (ids: readonly string[], options?: CallOptions) =>
      get<ItemsResponse>("/v1/items", { ids }, options),

    /** Inserts or replaces at most 1,000 items. */
    upsertItems: (items: UpsertRequest["items"], options?: CallOptions) =>
      post<UpsertResponse>("/v1/items", { items }, options),

    deleteItem: (id: string, options?: CallOptions) =>
      remove<DeletedItem>(`/v1/items/${part(id)}`, options),

    categories: (query: { locale?: string } = {}, options?: CallOptions) =>
      get<CategoriesResponse>("/v1/categories", query, options),

    shops: (options?: CallOptions) => get<ShopsResponse>("/v1/shops", {}, options),

    /** Those that hold now. */
    promotions: (options?: CallOptions) => get<PromotionsResponse>("/v1/promotions", {}, options),

    /** Users with the most events. */
    users: (query: { limit?: number } = {}, options?: CallOptions) =>
      get<UsersResponse>("/v1/users", query, options),

    /** A user's newest events, newest first. */
    userEvents: (userId: string, query: { limit?: number } = {}, options?: CallOptions) =>
      get<UserEventsResponse>(`/v1/users/${part(userId)}/events`, query, options),

    /** All that is recorded of a user, as it arrives. */
    async *exportUser(userId: string, { signal }: CallOptions = {}): AsyncGenerator<ExportLine> {
      const path = `/v1/users/${part(userId)}/export`;
      const response = await send(transport, { path, signal });
      for await (const line of readLines(response)) yield JSON.parse(line) as ExportLine;
    },

    /** Deletes every trace of a user; there is no way back. */
    eraseUser: (userId: string, options?: CallOptions) =>
      remove<ErasureResponse>(`/v1/users/${part(userId)}`, options),

    snapshots: (options?: CallOptions) => get<SnapshotsResponse>("/v1/snapshots", {}, options),

    activateSnapshot: (version: string, options?: CallOptions) =>
      post<Snapshot>(`/v1/snapshots/${part(version)}/activate`, undefined, options),

    /** Serves the snapshot that was active before. Not repeated by itself: twice would go two back. */
    rollBack: (options?: CallOptions) =>
      post<Snapshot>("/v1/snapshots/rollback", undefined, options, { mayRepeat: false }),

    /** Starts a training run and gives its task. Not repeated by itself. */
    train: (request: TrainRequest = {}, options?: CallOptions) =>
      post<TaskRecord>("/v1/train", request, options, { mayRepeat: false }),

    tasks: (options?: CallOptions) => get<TasksResponse>("/v1/tasks", {}, options),

    task: (id: string, options?: CallOptions) =>
      get<TaskRecord>(`/v1/tasks/${part(id)}`, {}, options),

    cancelTask: (id: string, options?: CallOptions) =>
      remove<TaskRecord>(`/v1/tasks/${part(id)}`, options),

    /** The task's states as they change, ending with the last; reconnects when the line breaks. */
    watchTask: (id: string, { signal }: CallOptions = {}): AsyncGenerator<TaskRecord> =>
      readServerEvents<TaskRecord>(transport, {
        path: `/v1/tasks/${part(id)}/events`,
        signal,
      }),

    keys: (options?: CallOptions) => get<KeysResponse>("/v1/keys", {}, options),

    /** The only answer that ever holds a secret. Not repeated by itself. */
    createKey: (request: CreateKeyRequest, options?: CallOptions) =>
      post<CreatedKey>("/v1/keys", request, options, { mayRepeat: false }),

    revokeKey: (id: string, options?: CallOptions) =>
      remove<RevokedKey>(`/v1/keys/${part(id)}`, options),

    health: (options?: CallOptions) => get<HealthResponse>("/v1/health", {}, options),
  };
}
