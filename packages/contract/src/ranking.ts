import {
  conditionsSchema,
  devices,
  diversityGroups,
  fieldTestSchema,
  itemSchema,
  learnedSignals,
  oneOf,
  type Contribution,
} from "@magpie/domain";
import { Type, type Static } from "typebox";
import { ruleOutcomeSchema } from "./rules.ts";
import { facetCountsSchema, facetRequestSchema, sortSchema } from "./facets.ts";
import { correctionSchema, understoodQuerySchema } from "./understanding.ts";

const id = Type.String({ minLength: 1, maxLength: 512 });
const ids = (description: string) => Type.Array(id, { maxItems: 200, description });

/** Restricts what may be shown. Several values of one field are alternatives; fields add up. */
export const filterSchema = Type.Object(
  {
    availableOnly: Type.Optional(
      Type.Boolean({
        description: "Only what can be bought now; the scenario's own rule otherwise",
      }),
    ),
    categories: Type.Optional(
      ids('Category paths, levels joined by " > "; an item below one of them passes'),
    ),
    brands: Type.Optional(ids("Brands as the catalogue writes them")),
    shopIds: Type.Optional(ids("Sellers")),
    priceCents: Type.Optional(
      Type.Object(
        {
          min: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
          max: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
        },
        {
          additionalProperties: false,
          description: "Inclusive bounds on the featured variant's price, in minor units",
        },
      ),
    ),
    excludeItemIds: Type.Optional(ids("Items that must not be shown")),
    where: Type.Optional(conditionsSchema),
  },
  { additionalProperties: false, title: "ItemFilter" },
);

const limit = Type.Optional(
  Type.Integer({
    minimum: 1,
    maximum: 100,
    description: "How many items; the scenario's own default",
  }),
);
const offset = Type.Optional(
  Type.Integer({ minimum: 0, maximum: 10_000, description: "How many to pass over, for paging" }),
);

/** The reader's language. */
export const localeSchema = Type.String({
  maxLength: 35,
  pattern: "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
  description: "BCP 47 tag of the reader's language",
});
const locale = Type.Optional(localeSchema);
const explain = Type.Optional(
  Type.Boolean({ description: "Say for each item why it is here (costs a little time)" }),
);
const correct = Type.Optional(
  Type.Boolean({
    description:
      "False: words are searched for as they are typed. By default a word that no item has becomes the one that was likely meant, and the answer says so in `corrections`",
  }),
);
const closeMatches = Type.Optional(
  Type.Boolean({
    description:
      "Whether up to 100 items that lack one word, though no number, come behind those with all, where fewer than 20 have all: false: never; true: for two words and more; absent: for three words and more, unless the query names one thing. Not for phrases and left-out words, and not in another order. Such items have `isCloseMatch`, and `understood.withAllWords` counts the others",
  }),
);
const personalise = Type.Optional(
  Type.Boolean({
    description: "False: answer as for a stranger, whatever the user did before. True when absent",
  }),
);
const query = Type.String({ maxLength: 500, description: "What the shopper typed" });

const tags = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50, description });

/** What merchandisers' rules look at, beside the query and the language. */
export const ruleAsking = {
  contexts: Type.Optional(tags('Of the page: "landing-spring", "category:mugs"')),
  segments: Type.Optional(tags('Of the shopper, as the shop groups people: "vip"')),
  device: Type.Optional(oneOf(devices, "What the shopper holds")),
};

const rules = Type.Optional(
  oneOf(
    ["published", "draft", "off"],
    "Which rules the answer follows: those in force (when absent), those being worked on, or none. All but the first need a key with the scope `rules`, and a trial of the draft is not logged",
  ),
);

/** Who asks, how much, and under which restrictions: common to every ranking request. */
const asking = {
  userId: Type.Optional(id),
  visitorId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 512,
      description: "The anonymous visitor; used when there is no userId",
    }),
  ),
  limit,
  offset,
  locale,
  filter: Type.Optional(filterSchema),
  personalise,
  explain,
  ...ruleAsking,
  rules,
};

/** Body of POST /v1/recommend/{scenario}. */
export const recommendRequestSchema = Type.Object(
  {
    ...asking,
    contextItemId: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, description: "The item whose page is shown" }),
    ),
  },
  { additionalProperties: false, title: "RecommendRequest" },
);

/** Body of POST /v1/similar. */
export const similarRequestSchema = Type.Object(
  { itemId: id, ...asking },
  { additionalProperties: false, title: "SimilarRequest" },
);

const tag = (description: string) => Type.String({ minLength: 1, maxLength: 100, description });

const refinements = Type.Optional(
  Type.Array(fieldTestSchema, {
    maxItems: 50,
    description:
      "Choices in facets, one per field: all must hold, and a facet's own choice is left out of its counts",
  }),
);

const diversity = Type.Optional(
  Type.Array(
    Type.Object(
      {
        by: oneOf(diversityGroups),
        atMost: Type.Integer({ minimum: 1, maximum: 100 }),
        within: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 200,
            description: "Places that it holds for, from the first; 20 when absent",
          }),
        ),
      },
      { additionalProperties: false, title: "SearchDiversity" },
    ),
    {
      maxItems: diversityGroups.length,
      description:
        "At most so many results of one category, brand or shop among the first places; those beyond follow behind. Not where `sort` is given",
    },
  ),
);

