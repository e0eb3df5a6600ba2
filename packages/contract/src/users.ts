import { eventSchema, oneOf } from "@magpie/domain";
import { Type, type Static } from "typebox";

const id = Type.String({ minLength: 1, maxLength: 512 });
const time = Type.String({ format: "date-time" });

/** Path of the operations on one user. `userId` is the key under which events are joined. */
export const userPathSchema = Type.Object({ userId: id }, { additionalProperties: false });

/** Query of GET /v1/users. */
export const usersParametersSchema = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, description: "Default 50" })) },
  { additionalProperties: false },
);

/** A user as operators see it in lists. */
export const userSummarySchema = Type.Object(
  { userId: Type.String(), events: Type.Integer({ minimum: 0 }), lastEventAt: time },
  { additionalProperties: false, title: "UserSummary" },
);

export const usersResponseSchema = Type.Object(
  { users: Type.Array(userSummarySchema, { description: "Those with the most events first" }) },
  { additionalProperties: false, title: "UsersResponse" },
);

/** Query of GET /v1/users/{userId}/events. */
export const userEventsParametersSchema = Type.Object(
  { limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: "Default 50" })) },
  { additionalProperties: false },
);

export const userEventsResponseSchema = Type.Object(
  { events: Type.Array(eventSchema, { description: "Newest first" }) },
  { additionalProperties: false, title: "UserEventsResponse" },
);

/** What was shown to a user, as the export gives it. */
export const decisionSchema = Type.Object(
  {
    queryId: Type.String(),
    timestamp: time,
    scenario: Type.String(),
    userId: Type.Optional(Type.String()),
    snapshot: Type.String(),
    pipeline: Type.String(),
    query: Type.Optional(Type.String()),
    items: Type.Array(
      Type.Object(
        {
          itemId: Type.String(),
          position: Type.Integer({ minimum: 1 }),
          score: Type.Number(),
          propensity: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
          retrievers: Type.Array(Type.String()),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false, title: "Decision" },
);

/** One line of the export of a user's data. */
export const exportLineSchema = Type.Union(
  [
    Type.Object(
      { kind: Type.Literal("event"), value: eventSchema },
      { additionalProperties: false },
    ),
    Type.Object(
      { kind: Type.Literal("decision"), value: decisionSchema },
      { additionalProperties: false },
    ),
  ],
  { title: "ExportLine" },
);

/** Answer of DELETE /v1/users/{userId}: how much was deleted. */
export const erasureSchema = Type.Object(
  {
    userId: Type.String(),
    status: oneOf(["erased"]),
    events: Type.Integer({ minimum: 0 }),
    decisions: Type.Integer({ minimum: 0 }),
    note: Type.String({ description: "What erasure means for the models trained so far" }),
  },
  { additionalProperties: false, title: "Erasure" },
);

export type UserSummary = Static<typeof userSummarySchema>;
export type UsersResponse = Static<typeof usersResponseSchema>;
export type UserEventsResponse = Static<typeof userEventsResponseSchema>;
export type DecisionRecord = Static<typeof decisionSchema>;
export type ExportLine = Static<typeof exportLineSchema>;
export type ErasureResponse = Static<typeof erasureSchema>;
