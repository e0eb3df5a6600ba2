import { Type, type Static } from "typebox";
import { moneySchema } from "./money.ts";
import { oneOf } from "./validate.ts";

/**
 * The catalogue model: a product with at least one variant. Fields follow the shape on which the
 * agentic-commerce feeds (ACP, UCP) agree; shop, brand and locales are added.
 */

const id = (description: string) => Type.String({ minLength: 1, maxLength: 512, description });
const shortText = Type.String({ maxLength: 2_000 });
const longText = Type.String({ maxLength: 200_000 });

export const availabilitySchema = Type.Object(
  {
    available: Type.Boolean(),
    status: Type.Optional(
      oneOf(["in_stock", "backorder", "preorder", "out_of_stock", "discontinued"]),
    ),
    quantity: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000_000 })),
  },
  { additionalProperties: false, title: "Availability" },
);

export const variantSchema = Type.Object(
  {
    id: id("Stable key of the variant"),
    sku: Type.Optional(shortText),
    barcodes: Type.Optional(Type.Array(shortText, { maxItems: 20 })),
    title: Type.Optional(shortText),
    price: moneySchema,
    listPrice: Type.Optional(moneySchema),
    availability: availabilitySchema,
    options: Type.Optional(
      Type.Record(Type.String(), shortText, { description: "Size, colour and their kin" }),
    ),
    imageUrl: Type.Optional(shortText),
  },
  { additionalProperties: false, title: "Variant" },
);

/** Texts of an item in one language, keyed by BCP 47 tag in `locales`. */
export const itemTextSchema = Type.Object(
  {
    title: Type.Optional(shortText),
    description: Type.Optional(longText),
    categories: Type.Optional(Type.Array(shortText, { maxItems: 50 })),
    brand: Type.Optional(shortText),
    terms: Type.Optional(
      Type.Record(Type.String(), shortText, {
        description:
          "Names and values of variant options and attributes in this language, keyed by the word used there",
      }),
    ),
  },
  { additionalProperties: false, title: "ItemText" },
);

export const itemSchema = Type.Object(
  {
    id: id("Stable key of the product"),
    title: Type.String({ minLength: 1, maxLength: 2_000 }),
    description: Type.Optional(longText),
    url: Type.Optional(shortText),
    imageUrls: Type.Optional(Type.Array(shortText, { maxItems: 100 })),
    brand: Type.Optional(shortText),
    shopId: Type.Optional(id("Seller, on a marketplace")),
    categories: Type.Optional(
      Type.Array(shortText, {
        maxItems: 50,
        description: 'Paths from the root, levels joined by " > "',
      }),
    ),
    tags: Type.Optional(Type.Array(shortText, { maxItems: 250 })),
    attributes: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Union([shortText, Type.Number(), Type.Boolean(), Type.Array(shortText)]),
      ),
    ),
    rating: Type.Optional(
      Type.Object(
        {
          value: Type.Number({ minimum: 0, maximum: 5 }),
          count: Type.Integer({ minimum: 0 }),
        },
        { additionalProperties: false },
      ),
    ),
    locale: Type.Optional(Type.String({ description: "BCP 47 tag of title and description" })),
    locales: Type.Optional(Type.Record(Type.String(), itemTextSchema)),
    variants: Type.Array(variantSchema, {
      minItems: 1,
      maxItems: 2_048,
      description: "The first is the featured one",
    }),
    createdAt: Type.Optional(Type.String({ format: "date-time" })),
  },
  { additionalProperties: false, title: "Item" },
);

export type Availability = Static<typeof availabilitySchema>;
export type Variant = Static<typeof variantSchema>;
export type ItemText = Static<typeof itemTextSchema>;
export type Item = Static<typeof itemSchema>;

/** True when at least one variant can be bought now. */
export function isAvailable(item: Item): boolean {
  return item.variants.some((variant) => variant.availability.available);
}
