import { itemPrice } from "./item-price.ts";
import type { EventInput, EventItem, EventType, Money } from "@magpie/domain";
import { parseLines } from "../lines.ts";
import { given, isFields, scalarOf, textOf, type LooseFields } from "../loose-fields.ts";
import { parsePrice } from "../prices.ts";
import { shown, type EventDraft, type Problem, type Reader } from "../reader.ts";
import { isoOf, parseTime, zoneNamed } from "../timestamps.ts";
import { readDraft } from "./event-draft.ts";
import { segmentEventTypes } from "./event-names.ts";

export interface SegmentOptions {
  /** Currency of prices where the call names none (the spec's own default is USD). */
  readonly currency?: string;
}

/**
 * Calls of Segment's e-commerce spec v2 (also RudderStack, PostHog), one a line: `track` calls,
 * and `page` calls to the home page. Positions count from 1, as ours do. Other calls (identify,
 * group, custom events) become "unmapped-type".
 */
export function segmentReader(options: SegmentOptions = {}): Reader<EventDraft> {
  return {
    format: "segment",
    async *read(text, progress) {
      for await (const block of text.blocks(progress)) {
        const values: EventDraft[] = [];
        const lines: number[] = [];
        const problems: Problem[] = [];
        parseLines(block, problems, (value, line) => {
          const draft = toDraft(value, line, problems, options);
          if (draft === undefined) return;
          values.push(draft);
          lines.push(line);
        });
        yield { values, lines, problems };
      }
    },
  };
}

const utc = zoneNamed("UTC");

function toDraft(
  value: unknown,
  line: number,
  problems: Problem[],
  options: SegmentOptions,
): EventDraft | undefined {
  if (!isFields(value)) {
    const message = "is not an object with the fields of a call";
    problems.push({ rule: "invalid", line, value: shown(value), message });
    return undefined;
  }
  const properties = isFields(value["properties"]) ? value["properties"] : {};
  const type = typeOf(value, properties);
  if (type === undefined) {
    const name = value["event"] ?? value["name"] ?? value["type"];
    const message = "is no act of shopping that we keep";
    problems.push({ rule: "unmapped-type", line, field: "event", value: shown(name), message });
    return undefined;
  }
  const written = value["timestamp"] ?? value["originalTimestamp"] ?? value["sentAt"];
  const time =
    typeof written === "string" || typeof written === "number"
      ? parseTime(written, utc)
      : undefined;
  const timestamp = time && isoOf(time.ms);
  if (timestamp === undefined) {
    const message = "is not a time; calls carry RFC 3339";
    problems.push({
      rule: "bad-timestamp",
      line,
      field: "timestamp",
      value: shown(written),
      message,
    });
    return undefined;
  }

  const currency = textOf(properties["currency"])?.toUpperCase() ?? options.currency ?? "USD";
  const listed = Array.isArray(properties["products"]) ? properties["products"] : [properties];
  const items: EventItem[] = [];
  for (const [i, product] of listed.entries()) {
    const place = Array.isArray(properties["products"])
      ? `properties.products[${i}]`
      : "properties";
    const item = isFields(product) ? readItem(product, currency, line, place, problems) : undefined;
    if (item === "problem") return undefined;
    if (item !== undefined) items.push(item);
  }
  let total: Money | undefined;
  const totalText = scalarOf(properties["total"] ?? properties["revenue"] ?? properties["value"]);
  if (totalText !== undefined && (type === "purchase" || type === "refund")) {
    const read = parsePrice(totalText, currency);
    if (read.ok) total = read.money;
  }
  const coupon = textOf(properties["coupon"]);
  const draft: EventInput = {
    type,
    timestamp,
    ...given("eventId", textOf(value["messageId"])),
    ...given("userId", textOf(value["userId"])),
    ...given("visitorId", textOf(value["anonymousId"])),
    ...given("sessionId", textOf(properties["session_id"])),
    ...given("query", textOf(properties["query"])),
    ...given("listId", textOf(properties["list_id"])),
    ...given("orderId", textOf(properties["order_id"])),
    ...(items.length > 0 && { items }),
    ...(coupon !== undefined && { couponIds: [coupon] }),
    ...(total !== undefined && { value: total }),
  };
  return readDraft(draft, line, problems);
}

function typeOf(call: LooseFields, properties: LooseFields): EventType | undefined {
  const name = call["event"];
  if (call["type"] === "track" && typeof name === "string") {
    return Object.hasOwn(segmentEventTypes, name) ? segmentEventTypes[name] : undefined;
  }
  if (call["type"] !== "page") return undefined;
  return properties["path"] === "/" || call["name"] === "Home" ? "home_view" : undefined;
}

function readItem(
  product: LooseFields,
  currency: string,
  line: number,
  place: string,
  problems: Problem[],
): EventItem | undefined | "problem" {
  const itemId = textOf(product["product_id"]) ?? textOf(product["sku"]);
  if (itemId === undefined) return undefined;
  const written = scalarOf(product["price"]);
  let price: Money | undefined;
  if (written !== undefined) {
    price = itemPrice(written, currency, { line, field: `${place}.price` }, problems);
    if (price === undefined) return "problem";
  }
  const position = scalarOf(product["position"]);
  const quantity = scalarOf(product["quantity"]);
  return {
    itemId,
    ...given("variantId", textOf(product["variant"])),
    ...(position !== undefined && { position: Number(position) }),
    ...(quantity !== undefined && { quantity: Number(quantity) }),
    ...(price !== undefined && { price }),
  };
}
