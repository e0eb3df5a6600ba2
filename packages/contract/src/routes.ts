import { itemSchema, ruleSchema, shopSettingsSchema, synonymSchema } from "@magpie/domain";
import { Type, type TSchema } from "typebox";
import * as catalog from "./catalog.ts";
import * as events from "./events.ts";
import * as facets from "./facets.ts";
import * as examples from "./examples.ts";
import * as operations from "./operations.ts";
import type { ErrorCode } from "./problem.ts";
import * as ranking from "./ranking.ts";
import type { KeyScope } from "./scopes.ts";
import * as explanation from "./search-explanation.ts";
import * as dictionaries from "./dictionaries.ts";
import * as rules from "./rules.ts";
import * as settings from "./settings.ts";
import * as suggestions from "./suggestions.ts";
import * as users from "./users.ts";

/** One form in which an answer is given. */
export interface RouteAnswer {
  readonly description: string;
  /** JSON when absent. */
  readonly contentType?: string;
  /** Absent: no body. For line formats, the schema of a line. */
  readonly schema?: TSchema;
  readonly example?: unknown;
}

/** One operation of the API: what the server registers, the documentation shows, the client calls. */
export interface Route {
  /** Stable; names the operation in documents and generated clients. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With `:name` parameters. */
  readonly path: string;
  readonly tag:
    | "Events"
    | "Serving"
    | "Rules"
    | "Dictionaries"
    | "Catalogue"
    | "Users"
    | "Snapshots and tasks"
    | "Operations";
  readonly summary: string;
  readonly description?: string;
  /** What a key must allow; `null`: no key is needed. */
  readonly scope: KeyScope | null;
  /** Where the key comes: as `Authorization: Bearer`, or as Algolia's clients send it. */
  readonly keyStyle?: "bearer" | "algolia";
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  /** The documented body. */
  readonly body?: TSchema;
  /** Checked in place of `body` where the parts of a batch are checked one by one. */
  readonly envelope?: TSchema;
  readonly bodyOptional?: boolean;
  /** Content types beside application/json, with what they hold. */
  readonly otherBodies?: Readonly<Record<string, string>>;
  readonly bodyExample?: unknown;
  readonly answers: Readonly<Record<number, RouteAnswer>>;
  /** Codes beside those that any operation may give. */
  readonly errors?: readonly ErrorCode[];
}

