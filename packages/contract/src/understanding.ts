import { oneOf } from "@magpie/domain";
import { Type, type Static } from "typebox";

/** One word that was searched for in place of another. */
export const correctionSchema = Type.Object(
  {
    from: Type.String({ description: "As typed" }),
    to: Type.String({ description: "As searched for" }),
    reason: oneOf(
      ["typing-error", "sounds-alike"],
      "What was taken to be wrong with it; `sounds-alike`: another way to write the same sound",
    ),
  },
  { additionalProperties: false, title: "Correction" },
);

/** A name of the catalogue that a query has. */
export const queryEntitySchema = Type.Object(
  {
    text: Type.String({ description: "As the query has it" }),
    kind: oneOf(["brand", "category", "color", "size", "material", "attribute"], "What it names"),
    value: Type.String({ description: "As the catalogue has it" }),
    attribute: Type.Optional(Type.String({ description: "The attribute, where it is one" })),
    items: Type.Integer({
      minimum: 0,
      description: "Items that had it when the snapshot was made",
    }),
  },
  { additionalProperties: false, title: "QueryEntity" },
);

/** How far a search had to go to find something. */
export const answeredBySchema = oneOf(
  ["all", "without-low", "high-only", "some", "meaning", "nothing"],
  "`all`: every word that must be there; `without-low`, `high-only`, `some`: words were given up by their importance; `meaning`: none of the words, and the same meaning; `nothing`: nothing was found",
);

/** How a query was understood. */
export const understoodQuerySchema = Type.Object(
  {
    text: Type.String({
      description: "What was searched for: with corrections, without what became a filter",
    }),
    answeredBy: answeredBySchema,
    withAllWords: Type.Integer({
      minimum: 0,
      description:
        "Found items that have every word that must be there; close matches, which lack one, come behind them",
    }),
    entities: Type.Array(queryEntitySchema, { description: "Names of the catalogue" }),
    priceCents: Type.Optional(
      Type.Object(
        { min: Type.Optional(Type.Integer()), max: Type.Optional(Type.Integer()) },
        {
          additionalProperties: false,
          description: "What the query says about the price, in minor units: applied as a choice",
        },
      ),
    ),
    categories: Type.Array(
      Type.Object(
        { category: Type.String(), probability: Type.Number({ minimum: 0, maximum: 1 }) },
        { additionalProperties: false },
      ),
      { description: "What it is likely about, likeliest first: a boost, never a filter" },
    ),
    navigational: Type.Optional(
      Type.Object(
        {
          kind: oneOf(["brand", "code", "title"], "What it names, exactly"),
          value: Type.String(),
          itemId: Type.Optional(Type.String({ description: "Of a code or title" })),
        },
        { additionalProperties: false, description: "The query names this one thing" },
      ),
    ),
  },
  { additionalProperties: false, title: "UnderstoodQuery" },
);

/** What one stage of understanding made of a query. */
export const queryStageSchema = Type.Object(
  {
    stage: Type.String({
      description:
        "normalise, dictionary, price, segmentation, spelling, entities, importance, categories or navigational",
    }),
    before: Type.String(),
    after: Type.String(),
    reason: Type.String({ description: "Why, for whoever runs the shop; in English" }),
  },
  { additionalProperties: false, title: "QueryStage" },
);

export type Correction = Static<typeof correctionSchema>;
export type UnderstoodQuery = Static<typeof understoodQuerySchema>;