/** Body of POST /v1/search. */
export const searchRequestSchema = Type.Object(
  {
    query,
    ...asking,
    refinements,
    diversity,
    facets: Type.Optional(
      Type.Array(facetRequestSchema, { maxItems: 50, description: "Fields to count values of" }),
    ),
    sort: Type.Optional(sortSchema),
    correct,
    closeMatches,
    highlight: Type.Optional(
      Type.Object(
        { open: tag("Goes before a word"), close: tag("Goes after it") },
        {
          additionalProperties: false,
          description:
            "Mark the query's words in `highlights` of each item. Texts come as the catalogue has them: escape them for HTML, so choose tags that survive it and put the markup in afterwards",
        },
      ),
    ),
  },
  { additionalProperties: false, title: "SearchRequest" },
);

/** Body of POST /v1/facets/{field}. */
export const facetValuesRequestSchema = Type.Object(
  {
    text: Type.String({
      maxLength: 100,
      description: "What the values, or one of their words, begin with",
    }),
    query: Type.Optional(query),
    filter: Type.Optional(filterSchema),
    refinements,
    locale,
    limit,
    ...ruleAsking,
    rules,
  },
  { additionalProperties: false, title: "FacetValuesRequest" },
);

/** Body of POST /v1/multi-search. */
export const multiSearchRequestSchema = Type.Object(
  {
    searches: Type.Array(searchRequestSchema, {
      minItems: 1,
      maxItems: 20,
      description: "Each as POST /v1/search takes it",
    }),
  },
  { additionalProperties: false, title: "MultiSearchRequest" },
);

/** The same restrictions as query parameters; a list repeats its parameter, as ids and paths may hold commas. */
const filterParameters = {
  available: Type.Optional(Type.Boolean({ description: "`filter.availableOnly`" })),
  category: Type.Optional(Type.Array(id, { maxItems: 50, description: "`filter.categories`" })),
  brand: Type.Optional(Type.Array(id, { maxItems: 50, description: "`filter.brands`" })),
  shop: Type.Optional(Type.Array(id, { maxItems: 50, description: "`filter.shopIds`" })),
  minPrice: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "In minor units" }),
  ),
  maxPrice: Type.Optional(
    Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: "In minor units" }),
  ),
};

const askingParameters = {
  userId: asking.userId,
  visitorId: asking.visitorId,
  limit,
  offset,
  locale,
  explain,
  context: ruleAsking.contexts,
  segment: ruleAsking.segments,
  device: ruleAsking.device,
  ...filterParameters,
};

/** Query of GET /v1/similar/{itemId}. */
export const similarParametersSchema = Type.Object(askingParameters, {
  additionalProperties: false,
});

/** Query of GET /v1/search. */
export const searchParametersSchema = Type.Object(
  { query, correct, closeMatches, ...askingParameters },
  { additionalProperties: false },
);

const kind = <const K extends string>(value: K) => Type.Literal(value);

/** Why an item is where it is, in a form that screens put into words in the reader's language. */
export const reasonSchema = Type.Union(
  [
    Type.Object(
      {
        kind: kind("history-item"),
        itemId: id,
        share: Type.Number({
          description: "How much of the model's preference is lost when this past item is left out",
        }),
      },
      { additionalProperties: false },
    ),
    Type.Object({ kind: kind("sequence-model") }, { additionalProperties: false }),
    Type.Object({ kind: kind("bought-together"), itemId: id }, { additionalProperties: false }),
    Type.Object({ kind: kind("similar-to"), itemId: id }, { additionalProperties: false }),
    Type.Object(
      {
        kind: kind("popular"),
        days: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()], {
          description: "Over the last days; null: of all time",
        }),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      { kind: kind("query-match"), words: Type.Array(Type.String()) },
      { additionalProperties: false },
    ),
    Type.Object({ kind: kind("similar-meaning") }, { additionalProperties: false }),
    Type.Object(
      { kind: kind("likely-category"), category: Type.String() },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        kind: kind("learned"),
        signal: oneOf(learnedSignals),
        itemId: Type.Optional(id),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        kind: kind("rule"),
        rule: Type.String({
          description: "One of the engine's own by its code, or a merchandiser's by its name",
        }),
        effect: Type.Optional(oneOf(["pinned", "boosted", "buried"])),
        ruleId: Type.Optional(Type.String({ description: "Of a merchandiser's rule" })),
      },
      { additionalProperties: false },
    ),
    Type.Object({ kind: kind("diversity") }, { additionalProperties: false }),
    Type.Object({ kind: kind("exploration") }, { additionalProperties: false }),
  ],
  { title: "Reason" },
);