/** All operations, in the order in which the documentation shows them. */
export const routes = {
  postEvents: {
    id: "postEvents",
    method: "POST",
    path: "/v1/events",
    tag: "Events",
    summary: "Record behaviour events",
    description:
      "Up to 1,000 events or 2 MB. The answer has one result per event: a wrong one does not take the others with it. Events are on disk when the answer comes, and count in the next recommendation. Repeat a request freely: an `eventId` counts once. As `text/plain` with `?key=` the same JSON may come from `navigator.sendBeacon`.",
    scope: "events",
    querystring: events.eventsParametersSchema,
    body: events.eventsRequestSchema,
    envelope: events.eventsEnvelopeSchema,
    otherBodies: { "text/plain": "The same JSON, from navigator.sendBeacon" },
    bodyExample: examples.eventsRequest,
    answers: {
      202: {
        description: "At least one event was accepted",
        schema: events.eventsResponseSchema,
        example: examples.eventsResponse,
      },
    },
    errors: ["EVENTS_REFUSED"],
  },
  recommend: {
    id: "recommend",
    method: "POST",
    path: "/v1/recommend/:scenario",
    tag: "Serving",
    summary: "Recommend items for a page slot",
    description:
      "Scenarios: `home-feed`, `similar-items`, `popular`, `cart`. A user or visitor without history is answered as a stranger.",
    scope: "read",
    params: Type.Object(
      {
        scenario: Type.String({
          minLength: 1,
          maxLength: 512,
          description: "One of GET /v1/scenarios",
          examples: ["home-feed"],
        }),
      },
      { additionalProperties: false },
    ),
    body: ranking.recommendRequestSchema,
    bodyOptional: true,
    bodyExample: examples.recommendRequest,
    answers: {
      200: {
        description: "Items, best first",
        schema: ranking.rankingResponseSchema,
        example: examples.rankingResponse,
      },
    },
    errors: [
      "UNKNOWN_SCENARIO",
      "UNKNOWN_ITEM",
      "MISSING_CONTEXT_ITEM",
      "INVALID_LIMIT",
      "INVALID_OFFSET",
      "NO_SNAPSHOT",
    ],
  },
  scenarios: {
    id: "scenarios",
    method: "GET",
    path: "/v1/scenarios",
    tag: "Serving",
    summary: "List the scenarios",
    scope: "read",
    answers: {
      200: {
        description: "Names that POST /v1/recommend/{scenario} takes",
        schema: ranking.scenariosResponseSchema,
        example: { scenarios: ["home-feed", "similar-items", "popular", "cart"] },
      },
    },
  },
  similar: {
    id: "similar",
    method: "GET",
    path: "/v1/similar/:itemId",
    tag: "Serving",
    summary: "Items like one item",
    scope: "read",
    params: catalog.itemPathSchema,
    querystring: ranking.similarParametersSchema,
    answers: {
      200: {
        description: "Items, best first",
        schema: ranking.rankingResponseSchema,
        example: { ...examples.rankingResponse, scenario: "similar-items" },
      },
    },
    errors: ["UNKNOWN_ITEM", "NO_SNAPSHOT"],
  },
  postSimilar: {
    id: "postSimilar",
    method: "POST",
    path: "/v1/similar",
    tag: "Serving",
    summary: "Items like one item, with all options",
    scope: "read",
    body: ranking.similarRequestSchema,
    bodyExample: { itemId: "mug-01", limit: 5, filter: { availableOnly: true } },
    answers: {
      200: {
        description: "Items, best first",
        schema: ranking.rankingResponseSchema,
        example: { ...examples.rankingResponse, scenario: "similar-items" },
      },
    },
    errors: ["UNKNOWN_ITEM", "NO_SNAPSHOT"],
  },
  search: {
    id: "search",
    method: "GET",
    path: "/v1/search",
    tag: "Serving",
    summary: "Search the catalogue",
    scope: "read",
    querystring: ranking.searchParametersSchema,
    answers: {
      200: {
        description: "Items, best first, and how many match",
        schema: ranking.rankingResponseSchema,
        example: { ...examples.rankingResponse, scenario: "search", total: 1 },
      },
    },
    errors: ["NO_SNAPSHOT"],
  },
  postSearch: {
    id: "postSearch",
    method: "POST",
    path: "/v1/search",
    tag: "Serving",
    summary: "Search the catalogue, with all options",
    scope: "read",
    body: ranking.searchRequestSchema,
    description:
      "Choices in facets go into `refinements`, so that the other values of the same facet keep their counts; conditions that nobody chose go into `filter`. An empty query lists everything that passes. What a query says about the price (under 50, 100元以下) is applied as a choice, words that no item has are corrected, and the answer says so.",
    bodyExample: {
      query: "blue mug",
      userId: "u-17",
      limit: 20,
      refinements: [
        { field: "brand", anyOf: ["Clayworks"] },
        { field: "price", max: 5_000 },
      ],
      facets: [{ field: "brand" }, { field: "price", bounds: [1_000, 2_500] }],
    },
    answers: {
      200: {
        description: "Items, best first, and how many match",
        schema: ranking.rankingResponseSchema,
        example: {
          ...examples.rankingResponse,
          scenario: "search",
          total: 1,
          corrections: [{ from: "bleu", to: "blue", reason: "typing-error" }],
          understood: {
            text: "blue mug",
            answeredBy: "all",
            withAllWords: 1,
            entities: [{ text: "mug", kind: "category", value: "Home > Mugs", items: 12 }],
            categories: [{ category: "Home > Mugs", probability: 0.92 }],
          },
        },
      },
    },
    errors: ["UNKNOWN_FIELD", "NOT_A_NUMBER_FIELD", "NOT_A_FACET", "NO_SNAPSHOT"],
  },
  explainSearch: {
    id: "explainSearch",
    method: "POST",
    path: "/v1/search/explain",
    tag: "Serving",
    summary: "Why items stand where they stand in a search",
    description:
      "How the query was read, and for each item asked about its place, what each word in each field and each stage gave to its score, which words it lacks, or which condition took it out. Of the first two items, what sets them apart. A key with the scope `rules` is told which rules applied, and what kept the others. Nothing is logged.",
    scope: "read",
    body: explanation.explainSearchRequestSchema,
    bodyExample: { query: "blue mug", itemIds: ["mug-01", "mug-02"] },
    answers: {
      200: {
        description: "The explanation",
        schema: explanation.searchExplanationSchema,
        example: examples.searchExplanation,
      },
    },
    errors: ["UNKNOWN_FIELD", "NOT_A_NUMBER_FIELD", "NOT_A_FACET", "NO_SNAPSHOT"],
  },
  suggest: {
    id: "suggest",
    method: "POST",
    path: "/v1/suggest",
    tag: "Serving",
    summary: "Complete what is being typed",
    description:
      "Queries, products, categories and brands that begin so, or have a word that does: past typing errors, and in Chinese by characters and by pinyin, whole, initials or mixed. A query is offered to others when at least three people searched for it; one's own searches only to oneself. Nothing is logged: send a `search` event for what was searched in the end.",
    scope: "read",
    body: suggestions.suggestRequestSchema,
    bodyExample: { query: "blu", userId: "u-17", limit: 5, locale: "en" },
    answers: {
      200: {
        description: "Best first, by kind",
        schema: suggestions.suggestionsSchema,
        example: examples.suggestions,
      },
    },
    errors: ["NO_SNAPSHOT"],
  },
  searchFacet: {
    id: "searchFacet",
    method: "POST",
    path: "/v1/facets/:field",
    tag: "Serving",
    summary: "Search in the values of a facet",
    description:
      "Values that begin with a text, or have a word that does, with their counts over what the query finds; the facet's own choice is left out.",
    scope: "read",
    params: facets.facetPathSchema,
    body: ranking.facetValuesRequestSchema,
    bodyExample: { text: "cla", query: "mug" },
    answers: {
      200: {
        description: "Most frequent first",
        schema: facets.facetValuesResponseSchema,
        example: { field: "brand", values: [{ value: "Clayworks", count: 4 }] },
      },
    },
    errors: ["UNKNOWN_FIELD", "NOT_A_FACET", "NO_SNAPSHOT"],
  },
  multiSearch: {
    id: "multiSearch",
    method: "POST",
    path: "/v1/multi-search",
    tag: "Serving",
    summary: "Several searches in one call",
    description:
      "Up to 20 searches, answered side by side in one round trip: the lists of an autocomplete, or one query in several categories. One that is wrong refuses the call, and the problem names its place (`searches[2].limit`).",
    scope: "read",
    body: ranking.multiSearchRequestSchema,
    bodyExample: {
      searches: [
        { query: "blue mug", limit: 5 },
        { query: "blue mug", limit: 5, filter: { categories: ["Home > Kitchen"] } },
      ],
    },
    answers: {
      200: {
        description: "One answer per search, in the order asked",
        schema: ranking.multiSearchResponseSchema,
        example: { results: [{ ...examples.rankingResponse, scenario: "search", total: 1 }] },
      },
    },
    errors: ["UNKNOWN_FIELD", "NOT_A_NUMBER_FIELD", "NOT_A_FACET", "NO_SNAPSHOT"],
  },
  rulesDraft: {
    id: "rulesDraft",
    method: "GET",
    path: "/v1/rules/draft",
    tag: "Rules",
    summary: "Read the draft",
    description:
      "The merchandisers' rules that are being worked on. To see what they do, ask any search or recommendation with `rules: \"draft\"`. The ETag is the draft's revision.",
    scope: "rules",
    answers: {
      200: {
        description: "The rules in order",
        schema: rules.rulesDraftSchema,
        example: { revision: 12, author: "k-1", rules: [examples.rule] },
      },
    },
  },
  saveRules: {
    id: "saveRules",
    method: "PUT",
    path: "/v1/rules/draft",
    tag: "Rules",
    summary: "Replace the draft",
    description:
      "All rules in their order; nothing that searches see changes before they are published. One that is wrong refuses them all, and `errors` names each place. Up to 10,000 rules, 16 MB.",
    scope: "rules",
    querystring: rules.ruleChangeParametersSchema,
    body: rules.rulesRequestSchema,
    envelope: rules.rulesEnvelopeSchema,
    bodyExample: { rules: [examples.rule] },
    answers: {
      200: {
        description: "The draft is saved",
        schema: rules.rulesChangeSchema,
        example: examples.rulesChange,
      },
    },
    errors: ["INVALID_RULES", "RULES_CHANGED"],
  },
  getRule: {
    id: "getRule",
    method: "GET",
    path: "/v1/rules/draft/:ruleId",
    tag: "Rules",
    summary: "Read one rule of the draft",
    scope: "rules",
    params: rules.rulePathSchema,
    answers: {
      200: { description: "The rule", schema: ruleSchema, example: examples.rule },
    },
    errors: ["UNKNOWN_RULE"],
  },
  putRule: {
    id: "putRule",
    method: "PUT",
    path: "/v1/rules/draft/:ruleId",
    tag: "Rules",
    summary: "Put one rule into the draft",
    description: "At its place when the draft has one of this id, else behind the others.",
    scope: "rules",
    params: rules.rulePathSchema,
    querystring: rules.ruleChangeParametersSchema,
    body: ruleSchema,
    envelope: Type.Record(Type.String(), Type.Unknown()),
    bodyExample: examples.rule,
    answers: {
      200: {
        description: "Replaced",
        schema: rules.rulesChangeSchema,
        example: examples.rulesChange,
      },
      201: { description: "New", schema: rules.rulesChangeSchema, example: examples.rulesChange },
    },
    errors: ["INVALID_RULES", "RULES_CHANGED"],
  },
  deleteRule: {
    id: "deleteRule",
    method: "DELETE",
    path: "/v1/rules/draft/:ruleId",
    tag: "Rules",
    summary: "Take one rule out of the draft",
    scope: "rules",
    params: rules.rulePathSchema,
    querystring: rules.ruleChangeParametersSchema,
    answers: {
      200: {
        description: "The draft is without it",
        schema: rules.rulesChangeSchema,
        example: examples.rulesChange,
      },
    },
    errors: ["UNKNOWN_RULE", "RULES_CHANGED"],
  },
  checkRules: {
    id: "checkRules",
    method: "POST",
    path: "/v1/rules/check",
    tag: "Rules",
    summary: "Look for conflicts",
    description:
      "What in the draft, or in the rules of the body, cannot all come true: one place for two items, an item pinned and hidden, redirects that go round, items and fields that the catalogue does not have. Nothing is changed.",
    scope: "rules",
    body: rules.checkRulesRequestSchema,
    envelope: rules.checkRulesEnvelopeSchema,
    bodyOptional: true,
    answers: {
      200: {
        description: "Conflicts; none is good",
        schema: rules.ruleConflictsSchema,
        example: {
          conflicts: [
            {
              kind: "unknown-item",
              ruleIds: ["spring-mugs"],
              message: '"Mugs of spring" names "mug-99".',
            },
          ],
        },
      },
    },
    errors: ["INVALID_RULES"],
  },
  publishRules: {
    id: "publishRules",
    method: "POST",
    path: "/v1/rules/publish",
    tag: "Rules",
    summary: "Bring the draft into force",
    description:
      "Every answer from the next request on follows the draft's rules, and none follows half of them.",
    scope: "rules",
    querystring: rules.ruleChangeParametersSchema,
    body: rules.publishRulesRequestSchema,
    bodyOptional: true,
    bodyExample: { note: "Mugs for spring" },
    answers: {
      201: {
        description: "The version that is in force now",
        schema: rules.ruleVersionSchema,
        example: examples.ruleVersion,
      },
    },
    errors: ["RULES_CHANGED"],
  },
  rollBackRules: {
    id: "rollBackRules",
    method: "POST",
    path: "/v1/rules/rollback",
    tag: "Rules",
    summary: "Bring the rules of a former version back",
    description: "They come into force as a new version, and the draft holds them from now on.",
    scope: "rules",
    querystring: rules.ruleChangeParametersSchema,
    body: rules.rollBackRulesRequestSchema,
    bodyExample: { version: 3 },
    answers: {
      201: {
        description: "The version that is in force now",
        schema: rules.ruleVersionSchema,
        example: { ...examples.ruleVersion, version: 5, restores: 3 },
      },
    },
    errors: ["UNKNOWN_RULES_VERSION", "RULES_CHANGED"],
  },
  ruleVersions: {
    id: "ruleVersions",
    method: "GET",
    path: "/v1/rules/versions",
    tag: "Rules",
    summary: "List the publications",
    scope: "rules",
    answers: {
      200: {
        description: "Newest first",
        schema: rules.ruleVersionsResponseSchema,
        example: { versions: [examples.ruleVersion] },
      },
    },
  },
  ruleVersion: {
    id: "ruleVersion",
    method: "GET",
    path: "/v1/rules/versions/:version",
    tag: "Rules",
    summary: "Read a publication",
    scope: "rules",
    params: rules.ruleVersionPathSchema,
    answers: {
      200: {
        description: "The publication with its rules",
        schema: rules.fullRuleVersionSchema,
        example: { ...examples.ruleVersion, rules: [examples.rule] },
      },
    },
    errors: ["UNKNOWN_RULES_VERSION"],
  },
  synonyms: {
    id: "synonyms",
    method: "GET",
    path: "/v1/synonyms",
    tag: "Dictionaries",
    summary: "List the synonyms",
    scope: "rules",
    answers: {
      200: {
        description: "In the order in which they were put",
        schema: dictionaries.synonymsResponseSchema,
        example: { synonyms: [examples.synonym] },
      },
    },
  },
  putSynonym: {
    id: "putSynonym",
    method: "PUT",
    path: "/v1/synonyms/:synonymId",
    tag: "Dictionaries",
    summary: "Put a synonym",
    description:
      "In place of the one of this id, or a new one. Two-way when only `from` is given, one-way with `to`. The next search goes by it.",
    scope: "rules",
    params: dictionaries.synonymPathSchema,
    body: dictionaries.putSynonymRequestSchema,
    bodyExample: { from: ["sneakers", "trainers"] },
    answers: {
      200: {
        description: "Replaced",
        schema: synonymSchema,
        example: examples.synonym,
      },
      201: { description: "New", schema: synonymSchema, example: examples.synonym },
    },
    errors: ["INVALID_DICTIONARY"],
  },
  deleteSynonym: {
    id: "deleteSynonym",
    method: "DELETE",
    path: "/v1/synonyms/:synonymId",
    tag: "Dictionaries",
    summary: "Delete a synonym",
    scope: "rules",
    params: dictionaries.synonymPathSchema,
    answers: {
      200: {
        description: "The next search goes without it",
        schema: dictionaries.deletedSynonymSchema,
        example: { synonymId: "sneakers", status: "deleted" },
      },
    },
    errors: ["UNKNOWN_SYNONYM"],
  },
  synonymCandidates: {
    id: "synonymCandidates",
    method: "GET",
    path: "/v1/synonyms/candidates",
    tag: "Dictionaries",
    summary: "List mined synonyms to decide about",
    description:
      "Queries that at least three people typed within five minutes in place of one that led to nothing, and then took something. Mined when a snapshot is trained; people also give up one wish for another, so somebody decides.",
    scope: "rules",
    answers: {
      200: {
        description: "Of most people first",
        schema: dictionaries.synonymCandidatesResponseSchema,
        example: { candidates: [{ from: "sneakers", to: "trainers", users: 14, share: 0.7 }] },
      },
    },
    errors: ["NO_SNAPSHOT"],
  },
  decideSynonym: {
    id: "decideSynonym",
    method: "POST",
    path: "/v1/synonyms/candidates",
    tag: "Dictionaries",
    summary: "Approve or refuse a mined synonym",
    scope: "rules",
    body: dictionaries.synonymDecisionSchema,
    bodyExample: { from: "sneakers", to: "trainers", decision: "approve" },
    answers: {
      200: {
        description: "Decided; the synonym, when it was approved",
        schema: dictionaries.decidedSynonymSchema,
        example: { synonym: { id: "mined-3fa1c2", from: ["sneakers"], to: ["trainers"] } },
      },
    },
    errors: ["UNKNOWN_SYNONYM"],
  },
  dictionary: {
    id: "dictionary",
    method: "GET",
    path: "/v1/dictionaries/:stage",
    tag: "Dictionaries",
    summary: "Read the dictionary of a stage",
    scope: "rules",
    params: dictionaries.dictionaryPathSchema,
    answers: {
      200: {
        description: "Its entries",
        schema: dictionaries.dictionarySchema,
        example: { entries: [{ word: "laufschuh", to: "running shoe" }] },
      },
    },
  },
  saveDictionary: {
    id: "saveDictionary",
    method: "PUT",
    path: "/v1/dictionaries/:stage",
    tag: "Dictionaries",
    summary: "Replace the dictionary of a stage",
    description:
      "All entries, in place of those before. The next search goes by them; by `whole-words` from the next training on.",
    scope: "rules",
    params: dictionaries.dictionaryPathSchema,
    body: dictionaries.dictionarySchema,
    bodyExample: { entries: [{ word: "laufschuh", to: "running shoe" }] },
    answers: {
      200: {
        description: "The entries, as they are kept",
        schema: dictionaries.dictionarySchema,
        example: { entries: [{ word: "laufschuh", to: "running shoe" }] },
      },
    },
    errors: ["INVALID_DICTIONARY"],
  },
  getItem: {
    id: "getItem",
    method: "GET",
    path: "/v1/items/:itemId",
    tag: "Catalogue",
    summary: "Read one item",
    scope: "read",
    params: catalog.itemPathSchema,
    answers: {
      200: {
        description: "The catalogue's record",
        schema: itemSchema,
        example: examples.item,
      },
    },
    errors: ["UNKNOWN_ITEM"],
  },
  getItems: {
    id: "getItems",
    method: "GET",
    path: "/v1/items",
    tag: "Catalogue",
    summary: "Read up to 100 items",
    scope: "read",
    querystring: catalog.itemsParametersSchema,
    answers: {
      200: {
        description: "The records found, in the order asked for",
        schema: catalog.itemsResponseSchema,
        example: { items: [examples.item], missing: ["gone-1"] },
      },
    },
  },
  upsertItems: {
    id: "upsertItems",
    method: "POST",
    path: "/v1/items",
    tag: "Catalogue",
    summary: "Insert or replace items",
    description:
      "As JSON up to 1,000 items; as NDJSON (`application/x-ndjson`, one item a line) a whole catalogue, read as it arrives. The answer to NDJSON is NDJSON: one result per line, then a line with the summary. Items are on disk when the answer comes and are served at once.",
    scope: "catalog",
    body: catalog.upsertRequestSchema,
    envelope: catalog.upsertEnvelopeSchema,
    otherBodies: { "application/x-ndjson": "One item a line" },
    bodyExample: { items: [examples.item] },
    answers: {
      200: {
        description: "At least one item was stored",
        schema: catalog.upsertResponseSchema,
        example: { stored: 1, refused: 0, results: [{ status: "stored", itemId: "mug-01" }] },
      },
    },
    errors: ["ITEMS_REFUSED"],
  },
  deleteItem: {
    id: "deleteItem",
    method: "DELETE",
    path: "/v1/items/:itemId",
    tag: "Catalogue",
    summary: "Delete an item",
    scope: "catalog",
    params: catalog.itemPathSchema,
    answers: {
      200: {
        description: "The item is gone and is served no more",
        schema: catalog.deletedItemSchema,
        example: { itemId: "mug-01", status: "deleted" },
      },
    },
    errors: ["UNKNOWN_ITEM"],
  },
  categories: {
    id: "categories",
    method: "GET",
    path: "/v1/categories",
    tag: "Catalogue",
    summary: "List the categories",
    scope: "read",
    querystring: catalog.categoriesParametersSchema,
    answers: {
      200: {
        description: "Paths with the number of items in each",
        schema: catalog.categoriesResponseSchema,
        example: { categories: [{ path: "Home > Kitchen", label: "厨房", count: 214 }] },
      },
    },
  },
  shops: {
    id: "shops",
    method: "GET",
    path: "/v1/shops",
    tag: "Catalogue",
    summary: "List the sellers",
    scope: "read",
    answers: {
      200: {
        description: "Sellers of the marketplace",
        schema: catalog.shopsResponseSchema,
        example: { shops: [{ id: "s-1", name: "Kiln & Co", rating: 4.7 }] },
      },
    },
  },
  promotions: {
    id: "promotions",
    method: "GET",
    path: "/v1/promotions",
    tag: "Catalogue",
    summary: "List the promotions that hold now",
    scope: "read",
    answers: {
      200: {
        description: "Promotions",
        schema: catalog.promotionsResponseSchema,
        example: {
          promotions: [
            {
              id: "spring",
              title: "Spring sale",
              percentOff: 20,
              category: "Home > Kitchen",
              startsAt: "2026-03-01T00:00:00Z",
              endsAt: "2026-04-01T00:00:00Z",
            },
          ],
        },
      },
    },
  },
  users: {
    id: "users",
    method: "GET",
    path: "/v1/users",
    tag: "Users",
    summary: "List the users with the most events",
    scope: "admin",
    querystring: users.usersParametersSchema,
    answers: {
      200: {
        description: "Summaries",
        schema: users.usersResponseSchema,
        example: {
          users: [{ userId: "u-17", events: 412, lastEventAt: "2026-03-09T18:22:05.120Z" }],
        },
      },
    },
  },
  userEvents: {
    id: "userEvents",
    method: "GET",
    path: "/v1/users/:userId/events",
    tag: "Users",
    summary: "Read a user's newest events",
    scope: "users",
    params: users.userPathSchema,
    querystring: users.userEventsParametersSchema,
    answers: {
      200: {
        description: "Events, newest first; an unknown user has none",
        schema: users.userEventsResponseSchema,
        example: { events: examples.eventsRequest.events },
      },
    },
  },
  exportUser: {
    id: "exportUser",
    method: "GET",
    path: "/v1/users/:userId/export",
    tag: "Users",
    summary: "Export all that is recorded of a user",
    description: "The data-access export: every event and every decision, one a line.",
    scope: "users",
    params: users.userPathSchema,
    answers: {
      200: {
        description: "NDJSON; empty when nothing is recorded",
        contentType: "application/x-ndjson",
        schema: users.exportLineSchema,
        example: { kind: "event", value: examples.eventsRequest.events[0] },
      },
    },
  },
  eraseUser: {
    id: "eraseUser",
    method: "DELETE",
    path: "/v1/users/:userId",
    tag: "Users",
    summary: "Erase a user",
    description:
      "Deletes every trace of the user: events, decisions, live state. Done when the answer comes; there is no way back.",
    scope: "users",
    params: users.userPathSchema,
    answers: {
      200: {
        description: "How much was deleted; zeros when nothing was recorded",
        schema: users.erasureSchema,
        example: {
          userId: "u-17",
          status: "erased",
          events: 412,
          decisions: 88,
          note: "Snapshots hold items only, no rows of users.",
        },
      },
    },
  },
  settings: {
    id: "settings",
    method: "GET",
    path: "/v1/settings",
    tag: "Catalogue",
    summary: "Read how the shop's fields are searched",
    scope: "admin",
    answers: {
      200: {
        description: "Settings; empty where all is as usual",
        schema: settings.settingsResponseSchema,
        example: examples.settingsResponse,
      },
    },
  },
  changeSettings: {
    id: "changeSettings",
    method: "PUT",
    path: "/v1/settings",
    tag: "Catalogue",
    summary: "Say how the shop's fields are searched",
    description:
      "Takes the place of all settings before. Facets follow at once; languages, fields and the encoder count from the next training on.",
    scope: "admin",
    body: shopSettingsSchema,
    // Read by the shop itself, which says more of what is wrong and never repeats a key.
    envelope: Type.Record(Type.String(), Type.Unknown()),
    bodyExample: examples.settingsResponse.settings,
    answers: {
      200: {
        description: "The settings, as they are kept",
        schema: settings.settingsResponseSchema,
        example: examples.settingsResponse,
      },
    },
    errors: ["INVALID_SETTINGS"],
  },
  snapshots: {
    id: "snapshots",
    method: "GET",
    path: "/v1/snapshots",
    tag: "Snapshots and tasks",
    summary: "List the snapshots",
    scope: "admin",
    answers: {
      200: {
        description: "Snapshots, newest first",
        schema: operations.snapshotsResponseSchema,
        example: { snapshots: [examples.snapshot] },
      },
    },
  },
  activateSnapshot: {
    id: "activateSnapshot",
    method: "POST",
    path: "/v1/snapshots/:version/activate",
    tag: "Snapshots and tasks",
    summary: "Serve a snapshot",
    scope: "admin",
    params: operations.snapshotPathSchema,
    answers: {
      200: {
        description: "The snapshot, now active",
        schema: operations.snapshotSchema,
        example: examples.snapshot,
      },
    },
    errors: ["UNKNOWN_SNAPSHOT", "SNAPSHOT_DAMAGED"],
  },
  rollBack: {
    id: "rollBack",
    method: "POST",
    path: "/v1/snapshots/rollback",
    tag: "Snapshots and tasks",
    summary: "Serve the snapshot that was active before",
    scope: "admin",
    answers: {
      200: {
        description: "The snapshot, now active",
        schema: operations.snapshotSchema,
        example: examples.snapshot,
      },
    },
    errors: ["NO_FORMER_SNAPSHOT"],
  },
  train: {
    id: "train",
    method: "POST",
    path: "/v1/train",
    tag: "Snapshots and tasks",
    summary: "Train on all events and publish a snapshot",
    description:
      "Answers at once with a task, which waits its turn when another is running. Watch it at /v1/tasks/{taskId}/events.",
    scope: "admin",
    body: operations.trainRequestSchema,
    bodyOptional: true,
    bodyExample: { seed: 1, budgetSeconds: 600 },
    answers: {
      202: {
        description: "The task; its address is in `Location`",
        schema: operations.taskSchema,
        example: examples.task,
      },
    },
  },
  tasks: {
    id: "tasks",
    method: "GET",
    path: "/v1/tasks",
    tag: "Snapshots and tasks",
    summary: "List the tasks",
    scope: "admin",
    answers: {
      200: {
        description: "Tasks since the server started, newest first",
        schema: operations.tasksResponseSchema,
        example: { tasks: [examples.task] },
      },
    },
  },
  task: {
    id: "task",
    method: "GET",
    path: "/v1/tasks/:taskId",
    tag: "Snapshots and tasks",
    summary: "Read a task",
    scope: "admin",
    params: operations.taskPathSchema,
    answers: {
      200: { description: "The task", schema: operations.taskSchema, example: examples.task },
    },
    errors: ["UNKNOWN_TASK"],
  },
  cancelTask: {
    id: "cancelTask",
    method: "DELETE",
    path: "/v1/tasks/:taskId",
    tag: "Snapshots and tasks",
    summary: "Cancel a task",
    description:
      "The task stops within about a second; the next training goes on from its checkpoint.",
    scope: "admin",
    params: operations.taskPathSchema,
    answers: {
      202: {
        description: "The task, asked to stop",
        schema: operations.taskSchema,
        example: examples.task,
      },
    },
    errors: ["UNKNOWN_TASK", "TASK_FINISHED"],
  },
  taskEvents: {
    id: "taskEvents",
    method: "GET",
    path: "/v1/tasks/:taskId/events",
    tag: "Snapshots and tasks",
    summary: "Watch a task",
    description:
      "Server-sent events: `task` with the whole task at every change, beginning with its present state; `end` with the last state, after which the stream closes. A comment comes every 15 seconds, so that silence means a broken connection. A slow reader gets the newest state, not every state.",
    scope: "admin",
    params: operations.taskPathSchema,
    answers: {
      200: {
        description: "The stream",
        contentType: "text/event-stream",
        schema: operations.taskSchema,
      },
    },
    errors: ["UNKNOWN_TASK"],
  },
  keys: {
    id: "keys",
    method: "GET",
    path: "/v1/keys",
    tag: "Operations",
    summary: "List the API keys",
    scope: "admin",
    answers: {
      200: {
        description: "Keys, without their secrets",
        schema: operations.keysResponseSchema,
        example: { keys: [examples.key] },
      },
    },
  },
  createKey: {
    id: "createKey",
    method: "POST",
    path: "/v1/keys",
    tag: "Operations",
    summary: "Make an API key",
    scope: "admin",
    body: operations.createKeyRequestSchema,
    bodyExample: { name: "storefront", scopes: ["events", "read"] },
    answers: {
      201: {
        description: "The key with its secret, which is never shown again",
        schema: operations.createdKeySchema,
        example: { ...examples.key, secret: "mgp_2f6bE0cOQ3l9vYh5tN7rJw" },
      },
    },
  },
  revokeKey: {
    id: "revokeKey",
    method: "DELETE",
    path: "/v1/keys/:keyId",
    tag: "Operations",
    summary: "Revoke an API key",
    scope: "admin",
    params: operations.keyPathSchema,
    answers: {
      200: {
        description: "The key is refused from now on",
        schema: operations.revokedKeySchema,
        example: { keyId: "k-1", status: "revoked" },
      },
    },
    errors: ["UNKNOWN_KEY"],
  },
  health: {
    id: "health",
    method: "GET",
    path: "/v1/health",
    tag: "Operations",
    summary: "How the server is",
    scope: null,
    answers: {
      200: {
        description: "State; with more detail for keys with the scope `admin`",
        schema: operations.healthSchema,
        example: {
          status: "ok",
          notes: [],
          version: "0.1.0",
          snapshot: "20260309-182205-9f3c",
          uptimeSeconds: 86_400,
        },
      },
    },
  },
  live: {
    id: "live",
    method: "GET",
    path: "/v1/health/live",
    tag: "Operations",
    summary: "Liveness probe",
    scope: null,
    answers: {
      200: {
        description: "The process answers",
        schema: operations.probeSchema,
        example: { status: "ok" },
      },
    },
  },
  ready: {
    id: "ready",
    method: "GET",
    path: "/v1/health/ready",
    tag: "Operations",
    summary: "Readiness probe",
    scope: null,
    answers: {
      200: {
        description: "A snapshot is served",
        schema: operations.probeSchema,
        example: { status: "ok" },
      },
      503: {
        description: "Nothing is published yet, or the server is shutting down",
        schema: operations.probeSchema,
        example: { status: "no-snapshot" },
      },
    },
  },
  metrics: {
    id: "metrics",
    method: "GET",
    path: "/v1/metrics",
    tag: "Operations",
    summary: "Metrics for Prometheus",
    scope: "admin",
    answers: {
      200: {
        description: "Text exposition format 0.0.4",
        contentType: "text/plain; version=0.0.4; charset=utf-8",
        schema: Type.String(),
      },
    },
  },
  openapi: {
    id: "openapi",
    method: "GET",
    path: "/v1/openapi.json",
    tag: "Operations",
    summary: "This description, as OpenAPI 3.1",
    scope: null,
    answers: {
      200: {
        description: "The document",
        schema: Type.Record(Type.String(), Type.Unknown()),
      },
    },
  },
  errors: {
    id: "errors",
    method: "GET",
    path: "/v1/errors",
    tag: "Operations",
    summary: "List the error codes",
    scope: null,
    answers: {
      200: {
        description: "Every code that the API gives by itself",
        schema: operations.errorsResponseSchema,
      },
    },
  },
  error: {
    id: "error",
    method: "GET",
    path: "/v1/errors/:code",
    tag: "Operations",
    summary: "Read what an error code means",
    description: "The `type` of every problem is the address of its description here.",
    scope: null,
    params: operations.errorPathSchema,
    answers: {
      200: { description: "The code", schema: operations.errorFactsSchema },
    },
    errors: ["UNKNOWN_ERROR_CODE"],
  },
} as const satisfies Record<string, Route>;

/** Name of an operation. */
export type RouteId = keyof typeof routes;
