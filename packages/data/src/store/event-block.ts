import { type Event, type EventItem, eventSources } from "@magpie/domain";
import { packInts, unpackInts } from "./int-column.ts";

/**
 * The parts of an event that training does not read, in compressed blocks of a few rows, so that
 * one user's events can be read without unpacking a whole segment.
 *
 *     block = mask u16 · traits · for each column in mask: lengths, text
 *
 * Lengths are in UTF-16 units plus one; 0 is "absent". Texts of a column are joined without
 * separators, so that any text is allowed.
 */

/** Text columns with one value per event, in their order in the mask. Append only. */
const eventTexts = [
  "eventId",
  "visitorId",
  "sessionId",
  "queryId",
  "query",
  "scenario",
  "listId",
  "orderId",
] as const;

/** Column of the remaining fields as JSON; the one after it has a variant id per item. */
const restColumn = eventTexts.length;
const variantColumn = restColumn + 1;
/** Number of text columns; a mask of them fits 16 bits. */
export const textColumns = variantColumn + 1;
/** The mask of all of them. */
export const allColumns = (1 << textColumns) - 1;

type Texts = (string | undefined)[];

/** Trait bits: by whom, whether there is an item list, and from where (source code << 2). */
const byVisitorOnly = 1;
const hasItemList = 2;

const sourceCodes = new Map<string | undefined, number>([
  [undefined, 0],
  ...eventSources.map((source, i) => [source, i + 1] as const),
]);

/** The trait word of an event. */
export function traitsOf(event: Event): number {
  return (
    (event.userId === undefined ? byVisitorOnly : 0) |
    (event.items === undefined ? 0 : hasItemList) |
    ((sourceCodes.get(event.source) ?? 0) << 2)
  );
}

/**
 * Puts the texts of an event at `at` of each column; absent ones leave `undefined`.
 *
 * @returns the columns that have one, as a mask
 */
export function takeTexts(event: Event, columns: readonly Texts[], at: number): number {
  const visitor = event.userId === undefined ? undefined : event.visitorId;
  const rest = restOf(event);
  columns[0]![at] = event.eventId;
  columns[1]![at] = visitor;
  columns[2]![at] = event.sessionId;
  columns[3]![at] = event.queryId;
  columns[4]![at] = event.query;
  columns[5]![at] = event.scenario;
  columns[6]![at] = event.listId;
  columns[7]![at] = event.orderId;
  columns[restColumn]![at] = rest;
  return (
    1 |
    (visitor === undefined ? 0 : 2) |
    (event.sessionId === undefined ? 0 : 4) |
    (event.queryId === undefined ? 0 : 8) |
    (event.query === undefined ? 0 : 16) |
    (event.scenario === undefined ? 0 : 32) |
    (event.listId === undefined ? 0 : 64) |
    (event.orderId === undefined ? 0 : 128) |
    (rest === undefined ? 0 : 1 << restColumn)
  );
}

/** Puts the variant id of one item line at `at`, and answers like `takeTexts`. */
export function takeVariant(item: EventItem, columns: readonly Texts[], at: number): number {
  columns[variantColumn]![at] = item.variantId;
  return item.variantId === undefined ? 0 : 1 << variantColumn;
}

/** The structured fields, as JSON, or undefined when there are none. */
function restOf({ couponIds, value, consent, attributes }: Event): string | undefined {
  if (
    couponIds === undefined &&
    value === undefined &&
    consent === undefined &&
    attributes === undefined
  )
    return undefined;
  return JSON.stringify({ couponIds, value, consent, attributes });
}

/** Writes blocks one after the other into one buffer that grows as needed. */
export class BlockEncoder {
  #out = Buffer.allocUnsafe(1 << 16);
  #length = 0;
  #lengths = new Int32Array(1024);

  /**
   * Encodes the rows `order[from … to)` of event columns and `itemOrder[itemFrom … itemTo)` of the
   * variant column. The result is a view that the next call overwrites.
   *
   * @param present  mask of the columns that may have texts; the others are passed over
   */
  encode(
    traits: ArrayLike<number>,
    columns: readonly Texts[],
    present: number,
    order: Uint32Array,
    from: number,
    to: number,
    itemOrder: Uint32Array,
    itemFrom: number,
    itemTo: number,
  ): Buffer {
    this.#length = 2;
    const lengths = this.#room(Math.max(to - from, itemTo - itemFrom));
    for (let i = from; i < to; i++) lengths[i - from] = traits[order[i]!]!;
    this.#ints(lengths, to - from);
    let mask = 0;
    for (let column = 0; column < textColumns; column++) {
      if ((present & (1 << column)) === 0) continue;
      const hasTexts =
        column === variantColumn
          ? this.#texts(columns[column]!, itemOrder, itemFrom, itemTo)
          : this.#texts(columns[column]!, order, from, to);
      if (hasTexts) mask |= 1 << column;
    }
    this.#out.writeUInt16LE(mask, 0);
    return this.#out.subarray(0, this.#length);
  }

