import { eventSchema, oneOf } from "@magpie/domain";
import { partCode } from "./problem.ts";
import { Type, type Static } from "typebox";

/** How many events one request may carry. */
export const maxEventsPerRequest = 1_000;

/** How many bytes a request with events may have. */
export const maxEventBytes = 2_000_000;

/** Body of POST /v1/events. */
export const eventsRequestSchema = Type.Object(
  { events: Type.Array(eventSchema, { minItems: 1, maxItems: maxEventsPerRequest }) },
  { additionalProperties: false, title: "EventsRequest" },
);

/**
 * What is checked before the events are looked at one by one: a wrong event must not take the
 * others with it.
 */
export const eventsEnvelopeSchema = Type.Object(
  { events: Type.Array(Type.Unknown(), { minItems: 1, maxItems: maxEventsPerRequest }) },
  { additionalProperties: false },
);

/** What became of one event of a batch. */
export const eventResultSchema = Type.Union(
  [
    Type.Object(
      {
        status: oneOf(["stored", "duplicate", "dropped"]),
        eventId: Type.String(),
      },
      {
        additionalProperties: false,
        description:
          "`duplicate`: this eventId was stored before and counts once. `dropped`: the person's consent does not allow it to be kept",
      },
    ),
    Type.Object(
      {
        status: oneOf(["refused"]),
        code: partCode,
        field: Type.String(),
        message: Type.String(),
        hint: Type.String(),
      },
      { additionalProperties: false },
    ),
  ],
  { title: "EventResult" },
);

/** Answer of POST /v1/events: one result per event, in their order. */
export const eventsResponseSchema = Type.Object(
  {
    stored: Type.Integer({ minimum: 0 }),
    duplicates: Type.Integer({ minimum: 0 }),
    dropped: Type.Integer({ minimum: 0 }),
    refused: Type.Integer({ minimum: 0 }),
    results: Type.Array(eventResultSchema),
  },
  { additionalProperties: false, title: "EventsResponse" },
);

/** Query of POST /v1/events. */
export const eventsParametersSchema = Type.Object(
  {
    key: Type.Optional(
      Type.String({
        maxLength: 256,
        description:
          "API key with the scope `events`, for navigator.sendBeacon, which cannot set headers",
      }),
    ),
  },
  { additionalProperties: false },
);

export type EventsRequest = Static<typeof eventsRequestSchema>;
export type EventResult = Static<typeof eventResultSchema>;
export type EventsResponse = Static<typeof eventsResponseSchema>;