/** One thing that moved an item's score; the amounts of an item sum to its score. */
export const contributionSchema = Type.Object(
  {
    stage: Type.String({ description: "The retriever, ranker or reranker that added it" }),
    amount: Type.Number(),
    // The domain's own union, so that a reason on the wire and a reason in the engine are one type.
    reason: Type.Unsafe<Contribution["reason"]>(reasonSchema),
  },
  { additionalProperties: false, title: "Contribution" },
);

const markedText = (description: string) =>
  Type.Object(
    {
      value: Type.String({ description: "The text with its tags" }),
      matchLevel: Type.Union([kind("none"), kind("partial"), kind("full")], {
        description: "How many of the query's words it has",
      }),
      matchedWords: Type.Array(Type.String(), { description: "As typed" }),
      fullyHighlighted: Type.Boolean({ description: "Every word of the text is marked" }),
    },
    { additionalProperties: false, description },
  );

/** Texts of a found item with the query's words marked, in the reader's language. */
const highlightsSchema = Type.Object(
  {
    title: markedText("The title"),
    brand: Type.Optional(markedText("The brand")),
    description: Type.Optional(
      markedText("The stretch of the description that has most of the words"),
    ),
  },
  { additionalProperties: false, title: "Highlights" },
);

/** A served item with its place, its score and why it is there. */
export const explainedItemSchema = Type.Object(
  {
    item: itemSchema,
    position: Type.Integer({ minimum: 1, description: "From 1, pages before counted" }),
    score: Type.Number(),
    reasons: Type.Array(contributionSchema, {
      description: "Empty unless `explain` was asked for",
    }),
    highlights: Type.Optional(highlightsSchema),
    variantId: Type.Optional(
      Type.String({
        description:
          "The variant that the search means (by its words, or by options that were chosen), where it is another than the featured one",
      }),
    ),
    isCloseMatch: Type.Optional(
      Type.Literal(true, {
        description:
          "Lacks one word of the query. Such items come behind those that have all, for a line between the two (search)",
      }),
    ),
  },
  { additionalProperties: false, title: "ExplainedItem" },
);

/** What sells, for a page without results. */
const insteadSchema = Type.Object(
  {
    by: oneOf(
      ["category", "popular"],
      "`category`: what sells in the category that the query is about; `popular`: what sells anywhere",
    ),
    category: Type.Optional(Type.String({ description: "Its path" })),
    queryId: Type.String({
      description: "Of this list: send it with the events that follow from it",
    }),
    items: Type.Array(explainedItemSchema),
  },
  { additionalProperties: false, title: "Instead" },
);

/** The answer to every ranking request. */
export const rankingResponseSchema = Type.Object(
  {
    queryId: Type.String({
      description: "Send it back as `queryId` with the events that follow from this answer",
    }),
    scenario: Type.String(),
    snapshot: Type.String({ description: "Version of the snapshot that answered" }),
    pipeline: Type.String(),
    items: Type.Array(explainedItemSchema),
    total: Type.Optional(
      Type.Integer({
        minimum: 0,
        description: "How many items match, where they are counted (search)",
      }),
    ),
    relaxed: Type.Optional(
      Type.Boolean({
        description: "No item has all words of the query: these have some of them (search)",
      }),
    ),
    facets: Type.Optional(
      Type.Array(facetCountsSchema, { description: "In the order asked for (search)" }),
    ),
    rules: Type.Optional(ruleOutcomeSchema),
    corrections: Type.Optional(
      Type.Array(correctionSchema, {
        description:
          "Words that were searched for in place of those typed; ask again with `correct: false` to undo it (search)",
      }),
    ),
    didYouMean: Type.Optional(
      Type.String({
        description: "Another query that was likely meant, to be offered; it was not used (search)",
      }),
    ),
    understood: Type.Optional(understoodQuerySchema),
    instead: Type.Optional(insteadSchema),
  },
  { additionalProperties: false, title: "RankingResponse" },
);

/** The answer to POST /v1/multi-search. */
export const multiSearchResponseSchema = Type.Object(
  {
    results: Type.Array(rankingResponseSchema, {
      description: "One per search, in the order asked; each has a `queryId` of its own",
    }),
  },
  { additionalProperties: false, title: "MultiSearchResponse" },
);

export const scenariosResponseSchema = Type.Object(
  { scenarios: Type.Array(Type.String()) },
  { additionalProperties: false, title: "ScenariosResponse" },
);

export type Filter = Static<typeof filterSchema>;
export type RecommendRequest = Static<typeof recommendRequestSchema>;
export type SimilarRequest = Static<typeof similarRequestSchema>;
export type SearchRequest = Static<typeof searchRequestSchema>;
export type FacetValuesRequest = Static<typeof facetValuesRequestSchema>;
export type MultiSearchRequest = Static<typeof multiSearchRequestSchema>;
export type SimilarParameters = Static<typeof similarParametersSchema>;
export type SearchParameters = Static<typeof searchParametersSchema>;
export type ExplainedItem = Static<typeof explainedItemSchema>;
export type RankingResponse = Static<typeof rankingResponseSchema>;
export type MultiSearchResponse = Static<typeof multiSearchResponseSchema>;
export type ScenariosResponse = Static<typeof scenariosResponseSchema>;
