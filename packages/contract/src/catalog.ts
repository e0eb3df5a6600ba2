import { itemSchema, oneOf, promotionSchema, shopSchema } from "@magpie/domain";
import { Type, type Static } from "typebox";
import { partCode } from "./problem.ts";

/** How many items one JSON request may carry; NDJSON has no such bound. */
export const maxItemsPerRequest = 1_000;

const id = Type.String({ minLength: 1, maxLength: 512 });

/** Path of the operations on one item. */
export const itemPathSchema = Type.Object({ itemId: id }, { additionalProperties: false });

/** Query of GET /v1/items. */
export const itemsParametersSchema = Type.Object(
  {
    ids: Type.Array(id, {
      minItems: 1,
      maxItems: 100,
      description: "Repeat the parameter: ids=a&ids=b",
    }),
  },
  { additionalProperties: false },
);

/** Answer of GET /v1/items, in the order asked for. */
export const itemsResponseSchema = Type.Object(
  {
    items: Type.Array(itemSchema),
    missing: Type.Array(Type.String(), { description: "Ids that the catalogue does not have" }),
  },
  { additionalProperties: false, title: "ItemsResponse" },
);

/** Body of POST /v1/items as JSON. */
export const upsertRequestSchema = Type.Object(
  { items: Type.Array(itemSchema, { minItems: 1, maxItems: maxItemsPerRequest }) },
  { additionalProperties: false, title: "UpsertRequest" },
);

/** What is checked before the items are looked at one by one. */
export const upsertEnvelopeSchema = Type.Object(
  { items: Type.Array(Type.Unknown(), { minItems: 1, maxItems: maxItemsPerRequest }) },
  { additionalProperties: false },
);

/** What became of one item of a batch; `line` (from 1) only for NDJSON. */
export const itemResultSchema = Type.Union(
  [
    Type.Object(
      {
        line: Type.Optional(Type.Integer({ minimum: 1 })),
        status: oneOf(["stored"]),
        itemId: Type.String(),
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        line: Type.Optional(Type.Integer({ minimum: 1 })),
        status: oneOf(["refused"]),
        code: partCode,
        field: Type.String(),
        message: Type.String(),
        hint: Type.String(),
      },
      { additionalProperties: false },
    ),
  ],
  { title: "ItemResult" },
);

/** Answer of POST /v1/items to JSON: one result per item, in their order. */
export const upsertResponseSchema = Type.Object(
  {
    stored: Type.Integer({ minimum: 0 }),
    refused: Type.Integer({ minimum: 0 }),
    results: Type.Array(itemResultSchema),
  },
  { additionalProperties: false, title: "UpsertResponse" },
);

/** Last line of the answer of POST /v1/items to NDJSON, after one result per line that was sent. */
export const upsertSummarySchema = Type.Object(
  {
    summary: Type.Object(
      {
        lines: Type.Integer({ minimum: 0 }),
        stored: Type.Integer({ minimum: 0 }),
        refused: Type.Integer({ minimum: 0 }),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false, title: "UpsertSummary" },
);

export const deletedItemSchema = Type.Object(
  { itemId: Type.String(), status: oneOf(["deleted"]) },
  { additionalProperties: false, title: "DeletedItem" },
);

/** Query of GET /v1/categories. */
export const categoriesParametersSchema = Type.Object(
  {
    locale: Type.Optional(
      Type.String({ maxLength: 35, pattern: "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$" }),
    ),
  },
  { additionalProperties: false },
);

/** A category with the number of items in it and below it. */
export const categorySchema = Type.Object(
  {
    path: Type.String({ description: 'What filters take: "Home > Kitchen"' }),
    label: Type.String({ description: "In the asked language, where the catalogue has it" }),
    count: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false, title: "Category" },
);

export const categoriesResponseSchema = Type.Object(
  { categories: Type.Array(categorySchema) },
  { additionalProperties: false, title: "CategoriesResponse" },
);

export const shopsResponseSchema = Type.Object(
  { shops: Type.Array(shopSchema) },
  { additionalProperties: false, title: "ShopsResponse" },
);

export const promotionsResponseSchema = Type.Object(
  { promotions: Type.Array(promotionSchema, { description: "Those that hold now" }) },
  { additionalProperties: false, title: "PromotionsResponse" },
);

export type ItemsResponse = Static<typeof itemsResponseSchema>;
export type UpsertRequest = Static<typeof upsertRequestSchema>;
export type ItemResult = Static<typeof itemResultSchema>;
export type UpsertResponse = Static<typeof upsertResponseSchema>;
export type UpsertSummary = Static<typeof upsertSummarySchema>;
export type DeletedItem = Static<typeof deletedItemSchema>;
export type Category = Static<typeof categorySchema>;
export type CategoriesResponse = Static<typeof categoriesResponseSchema>;
export type ShopsResponse = Static<typeof shopsResponseSchema>;
export type PromotionsResponse = Static<typeof promotionsResponseSchema>;
