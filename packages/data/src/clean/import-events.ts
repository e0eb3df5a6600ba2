import {
  DataError,
  type Event,
  type EventType,
  type Item,
  type Money,
  type WorkContext,
} from "@magpie/domain";
import type { ByteProgress } from "../sources/bytes.ts";
import { eventReader, interactionFileReader } from "../sources/formats.ts";
import { shown, type EventDraft, type Reader } from "../sources/reader.ts";
import type { BulkAppend, Store } from "../store/store.ts";
import { ActivityCounter, type AbnormalActivity, type ActivityOptions } from "./activity.ts";
import { Fingerprint } from "./fingerprint.ts";
import {
  ProgressTeller,
  runImport,
  type ImportOptions,
  type ImportOutcome,
  type ImportRun,
} from "./import-run.ts";
import { FindingCounter, type AbnormalUser, type QualityReport } from "./quality-report.ts";
import { RecentTimes } from "./recent-times.ts";
import { settledReturns, type StoredReturn } from "./stored-returns.ts";

/** What becomes of events on items that the catalogue does not know. */
export type UnknownItems =
  /** The item is taken out of the event, and the event is dropped when none is left. */
  | "drop"
  /** A placeholder that is not for sale is made. */
  | "create"
  /** The event is stored and waits for the catalogue. */
  | "keep"
  /** The import stops, and nothing of it is stored. */
  | "fail";

/** The rules of cleaning. Each has a default that suits a shop's own log. */
export interface EventImportOptions extends ImportOptions {
  /** Default "drop". */
  readonly unknownItems?: UnknownItems;
  /** The same act on the same items within this time counts once (default 1 s; 0: same moment only). */
  readonly duplicateWindowMs?: number;
  /** "keep" stores repeated acts however close (default "drop"). */
  readonly duplicates?: "drop" | "keep";
  /** What becomes of users that no person could be (default "drop"). */
  readonly bots?: "drop" | "keep";
  readonly activity?: ActivityOptions;
  /** Events before this are dropped (default 1995-01-01). */
  readonly earliestMs?: number;
  /** How far ahead of `nowMs` a clock may be (default 10 min). */
  readonly clockToleranceMs?: number;
  /** More units than this are an error of entry (default 100,000). */
  readonly maxQuantity?: number;
  /** Amounts in minor units above this are an error of entry (default 10¹²). */
  readonly maxPriceAmount?: number;
}

/**
 * Reads a file of events, cleans them, and appends them to the log, all or nothing.
 *
 * The file is read up to three times: for its hash, for the distribution of activity (unless
 * `bots` is "keep"), and for storing. Memory does not grow with the number of events: it holds
 * some counters per user, the ids of the catalogue, and the recent past for duplicates.
 *
 * Rules apply in this order; a row is counted by the first that takes it: reading (format,
 * schema), missing item, time, quantity and price, abnormal user, duplicates, unknown items,
 * known event id. Returns are then set against the purchases of the whole log and reported; both
 * stay in the log, and `buildSequences` settles them.
 *
 * @throws {DataError} when the file as a whole cannot be used, or `UNKNOWN_ITEM` under "fail"
 */
export async function importEvents(
  store: Store,
  path: string,
  options: EventImportOptions,
  context: WorkContext,
): Promise<ImportOutcome> {
  return runImport(store, "events", path, options, context, (run) =>
    new EventImport(store, run, eventReader(run.text, options.format, options), options).run(
      context,
    ),
  );
}

/**
 * Reads a file of `user,item[,time[,weight]]`; as `importEvents`, but the only duplicates are rows
 * of the same moment, and unknown items are kept by default: such files come without a catalogue.
 */
export async function importInteractions(
  store: Store,
  path: string,
  options: EventImportOptions,
  context: WorkContext,
): Promise<ImportOutcome> {
  const rules = { duplicateWindowMs: 0, unknownItems: "keep", ...options } as const;
  return runImport(store, "interactions", path, rules, context, (run) =>
    new EventImport(store, run, interactionFileReader(run.text, rules), rules).run(context),
  );
}

/** Acts that mean nothing without an item. */
const needsItem: ReadonlySet<EventType> = new Set<EventType>([
  "view",
  "click",
  "add_to_cart",
  "remove_from_cart",
  "wishlist",
  "review",
]);

/**
 * Acts that do not speak of a robot: pages send impressions by themselves, and a wholesaler's
 * order has hundreds of lines in one minute.
 */
const notCounted: ReadonlySet<EventType> = new Set<EventType>([
  "impression",
  "promo_view",
  "purchase",
  "refund",
]);

/**
 * Distinct acts remembered for duplicates, at least; 4 MB, which stay in the processor's cache. A
 * repeat from further back has the same content and so the same key, unless it brought its own.
 */
