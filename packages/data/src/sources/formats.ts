import { DataError, type EventType, type Item } from "@magpie/domain";
import { itemCsvReader, itemColumns } from "./catalog/item-csv.ts";
import { itemJsonlReader } from "./catalog/item-jsonl.ts";
import { merchantTsvReader, merchantXmlReader } from "./catalog/merchant-feed.ts";
import { isShopifyHeader, shopifyCsvReader } from "./catalog/shopify-csv.ts";
import { columnKey, mapColumns } from "./columns.ts";
import { delimiterOf, RecordScanner } from "./csv.ts";
import { eventColumns, eventCsvReader } from "./events/event-csv.ts";
import { eventJsonlReader } from "./events/event-jsonl.ts";
import { ga4Reader } from "./events/ga4.ts";
import { interactionReader } from "./events/interactions.ts";
import { segmentReader } from "./events/segment.ts";
import { isFields } from "./loose-fields.ts";
import { shown, type EventDraft, type Reader } from "./reader.ts";
import type { TextFile } from "./text.ts";

/** Formats in which a catalogue can be imported. */
export const catalogFormats = [
  "jsonl",
  "csv",
  "merchant-tsv",
  "merchant-xml",
  "shopify-csv",
] as const;
/** Formats in which events can be imported. */
export const eventFormats = ["jsonl", "csv", "ga4", "segment"] as const;

export type CatalogFormat = (typeof catalogFormats)[number];
export type EventFormat = (typeof eventFormats)[number];

/** What readers need to know that files do not say. */
export interface FormatOptions {
  /** Field → column, for delimited files whose column names do not say it. */
  readonly map?: Readonly<Record<string, string>>;
  /** Currency of prices that name none: "USD". */
  readonly currency?: string;
  /** Zone of times that name none: "+08:00", "Asia/Shanghai" (default UTC, reported). */
  readonly zone?: string;
  /** Type of every row, for event files without such a column and for interactions. */
  readonly type?: EventType;
  /** Interactions of a smaller weight are left out. */
  readonly minWeight?: number;
}

/**
 * The reader of a catalogue file: of the format given, else of the one its first lines show.
 *
 * @throws {DataError} `EMPTY_FILE`, `FORMAT_UNCLEAR`, `WRONG_KIND`, `UNKNOWN_FORMAT`
 */
export function catalogReader(
  text: TextFile,
  format: string | undefined,
  options: FormatOptions & { readonly nowMs: number },
): Reader<Item> {
  switch (chosen(format, catalogFormats) ?? detectCatalogFormat(text, options)) {
    case "jsonl":
      return itemJsonlReader();
    case "csv":
      return itemCsvReader(options);
    case "merchant-tsv":
      return merchantTsvReader(options);
    case "merchant-xml":
      return merchantXmlReader(options);
    default:
      return shopifyCsvReader(options);
  }
}

/** The reader of an event file; as `catalogReader`. */
export function eventReader(
  text: TextFile,
  format: string | undefined,
  options: FormatOptions,
): Reader<EventDraft> {
  switch (chosen(format, eventFormats) ?? detectEventFormat(text, options)) {
    case "jsonl":
      return eventJsonlReader();
    case "csv":
      return eventCsvReader(options);
    case "ga4":
      return ga4Reader(options);
    default:
      return segmentReader(options);
  }
}

