import type { EventInput, EventItem, EventType, Money } from "@magpie/domain";
import { mapColumns, names, requireColumns, type ColumnField } from "../columns.ts";
import { given } from "../loose-fields.ts";
import { parsePrice, priceProblem } from "../prices.ts";
import { shown, type EventDraft, type Note, type Problem, type Reader } from "../reader.ts";
import { openTable } from "../table.ts";
import { isoOf, parseTime, zoneNamed } from "../timestamps.ts";
import { readDraft } from "./event-draft.ts";
import { eventTypeNamed } from "./event-names.ts";

type Name =
  | "eventId"
  | "userId"
  | "visitorId"
  | "sessionId"
  | "type"
  | "timestamp"
  | "itemId"
  | "variantId"
  | "quantity"
  | "price"
  | "currency"
  | "position"
  | "orderId"
  | "query"
  | "queryId"
  | "source"
  | "scenario"
  | "listId";

/** What event columns are called; also what `--map` may name. */
export const eventColumns: readonly ColumnField<Name>[] = [
  { name: "eventId", aliases: names("event id, id, messageId, insert id, 事件ID, 事件编号") },
  {
    name: "userId",
    aliases: names(
      "user, uid, customer id, customer, member id, buyer id, shopper id",
      "user no, 用户ID, 用户, 用户编号, 会员ID, 会员编号, 会员, 客户ID, 客户编号, 买家ID",
    ),
  },
  {
    name: "visitorId",
    aliases: names("visitor, anonymous id, client id, device id, cookie id, 访客ID, 访客, 设备ID"),
  },
  { name: "sessionId", aliases: names("session, visit id, 会话ID, 会话") },
  {
    name: "type",
    aliases: names(
      "event type, event, event name, action, action type, behavior, behaviour",
      "behavior type, behaviour type, 行为类型, 行为, 事件类型, 事件, 操作",
    ),
  },
  {
    name: "timestamp",
    aliases: names(
      "time, event time, timestamp ms, ts, date, datetime, created at",
      "occurred at, invoice date, order date, 时间, 时间戳, 行为时间, 事件时间, 日期, 下单时间",
      "创建时间",
    ),
  },
  {
    name: "itemId",
    aliases: names(
      "item, product id, product, stock code, goods id, sku id, content id",
      "商品ID, 商品编号, 商品编码, 商品, 产品ID, 产品编号, 货号, 宝贝ID",
    ),
  },
  { name: "variantId", aliases: names("variant, sku, 规格ID, SKU编号") },
  { name: "quantity", aliases: names("qty, count, amount of items, 数量, 件数, 购买数量") },
  { name: "price", aliases: names("unit price, item price, 单价, 价格, 成交价") },
  { name: "currency", aliases: names("currency code, 币种, 货币") },
  { name: "position", aliases: names("rank, slot, 位置, 排名") },
  {
    name: "orderId",
    aliases: names(
      "order, order no, transaction id, invoice no, invoice, 订单号, 订单ID, 订单编号",
    ),
  },
  {
    name: "query",
    aliases: names("search term, search query, keyword, keywords, 搜索词, 关键词"),
  },
  { name: "queryId", aliases: names("search id, 查询ID") },
  { name: "source", aliases: names("来源") },
  { name: "scenario", aliases: names("placement, page, 场景") },
  { name: "listId", aliases: names("list, list id, 列表ID") },
];

export interface EventCsvOptions {
  /** Field → column, where the names do not say it: `{ itemId: "Artikel" }`. */
  readonly map?: Readonly<Record<string, string>>;
  /** Zone of times that name none: "+08:00", "Asia/Shanghai". Unset: UTC, and the report says so. */
  readonly zone?: string;
  /** Currency of prices that name none. */
  readonly currency?: string;
  /** Type of every row, for files without such a column. */
  readonly type?: EventType;
}

/**
 * Delimited text with a header, one event a row. A purchase of a negative quantity is read as a
 * return, as sales exports write it. Columns that no field claims are left out (they often hold
 * names or addresses) and named in the report.
 */
