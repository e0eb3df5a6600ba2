import { Type, type Static } from "typebox";

/** A place that goods leave from or go to; coordinates in degrees (WGS 84). */
export const addressSchema = Type.Object(
  {
    country: Type.String({ pattern: "^[A-Z]{2}$", description: "ISO 3166-1 alpha-2" }),
    region: Type.Optional(Type.String({ maxLength: 200 })),
    city: Type.String({ minLength: 1, maxLength: 200 }),
    latitude: Type.Optional(Type.Number({ minimum: -90, maximum: 90 })),
    longitude: Type.Optional(Type.Number({ minimum: -180, maximum: 180 })),
  },
  { additionalProperties: false, title: "Address" },
);

/** A seller on a marketplace; a shop with one seller has one or none. */
export const shopSchema = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 512 }),
    name: Type.String({ minLength: 1, maxLength: 2_000 }),
    locales: Type.Optional(Type.Record(Type.String(), Type.Object({ name: Type.String() }))),
    rating: Type.Optional(Type.Number({ minimum: 0, maximum: 5 })),
    address: Type.Optional(addressSchema),
  },
  { additionalProperties: false, title: "Shop" },
);

/** A price reduction or gift that holds for some items in a period. */
export const promotionSchema = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 512 }),
    title: Type.String({ minLength: 1, maxLength: 2_000 }),
    locales: Type.Optional(Type.Record(Type.String(), Type.Object({ title: Type.String() }))),
    percentOff: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100 })),
    itemIds: Type.Optional(Type.Array(Type.String())),
    category: Type.Optional(Type.String()),
    startsAt: Type.String({ format: "date-time" }),
    endsAt: Type.String({ format: "date-time" }),
  },
  { additionalProperties: false, title: "Promotion" },
);

export type Address = Static<typeof addressSchema>;
export type Shop = Static<typeof shopSchema>;
export type Promotion = Static<typeof promotionSchema>;