/** The reader of an interaction file, which has one format. */
export function interactionFileReader(text: TextFile, options: FormatOptions): Reader<EventDraft> {
  refuseEmpty(text);
  if (/^\s*[{[]/.test(text.head)) throw unclear(text, "interactions", ["a delimited text"]);
  return interactionReader(options);
}

function chosen<T extends string>(format: string | undefined, known: readonly T[]): T | undefined {
  if (format === undefined || format === "auto") return undefined;
  const found = known.find((name) => name === format);
  if (found !== undefined) return found;
  throw new DataError(
    "UNKNOWN_FORMAT",
    `"${format}" is not a format that can be read here.`,
    `Use one of ${known.join(", ")}, or leave it out to have it found.`,
  );
}

/** What the first lines of a catalogue file show. */
export function detectCatalogFormat(text: TextFile, options: FormatOptions = {}): CatalogFormat {
  refuseEmpty(text);
  const start = text.head.trimStart();
  if (start.startsWith("<")) {
    if (/<(rss|feed|item|entry|channel)\b/.test(start)) return "merchant-xml";
    throw unclear(text, "a catalogue", catalogFormats);
  }
  const value = firstJson(text, start);
  if (value !== undefined) {
    if (isEventLike(value)) throw wrongKind(text, "events", "catalog");
    if ("variants" in value || ("id" in value && "title" in value)) return "jsonl";
    throw unclear(text, "a catalogue", catalogFormats);
  }
  const header = headerOf(text);
  if (isShopifyHeader(header)) return "shopify-csv";
  const keys = new Set(header.map((name) => columnKey(name).replace(/^g/, "")));
  const merchantKeys = [
    "link",
    "imagelink",
    "availability",
    "itemgroupid",
    "googleproductcategory",
  ];
  const isMerchant = merchantKeys.filter(
    (key) => keys.has(key) || keys.has(key.replace(/^g/, "")),
  ).length;
  if (header.some((name) => columnKey(name) === "id") && isMerchant >= 2) return "merchant-tsv";
  const { of } = mapColumns(header, itemColumns, options.map);
  if (of.id !== undefined && (of.title !== undefined || of.price !== undefined)) return "csv";
  if (of.title !== undefined && of.price !== undefined) return "csv";
  if (Object.keys(options.map ?? {}).length > 0) return "csv";
  const asEvents = mapColumns(header, eventColumns).of;
  if (asEvents.userId !== undefined && asEvents.itemId !== undefined) {
    throw wrongKind(text, "events", "catalog");
  }
  throw unclear(text, "a catalogue", catalogFormats);
}

/** What the first lines of an event file show. */
export function detectEventFormat(text: TextFile, options: FormatOptions = {}): EventFormat {
  refuseEmpty(text);
  const start = text.head.trimStart();
  if (start.startsWith("<")) throw unclear(text, "events", eventFormats);
  const value = firstJson(text, start);
  if (value !== undefined) {
    if ("event_name" in value || ("events" in value && "client_id" in value)) return "ga4";
    if (value["type"] === "track" || "anonymousId" in value || "messageId" in value)
      return "segment";
    if (isEventLike(value)) return "jsonl";
    if ("variants" in value) throw wrongKind(text, "a catalogue", "events");
    throw unclear(text, "events", eventFormats);
  }
  const header = headerOf(text);
  const { of } = mapColumns(header, eventColumns, options.map);
  const hasActor = of.userId !== undefined || of.visitorId !== undefined;
  if (hasActor || of.timestamp !== undefined || Object.keys(options.map ?? {}).length > 0)
    return "csv";
  throw unclear(text, "events", eventFormats);
}

function isEventLike(value: Readonly<Record<string, unknown>>): boolean {
  return "type" in value && ("userId" in value || "visitorId" in value || "timestamp" in value);
}

/** The first line that is a JSON object, when the file is one of JSON lines. */
function firstJson(text: TextFile, start: string): Readonly<Record<string, unknown>> | undefined {
  if (start.startsWith("[")) {
    throw new DataError(
      "JSON_ARRAY",
      `${text.name} is one JSON array; JSON lines are read, one object a line.`,
      "Convert it: jq -c '.[]' FILE > FILE.jsonl",
    );
  }
  if (!start.startsWith("{")) return undefined;
  for (const line of start.split("\n", 20)) {
    try {
      const value: unknown = JSON.parse(line);
      if (isFields(value)) return value;
    } catch {
      // A broken first line is reported by the reader; the next one may show the format.
    }
  }
  if (/^\{\s*\n/.test(start)) {
    throw new DataError(
      "JSON_NOT_LINES",
      `${text.name} spreads one object over several lines; JSON lines are read, one object a line.`,
      "Convert it: jq -c . FILE > FILE.jsonl",
    );
  }
  throw new DataError(
    "FORMAT_UNCLEAR",
    `${text.name} looks like JSON lines, but none of its first lines is JSON. The first is: ${shown(start.split("\n", 1)[0])}`,
    "Check the export, or state the format (--format) to have each bad line reported.",
  );
}

function headerOf(text: TextFile): readonly string[] {
  const scanner = new RecordScanner(delimiterOf(text.head));
  const { records } = scanner.push({ text: `${text.head}\n`, firstLine: 1, lineCount: 0 });
  return records[0] ?? [];
}

function refuseEmpty(text: TextFile): void {
  if (text.head.trim() !== "") return;
  throw new DataError(
    "EMPTY_FILE",
    `${text.name} holds no rows.`,
    "Check that the export has finished and that this is the right file.",
  );
}

function unclear(text: TextFile, what: string, formats: readonly string[]): DataError {
  const first = text.head.trimStart().split(/\r?\n/, 1)[0];
  return new DataError(
    "FORMAT_UNCLEAR",
    `${text.name} cannot be told to be ${what}. Its first line is: ${shown(first)}`,
    `State the format (--format ${formats.join(" | ")}); for delimited files name the columns (--map title=Name).`,
  );
}

function wrongKind(text: TextFile, found: string, asked: string): DataError {
  const verb = found === "events" ? "import events" : "import catalog";
  return new DataError(
    "WRONG_KIND",
    `${text.name} holds ${found}, and was given as ${asked}.`,
    `Use: magpie ${verb} ${text.name}. If it is ${asked} after all, state its --format.`,
  );
}