  #room(length: number): Int32Array {
    if (length > this.#lengths.length) this.#lengths = new Int32Array(length * 2);
    return this.#lengths;
  }

  #texts(values: Texts, order: Uint32Array, from: number, to: number): boolean {
    const lengths = this.#room(to - from);
    let text = "";
    let present = false;
    for (let i = from; i < to; i++) {
      const value = values[order[i]!];
      if (value === undefined) {
        lengths[i - from] = 0;
      } else {
        lengths[i - from] = value.length + 1;
        text += value;
        present = true;
      }
    }
    if (!present) return false;
    this.#ints(lengths, to - from);
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(4 + text.length * 3);
    const bytes = this.#out.write(text, this.#length + 4, "utf8");
    this.#out.writeUInt32LE(bytes, this.#length);
    this.#length += 4 + bytes;
    return true;
  }

  #ints(values: Int32Array, length: number): void {
    const packed = packInts(values, length);
    this.#reserve(6 + packed.bytes.length);
    this.#out[this.#length] = packed.width;
    this.#out.writeInt32LE(packed.base, this.#length + 1);
    this.#out.set(packed.bytes, this.#length + 5);
    this.#length += 5 + packed.bytes.length;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#out.length * 2, this.#length + bytes));
    this.#out.copy(grown, 0, 0, this.#length);
    this.#out = grown;
  }
}

/** A text column of a block: joined texts and where each begins. */
interface TextColumn {
  readonly text: string;
  /** [rows + 1] */
  readonly starts: Int32Array;
  /** Length plus one; 0 when absent. */
  readonly lengths: Int32Array;
}

/** An unpacked block. Its texts are cut out when they are asked for. */
export interface Block {
  readonly traits: Int32Array;
  /** By column; undefined for one that no row has. */
  readonly texts: readonly (TextColumn | undefined)[];
}

function textAt(column: TextColumn | undefined, row: number): string | undefined {
  if (column === undefined || column.lengths[row] === 0) return undefined;
  return column.text.slice(column.starts[row], column.starts[row + 1]);
}

/** Decodes a block of `events` rows with `items` item lines. */
export function decodeBlock(bytes: Buffer, events: number, items: number): Block {
  let at = 2;
  const ints = (length: number): Int32Array => {
    const width = bytes[at]! as 0 | 1 | 2 | 4;
    const base = bytes.readInt32LE(at + 1);
    at += 5;
    // Typed views need an aligned start, which a position inside a block seldom is.
    const packed = new Uint8Array(width * length);
    packed.set(bytes.subarray(at, at + packed.length));
    at += packed.length;
    return unpackInts({ width, base }, packed, length, new Int32Array(length));
  };
  const mask = bytes.readUInt16LE(0);
  const traits = ints(events);
  const texts: (TextColumn | undefined)[] = [];
  for (let column = 0; column < textColumns; column++) {
    if ((mask & (1 << column)) === 0) {
      texts.push(undefined);
      continue;
    }
    const rows = column === variantColumn ? items : events;
    const lengths = ints(rows);
    const starts = new Int32Array(rows + 1);
    for (let i = 0; i < rows; i++) starts[i + 1] = starts[i]! + Math.max(0, lengths[i]! - 1);
    const byteLength = bytes.readUInt32LE(at);
    const text = bytes.toString("utf8", at + 4, at + 4 + byteLength);
    at += 4 + byteLength;
    texts.push({ text, starts, lengths });
  }
  return { traits, texts };
}

/** The texts of a block as `BlockEncoder` takes them. */
export function textsOf(block: Block): Texts[] {
  return block.texts.map((column) =>
    column === undefined ? [] : Array.from(column.lengths, (_, row) => textAt(column, row)),
  );
}

/** The id of an event of a block. */
export function eventIdAt(block: Block, row: number): string {
  const id = textAt(block.texts[0], row);
  if (id === undefined) throw new Error("internal: an event without an id");
  return id;
}

/** An event's fields other than actor, type, time and items, out of a block. */
export function eventFields(
  block: Block,
  row: number,
  actor: string,
): Omit<Event, "type" | "timestampMs" | "items"> & { readonly withItems: boolean } {
  const traits = block.traits[row]!;
  const { texts } = block;
  const fields: Record<string, unknown> = {};
  if ((traits & byVisitorOnly) === 0) fields["userId"] = actor;
  else fields["visitorId"] = actor;
  for (let column = 1; column < eventTexts.length; column++) {
    const text = textAt(texts[column], row);
    if (text !== undefined) fields[eventTexts[column]!] = text;
  }
  const source = traits >> 2;
  if (source > 0) fields["source"] = eventSources[source - 1];
  const rest = textAt(texts[restColumn], row);
  if (rest !== undefined) Object.assign(fields, JSON.parse(rest));
  return {
    ...(fields as Omit<Event, "type" | "timestampMs" | "items" | "eventId">),
    eventId: eventIdAt(block, row),
    withItems: (traits & hasItemList) !== 0,
  };
}

/** The variant id of an item line of a block. */
export function variantAt(block: Block, line: number): string | undefined {
  return textAt(block.texts[variantColumn], line);
}
