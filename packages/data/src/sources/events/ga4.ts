import { itemPrice } from "./item-price.ts";
import type { EventInput, EventItem, EventType, Money } from "@magpie/domain";
import { parseLines } from "../lines.ts";
import { given, scalarOf, textOf, type LooseFields } from "../loose-fields.ts";
import { parsePrice } from "../prices.ts";
import { shown, type EventDraft, type Problem, type Reader } from "../reader.ts";
import { isoOf, parseTime, zoneNamed } from "../timestamps.ts";
import { readDraft } from "./event-draft.ts";
import { ga4EventTypes } from "./event-names.ts";

export interface Ga4Options {
  /** Currency of prices where the event names none. */
  readonly currency?: string;
}

type Params = (name: string) => string | number | undefined;

/** One GA4 event, whichever of its two shapes it came in. */
interface Ga4Event {
  readonly name: string;
  readonly time: string | number | undefined;
  readonly userId: unknown;
  readonly clientId: unknown;
  readonly params: Params;
  readonly items: unknown;
  readonly transactionId: unknown;
}

/**
 * GA4 e-commerce in both of its shapes, one object a line: the BigQuery export (`event_name`,
 * `event_params[]`, integers as strings) and the Measurement Protocol (`client_id`, `events[]`;
 * each event counts as a row).
 *
 * GA4 counts places in a list from 0 (`index`, `item_list_index`), we from 1. Events that are no
 * act of shopping (session_start, scroll, page_view off the home page) become "unmapped-type".
 */
export function ga4Reader(options: Ga4Options = {}): Reader<EventDraft> {
  return {
    format: "ga4",
    async *read(text, progress) {
      for await (const block of text.blocks(progress)) {
        const values: EventDraft[] = [];
        const lines: number[] = [];
        const problems: Problem[] = [];
        parseLines(block, problems, (value, line) => {
          for (const event of eventsOf(value, line, problems)) {
            const draft = toDraft(event, line, problems, options);
            if (draft === undefined) continue;
            values.push(draft);
            lines.push(line);
          }
        });
        yield { values, lines, problems };
      }
    },
  };
}

function eventsOf(value: unknown, line: number, problems: Problem[]): Ga4Event[] {
  const row = value as LooseFields | null;
  if (typeof row === "object" && row !== null) {
    if (typeof row["event_name"] === "string") return [fromExport(row, row["event_name"])];
    if (Array.isArray(row["events"]) && row["events"].length > 0) {
      return row["events"].map((event: unknown) => fromProtocol(row, event));
    }
  }
  problems.push({
    rule: "invalid",
    line,
    field: "event_name",
    value: shown(value),
    message:
      "is neither an exported GA4 event (event_name) nor a Measurement Protocol call (events)",
  });
  return [];
}

function fromExport(row: LooseFields, name: string): Ga4Event {
  const params = new Map<unknown, unknown>();
  if (Array.isArray(row["event_params"])) {
    for (const param of row["event_params"] as (LooseFields | null)[]) {
      const value = param?.["value"] as LooseFields | null | undefined;
      const found =
        value?.["string_value"] ??
        value?.["int_value"] ??
        value?.["double_value"] ??
        value?.["float_value"];
      if (found !== null && found !== undefined) params.set(param?.["key"], found);
    }
  }
  const ecommerce = row["ecommerce"] as LooseFields | null | undefined;
  return {
    name,
    // Always microseconds, but as text in the JSON export.
    time: scalarOf(row["event_timestamp"]),
    userId: row["user_id"],
    clientId: row["user_pseudo_id"],
    params: (key) => scalarOf(params.get(key)),
    items: row["items"],
    transactionId: ecommerce?.["transaction_id"] ?? params.get("transaction_id"),
  };
}

