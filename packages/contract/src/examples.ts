import type { EventInput, Item, Rule, Synonym } from "@magpie/domain";
import type { EventsResponse } from "./events.ts";
import type { KeyRecord, Snapshot, TaskRecord } from "./operations.ts";
import type { RankingResponse, RecommendRequest } from "./ranking.ts";
import type { RuleVersion, RulesChange } from "./rules.ts";
import type { SearchExplanation } from "./search-explanation.ts";
import type { Suggestions } from "./suggestions.ts";

/** Examples of the documentation, typed by the schemas and checked against them by a test. */

export const item: Item = {
  id: "mug-01",
  title: "Blue stoneware mug, 350 ml",
  brand: "Kiln & Co",
  shopId: "s-1",
  categories: ["Home > Kitchen > Mugs"],
  attributes: { colour: "blue", material: "stoneware" },
  rating: { value: 4.6, count: 128 },
  locale: "en",
  locales: { zh: { title: "蓝色粗陶马克杯 350 毫升" } },
  variants: [
    {
      id: "mug-01-blue",
      price: { amount: 1_899, currency: "EUR" },
      availability: { available: true, status: "in_stock", quantity: 42 },
    },
  ],
};

const view: EventInput = {
  eventId: "01960f0e-7c3a-7d55-9c1e-0f6a5b1c2d3e",
  type: "view",
  timestamp: "2026-03-09T18:22:05.120Z",
  userId: "u-17",
  sessionId: "s-204",
  queryId: "q-9",
  source: "recommend",
  items: [{ itemId: "mug-01", position: 3 }],
};

export const eventsRequest: { readonly events: EventInput[] } = {
  events: [
    view,
    {
      eventId: "01960f0e-9b10-7a02-8f44-6c2d1e0f9a8b",
      type: "add_to_cart",
      timestamp: "2026-03-09T18:23:41.008Z",
      userId: "u-17",
      sessionId: "s-204",
      items: [{ itemId: "mug-01", quantity: 2, price: { amount: 1_899, currency: "EUR" } }],
    },
  ],
};

export const eventsResponse: EventsResponse = {
  stored: 1,
  duplicates: 0,
  dropped: 0,
  refused: 1,
  results: [
    { status: "stored", eventId: "01960f0e-7c3a-7d55-9c1e-0f6a5b1c2d3e" },
    {
      status: "refused",
      code: "INVALID_EVENT",
      field: "items[0].quantity",
      message: "must be integer, found 1.5",
      hint: "Correct the field and send the event again.",
    },
  ],
};

export const recommendRequest: RecommendRequest = {
  userId: "u-17",
  limit: 10,
  locale: "en",
  filter: { availableOnly: true, categories: ["Home > Kitchen"] },
  explain: true,
};

export const rankingResponse: RankingResponse = {
  queryId: "01960f0f-1a2b-7c3d-8e4f-5a6b7c8d9e0f",
  scenario: "home-feed",
  snapshot: "20260309-182205-9f3c",
  pipeline: "home-feed/1",
  items: [
    {
      item,
      position: 1,
      score: 0.8125,
      reasons: [
        {
          stage: "sasrec",
          amount: 0.75,
          reason: { kind: "history-item", itemId: "kettle-02" as never, share: 0.4 },
        },
        { stage: "popularity", amount: 0.0625, reason: { kind: "popular", days: 14 } },
      ],
    },
  ],
};

export const synonym: Synonym = { id: "sneakers", from: ["sneakers", "trainers"] };

export const snapshot: Snapshot = {
  version: "20260309-182205-9f3c",
  createdAt: "2026-03-09T18:22:05.120Z",
  status: "active",
  summary: { items: 2_400, ndcgAt10: 0.0612 },
};

export const task: TaskRecord = {
  id: "t-1",
  kind: "train",
  status: "running",
  createdAt: "2026-03-09T18:20:00.000Z",
  progress: {
    stage: "sasrec/train",
    done: 1_200,
    total: 4_000,
    unit: "steps",
    metrics: { loss: 3.21, ndcgAt10: 0.0573 },
  },
};

export const key: KeyRecord = {
  id: "k-1",
  name: "storefront",
  scopes: ["events", "read"],
  createdAt: "2026-03-01T08:00:00.000Z",
};

export const rule: Rule = {
  id: "spring-mugs",
  name: "Mugs of spring",
  conditions: [{ query: { match: "contains", text: "{facet:brand} mug" } }],
  schedule: { from: "2026-03-01T00:00", until: "2026-06-01T00:00", timeZone: "Europe/Berlin" },
  actions: {
    pins: [{ itemId: "mug-01", position: 1 }],
    boosts: [{ strength: "moderate", where: [[{ field: "tags", anyOf: ["spring"] }]] }],
    banners: [{ id: "spring", title: "{facet:brand} in spring colours", url: "/spring" }],
  },
};

export const rulesChange: RulesChange = { revision: 12, size: 1 };

export const ruleVersion: RuleVersion = {
  version: 4,
  publishedAt: "2026-03-09T18:22:05.120Z",
  author: "k-1",
  note: "Mugs for spring",
  size: 1,
};

export const suggestions: Suggestions = {
  recent: ["blue plates"],
  queries: [
    { text: "blue mug", category: "Home > Kitchen", match: "start", score: 41 },
    { text: "big blue vase", match: "later-word", score: 2.5 },
  ],
  products: [],
  categories: [],
  brands: ["Bluebell"],
  redirects: [{ text: "blueprint service", url: "/services/blueprints" }],
  rung: "as-typed",
};

export const searchExplanation: SearchExplanation = {
  query: {
    text: "mug",
    tokens: [{ term: "mug", kind: "word", start: 0, end: 3 }],
    groups: [
      {
        text: "mug",
        alternatives: [],
        need: "required",
        importance: "medium",
        isPhrase: false,
        isPrefix: true,
      },
    ],
    stages: [
      {
        stage: "segmentation",
        before: "mug",
        after: "mug",
        reason: "words of the catalogue's dictionary",
      },
    ],
  },
  total: 1,
  relaxed: false,
  answeredBy: "all",
  items: [
    {
      itemId: "mug-01",
      state: "shown",
      position: 1,
      score: 1,
      reasons: [{ stage: "text", amount: 1, reason: { kind: "query-match", words: ["mug"] } }],
      fieldScores: [{ word: "mug", field: "title", amount: 1 }],
      matchedWords: ["mug"],
      missingWords: [],
      tokens: [{ field: "title", tokens: [{ term: "mug", kind: "word", start: 0, end: 3 }] }],
    },
  ],
  differences: [],
};

/** Settings of a German shop. */
export const settingsResponse = {
  settings: {
    language: "de",
    fields: {
      title: { weight: 4 },
      sku: { search: "exact" },
      "attributes.material": { like: "categories" },
      "attributes.supplier": { search: "off", facet: false },
    },
    encoder: { kind: "embedded" },
  },
  needsTraining: true,
};
