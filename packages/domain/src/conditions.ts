import { Type } from "typebox";
import type { FieldTest } from "./serving.ts";

/** Fields of items that conditions may name, for documentation. */
export const fieldNames =
  "`brand`, `shop`, `categories`, `tags`, `available`, `price` (minor units), `rating`, `createdAt` (Unix milliseconds), `attributes.NAME` or `options.NAME`";

/** The name of a field of items. */
export const fieldNameSchema = Type.String({
  minLength: 1,
  maxLength: 200,
  description: fieldNames,
});

const not = Type.Optional(Type.Boolean({ description: "Items that do not pass the test" }));

/** A bound of a field with numbers. */
export const fieldNumberSchema = Type.Number({ minimum: -1e15, maximum: 1e15 });

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
          field: fieldNameSchema,
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
        {
          field: fieldNameSchema,
          min: Type.Optional(fieldNumberSchema),
          max: Type.Optional(fieldNumberSchema),
          not,
        },
        { additionalProperties: false, description: "Inclusive bounds of a number" },
      ),
      Type.Object(
        { field: fieldNameSchema, exists: Type.Literal(true), not },
        { additionalProperties: false },
      ),
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
