import { Type, type Static } from "typebox";
import { contributionSchema, searchRequestSchema } from "./ranking.ts";
import { explainedRulesSchema } from "./rules.ts";
import { answeredBySchema, queryStageSchema } from "./understanding.ts";

/** Body of POST /v1/search/explain: a search, and the items asked about. */
export const explainSearchRequestSchema = Type.Object(
  {
    ...searchRequestSchema.properties,
    itemIds: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
      minItems: 1,
      maxItems: 10,
      description: "Items to explain; of the first two it is said why one stands above the other",
    }),
  },
  { additionalProperties: false, title: "ExplainSearchRequest" },
);

const tokenSchema = Type.Object(
  {
    term: Type.String({ description: "What the index keeps" }),
    kind: Type.String({ description: "word, character, pair, segment, quantity, pinyin or stem" }),
    start: Type.Integer({ minimum: 0, description: "In UTF-16 units of the text" }),
    end: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false, title: "Token" },
);

const groupSchema = Type.Object(
  {
    text: Type.String(),
    alternatives: Type.Array(
      Type.Object({ text: Type.String(), weight: Type.Number() }, { additionalProperties: false }),
      { description: "What may stand for it: synonyms and compounds" },
    ),
    need: Type.String({ description: "required, optional or excluded" }),
    importance: Type.String({ description: "high, medium or low" }),
    isPhrase: Type.Boolean(),
    isPrefix: Type.Boolean(),
  },
  { additionalProperties: false, title: "QueryGroup" },
);

const words = Type.Array(Type.String());

const explainedHitSchema = Type.Object(
  {
    itemId: Type.String(),
    state: Type.String({
      description:
        "shown; beyond: found, further down than the first 1,000; no-match: without the words that others have; filtered: taken out by a condition or choice; hidden: left out by a rule; absent: not in the catalogue",
    }),
    position: Type.Optional(Type.Integer({ minimum: 1 })),
    score: Type.Optional(Type.Number()),
    reasons: Type.Array(contributionSchema, { description: "They sum to the score" }),
    fieldScores: Type.Array(
      Type.Object(
        { word: Type.String(), field: Type.String(), amount: Type.Number() },
        { additionalProperties: false },
      ),
      { description: "They sum to what the text gave to the score" },
    ),
    matchedWords: words,
    missingWords: words,
    tokens: Type.Array(
      Type.Object(
        { field: Type.String(), tokens: Type.Array(tokenSchema) },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false, title: "ExplainedHit" },
);

/** The answer to POST /v1/search/explain. */
export const searchExplanationSchema = Type.Object(
  {
    query: Type.Object(
      {
        text: Type.String(),
        tokens: Type.Array(tokenSchema),
        groups: Type.Array(groupSchema, { description: "What was asked for" }),
        stages: Type.Array(queryStageSchema, {
          description: "What each stage of understanding made of it, in order",
        }),
      },
      { additionalProperties: false },
    ),
    total: Type.Integer({ minimum: 0 }),
    relaxed: Type.Boolean(),
    answeredBy: answeredBySchema,
    items: Type.Array(explainedHitSchema, { description: "In the order asked" }),
    differences: Type.Array(
      Type.Object(
        {
          stage: Type.String(),
          word: Type.Optional(Type.String()),
          field: Type.Optional(Type.String()),
          first: Type.Number({ description: "What it gave to the first item" }),
          second: Type.Number({ description: "What it gave to the second" }),
        },
        { additionalProperties: false },
      ),
      { description: "Why the first item is above or below the second, what counts most first" },
    ),
    rules: Type.Optional(explainedRulesSchema),
  },
  { additionalProperties: false, title: "SearchExplanation" },
);

export type ExplainSearchRequest = Static<typeof explainSearchRequestSchema>;
export type SearchExplanation = Static<typeof searchExplanationSchema>;
