import { DataError, type EventInput, type Item } from "@magpie/domain";
import { parse } from "csv-parse/sync";
import { type PurchaseOrReturn, settleReturns } from "../../clean/returns.ts";
import type { Sequences } from "../../sequences.ts";
import { readDatasetFile } from "./dataset-files.ts";

/** What became of the file's lines: each was kept, a service, free, or an adjustment. */
export interface OnlineRetailReport {
  readonly lines: number;
  /** Lines that became part of a purchase or a refund. */
  readonly kept: number;
  /** Postage, fees, samples, manual entries: codes that are no products. */
  readonly services: number;
  /** Nothing was sold: gifts, damaged or lost stock, corrections of stock. */
  readonly free: number;
  /** Corrections of the books, invoices that start with A. */
  readonly adjustments: number;
  /** Of the kept lines: those without a customer, in nobody's sequence. */
  readonly anonymous: number;
  /** Of the kept lines: those of cancelled invoices, which start with C. */
  readonly cancelled: number;
  /** Cancelled lines of customers that met their purchase whole, in part, and not at all. */
  readonly settled: number;
  readonly partlySettled: number;
  readonly unsettled: number;
}

/** A year of a British gift wholesaler's invoices. */
export interface OnlineRetail {
  readonly items: readonly Item[];
  /**
   * Purchases, and refunds for cancelled invoices, oldest first; at most 500 lines an event.
   * Invoices without a customer have the visitor id `invoice:<number>`.
   */
  events(): Generator<EventInput>;
  /**
   * Known customers' purchases after cancellations were settled, an item once per invoice. Item row
   * `i` is `items[i - 1]`; user row `u` is `customers[u]`.
   */
  readonly sequences: Sequences;
  readonly customers: readonly string[];
  readonly report: OnlineRetailReport;
}

interface Line {
  readonly invoice: string;
  readonly code: string;
  readonly title: string;
  /** Positive; `isReturn` says which way. */
  readonly quantity: number;
  readonly isReturn: boolean;
  readonly timestampMs: number;
  readonly priceCents: number;
  readonly customer: string;
}

const columns = [
  "InvoiceNo",
  "StockCode",
  "Description",
  "Quantity",
  "InvoiceDate",
  "UnitPrice",
  "CustomerID",
] as const;

/** Codes of the data set that are no products. */
const services = new Set([
  "POST",
  "DOT",
  "C2",
  "M",
  "D",
  "S",
  "B",
  "PADS",
  "CRUK",
  "AMAZONFEE",
  "BANK CHARGES",
]);

/**
 * Reads UCI's Online Retail (`online-retail.csv`): invoice lines from 2010-12-01 to 2011-12-09.
 *
 * - Codes that differ only in case are one item; its title is the one used most often.
 * - Cancellations (invoices that start with C) are refunds, and are settled against the same
 *   customer's latest purchases of the item (`settleReturns`).
 * - Lines without a customer become events of a visitor of their own and stay out of the sequences.
 * - Times have no zone in the file and are read as UTC.
 *
 * @throws {DataError} `DATASET_FILE_MISSING`, `MISSING_COLUMN`, or `BAD_LINE` naming line and value
 */
export async function readOnlineRetail(folder: string): Promise<OnlineRetail> {
  const file = "online-retail.csv";
  const [header = [], ...rows] = parse(await readDatasetFile(folder, file), {
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
  });
  const missing = columns.filter((column) => !header.includes(column));
  if (missing.length > 0 || rows.length === 0) {
    throw new DataError(
      "MISSING_COLUMN",
      `${file} ${missing.length > 0 ? `lacks the column ${missing.join(", ")}` : "has no rows"}.`,
      `It must start with the header ${columns.join(",")},Country.`,
    );
  }
  const place = Object.fromEntries(columns.map((column) => [column, header.indexOf(column)]));
  const field = (row: readonly string[], column: (typeof columns)[number]): string =>
    row[place[column]!] ?? "";
  const counts = { services: 0, free: 0, adjustments: 0 };
  const lines: Line[] = [];
  rows.forEach((row, index) => {
    const line = `${file}, line ${index + 2}`;
    const invoice = field(row, "InvoiceNo");
    const isReturn = invoice.startsWith("C");
    const code = field(row, "StockCode").toUpperCase();
    const units = numberOf(field(row, "Quantity"), `${line}: Quantity`);
    const price = numberOf(field(row, "UnitPrice"), `${line}: UnitPrice`);
    const date = field(row, "InvoiceDate");
    const timestampMs = Date.parse(`${date.replace(" ", "T")}Z`);
    if (Number.isNaN(timestampMs)) throw badLine(`${line}: InvoiceDate`, date);
    if (invoice.startsWith("A")) counts.adjustments++;
    else if (services.has(code)) counts.services++;
    else if (price <= 0 || (units <= 0 && !isReturn)) counts.free++;
    else {
      lines.push({
        invoice,
        code,
        title: field(row, "Description").trim(),
        quantity: Math.abs(units),
        isReturn,
        timestampMs,
        priceCents: Math.round(price * 100),
        customer: field(row, "CustomerID").replace(/\.0$/, ""),
      });
    }
  });
  // Stable: lines of one minute keep the order of the file.
  lines.sort((a, b) => a.timestampMs - b.timestampMs);

  const items = itemsOf(lines);
  const { settlement, ...people } = sequencesOf(lines, items);
  return {
    items,
    events: () => eventsOf(lines),
    ...people,
    report: {
      lines: rows.length,
      kept: lines.length,
      ...counts,
      anonymous: lines.filter((line) => line.customer === "").length,
      cancelled: lines.filter((line) => line.isReturn).length,
      ...settlement,
    },
  };
}

