import type { FieldTest } from "@magpie/domain";
import { Type, type Static } from "typebox";

const fieldNames =
  "`brand`, `shop`, `categories`, `tags`, `available`, `price` (minor units), `rating`, `createdAt` (Unix milliseconds), `attributes.NAME` or `options.NAME`";
const field = Type.String({ minLength: 1, maxLength: 200, description: fieldNames });
const not = Type.Optional(Type.Boolean({ description: "Items that do not pass the test" }));
const number = Type.Number({ minimum: -1e15, maximum: 1e15 });

const pointSchema = Type.Object(
  {
    latitude: Type.Number({ minimum: -90, maximum: 90 }),
    longitude: Type.Number({ minimum: -180, maximum: 180 }),
  },
  { additionalProperties: false, title: "GeoPoint" },
);

/** A test of one field, on the wire as in the engine. */
export const fieldTestSchema = Type.Unsafe<FieldTest>(
  Type.Union(
    [
      Type.Object(
        {
          field,
          anyOf: Type.Array(Type.String({ maxLength: 512 }), {
            minItems: 1,
            maxItems: 1_000,
            description: 'Values, of which one is enough; of categories, paths: "Shoes > Running"',
          }),
          not,
        },
        { additionalProperties: false },
      ),
      Type.Object(
        { field, min: Type.Optional(number), max: Type.Optional(number), not },
        { additionalProperties: false, description: "Inclusive bounds of a number" },
      ),
      Type.Object({ field, exists: Type.Literal(true), not }, { additionalProperties: false }),
      Type.Object(
        {
          near: pointSchema,
          radiusMeters: Type.Number({ exclusiveMinimum: 0, maximum: 20_100_000 }),
          not,
        },
        {
          additionalProperties: false,
          description: "By the attributes `latitude` and `longitude`",
        },
      ),
      Type.Object(
        { southWest: pointSchema, northEast: pointSchema, not },
        { additionalProperties: false },
      ),
    ],
    { title: "FieldTest" },
  ),
);

/** Conditions on any field. */
export const conditionsSchema = Type.Array(
  Type.Array(fieldTestSchema, { minItems: 1, maxItems: 100 }),
  {
    maxItems: 100,
    description: "Each clause must hold, and holds when one of its tests does",
  },
);

export const facetRequestSchema = Type.Object(
  {
    field: Type.String({
      minLength: 1,
      maxLength: 200,
      description: `${fieldNames}; \`*\`: all there are`,
    }),
    limit: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 1_000, description: "Most values listed; 100" }),
    ),
    bounds: Type.Optional(
      Type.Array(number, {
        minItems: 1,
        maxItems: 100,
        description: "Ascending bounds of ranges to count numbers in: [10, 20] gives three",
      }),
    ),
  },
  { additionalProperties: false, title: "FacetRequest" },
);

export const sortSchema = Type.Object(
  {
    field: Type.String({
      minLength: 1,
      maxLength: 200,
      description: "A field with numbers, or `popularity`. Items without it go last",
    }),
    order: Type.Union([Type.Literal("ascending"), Type.Literal("descending")]),
  },
  { additionalProperties: false, title: "SearchSort" },
);

const facetValueSchema = Type.Object(
  { value: Type.String(), count: Type.Integer({ minimum: 0 }) },
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

export const facetPathSchema = Type.Object({ field }, { additionalProperties: false });

/** The answer to POST /v1/facets/{field}. */
export const facetValuesResponseSchema = Type.Object(
  { field: Type.String(), values: Type.Array(facetValueSchema) },
  { additionalProperties: false, title: "FacetValuesResponse" },
);

export type FacetCounts = Static<typeof facetCountsSchema>;
export type FacetValuesResponse = Static<typeof facetValuesResponseSchema>;