function fromProtocol(call: LooseFields, event: unknown): Ga4Event {
  const { name, params, timestamp_micros: own } = (event ?? {}) as LooseFields;
  const fields = (typeof params === "object" && params !== null ? params : {}) as LooseFields;
  return {
    name: typeof name === "string" ? name : "",
    time: scalarOf(own ?? call["timestamp_micros"]),
    userId: call["user_id"],
    clientId: call["client_id"],
    params: (key) => (Object.hasOwn(fields, key) ? scalarOf(fields[key]) : undefined),
    items: fields["items"],
    transactionId: fields["transaction_id"],
  };
}

const utc = zoneNamed("UTC");

function toDraft(
  event: Ga4Event,
  line: number,
  problems: Problem[],
  options: Ga4Options,
): EventDraft | undefined {
  const { name, params } = event;
  const type = typeOf(name, params);
  if (type === undefined) {
    problems.push({
      rule: "unmapped-type",
      line,
      field: "event_name",
      value: shown(name),
      message: "is no act of shopping that we keep",
    });
    return undefined;
  }
  const time = event.time === undefined ? undefined : parseTime(String(event.time), utc);
  const timestamp = time && isoOf(time.ms);
  if (timestamp === undefined) {
    problems.push({
      rule: "bad-timestamp",
      line,
      field: "event_timestamp",
      value: shown(event.time ?? ""),
      message: "is not a time in microseconds",
    });
    return undefined;
  }
  const currency = textOf(params("currency"))?.toUpperCase() ?? options.currency;
  const items: EventItem[] = [];
  for (const [i, item] of (Array.isArray(event.items) ? event.items : []).entries()) {
    const read = readItem(item as LooseFields | null, currency, line, `items[${i}]`, problems);
    if (read === "problem") return undefined;
    if (read !== undefined) items.push(read);
  }
  const total = params("value");
  let value: Money | undefined;
  if (total !== undefined && (type === "purchase" || type === "refund")) {
    const read = parsePrice(total, currency);
    if (read.ok) value = read.money;
  }
  const coupon = textOf(params("coupon"));
  const draft: EventInput = {
    type,
    timestamp,
    ...given("userId", textOf(event.userId)),
    ...given("visitorId", textOf(event.clientId)),
    ...given("sessionId", textOf(params("ga_session_id") ?? params("session_id"))),
    ...given("query", textOf(params("search_term"))),
    ...given("listId", textOf(params("item_list_id"))),
    ...given("orderId", textOf(event.transactionId)),
    ...(items.length > 0 && { items }),
    ...(coupon !== undefined && { couponIds: [coupon] }),
    ...(value !== undefined && { value }),
  };
  return readDraft(draft, line, problems);
}

function typeOf(name: string, params: Params): EventType | undefined {
  if (Object.hasOwn(ga4EventTypes, name)) return ga4EventTypes[name];
  if (name !== "page_view") return undefined;
  const address = String(params("page_location") ?? "");
  return /^(https?:\/\/[^/?#]+)?\/?([?#].*)?$/.test(address) && address !== ""
    ? "home_view"
    : undefined;
}

function readItem(
  item: LooseFields | null,
  currency: string | undefined,
  line: number,
  place: string,
  problems: Problem[],
): EventItem | undefined | "problem" {
  const itemId = textOf(item?.["item_id"]);
  // The export writes an empty record for events without items.
  if (item === null || itemId === undefined || itemId === "(not set)") return undefined;
  const index = scalarOf(item["index"] ?? item["item_list_index"]);
  const quantity = scalarOf(item["quantity"]);
  const written = scalarOf(item["price"]);
  let price: Money | undefined;
  if (written !== undefined && currency !== undefined) {
    price = itemPrice(written, currency, { line, field: `${place}.price` }, problems);
    if (price === undefined) return "problem";
  }
  const position = index === undefined || index === "(not set)" ? NaN : Number(index) + 1;
  return {
    itemId,
    ...given("variantId", textOf(item["item_variant"])),
    ...(Number.isInteger(position) && { position }),
    ...(quantity !== undefined && { quantity: Number(quantity) }),
    ...(price !== undefined && { price }),
  };
}
