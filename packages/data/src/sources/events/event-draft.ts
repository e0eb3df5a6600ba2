import {
  compile,
  eventSchema,
  eventSources,
  eventTypes,
  type EventInput,
  type EventItem,
  type Money,
} from "@magpie/domain";
import { shown, type EventDraft, type Problem, type ReadingRule } from "../reader.ts";
import { parseRfc3339 } from "../timestamps.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Fields = Readonly<Record<string, unknown>>;

const types: ReadonlySet<unknown> = new Set(eventTypes);
const sources: ReadonlySet<unknown> = new Set(eventSources);
const checkBySchema = compile(eventSchema);

/**
 * Checks a parsed value against the event schema and gives it the shape that the log takes. The
 * first thing that is wrong becomes a problem.
 *
 * The schema is the truth; `plainDraft` decides the common shapes faster, and a test holds that it
 * never accepts what the schema refuses.
 */
export function readDraft(
  value: unknown,
  line: number,
  problems: Problem[],
): EventDraft | undefined {
  const fast = plainDraft(value);
  if (fast !== undefined) return fast;
  const checked = checkBySchema(value);
  if (!checked.ok) {
    const { field, message } = checked.violations[0]!;
    const found = valueAt(value, field);
    problems.push({
      rule: ruleOf(field),
      line,
      ...(field !== "" && { field }),
      ...(found !== undefined && { value: shown(found) }),
      message,
    });
    return undefined;
  }
  const { timestamp, ...rest } = checked.value;
  if (timestamp === undefined) {
    const message = 'required field "timestamp" is missing';
    problems.push({ rule: "bad-timestamp", line, field: "timestamp", message });
    return undefined;
  }
  const timestampMs = schemaTime(timestamp);
  if (Number.isNaN(timestampMs)) {
    const message = "is not a moment of the calendar";
    problems.push({ rule: "bad-timestamp", line, field: "timestamp", value: timestamp, message });
    return undefined;
  }
  if (rest.userId === undefined && rest.visitorId === undefined) {
    const message = "neither userId nor visitorId is given; one of them must be";
    problems.push({ rule: "missing-user", line, field: "userId", message });
    return undefined;
  }
  return { ...rest, timestampMs };
}

/** What the schema calls a date-time; a leap second counts as the second after the one before. */
function schemaTime(timestamp: string): number {
  const ms = parseRfc3339(timestamp);
  if (!Number.isNaN(ms)) return ms;
  const leap = timestamp.replace(/^(.{16}:)60/, "$159");
  return leap === timestamp ? Date.parse(timestamp) : parseRfc3339(leap) + 1000;
}

function ruleOf(field: string): ReadingRule {
  if (field.endsWith("currency")) return "bad-currency";
  if (field.endsWith("amount") || field.endsWith("price")) return "impossible-price";
  if (field.endsWith("quantity")) return "impossible-quantity";
  if (field === "timestamp") return "bad-timestamp";
  return "invalid";
}

/** The value at a place as `Violation.field` writes it: `items[0].price.amount`. */
function valueAt(value: unknown, field: string): unknown {
  let at: unknown = value;
  for (const key of field.split(/[.[\]]+/)) {
    if (key === "") continue;
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Fields)[key];
  }
  return at;
}

/**
 * The draft of an event whose fields all have their plain form; undefined sends it to the schema.
 * Fields are read by name and counted, so that one more than was read means an unknown field.
 */
export function plainDraft(value: unknown): EventDraft | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const from = value as Fields & Partial<EventInput>;
  const { type, timestamp, eventId, userId, visitorId, sessionId } = from;
  if (!types.has(type) || typeof timestamp !== "string") return undefined;
  if (userId === undefined && visitorId === undefined) return undefined;
  const timestampMs = parseRfc3339(timestamp);
  if (Number.isNaN(timestampMs)) return undefined;

  const draft: Mutable<EventDraft> = { type: type!, timestampMs };
  let known = 2;
  if (eventId !== undefined) {
    if (!isText(eventId, 128)) return undefined;
    draft.eventId = eventId;
    known++;
  }
  if (userId !== undefined) {
    if (!isText(userId, 512)) return undefined;
    draft.userId = userId;
    known++;
  }
  if (visitorId !== undefined) {
    if (!isText(visitorId, 512)) return undefined;
    draft.visitorId = visitorId;
    known++;
  }
  if (sessionId !== undefined) {
    if (!isText(sessionId, 512)) return undefined;
    draft.sessionId = sessionId;
    known++;
  }
  const { items } = from;
  if (items !== undefined) {
    if (!Array.isArray(items) || items.length > 500) return undefined;
    for (const item of items) if (!isPlainItem(item)) return undefined;
    draft.items = items;
    known++;
  }
  for (const key in from) if (Object.hasOwn(from, key)) known--;
  if (known === 0) return draft;

  // The rarer fields; consent, coupons and attributes are left to the schema.
  const { queryId, query, source, scenario, listId, orderId, value: total } = from;
  if (queryId !== undefined) {
    if (!isText(queryId, 512)) return undefined;
    draft.queryId = queryId;
    known++;
  }
  if (query !== undefined) {
    if (typeof query !== "string" || query.length > 2000) return undefined;
    draft.query = query;
    known++;
  }
  if (source !== undefined) {
    if (!sources.has(source)) return undefined;
    draft.source = source;
    known++;
  }
  if (scenario !== undefined) {
    if (!isText(scenario, 512)) return undefined;
    draft.scenario = scenario;
    known++;
  }
  if (listId !== undefined) {
    if (!isText(listId, 512)) return undefined;
    draft.listId = listId;
    known++;
  }
  if (orderId !== undefined) {
    if (!isText(orderId, 512)) return undefined;
    draft.orderId = orderId;
    known++;
  }
  if (total !== undefined) {
    if (!isMoney(total)) return undefined;
    draft.value = total;
    known++;
  }
  return known === 0 ? draft : undefined;
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === "string" && value.length > 0 && value.length <= maxLength;
}

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 1_000_000;
}

function isPlainItem(value: unknown): value is EventItem {
  if (typeof value !== "object" || value === null) return false;
  const { itemId, variantId, position, quantity, price } = value as Fields;
  if (!isText(itemId, 512)) return false;
  let known = 1;
  if (variantId !== undefined) {
    if (!isText(variantId, 512)) return false;
    known++;
  }
  if (position !== undefined) {
    if (!isCount(position)) return false;
    known++;
  }
  if (quantity !== undefined) {
    if (!isCount(quantity)) return false;
    known++;
  }
  if (price !== undefined) {
    if (!isMoney(price)) return false;
    known++;
  }
  for (const key in value) if (Object.hasOwn(value, key)) known--;
  return known === 0;
}

function isMoney(value: unknown): value is Money {
  if (typeof value !== "object" || value === null) return false;
  const { amount, currency } = value as Fields;
  if (!Number.isSafeInteger(amount) || (amount as number) < 0) return false;
  if (typeof currency !== "string" || currency.length !== 3) return false;
  for (let i = 0; i < 3; i++) {
    const code = currency.charCodeAt(i);
    if (code < 65 || code > 90) return false;
  }
  let known = 2;
  for (const key in value) if (Object.hasOwn(value, key)) known--;
  return known === 0;
}
