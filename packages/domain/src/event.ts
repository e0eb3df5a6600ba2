import { Type, type Static } from "typebox";
import type { UserId } from "./ids.ts";
import { userId } from "./ids.ts";
import { moneySchema } from "./money.ts";
import { oneOf } from "./validate.ts";

/** All kinds of recorded acts. The order is the code stored in packed segments: append only. */
export const eventTypes = [
  "view",
  "click",
  "impression",
  "search",
  "filter",
  "add_to_cart",
  "remove_from_cart",
  "wishlist",
  "cart_view",
  "checkout",
  "purchase",
  "refund",
  "promo_view",
  "promo_click",
  "share",
  "follow",
  "review",
  "home_view",
  "feedback",
] as const;

export type EventType = (typeof eventTypes)[number];

export const eventSources = [
  "search",
  "browse",
  "recommend",
  "assistant",
  "autocomplete",
  "email",
] as const;

export type EventSource = (typeof eventSources)[number];

const id = Type.String({ minLength: 1, maxLength: 512 });

export const eventItemSchema = Type.Object(
  {
    itemId: id,
    variantId: Type.Optional(id),
    position: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000, description: "Place in its list, from 1" }),
    ),
    quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    price: Type.Optional(moneySchema),
  },
  { additionalProperties: false, title: "EventItem" },
);

/**
 * The canonical event, as it crosses the wire and as it stands in our JSONL. At least one of
 * `userId` and `visitorId` is present; `timestamp` is RFC 3339 with a zone.
 */
export const eventSchema = Type.Object(
  {
    eventId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: "Idempotency key; the same key twice counts once. Made by us when absent",
      }),
    ),
    type: oneOf(eventTypes),
    timestamp: Type.Optional(
      Type.String({ format: "date-time", description: "Now, when absent (HTTP only)" }),
    ),
    userId: Type.Optional(id),
    visitorId: Type.Optional(id),
    sessionId: Type.Optional(id),
    queryId: Type.Optional(id),
    query: Type.Optional(Type.String({ maxLength: 2_000 })),
    source: Type.Optional(oneOf(eventSources)),
    scenario: Type.Optional(id),
    listId: Type.Optional(id),
    items: Type.Optional(Type.Array(eventItemSchema, { maxItems: 500 })),
    orderId: Type.Optional(id),
    couponIds: Type.Optional(Type.Array(id, { maxItems: 50 })),
    value: Type.Optional(moneySchema),
    consent: Type.Optional(
      Type.Object(
        {
          analytics: Type.Optional(Type.Boolean()),
          personalization: Type.Optional(Type.Boolean()),
        },
        { additionalProperties: false },
      ),
    ),
    attributes: Type.Optional(
      Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
    ),
  },
  { additionalProperties: false, title: "Event" },
);

/** An event before the gate has given it an id and a time. */
export type EventInput = Static<typeof eventSchema>;
export type EventItem = Static<typeof eventItemSchema>;

/** An event as everything behind the gate sees it. `timestampMs` is Unix time in milliseconds. */
export interface Event extends Omit<EventInput, "eventId" | "timestamp"> {
  readonly eventId: string;
  readonly timestampMs: number;
}

/** The key under which a person's events are joined: `userId` when known, else `visitorId`. */
export function actorOf(event: Pick<EventInput, "userId" | "visitorId">): UserId {
  const key = event.userId ?? event.visitorId;
  if (key === undefined) throw new Error("internal: event without userId and visitorId");
  return userId(key);
}

/**
 * How strongly an event speaks for its items when events become interactions; 0 when it does not
 * speak for them at all. Refunds are settled against their purchase before this is asked.
 */
export function feedbackWeight(type: EventType): number {
  switch (type) {
    case "view":
    case "click":
      return 1;
    case "share":
    case "review":
    case "wishlist":
      return 2;
    case "add_to_cart":
      return 3;
    case "purchase":
      return 5;
    case "impression":
    case "search":
    case "filter":
    case "remove_from_cart":
    case "cart_view":
    case "checkout":
    case "refund":
    case "promo_view":
    case "promo_click":
    case "follow":
    case "home_view":
    case "feedback":
      return 0;
    default:
      return type satisfies never;
  }
}
