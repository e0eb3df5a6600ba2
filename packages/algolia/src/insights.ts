import type { EventInput } from "@magpie/domain";
import { parameterError } from "./errors.ts";

/** An event as the dialect's Insights clients send it. */
export interface InsightsEvent {
  readonly eventType?: unknown;
  readonly eventSubtype?: unknown;
  readonly eventName?: unknown;
  readonly userToken?: unknown;
  readonly authenticatedUserToken?: unknown;
  readonly timestamp?: unknown;
  readonly queryID?: unknown;
  readonly objectIDs?: unknown;
  readonly positions?: unknown;
  readonly objectData?: unknown;
  readonly currency?: unknown;
}

const maxEvents = 1_000;
/** The last moment that a date can hold. */
const lastTime = 8.64e15;

/**
 * Insights events as ours: a view of a list is an impression, a click stays one, a conversion is a
 * purchase, or an `add_to_cart` where its subtype says so. Positions count from 1 in both.
 *
 * @throws {RequestError} `INVALID_PARAMETER` with the event's place
 */
export function eventsOf(body: unknown): EventInput[] {
  const events = (body as { readonly events?: unknown } | null | undefined)?.events;
  if (!Array.isArray(events) || events.length === 0 || events.length > maxEvents) {
    throw parameterError(
      "events",
      "must be a list of events",
      `Send { events: [{ eventType, eventName, userToken, objectIDs }] }, at most ${maxEvents}.`,
    );
  }
  return events.map((event, i) => eventOf(event as InsightsEvent | null, `events[${i}]`));
}

function eventOf(event: InsightsEvent | null, place: string): EventInput {
  const { eventType, eventSubtype, userToken, authenticatedUserToken } = event ?? {};
  const type = typeOf(eventType, eventSubtype);
  if (type === undefined) {
    throw parameterError(`${place}.eventType`, "is not known", "Use view, click or conversion.");
  }
  const visitor = textOf(userToken);
  const user = textOf(authenticatedUserToken);
  if (visitor === undefined && user === undefined) {
    throw parameterError(`${place}.userToken`, "is missing", "Name the visitor, as a text.");
  }
  const { objectIDs, positions, objectData, queryID, timestamp, currency } = event ?? {};
  if (objectIDs !== undefined && !isTexts(objectIDs)) {
    throw parameterError(`${place}.objectIDs`, "must be a list of texts", 'Send ["id", "id"].');
  }
  if (timestamp !== undefined && !(Number(timestamp) > 0 && Number(timestamp) <= lastTime)) {
    throw parameterError(`${place}.timestamp`, "is no time", "Send milliseconds since 1970.");
  }
  const ids = objectIDs ?? [];
  const data = Array.isArray(objectData) ? (objectData as unknown[]) : [];
  const places = Array.isArray(positions) ? (positions as unknown[]) : [];
  const fromSearch = textOf(queryID) ?? firstQueryId(data);
  return {
    type,
    ...(visitor !== undefined && { visitorId: visitor }),
    ...(user !== undefined && { userId: user }),
    ...(timestamp !== undefined && { timestamp: new Date(Number(timestamp)).toISOString() }),
    ...(fromSearch !== undefined && { queryId: fromSearch, source: "search" as const }),
    items: ids.map((itemId, i) => {
      const { quantity, price } = (data[i] ?? {}) as { quantity?: unknown; price?: unknown };
      const position = places[i];
      const amount = Math.round(Number(price));
      return {
        itemId,
        ...(Number.isInteger(position) && Number(position) >= 1 && { position: Number(position) }),
        ...(Number.isInteger(quantity) && Number(quantity) >= 1 && { quantity: Number(quantity) }),
        ...(typeof currency === "string" &&
          price !== undefined &&
          amount >= 0 && { price: { amount, currency } }),
      };
    }),
  };
}

function typeOf(eventType: unknown, subtype: unknown): EventInput["type"] | undefined {
  if (eventType === "view") return "impression";
  if (eventType === "click") return "click";
  if (eventType !== "conversion") return undefined;
  return subtype === "addToCart" ? "add_to_cart" : "purchase";
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "");
}

/** Purchases name the search of each item; one event of ours has one. */
function firstQueryId(data: readonly unknown[]): string | undefined {
  for (const one of data) {
    const id = textOf((one as { queryID?: unknown } | null)?.queryID);
    if (id !== undefined) return id;
  }
  return undefined;
}
