import { compile, eventSchema, type Event, type EventInput, type EventType } from "@magpie/domain";
import { v7 as uuidV7 } from "uuid";

/** What the gate lets through, with the reasons it does not. */
export interface GateLimits {
  /** Clocks of phones run ahead by minutes, not by hours. */
  readonly maxFutureMs: number;
  /** Older events come from files, where they are cleaned as a whole. */
  readonly maxPastMs: number;
}

export const gateDefaults: GateLimits = {
  maxFutureMs: 10 * 60_000,
  maxPastMs: 400 * 24 * 3_600_000,
};

/** What the gate makes of one input. */
export type Gated =
  | { readonly pass: true; readonly event: Event }
  /** Well-formed, but its sender did not agree to have it kept. */
  | { readonly pass: "dropped"; readonly id: string }
  | {
      readonly pass: false;
      readonly code: string;
      readonly field: string;
      readonly message: string;
      readonly hint: string;
    };

const check = compile(eventSchema);

/** Acts that say nothing without an item. */
const itemActs: ReadonlySet<EventType> = new Set([
  "view",
  "click",
  "impression",
  "add_to_cart",
  "remove_from_cart",
  "wishlist",
  "purchase",
  "refund",
]);

/**
 * The gate that every live event passes: its shape, who acted, when, and what was agreed to.
 *
 * - `consent.analytics` false: nothing is kept.
 * - `consent.personalization` false: kept with the flag, which keeps it out of histories and
 *   training (`mayPersonalize`).
 * - No `eventId`: a UUID v7 is made. Retries should bring their own, or they count twice.
 * - No `timestamp`: the moment of arrival.
 */
export function gateEvent(input: unknown, nowMs: number, limits = gateDefaults): Gated {
  const checked = check(input);
  if (!checked.ok) {
    const { field, message } = checked.violations[0]!;
    return {
      pass: false,
      code: "INVALID_EVENT",
      field,
      message: field === "" ? `event ${message}` : message,
      hint: "See the Event schema in the API documentation for the fields and their forms.",
    };
  }
  const value: EventInput = checked.value;
  if (value.userId === undefined && value.visitorId === undefined) {
    return {
      pass: false,
      code: "MISSING_ACTOR",
      field: "userId",
      message: "neither userId nor visitorId is given",
      hint: "Send userId for a known shopper, or a visitorId that stays the same in one browser.",
    };
  }
  if (itemActs.has(value.type) && (value.items?.length ?? 0) === 0) {
    return {
      pass: false,
      code: "MISSING_ITEMS",
      field: "items",
      message: `an event of type "${value.type}" names no item`,
      hint: 'Add the items it is about: "items": [{ "itemId": "…" }].',
    };
  }
  const timestampMs = value.timestamp === undefined ? nowMs : Date.parse(value.timestamp);
  if (!(timestampMs <= nowMs + limits.maxFutureMs)) {
    return {
      pass: false,
      code: "TIMESTAMP_IN_FUTURE",
      field: "timestamp",
      message: `${value.timestamp} lies ${durationWords(timestampMs - nowMs)} in the future`,
      hint: "Check the sender's clock and time zone, or leave the timestamp out to use the time of arrival.",
    };
  }
  if (timestampMs < nowMs - limits.maxPastMs) {
    return {
      pass: false,
      code: "TIMESTAMP_TOO_OLD",
      field: "timestamp",
      message: `${value.timestamp} lies ${durationWords(nowMs - timestampMs)} in the past`,
      hint: "Import older events from a file: magpie import events FILE.",
    };
  }
  const { timestamp: _, eventId = uuidV7({ msecs: nowMs }), ...rest } = value;
  if (value.consent?.analytics === false) return { pass: "dropped", id: eventId };
  return { pass: true, event: { ...rest, eventId, timestampMs } };
}

/** False when the person did not agree that this event changes what is recommended to them. */
export function mayPersonalize(event: Pick<Event, "consent">): boolean {
  return event.consent?.personalization !== false;
}

function durationWords(ms: number): string {
  const hours = ms / 3_600_000;
  if (hours < 1) return `${Math.round(ms / 60_000)} minutes`;
  if (hours < 48) return `${Math.round(hours)} hours`;
  return `${Math.round(hours / 24)} days`;
}