function numberOf(text: string, place: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw badLine(place, text);
  return value;
}

const badLine = (place: string, found: string): DataError =>
  new DataError(
    "BAD_LINE",
    `${place} is "${found}".`,
    "Check that the file is the original of this data set and was not cut.",
  );

/** In the order in which they first occur. */
function itemsOf(lines: readonly Line[]): Item[] {
  const titles = new Map<string, Map<string, number>>();
  const prices = new Map<string, number>();
  for (const { code, title, priceCents } of lines) {
    const counts = titles.get(code) ?? new Map<string, number>();
    titles.set(code, counts.set(title, (counts.get(title) ?? 0) + 1));
    prices.set(code, priceCents); // the latest stays
  }
  return [...titles].map(([code, counts]) => {
    const [title] = [...counts].reduce((best, next) => (next[1] > best[1] ? next : best));
    return {
      id: code,
      title: title === "" ? code : title,
      locale: "en-GB",
      variants: [
        {
          id: code,
          price: { amount: prices.get(code)!, currency: "GBP" },
          availability: { available: true },
        },
      ],
    };
  });
}

const maxEventItems = 500;

function* eventsOf(lines: readonly Line[]): Generator<EventInput> {
  const invoices = Map.groupBy(lines, (line) => line.invoice);
  for (const [invoice, all] of invoices) {
    for (let start = 0; start < all.length; start += maxEventItems) {
      const part = all.slice(start, start + maxEventItems);
      const { isReturn, timestampMs, customer } = part[0]!;
      yield {
        eventId: `online-retail:${invoice}:${start / maxEventItems}`,
        type: isReturn ? "refund" : "purchase",
        timestamp: new Date(timestampMs).toISOString(),
        orderId: invoice,
        ...(customer === "" ? { visitorId: `invoice:${invoice}` } : { userId: customer }),
        items: part.map(({ code, quantity, priceCents }) => ({
          itemId: code,
          quantity,
          price: { amount: priceCents, currency: "GBP" },
        })),
      };
    }
  }
}

function sequencesOf(lines: readonly Line[], items: readonly Item[]) {
  const rowOf = new Map(items.map((item, i) => [item.id, i + 1]));
  const byCustomer = Map.groupBy(
    lines.filter((line) => line.customer !== ""),
    (line) => line.customer,
  );
  const settlement = { settled: 0, partlySettled: 0, unsettled: 0 };
  const offsets = [0];
  const sequence: number[] = [];
  const times: number[] = [];
  for (const own of byCustomer.values()) {
    const entries: PurchaseOrReturn[] = own.map(({ code, isReturn, quantity }) => ({
      key: code,
      isReturn,
      quantity,
    }));
    const { left, matched, partlyMatched, unmatched } = settleReturns(entries);
    settlement.settled += matched;
    settlement.partlySettled += partlyMatched;
    settlement.unsettled += unmatched;
    const seen = new Set<string>();
    own.forEach(({ invoice, code, isReturn, timestampMs }, i) => {
      const once = `${invoice}\t${code}`;
      if (isReturn || left[i] === 0 || seen.has(once)) return;
      seen.add(once);
      sequence.push(rowOf.get(code)!);
      times.push(timestampMs);
    });
    offsets.push(sequence.length);
  }
  const sequences: Sequences = {
    userCount: byCustomer.size,
    itemCount: items.length,
    offsets: Int32Array.from(offsets),
    items: Int32Array.from(sequence),
    timestampsMs: Float64Array.from(times),
  };
  return { sequences, customers: [...byCustomer.keys()], settlement };
}