export function eventCsvReader(options: EventCsvOptions = {}): Reader<EventDraft> {
  return {
    format: "csv",
    async *read(text, progress) {
      const table = openTable(text);
      const { of, extra } = mapColumns(table.header, eventColumns, options.map);
      const needed: Name[] = ["timestamp"];
      if (of.visitorId === undefined) needed.unshift("userId");
      if (options.type === undefined) needed.push("type");
      requireColumns({ of, extra }, table.header, needed, "events");
      const zone = zoneNamed(options.zone ?? "UTC");

      let isFirst = true;
      for await (const { records, lines, problems: found } of table.rows(progress)) {
        const values: EventDraft[] = [];
        const valueLines: number[] = [];
        const problems: Problem[] = [...found];
        const notes: Note[] = [];
        let locals = 0;
        let firstLocal = 0;
        if (isFirst && extra.length > 0) {
          notes.push({
            rule: "ignored-column",
            count: extra.length,
            line: 1,
            value: shown(extra.map(({ name }) => name).join(", ")),
            message: "columns that no field of an event is read from; name one with --map",
          });
        }
        isFirst = false;

        for (let i = 0; i < records.length; i++) {
          const line = lines[i]!;
          const record = records[i]!;
          const row = readRow(record, of, line, options, problems);
          if (row === undefined) continue;
          const written = record[of.timestamp!]!.trim();
          const time = parseTime(written, zone);
          if (time === undefined) {
            problems.push({
              rule: "bad-timestamp",
              line,
              field: "timestamp",
              value: shown(written),
              message:
                "is not a time; write RFC 3339 (2026-11-24T06:00:00Z), Unix time, or yyyy-mm-dd hh:mm:ss",
            });
            continue;
          }
          if (time.isLocal && locals++ === 0) firstLocal = line;
          const iso = isoOf(time.ms);
          const draft = readDraft({ ...row, timestamp: iso ?? written }, line, problems);
          if (draft === undefined) continue;
          values.push(draft);
          valueLines.push(line);
        }
        if (locals > 0 && options.zone === undefined) {
          notes.push({
            rule: "assumed-utc",
            count: locals,
            line: firstLocal,
            message: "times name no zone and were read as UTC; state one with --zone",
          });
        }
        yield { values, lines: valueLines, problems, notes };
      }
    },
  };
}

/** A row as an event without its time; undefined when it became a problem. */
function readRow(
  record: readonly string[],
  of: Readonly<Partial<Record<Name, number>>>,
  line: number,
  options: EventCsvOptions,
  problems: Problem[],
): Omit<EventInput, "timestamp"> | undefined {
  const text = (name: Name): string | undefined => {
    const column = of[name];
    const value = column === undefined ? undefined : record[column]!.trim();
    return value === "" ? undefined : value;
  };
  const fail = (rule: Problem["rule"], field: Name, message: string): undefined => {
    problems.push({ rule, line, field, value: shown(text(field) ?? ""), message });
    return undefined;
  };

  const typeName = text("type");
  let type = typeName === undefined ? options.type : eventTypeNamed(typeName);
  if (type === undefined) {
    return fail(
      "unmapped-type",
      "type",
      typeName === undefined ? "no type is given" : "is no type of event that we know",
    );
  }

  const item: { -readonly [K in keyof EventItem]?: EventItem[K] } = {};
  const itemId = text("itemId");
  if (itemId !== undefined) item.itemId = itemId;
  const variantId = text("variantId");
  if (variantId !== undefined) item.variantId = variantId;
  const quantity = text("quantity");
  if (quantity !== undefined) {
    let units = Number(quantity);
    if (units < 0 && type === "purchase") {
      type = "refund";
      units = -units;
    }
    if (!Number.isInteger(units) || units < 1 || units > 1_000_000) {
      return fail("impossible-quantity", "quantity", "is not a whole number from 1 to 1,000,000");
    }
    item.quantity = units;
  }
  const position = text("position");
  if (position !== undefined) {
    const place = Number(position);
    if (!Number.isInteger(place) || place < 1) {
      return fail("invalid", "position", "is not a place in a list, counted from 1");
    }
    item.position = place;
  }
  let price: Money | undefined;
  const priceText = text("price");
  if (priceText !== undefined) {
    const read = parsePrice(priceText, text("currency")?.toUpperCase() ?? options.currency);
    if (!read.ok) {
      const isCurrency = read.problem === "no-currency" || read.problem === "bad-currency";
      return fail(
        isCurrency ? "bad-currency" : "impossible-price",
        "price",
        priceProblem(read.problem),
      );
    }
    price = read.money;
  }

  const source = text("source");
  return {
    type,
    ...given("eventId", text("eventId")),
    ...given("userId", text("userId")),
    ...given("visitorId", text("visitorId")),
    ...given("sessionId", text("sessionId")),
    ...given("orderId", text("orderId")),
    ...given("query", text("query")),
    ...given("queryId", text("queryId")),
    ...given("scenario", text("scenario")),
    ...given("listId", text("listId")),
    ...(source !== undefined && { source: source as NonNullable<EventInput["source"]> }),
    ...(itemId !== undefined && {
      items: [{ ...(item as EventItem), ...(price !== undefined && { price }) }],
    }),
  };
}
