import { closeSync, openSync, readSync } from "node:fs";
import { constants as zlib, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { type Event, type EventItem, type EventType, StoreError, eventTypes } from "@magpie/domain";
import {
  type Block,
  BlockEncoder,
  decodeBlock,
  eventFields,
  eventIdAt,
  takeTexts,
  takeVariant,
  allColumns,
  textColumns,
  textsOf,
  traitsOf,
  variantAt,
} from "./event-block.ts";
import { type PackedInts, type PackedLayout, packInts, unpackInts } from "./int-column.ts";
import type { EventColumns } from "./store.ts";

/**
 * A segment: up to 65,536 events in one immutable file, grouped by user.
 *
 *     magic · head length, head CRC, JSON length
 *     head:  JSON (counts, column layouts) · fences · block index
 *     body:  directory [(user, first event)] · typed columns        ← what training scans
 *     blocks of `eventsPerBlock` events: everything else, zstd       ← what exports read
 *
 * Grouping by user makes the user column a short directory, puts one user's events into one or
 * two blocks, and keeps each user's own order of arrival; `ordinals` keeps everybody's.
 * All numbers are little-endian, as is every platform that Node.js serves (but s390x).
 */

/** Events in a full segment: ordinals then fit 16 bits. */
export const maxSegmentEvents = 65_536;

const eventsPerBlock = 256;
/** Blocks that are compressed between two pauses of a packing: about 2 ms. */
const blocksPerStep = 16;
const usersPerFence = 128;
const magic = "MGPSEG01";
const prefixBytes = 24;

const columnNames = [
  "types",
  "timestampsMs",
  "personal",
  "ordinals",
  "itemCounts",
  "items",
  "quantities",
  "positions",
  "pricesCents",
  "currencies",
] as const;
type ColumnName = (typeof columnNames)[number];

interface ColumnLayout extends PackedLayout {
  /** Offset in the body. */
  readonly at: number;
}

interface SegmentHead {
  readonly events: number;
  readonly itemLines: number;
  readonly users: number;
  readonly currencies: readonly string[];
  readonly columns: Readonly<Record<ColumnName, ColumnLayout>>;
  readonly bodyBytes: number;
  readonly bodyCrc: number;
  readonly blocks: number;
}

/** What the registry keeps about a segment, and what filling or thinning one answers. */
export interface SegmentSummary {
  readonly events: number;
  readonly itemLines: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly countByType: Partial<Record<EventType, number>>;
}

/** A finished segment in memory. */
export interface EncodedSegment {
  readonly bytes: Buffer;
  readonly summary: SegmentSummary;
}

/** Columns of a segment in their stored order: grouped by user, then by arrival. */
interface SegmentColumns {
  readonly users: ArrayLike<number>;
  /** [users + 1] first event of each user. */
  readonly starts: ArrayLike<number>;
  readonly types: Uint8Array;
  readonly timestampsMs: Float64Array;
  /** 0 where personalisation was refused. */
  readonly personal: Uint8Array;
  /** Order of arrival in the segment. */
  readonly ordinals: ArrayLike<number>;
  readonly itemCounts: ArrayLike<number>;
  readonly items: ArrayLike<number>;
  /** 0 when absent. */
  readonly quantities: ArrayLike<number>;
  /** 0 when absent. */
  readonly positions: ArrayLike<number>;
  /** -1 when absent. */
  readonly pricesCents: ArrayLike<number>;
  readonly currencies: ArrayLike<number>;
}

interface EncodedBlock {
  readonly firstEvent: number;
  readonly firstItemLine: number;
  readonly bytes: Buffer;
}

/** A block is small: a window of its size saves the allocation of a large one for each. */
const zstdOptions = {
  params: {
    [zlib.ZSTD_c_compressionLevel]: 1,
    [zlib.ZSTD_c_windowLog]: 16,
    [zlib.ZSTD_c_checksumFlag]: 1,
  },
};

const aligned = (bytes: number) => (bytes + 7) & ~7;

/** Gives an item's index in the dictionary, adding it when it is new. */
export type IndexOf = (itemId: string) => number;

const typeCodes = new Map<EventType, number>(eventTypes.map((type, code) => [type, code]));

/** Collects events in order of arrival and turns them into a segment. */
export class SegmentBuilder {
  readonly capacity: number;
  #events = 0;
  #itemLines = 0;
  readonly #users: Int32Array;
  readonly #types: Uint8Array;
  readonly #timestampsMs: Float64Array;
  readonly #personal: Uint8Array;
  readonly #traits: Uint8Array;
  /** [events + 1] first item line of each event. */
  readonly #itemStarts: Int32Array;
  #items: Int32Array;
  #quantities: Int32Array;
  #positions: Int32Array;
  #currencies: Int32Array;
  #pricesCents: Float64Array;
  readonly #texts: (string | undefined)[][];
  /** Mask of the text columns that any event has used. */
  #presentTexts = 0;
  readonly #currencyCodes = new Map<string, number>();
  readonly #encoder = new BlockEncoder();

  /** @param capacity  at most `maxSegmentEvents` */
  constructor(capacity: number) {
    this.capacity = capacity;
    this.#users = new Int32Array(capacity);
    this.#types = new Uint8Array(capacity);
    this.#timestampsMs = new Float64Array(capacity);
    this.#personal = new Uint8Array(capacity);
    this.#traits = new Uint8Array(capacity);
    this.#itemStarts = new Int32Array(capacity + 1);
    this.#items = new Int32Array(capacity);
    this.#quantities = new Int32Array(capacity);
    this.#positions = new Int32Array(capacity);
    this.#currencies = new Int32Array(capacity);
    this.#pricesCents = new Float64Array(capacity);
    this.#texts = Array.from({ length: textColumns }, () => []);
  }

  get events(): number {
    return this.#events;
  }

  get isFull(): boolean {
    return this.#events === this.capacity;
  }

  /** Takes one event of the user with this dictionary index. The builder must not be full. */
  add(user: number, event: Event, itemIndexOf: IndexOf): void {
    const row = this.#events++;
    this.#users[row] = user;
    this.#types[row] = typeCodes.get(event.type)!;
    this.#timestampsMs[row] = event.timestampMs;
    this.#personal[row] = event.consent?.personalization === false ? 0 : 1;
    this.#traits[row] = traitsOf(event);
    this.#presentTexts |= takeTexts(event, this.#texts, row);
    if (event.items !== undefined) {
      for (const item of event.items) this.#addItem(item, itemIndexOf);
    }
    this.#itemStarts[row + 1] = this.#itemLines;
  }

  #addItem(item: EventItem, itemIndexOf: IndexOf): void {
    if (this.#itemLines === this.#items.length) this.#growItems();
    const line = this.#itemLines++;
    this.#items[line] = itemIndexOf(item.itemId);
    this.#quantities[line] = item.quantity ?? 0;
    this.#positions[line] = item.position ?? 0;
    this.#pricesCents[line] = item.price === undefined ? -1 : item.price.amount;
    this.#currencies[line] = item.price === undefined ? 0 : this.#currency(item.price.currency);
    this.#presentTexts |= takeVariant(item, this.#texts, line);
  }

  #currency(name: string): number {
    let code = this.#currencyCodes.get(name);
    if (code === undefined) {
      code = this.#currencyCodes.size;
      this.#currencyCodes.set(name, code);
    }
    return code;
  }

  #growItems(): void {
    const grow = <T extends Int32Array | Float64Array>(old: T, grown: T): T => {
      grown.set(old);
      return grown;
    };
    const length = this.#items.length * 2;
    this.#items = grow(this.#items, new Int32Array(length));
    this.#quantities = grow(this.#quantities, new Int32Array(length));
    this.#positions = grow(this.#positions, new Int32Array(length));
    this.#currencies = grow(this.#currencies, new Int32Array(length));
    this.#pricesCents = grow(this.#pricesCents, new Float64Array(length));
  }

  /** Encodes what was added and empties the builder. */
  finish(): EncodedSegment {
    const steps = this.finishing();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** `finish` in steps of a few milliseconds, for a process that has others to serve. */
  *finishing(): Generator<undefined, EncodedSegment> {
    const n = this.#events;
    const order = stableOrder(this.#users, n);
    const lines = this.#itemLines;
    const itemOrder = new Uint32Array(lines);
    const users = new Uint32Array(n);
    const starts = new Uint32Array(n + 1);
    const types = new Uint8Array(n);
    const timestampsMs = new Float64Array(n);
    const personal = new Uint8Array(n);
    const itemCounts = new Int32Array(n);
    const firstLines = new Uint32Array(n + 1);
    let distinct = 0;
    let line = 0;
    for (let i = 0; i < n; i++) {
      const row = order[i]!;
      const user = this.#users[row]!;
      if (distinct === 0 || users[distinct - 1] !== user) {
        users[distinct] = user;
        starts[distinct] = i;
        distinct++;
      }
      types[i] = this.#types[row]!;
      timestampsMs[i] = this.#timestampsMs[row]!;
      personal[i] = this.#personal[row]!;
      firstLines[i] = line;
      const end = this.#itemStarts[row + 1]!;
      for (let from = this.#itemStarts[row]!; from < end; from++) itemOrder[line++] = from;
      itemCounts[i] = line - firstLines[i]!;
    }
    starts[distinct] = n;
    firstLines[n] = line;

    const blocks: EncodedBlock[] = [];
    for (let from = 0; from < n; from += eventsPerBlock) {
      const to = Math.min(from + eventsPerBlock, n);
      const firstItemLine = firstLines[from]!;
      const plain = this.#encoder.encode(
        this.#traits,
        this.#texts,
        this.#presentTexts,
        order,
        from,
        to,
        itemOrder,
        firstItemLine,
        firstLines[to]!,
      );
      blocks.push({ firstEvent: from, firstItemLine, bytes: zstdCompressSync(plain, zstdOptions) });
      if (blocks.length % blocksPerStep === 0) yield;
    }

    const gather = <T extends Int32Array | Float64Array>(values: T, out: T): T => {
      for (let i = 0; i < lines; i++) out[i] = values[itemOrder[i]!]!;
      return out;
    };
    const encoded = encodeSegment(
      {
        users: users.subarray(0, distinct),
        starts: starts.subarray(0, distinct + 1),
        types,
        timestampsMs,
        personal,
        ordinals: order,
        itemCounts,
        items: gather(this.#items, new Int32Array(lines)),
        quantities: gather(this.#quantities, new Int32Array(lines)),
        positions: gather(this.#positions, new Int32Array(lines)),
        pricesCents: gather(this.#pricesCents, new Float64Array(lines)),
        currencies: gather(this.#currencies, new Int32Array(lines)),
      },
      [...this.#currencyCodes.keys()],
      blocks,
    );
    this.#reset();
    return encoded;
  }

  #reset(): void {
    this.#events = 0;
    this.#itemLines = 0;
    this.#presentTexts = 0;
    this.#currencyCodes.clear();
    // The texts themselves are let go; the lists keep their room.
    for (const column of this.#texts) column.fill(undefined);
  }
}

/** Positions 0 … length-1 ordered by value, equal ones in order of position: radix sort. */
function stableOrder(values: Int32Array, length: number): Uint32Array {
  let max = 0;
  for (let i = 0; i < length; i++) max = Math.max(max, values[i]!);
  let order = new Uint32Array(length);
  let next = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  const counts = new Uint32Array(2049);
  for (let shift = 0; shift === 0 || max >>> shift > 0; shift += 11) {
    counts.fill(0);
    for (let i = 0; i < length; i++) counts[((values[i]! >>> shift) & 2047) + 1]!++;
    for (let digit = 0; digit < 2048; digit++) counts[digit + 1]! += counts[digit]!;
    for (let i = 0; i < length; i++) {
      const row = order[i]!;
      next[counts[(values[row]! >>> shift) & 2047]!++] = row;
    }
    [order, next] = [next, order];
    if (shift === 22) break;
  }
  return order;
}

function encodeSegment(
  columns: SegmentColumns,
  currencies: readonly string[],
  blocks: readonly EncodedBlock[],
): EncodedSegment {
  const events = columns.types.length;
  const itemLines = columns.items.length;
  const users = columns.users.length;

  const directory = new Uint32Array(users * 2);
  const fences = new Uint32Array(Math.ceil(users / usersPerFence));
  for (let i = 0; i < users; i++) {
    directory[i * 2] = columns.users[i]!;
    directory[i * 2 + 1] = columns.starts[i]!;
    if (i % usersPerFence === 0) fences[i / usersPerFence] = columns.users[i]!;
  }

  let bodyBytes = aligned(directory.byteLength);
  const packed: { readonly at: number; readonly ints: PackedInts }[] = [];
  const layouts = {} as Record<ColumnName, ColumnLayout>;
  for (const name of columnNames) {
    const values = columns[name];
    const ints = packInts(values, values.length);
    layouts[name] = { width: ints.width, base: ints.base, at: bodyBytes };
    packed.push({ at: bodyBytes, ints });
    bodyBytes += aligned(ints.bytes.length);
  }
  const body = Buffer.alloc(bodyBytes);
  body.set(new Uint8Array(directory.buffer), 0);
  for (const { at, ints } of packed) body.set(ints.bytes, at);

  const index = new Uint32Array((blocks.length + 1) * 3);
  let blockBytes = 0;
  for (const [i, block] of blocks.entries()) {
    index.set([block.firstEvent, block.firstItemLine, blockBytes], i * 3);
    blockBytes += block.bytes.length;
  }
  index.set([events, itemLines, blockBytes], blocks.length * 3);

  const head: SegmentHead = {
    events,
    itemLines,
    users,
    currencies,
    columns: layouts,
    bodyBytes,
    bodyCrc: crc32(body),
    blocks: blocks.length,
  };
  const text = JSON.stringify(head);
  const json = Buffer.from(text.padEnd(text.length + (aligned(text.length) - text.length)));
  const headBytes = Buffer.concat([
    json,
    new Uint8Array(fences.buffer),
    Buffer.alloc(aligned(fences.byteLength) - fences.byteLength),
    new Uint8Array(index.buffer),
    Buffer.alloc(aligned(index.byteLength) - index.byteLength),
  ]);
  const prefix = Buffer.alloc(prefixBytes);
  prefix.write(magic, "latin1");
  prefix.writeUInt32LE(headBytes.length, 8);
  prefix.writeUInt32LE(crc32(headBytes), 12);
  prefix.writeUInt32LE(json.length, 16);

  return {
    bytes: Buffer.concat([prefix, headBytes, body, ...blocks.map(({ bytes }) => bytes)]),
    summary: summarize(columns),
  };
}

function summarize({ types, timestampsMs, items }: SegmentColumns): SegmentSummary {
  let minMs = Infinity;
  let maxMs = -Infinity;
  const counts = new Uint32Array(256);
  for (let i = 0; i < types.length; i++) {
    const at = timestampsMs[i]!;
    if (at < minMs) minMs = at;
    if (at > maxMs) maxMs = at;
    counts[types[i]!]!++;
  }
  const countByType: Partial<Record<EventType, number>> = {};
  for (const [code, type] of eventTypes.entries()) {
    if (counts[code]! > 0) countByType[type] = counts[code]!;
  }
  return { events: types.length, itemLines: items.length, minMs, maxMs, countByType };
}

/** Gives the key of a dictionary index. */
export type KeyAt = (index: number) => string;

interface OpenSegment extends SegmentHead {
  readonly fd: number;
  readonly bodyAt: number;
  readonly blocksAt: number;
  readonly fences: Uint32Array;
  /** (first event, first item line, offset) per block, and one closing entry. */
  readonly blockIndex: Uint32Array;
}

/** A run of events inside a segment. */
export interface EventRange {
  readonly from: number;
  readonly to: number;
}

/** Reads one segment file. The file is opened when first needed and stays open until `close`. */
export class Segment {
  readonly path: string;
  #open: OpenSegment | undefined;

  constructor(path: string) {
    this.path = path;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** The whole segment as rows of (event, item), grouped by user. */
  eventColumns(): EventColumns {
    const open = this.#opened();
    const { body, users, starts } = this.#body();
    const { events, itemLines } = open;
    const types = unpack(open, body, "types", new Uint8Array(events));
    const timestampsMs = unpack(open, body, "timestampsMs", new Float64Array(events));
    const personal = unpack(open, body, "personal", new Uint8Array(events));
    const items = unpack(open, body, "items", new Int32Array(itemLines));
    const quantities = unpack(open, body, "quantities", new Int32Array(itemLines));
    const pricesCents = unpack(open, body, "pricesCents", new Float64Array(itemLines));
    if (open.columns.quantities.width === 0) {
      if (open.columns.quantities.base === 0) quantities.fill(1);
    } else {
      for (let i = 0; i < itemLines; i++) if (quantities[i] === 0) quantities[i] = 1;
    }
    const { itemCounts: layout } = open.columns;
    if (layout.width === 0 && layout.base === 1) {
      const rowUsers = new Int32Array(events);
      for (let u = 0; u < users.length; u++) rowUsers.fill(users[u]!, starts[u], starts[u + 1]);
      return {
        length: events,
        users: rowUsers,
        items,
        types,
        timestampsMs,
        quantities,
        pricesCents,
        personal,
      };
    }
    const itemCounts = unpack(open, body, "itemCounts", new Int32Array(events));
    let length = 0;
    for (let i = 0; i < events; i++) length += Math.max(1, itemCounts[i]!);
    const out = {
      length,
      users: new Int32Array(length),
      items: new Int32Array(length),
      types: new Uint8Array(length),
      timestampsMs: new Float64Array(length),
      quantities: new Int32Array(length),
      pricesCents: new Float64Array(length),
      personal: new Uint8Array(length),
    };
    let row = 0;
    let line = 0;
    for (let u = 0; u < users.length; u++) {
      const user = users[u]!;
      const end = starts[u + 1]!;
      for (let event = starts[u]!; event < end; event++) {
        const lines = itemCounts[event]!;
        for (let k = 0; k === 0 || k < lines; k++) {
          out.users[row] = user;
          out.types[row] = types[event]!;
          out.timestampsMs[row] = timestampsMs[event]!;
          out.personal[row] = personal[event]!;
          out.items[row] = lines === 0 ? -1 : items[line]!;
          out.quantities[row] = lines === 0 ? 1 : quantities[line]!;
          out.pricesCents[row] = lines === 0 ? -1 : pricesCents[line]!;
          if (lines > 0) line++;
          row++;
        }
      }
    }
    return out;
  }

  /** Number of events and newest time per user, for lists of users. */
  forEachUser(visit: (user: number, events: number, lastMs: number) => void): void {
    const open = this.#opened();
    const { body, users, starts } = this.#body();
    const timestampsMs = unpack(open, body, "timestampsMs", new Float64Array(open.events));
    for (let u = 0; u < users.length; u++) {
      let lastMs = -Infinity;
      for (let i = starts[u]!; i < starts[u + 1]!; i++) lastMs = Math.max(lastMs, timestampsMs[i]!);
      visit(users[u]!, starts[u + 1]! - starts[u]!, lastMs);
    }
  }

  /** Where a user's events lie, or undefined when the user has none here: one read of 1 kB. */
  findUser(user: number): EventRange | undefined {
    const { fences, users, events, bodyAt } = this.#opened();
    let low = 0;
    let high = fences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (fences[middle]! <= user) low = middle + 1;
      else high = middle;
    }
    if (low === 0) return undefined;
    const first = (low - 1) * usersPerFence;
    // One more than the fence spans: the next user's start is this one's end.
    const count = Math.min(usersPerFence + 1, users - first);
    const bytes = this.#read(bodyAt + first * 8, count * 8);
    const pairs = new Uint32Array(bytes.buffer, bytes.byteOffset, count * 2);
    low = 0;
    high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pairs[middle * 2]! < user) low = middle + 1;
      else high = middle;
    }
    if (low === count || pairs[low * 2] !== user) return undefined;
    const to = low + 1 < count ? pairs[low * 2 + 3]! : events;
    return { from: pairs[low * 2 + 1]!, to };
  }

  /** Times of the events of a range. */
  timesOf({ from, to }: EventRange): Float64Array {
    return this.#part("timestampsMs", from, new Float64Array(to - from));
  }

  /** The events of a range that belong to one user, in order of arrival. */
  userEvents({ from, to }: EventRange, user: string, itemAt: KeyAt): Event[] {
    const open = this.#opened();
    const out: Event[] = [];
    const { blockIndex } = open;
    for (let block = blockOf(blockIndex, from); blockIndex[block * 3]! < to; block++) {
      const first = blockIndex[block * 3]!;
      const end = blockIndex[block * 3 + 3]!;
      const rows = this.#rows(block, Math.max(from, first), Math.min(end, to));
      const decoded = this.#block(block);
      for (let i = 0; i < rows.types.length; i++) {
        out.push(assemble(decoded, rows, i, user, open.currencies, itemAt));
      }
      if (end >= to) break;
    }
    return out;
  }

  /** All events in order of arrival. */
  events(userAt: KeyAt, itemAt: KeyAt): Event[] {
    const open = this.#opened();
    const { body, users, starts } = this.#body();
    const ordinals = unpack(open, body, "ordinals", new Int32Array(open.events));
    const byOrdinal: (Event | undefined)[] = [];
    const { blockIndex } = open;
    let u = 0;
    for (let block = 0; block < open.blocks; block++) {
      const first = blockIndex[block * 3]!;
      const end = blockIndex[block * 3 + 3]!;
      const rows = this.#rows(block, first, end);
      const decoded = this.#block(block);
      for (let event = first; event < end; event++) {
        while (starts[u + 1]! <= event) u++;
        const user = userAt(users[u]!);
        const i = event - first;
        byOrdinal[ordinals[event]!] = assemble(decoded, rows, i, user, open.currencies, itemAt);
      }
    }
    return byOrdinal.filter((event) => event !== undefined);
  }

  /**
   * The segment without some of its events, or undefined when none is left. Ordinals stay, blocks
   * that lose nothing are copied as they are.
   */
  without(drop: (event: number) => boolean): EncodedSegment | undefined {
    const open = this.#opened();
    const { body, users, starts } = this.#body();
    const { events, itemLines, blockIndex } = open;
    const itemCounts = unpack(open, body, "itemCounts", new Int32Array(events));

    const kept: number[] = [];
    const keptLines: number[] = [];
    const newPosition = new Int32Array(events + 1);
    const newLine = new Int32Array(events + 1);
    for (let event = 0, line = 0; event < events; event++) {
      newPosition[event] = kept.length;
      newLine[event] = keptLines.length;
      const end = line + itemCounts[event]!;
      if (!drop(event)) {
        kept.push(event);
        for (let l = line; l < end; l++) keptLines.push(l);
      }
      line = end;
    }
    newPosition[events] = kept.length;
    newLine[events] = keptLines.length;
    if (kept.length === 0) return undefined;

    const keptUsers: number[] = [];
    const keptStarts: number[] = [];
    for (let u = 0; u < users.length; u++) {
      const start = newPosition[starts[u]!]!;
      const end = newPosition[starts[u + 1]!]!;
      if (start === end) continue;
      keptUsers.push(users[u]!);
      keptStarts.push(start);
    }
    keptStarts.push(kept.length);

    const encoder = new BlockEncoder();
    const blocks: EncodedBlock[] = [];
    for (let block = 0; block < open.blocks; block++) {
      const first = blockIndex[block * 3]!;
      const end = blockIndex[block * 3 + 3]!;
      const from = newPosition[first]!;
      const to = newPosition[end]!;
      if (from === to) continue;
      const firstItemLine = newLine[first]!;
      let bytes: Buffer;
      if (to - from === end - first) {
        bytes = Buffer.from(this.#blockBytes(block));
      } else {
        const decoded = this.#block(block);
        const lineAt = blockIndex[block * 3 + 1]!;
        const plain = encoder.encode(
          decoded.traits,
          textsOf(decoded),
          allColumns,
          Uint32Array.from(kept.slice(from, to), (event) => event - first),
          0,
          to - from,
          Uint32Array.from(keptLines.slice(firstItemLine, newLine[end]), (line) => line - lineAt),
          0,
          newLine[end]! - firstItemLine,
        );
        bytes = zstdCompressSync(plain, zstdOptions);
      }
      blocks.push({ firstEvent: from, firstItemLine, bytes });
    }

    const pick = <T extends Int32Array | Float64Array | Uint8Array>(
      name: ColumnName,
      all: T,
      rows: readonly number[],
    ): T => {
      unpack(open, body, name, all);
      for (let i = 0; i < rows.length; i++) all[i] = all[rows[i]!]!; // rows[i] >= i: in place
      return all.subarray(0, rows.length) as T;
    };
    return encodeSegment(
      {
        users: keptUsers,
        starts: keptStarts,
        types: pick("types", new Uint8Array(events), kept),
        timestampsMs: pick("timestampsMs", new Float64Array(events), kept),
        personal: pick("personal", new Uint8Array(events), kept),
        ordinals: pick("ordinals", new Int32Array(events), kept),
        itemCounts: pick("itemCounts", itemCounts, kept),
        items: pick("items", new Int32Array(itemLines), keptLines),
        quantities: pick("quantities", new Int32Array(itemLines), keptLines),
        positions: pick("positions", new Int32Array(itemLines), keptLines),
        pricesCents: pick("pricesCents", new Float64Array(itemLines), keptLines),
        currencies: pick("currencies", new Int32Array(itemLines), keptLines),
      },
      open.currencies,
      blocks,
    );
  }

  /** Ids of all events, in stored order (which is what `without` counts in). */
  eventIds(): string[] {
    const { blocks } = this.#opened();
    const ids: string[] = [];
    for (let i = 0; i < blocks; i++) {
      const block = this.#block(i);
      for (let row = 0; row < block.traits.length; row++) ids.push(eventIdAt(block, row));
    }
    return ids;
  }

  #opened(): OpenSegment {
    return (this.#open ??= this.#openFile());
  }

  #openFile(): OpenSegment {
    const fd = openSync(this.path, "r");
    try {
      const prefix = readAt(fd, 0, prefixBytes);
      if (prefix.length < prefixBytes || prefix.toString("latin1", 0, 8) !== magic) {
        throw this.#damaged("it does not begin as a segment does");
      }
      const headBytes = prefix.readUInt32LE(8);
      const bytes = readAt(fd, prefixBytes, headBytes);
      if (bytes.length < headBytes || crc32(bytes) !== prefix.readUInt32LE(12)) {
        throw this.#damaged("its head does not match its checksum");
      }
      const jsonBytes = prefix.readUInt32LE(16);
      const head = JSON.parse(bytes.toString("utf8", 0, jsonBytes)) as SegmentHead;
      const fenceCount = Math.ceil(head.users / usersPerFence);
      const indexAt = jsonBytes + aligned(fenceCount * 4);
      const bodyAt = prefixBytes + headBytes;
      return {
        ...head,
        fd,
        bodyAt,
        blocksAt: bodyAt + head.bodyBytes,
        fences: new Uint32Array(bytes.buffer, bytes.byteOffset + jsonBytes, fenceCount),
        blockIndex: new Uint32Array(
          bytes.buffer,
          bytes.byteOffset + indexAt,
          (head.blocks + 1) * 3,
        ),
      };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** Reads into `into`, by default one scratch buffer for all: it holds until the next read. */
  #read(at: number, length: number, into: Buffer = scratch(length)): Buffer {
    const bytes = readAt(this.#opened().fd, at, length, into);
    if (bytes.length < length) throw this.#damaged("it ends too early");
    return bytes;
  }

  #body(): { body: Buffer; users: Int32Array; starts: Int32Array } {
    const { bodyAt, bodyBytes, bodyCrc, users: count, events } = this.#opened();
    const body = this.#read(bodyAt, bodyBytes, Buffer.allocUnsafeSlow(bodyBytes));
    if (crc32(body) !== bodyCrc) throw this.#damaged("its columns do not match their checksum");
    const pairs = new Uint32Array(body.buffer, body.byteOffset, count * 2);
    const users = new Int32Array(count);
    const starts = new Int32Array(count + 1);
    for (let i = 0; i < count; i++) {
      users[i] = pairs[i * 2]!;
      starts[i] = pairs[i * 2 + 1]!;
    }
    starts[count] = events;
    return { body, users, starts };
  }

  #blockBytes(block: number): Buffer {
    const { blockIndex, blocksAt } = this.#opened();
    const from = blockIndex[block * 3 + 2]!;
    return this.#read(blocksAt + from, blockIndex[block * 3 + 5]! - from);
  }

  #block(block: number): Block {
    const { blockIndex } = this.#opened();
    let plain: Buffer;
    try {
      plain = zstdDecompressSync(this.#blockBytes(block));
    } catch (cause) {
      throw this.#damaged(`block ${block} does not match its checksum`, cause);
    }
    return decodeBlock(
      plain,
      blockIndex[block * 3 + 3]! - blockIndex[block * 3]!,
      blockIndex[block * 3 + 4]! - blockIndex[block * 3 + 1]!,
    );
  }

  /** Typed columns of the events [from, to) of one block. */
  #rows(block: number, from: number, to: number): Rows {
    const { blockIndex } = this.#opened();
    const first = blockIndex[block * 3]!;
    const events = to - from;
    // Lines are found by counting from the beginning of the block.
    const itemCounts = this.#part("itemCounts", first, new Int32Array(to - first));
    let firstLine = 0;
    for (let i = 0; i < from - first; i++) firstLine += itemCounts[i]!;
    const itemStarts = new Int32Array(events + 1);
    for (let i = 0; i < events; i++) {
      itemStarts[i + 1] = itemStarts[i]! + itemCounts[from - first + i]!;
    }
    const lineFrom = blockIndex[block * 3 + 1]! + firstLine;
    const lines = itemStarts[events]!;
    return {
      firstRow: from - first,
      firstLine,
      types: this.#part("types", from, new Uint8Array(events)),
      timestampsMs: this.#part("timestampsMs", from, new Float64Array(events)),
      itemStarts,
      items: this.#part("items", lineFrom, new Int32Array(lines)),
      quantities: this.#part("quantities", lineFrom, new Int32Array(lines)),
      positions: this.#part("positions", lineFrom, new Int32Array(lines)),
      pricesCents: this.#part("pricesCents", lineFrom, new Float64Array(lines)),
      currencies: this.#part("currencies", lineFrom, new Int32Array(lines)),
    };
  }

  /** `out.length` values of a column, from one row on. */
  #part<T extends Int32Array | Float64Array | Uint8Array>(
    name: ColumnName,
    from: number,
    out: T,
  ): T {
    const { columns, bodyAt } = this.#opened();
    const layout = columns[name];
    const bytes =
      layout.width === 0
        ? nothing
        : this.#read(bodyAt + layout.at + from * layout.width, out.length * layout.width);
    return unpackInts(layout, bytes, out.length, out);
  }

  #damaged(what: string, cause?: unknown): StoreError {
    return new StoreError(
      "SEGMENT_DAMAGED",
      `The event segment ${this.path} cannot be read: ${what}.`,
      "Restore the file from a backup, or remove the import it belongs to and import its file again.",
      { kind: "unavailable", cause },
    );
  }
}

interface Rows {
  /** Places in their block of the first event and the first item line. */
  readonly firstRow: number;
  readonly firstLine: number;
  readonly types: Uint8Array;
  readonly timestampsMs: Float64Array;
  readonly itemStarts: Int32Array;
  readonly items: Int32Array;
  readonly quantities: Int32Array;
  readonly positions: Int32Array;
  readonly pricesCents: Float64Array;
  readonly currencies: Int32Array;
}

const nothing = new Uint8Array(0);

function unpack<T extends Int32Array | Float64Array | Uint8Array>(
  { columns }: SegmentHead,
  body: Buffer,
  name: ColumnName,
  out: T,
): T {
  const layout = columns[name];
  return unpackInts(layout, body.subarray(layout.at), out.length, out);
}

let scratchBuffer = Buffer.allocUnsafeSlow(1 << 16);

/**
 * Room for one small read. A buffer for each would be hundreds for one user's events, which the
 * garbage collector would then pay for.
 */
function scratch(length: number): Buffer {
  if (scratchBuffer.length < length) scratchBuffer = Buffer.allocUnsafeSlow(length * 2);
  return scratchBuffer;
}

/** @param into  begins aligned for typed views, as buffers with memory of their own do */
function readAt(
  fd: number,
  position: number,
  length: number,
  into: Buffer = Buffer.allocUnsafeSlow(length),
): Buffer {
  const bytes = into.subarray(0, length);
  let filled = 0;
  while (filled < length) {
    const read = readSync(fd, bytes, filled, length - filled, position + filled);
    if (read === 0) return bytes.subarray(0, filled);
    filled += read;
  }
  return bytes;
}

/** The block that holds an event. */
function blockOf(index: Uint32Array, event: number): number {
  let low = 0;
  let high = index.length / 3 - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (index[middle * 3 + 3]! <= event) low = middle + 1;
    else high = middle;
  }
  return low;
}

function assemble(
  block: Block,
  rows: Rows,
  row: number,
  user: string,
  currencies: readonly string[],
  itemAt: KeyAt,
): Event {
  const { withItems, eventId, ...fields } = eventFields(block, rows.firstRow + row, user);
  const event = {
    eventId,
    type: eventTypes[rows.types[row]!]!,
    timestampMs: rows.timestampsMs[row]!,
    ...fields,
  };
  if (!withItems) return event;
  const items: EventItem[] = [];
  for (let line = rows.itemStarts[row]!; line < rows.itemStarts[row + 1]!; line++) {
    const item: EventItem = { itemId: itemAt(rows.items[line]!) };
    const variant = variantAt(block, rows.firstLine + line);
    if (variant !== undefined) item.variantId = variant;
    if (rows.positions[line]! > 0) item.position = rows.positions[line]!;
    if (rows.quantities[line]! > 0) item.quantity = rows.quantities[line]!;
    if (rows.pricesCents[line]! >= 0) {
      item.price = {
        amount: rows.pricesCents[line]!,
        currency: currencies[rows.currencies[line]!]!,
      };
    }
    items.push(item);
  }
  return { ...event, items };
}