const rememberedActs = 1 << 16;

class EventImport {
  readonly #store: Store;
  readonly #run: ImportRun;
  readonly #reader: Reader<EventDraft>;
  readonly #options: EventImportOptions;
  readonly #findings = new FindingCounter();
  readonly #print = new Fingerprint();
  readonly #recent = new RecentTimes(rememberedActs);
  readonly #typeCounts = new Map<EventType, number>();
  readonly #abnormal = new Map<string, { -readonly [K in keyof AbnormalUser]: AbnormalUser[K] }>();
  readonly #created = new Map<string, Money | undefined>();
  readonly #returns: StoredReturn[] = [];
  #known: ReadonlySet<string> | undefined;
  #activity: AbnormalActivity | undefined;
  #rowsRead = 0;
  #firstMs = Infinity;
  #lastMs = -Infinity;

  constructor(
    store: Store,
    run: ImportRun,
    reader: Reader<EventDraft>,
    options: EventImportOptions,
  ) {
    this.#store = store;
    this.#run = run;
    this.#reader = reader;
    this.#options = options;
  }

  async run(context: WorkContext): Promise<QualityReport> {
    const { importId, source, text, input } = this.#run;
    const { unknownItems = "drop" } = this.#options;
    this.#known = await this.#itemIds();
    if (unknownItems === "drop" && this.#known.size === 0) {
      throw new DataError(
        "EMPTY_CATALOG",
        "The catalogue is empty, so every event would be on an unknown item and be dropped.",
        "Import the catalogue first, or choose --unknown-items create (placeholders) or keep.",
      );
    }
    if (this.#options.bots !== "keep") await this.#countActivity(context);

    // Left by an import that crashed, or by the one to be replaced.
    await this.#store.events.removeImport(importId);
    const bytes: ByteProgress = { bytesRead: 0 };
    const bulk = this.#store.events.openBulk(source, importId);
    let stored: number;
    try {
      const progress = new ProgressTeller(this.#run, bytes, context, "import");
      for await (const batch of this.#reader.read(text, bytes)) {
        progress.advance(batch.values.length + batch.problems.length);
        this.#rowsRead += batch.values.length + batch.problems.length;
        this.#findings.problems(batch.problems);
        if (batch.notes !== undefined) this.#findings.notes(batch.notes);
        for (let i = 0; i < batch.values.length; i++) {
          const event = this.#clean(batch.values[i]!, batch.lines[i]!);
          if (event === undefined) continue;
          const waiting = bulk.add(event);
          if (waiting !== undefined) await waiting;
        }
      }
      progress.tell();
      stored = await this.#commit(bulk);
    } catch (error) {
      await bulk.abort();
      throw error;
    }
    if (bytes.damage !== undefined) {
      this.#findings.note("truncated-file", 1, { line: 0, message: bytes.damage });
    }
    await this.#createItems();
    await this.#reportReturns();

    const { activityBounds, ...judged } = this.#judged();
    return {
      version: 1,
      kind: this.#run.kind,
      importId,
      file: input.name,
      source,
      format: this.#reader.format,
      encoding: text.encoding,
      bytes: input.bytes,
      rowsRead: this.#rowsRead,
      rowsStored: stored,
      findings: this.#findings.list(),
      ...judged,
      ...(activityBounds !== undefined && { activityBounds }),
      facts: Object.fromEntries([...this.#typeCounts].sort((a, b) => b[1] - a[1])),
      ...(stored > 0 && { period: { firstMs: this.#firstMs, lastMs: this.#lastMs } }),
      startedMs: this.#run.startedMs,
      seconds: this.#run.elapsedSeconds(),
    };
  }

  async #itemIds(): Promise<ReadonlySet<string>> {
    const ids = new Set<string>();
    if (this.#options.unknownItems === "keep") return ids;
    for await (const items of this.#store.catalog.scan()) for (const { id } of items) ids.add(id);
    return ids;
  }

  async #countActivity(context: WorkContext): Promise<void> {
    const { text } = this.#run;
    const counter = new ActivityCounter();
    const bytes: ByteProgress = { bytesRead: 0 };
    const progress = new ProgressTeller(this.#run, bytes, context, "import/activity");
    const count = (actor: string, type: EventType, timestampMs: number): void => {
      if (notCounted.has(type)) return;
      const print = this.#print.reset().text(actor);
      counter.add(print.low, print.high, timestampMs);
    };
    if (this.#reader.scanActs !== undefined) {
      for await (const rows of this.#reader.scanActs(text, bytes, count)) progress.advance(rows);
    } else {
      for await (const { values } of this.#reader.read(text, bytes)) {
        progress.advance(values.length);
        for (const { userId, visitorId, type, timestampMs } of values) {
          count(userId ?? visitorId!, type, timestampMs);
        }
      }
    }
    progress.tell();
    this.#activity = counter.judge(this.#options.activity);
  }

  /** The event as it is stored; undefined when a rule took it. */
  #clean(draft: EventDraft, line: number): Event | undefined {
    const { items } = draft;
    if (items === undefined || items.length === 0) {
      if (needsItem.has(draft.type)) {
        return this.#drop("missing-item", line, "items", draft.type, "names no item");
      }
    } else if (!this.#isPossible(draft, line)) return undefined;
    if (!this.#isInTime(draft, line) || this.#isAbnormal(draft, line)) return undefined;

    const print = this.#printOf(draft);
    const low = print.low;
    const high = print.high;
    if (this.#options.duplicates !== "keep") {
      const { duplicateWindowMs = 1000 } = this.#options;
      const before = this.#recent.exchange(low, high, draft.timestampMs);
      const gapMs = Math.abs(draft.timestampMs - before);
      // An event with a key of its own is the same one only with the same key; the log sees to it.
      if (gapMs === 0) {
        return this.#drop("duplicate", line, undefined, nameOf(draft), "was read before");
      }
      if (gapMs <= duplicateWindowMs) {
        return this.#drop("near-duplicate", line, undefined, nameOf(draft), `${gapMs} ms later`);
      }
    }

    const known = this.#withKnownItems(draft, line);
    if (known === undefined) return undefined;
    this.#typeCounts.set(draft.type, (this.#typeCounts.get(draft.type) ?? 0) + 1);
    if (draft.timestampMs < this.#firstMs) this.#firstMs = draft.timestampMs;
    if (draft.timestampMs > this.#lastMs) this.#lastMs = draft.timestampMs;
    if (draft.type === "refund") this.#rememberReturn(known, line);
    if (known.eventId !== undefined) return known as Event;
    return { ...known, eventId: this.#keyOf(low, high, draft, line) };
  }

  #isPossible({ items }: EventDraft, line: number): boolean {
    const { maxQuantity = 100_000, maxPriceAmount = 1e12 } = this.#options;
    for (const { quantity, price } of items!) {
      if (quantity !== undefined && quantity > maxQuantity) {
        this.#drop(
          "impossible-quantity",
          line,
          "quantity",
          quantity,
          `is more than ${maxQuantity}`,
        );
        return false;
      }
      if (price !== undefined && price.amount > maxPriceAmount) {
        this.#drop(
          "impossible-price",
          line,
          "price",
          price.amount,
          `is more than ${maxPriceAmount}`,
        );
        return false;
      }
    }
    return true;
  }

  #isInTime({ timestampMs }: EventDraft, line: number): boolean {
    const { nowMs, clockToleranceMs = 600_000, earliestMs = Date.UTC(1995, 0, 1) } = this.#options;
    if (timestampMs > nowMs + clockToleranceMs) {
      const message = `is later than the import, ${new Date(nowMs).toISOString()}`;
      this.#drop("future", line, "timestamp", timeShown(timestampMs), message);
      return false;
    }
    if (timestampMs < earliestMs) {
      const message = `is before ${new Date(earliestMs).toISOString()}`;
      this.#drop("too-old", line, "timestamp", timeShown(timestampMs), message);
      return false;
    }
    return true;
  }

  #isAbnormal(draft: EventDraft, line: number): boolean {
    if (this.#activity === undefined || this.#activity.isEmpty) return false;
    const user = draft.userId ?? draft.visitorId!;
    const print = this.#print.reset().text(user);
    const activity = this.#activity.find(print.low, print.high);
    if (activity === undefined) return false;
    const { busiestDay, busiestMinute } = activity;
    const listed = this.#abnormal.get(user);
    if (listed === undefined) {
      this.#abnormal.set(user, { user, events: 1, busiestDay, busiestMinute, firstLine: line });
      const message = `up to ${busiestDay} acts a day and ${busiestMinute} a minute`;
      this.#drop("bot", line, "userId", user, message);
    } else {
      listed.events++;
      this.#findings.drop("bot", 1);
    }
    return true;
  }

  /** What makes two acts the same: everything but the moment, prices and the event's own key. */
  #printOf(draft: EventDraft): Fingerprint {
    const print = this.#print.reset();
    print.text(draft.userId ?? draft.visitorId!).text(draft.type);
    if (draft.items !== undefined) {
      for (const item of draft.items) {
        print.text(item.itemId);
        if (item.variantId !== undefined) print.text(item.variantId);
        if (item.quantity !== undefined) print.int(item.quantity);
      }
    }
    if (draft.query !== undefined) print.text(draft.query);
    if (draft.orderId !== undefined) print.text(draft.orderId);
    if (draft.listId !== undefined) print.text(draft.listId);
    return print;
  }

  /**
   * The key of an event that brought none is made of its content, so that the same event in two
   * overlapping files counts once; where repeats are kept, of its place in this file.
   */
  #keyOf(low: number, high: number, draft: EventDraft, line: number): string {
    if (this.#options.duplicates === "keep") return `${this.#run.importId.slice(0, 16)}-${line}`;
    const print = this.#print.reset().int(low).int(high).long(draft.timestampMs);
    return `${hex(print.low)}${hex(print.high)}`;
  }

  #withKnownItems(draft: EventDraft, line: number): EventDraft | undefined {
    const { unknownItems = "drop" } = this.#options;
    const { items } = draft;
    if (items === undefined || unknownItems === "keep") return draft;
    let unknown = 0;
    for (const { itemId, price } of items) {
      if (this.#known!.has(itemId)) continue;
      unknown++;
      if (unknownItems === "create") this.#created.set(itemId, this.#created.get(itemId) ?? price);
      else if (unknownItems === "fail") {
        throw new DataError(
          "UNKNOWN_ITEM",
          `Line ${line}: the event names item "${itemId}", which is not among the catalogue's ${this.#known!.size} items.`,
          "Import the catalogue first, or choose --unknown-items drop, create or keep.",
        );
      }
    }
    if (unknown === 0 || unknownItems === "create") return draft;
    const first = items.find(({ itemId }) => !this.#known!.has(itemId))!.itemId;
    if (unknown === items.length) {
      return this.#drop("unknown-item", line, "itemId", first, "is not in the catalogue");
    }
    this.#findings.note("unknown-item-removed", unknown, {
      line,
      field: "itemId",
      value: shown(first),
    });
    return { ...draft, items: items.filter(({ itemId }) => this.#known!.has(itemId)) };
  }

  #rememberReturn(draft: EventDraft, line: number): void {
    const user = draft.userId ?? draft.visitorId!;
    for (const { itemId } of draft.items ?? []) {
      this.#returns.push({ user, item: itemId, timestampMs: draft.timestampMs, line });
    }
  }

  async #commit(bulk: BulkAppend): Promise<number> {
    const { stored, duplicates } = await bulk.commit();
    this.#findings.drop("duplicate-id", duplicates);
    return stored;
  }

  async #createItems(): Promise<void> {
    if (this.#created.size === 0) return;
    const { currency = "USD", nowMs } = this.#options;
    const bulk = this.#store.catalog.openBulk(this.#run.source);
    const items: Item[] = [];
    for (const [id, price] of this.#created) {
      items.push({
        id,
        title: id,
        variants: [
          { id, price: price ?? { amount: 0, currency }, availability: { available: false } },
        ],
        attributes: { placeholder: true },
        createdAt: new Date(nowMs).toISOString(),
      });
    }
    try {
      await bulk.put(items);
      await bulk.commit();
    } catch (error) {
      await bulk.abort();
      throw error;
    }
    this.#findings.note("created-item", items.length, {
      line: 0,
      field: "itemId",
      value: items[0]!.id,
    });
  }

  async #reportReturns(): Promise<void> {
    if (this.#returns.length === 0) return;
    for (const { rule, line, item } of await settledReturns(this.#store.events, this.#returns)) {
      this.#findings.note(rule, 1, { line, field: "itemId", value: shown(item) });
    }
  }

  #judged(): Pick<QualityReport, "abnormalUsers" | "activityBounds"> {
    const bounds = this.#activity?.bounds;
    return {
      abnormalUsers: [...this.#abnormal.values()].sort((a, b) => b.events - a.events).slice(0, 100),
      ...(bounds !== undefined && Number.isFinite(bounds.perDay) && { activityBounds: bounds }),
    };
  }

  #drop(
    rule: Parameters<FindingCounter["drop"]>[0],
    line: number,
    field: string | undefined,
    value: string | number,
    message: string,
  ): undefined {
    this.#findings.drop(
      rule,
      1,
      this.#findings.wantsExample(rule)
        ? { line, ...(field !== undefined && { field }), value: shown(value), message }
        : undefined,
    );
    return undefined;
  }
}

function nameOf({ userId, visitorId, type, items }: EventDraft): string {
  return `${userId ?? visitorId} ${type} ${items?.[0]?.itemId ?? ""}`.trim();
}

function timeShown(ms: number): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms);
}

function hex(lane: number): string {
  return (lane >>> 0).toString(16).padStart(8, "0");
}
