import { itemSchema } from "@magpie/domain";
import { Type, type Static } from "typebox";
import { localeSchema, ruleAsking } from "./ranking.ts";

const id = Type.String({ minLength: 1, maxLength: 512 });

/** Body of POST /v1/suggest. */
export const suggestRequestSchema = Type.Object(
  {
    query: Type.String({
      maxLength: 500,
      description: "What is typed so far; empty: what to offer before the first key",
    }),
    userId: Type.Optional(id),
    visitorId: Type.Optional(id),
    limit: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 20, description: "Most of each kind; 8" }),
    ),
    locale: Type.Optional(localeSchema),
    ...ruleAsking,
  },
  { additionalProperties: false, title: "SuggestRequest" },
);

const suggestedQuerySchema = Type.Object(
  {
    text: Type.String(),
    category: Type.Optional(
      Type.String({
        description: "Path of the category that most of what followed from it lies in",
      }),
    ),
    match: Type.Union(
      [
        Type.Literal("start"),
        Type.Literal("later-word"),
        Type.Literal("pinyin"),
        Type.Literal("typing-error"),
      ],
      { description: "How what is typed was found in it" },
    ),
    score: Type.Number({ description: "Gives the order" }),
  },
  { additionalProperties: false, title: "SuggestedQuery" },
);

/** The answer to POST /v1/suggest. */
export const suggestionsSchema = Type.Object(
  {
    recent: Type.Array(Type.String(), {
      description:
        "The person's own searches that begin as typed, newest first; only with a key that has the scope `users`, too",
    }),
    queries: Type.Array(suggestedQuerySchema, {
      description: "What several people searched for, and phrases of the catalogue; best first",
    }),
    products: Type.Array(itemSchema, {
      description: "That can be bought now, and that no rule hides from a search for what is typed",
    }),
    categories: Type.Array(
      Type.Object(
        {
          path: Type.String({ description: "As `filter.categories` takes it" }),
          label: Type.String({ description: "Its last level in the reader's language" }),
        },
        { additionalProperties: false },
      ),
    ),
    brands: Type.Array(Type.String({ description: "As `filter.brands` takes it" })),
    redirects: Type.Array(
      Type.Object({ text: Type.String(), url: Type.String() }, { additionalProperties: false }),
      { description: "Pages that rules lead to from words that begin as typed" },
    ),
    rung: Type.Union(
      [Type.Literal("as-typed"), Type.Literal("last-words"), Type.Literal("popular")],
      {
        description:
          "How far one had to go for queries: as typed; the last words completed by themselves; popular ones, because nothing begins so",
      },
    ),
  },
  { additionalProperties: false, title: "Suggestions" },
);

export type SuggestRequest = Static<typeof suggestRequestSchema>;
export type Suggestions = Static<typeof suggestionsSchema>;
