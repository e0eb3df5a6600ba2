import { fieldNameSchema, fieldNames, fieldNumberSchema } from "@magpie/domain";
import { Type, type Static } from "typebox";

export const facetRequestSchema = Type.Object(
  {
    field: Type.String({
      minLength: 1,
      maxLength: 200,
      description: `${fieldNames}; \`*\`: all others there are, the most useful for what was found first`,
    }),
    limit: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000, description: "Most values listed; 100" }),
    ),
    bounds: Type.Optional(
      Type.Array(fieldNumberSchema, {
        minItems: 1,
        maxItems: 100,
        description: "Ascending bounds of ranges to count numbers in: [10, 20] gives three",
      }),
    ),
  },
  { additionalProperties: false, title: "FacetRequest" },
);

const order = Type.Union([Type.Literal("ascending"), Type.Literal("descending")]);

export const sortSchema = Type.Union(
  [
    Type.Object(
      {
        field: Type.String({
          minLength: 1,
          maxLength: 200,
          description: "A field with numbers, or `popularity`. Items without it go last",
        }),
        order,
      },
      { additionalProperties: false },
    ),
    Type.Object(
      {
        near: Type.Object(
          {
            latitude: Type.Number({ minimum: -90, maximum: 90 }),
            longitude: Type.Number({ minimum: -180, maximum: 180 }),
          },
          { additionalProperties: false },
        ),
        order,
      },
      {
        additionalProperties: false,
        description:
          "By distance from a point; items without the attributes `latitude` and `longitude` go last",
      },
    ),
  ],
  { title: "SearchSort" },
);

const facetValueSchema = Type.Object(
  {
    value: Type.String(),
    count: Type.Integer({ minimum: 0 }),
    label: Type.Optional(
      Type.String({
        description: "What it is called in the language of `locale`, where the catalogue says it",
      }),
    ),
  },
  { additionalProperties: false, title: "FacetValue" },
);

/** Counts of one facet over everything that was found, its own choice left out. */
export const facetCountsSchema = Type.Object(
  {
    field: Type.String(),
    values: Type.Array(facetValueSchema, { description: "Most frequent first" }),
    statistics: Type.Optional(
      Type.Object(
        {
          min: Type.Number(),
          max: Type.Number(),
          sum: Type.Number(),
          avg: Type.Number(),
          count: Type.Integer({ minimum: 0 }),
        },
        { additionalProperties: false, description: "Of fields with numbers" },
      ),
    ),
    ranges: Type.Optional(
      Type.Array(
        Type.Object(
          {
            from: Type.Union([Type.Number(), Type.Null()]),
            to: Type.Union([Type.Number(), Type.Null()], { description: "Exclusive" }),
            count: Type.Integer({ minimum: 0 }),
          },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false, title: "FacetCounts" },
);

export const facetPathSchema = Type.Object(
  { field: fieldNameSchema },
  { additionalProperties: false },
);

/** The answer to POST /v1/facets/{field}. */
export const facetValuesResponseSchema = Type.Object(
  { field: Type.String(), values: Type.Array(facetValueSchema) },
  { additionalProperties: false, title: "FacetValuesResponse" },
);

export type FacetCounts = Static<typeof facetCountsSchema>;
export type FacetValuesResponse = Static<typeof facetValuesResponseSchema>;
