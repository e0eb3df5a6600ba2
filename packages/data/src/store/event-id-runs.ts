import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { StoreError } from "@magpie/domain";
import type { TextHash } from "./text-hash.ts";

/**
 * The ids of events in segments, so that an event sent twice counts once however long ago the
 * first one came: sorted runs of (96-bit hash, segment number) on disk, 16 bytes an event. A
 * lookup costs one small read per run; runs are merged so that there are few of them.
 *
 *     run file:  entries [a, b, c, segment] sorted by a  ·  fences: a of every 256th entry
 *
 * Entries of segments that are no more are skipped by readers and left out of the next merge.
 */

const wordsPerEntry = 4;
const bytesPerEntry = 16;
const entriesPerFence = 256;

/** Hashes of one open segment: a table with open addressing, its places in order of hash. */
export class IdTable {
  readonly #places: number;
  readonly #words: Uint32Array;
  readonly #from: number;
  readonly #scale: number;
  #size = 0;

  /**
   * @param capacity  entries that will be added at most
   * @param from, to  bounds of word `a`; merges work on one part of the range at a time
   */
  constructor(capacity: number, from = 0, to = 0x1_0000_0000) {
    this.#places = Math.max(16, capacity * 2);
    this.#words = new Uint32Array(this.#places * wordsPerEntry);
    this.#from = from;
    this.#scale = this.#places / (to - from);
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a hash, or answers false when it is there already. */
  add(a: number, b: number, c: number, segment: number): boolean {
    const words = this.#words;
    let at = Math.floor((a - this.#from) * this.#scale) * wordsPerEntry;
    while (words[at + 2] !== 0) {
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c) return false;
      at += wordsPerEntry;
      if (at === words.length) at = 0;
    }
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = segment;
    this.#size++;
    return true;
  }

  /** The entries sorted by `a`, and an empty table afterwards. */
  drain(): Uint32Array {
    const words = this.#words;
    const out = new Uint32Array(this.#size * wordsPerEntry);
    let end = 0;
    for (let at = 0; at < words.length; at += wordsPerEntry) {
      if (words[at + 2] === 0) continue;
      // Places follow the hash, so that an entry is at most a few positions out of order.
      const a = words[at]!;
      let to = end;
      while (to > 0 && out[to - wordsPerEntry]! > a) to -= wordsPerEntry;
      if (to < end) out.copyWithin(to + wordsPerEntry, to, end);
      out[to] = a;
      out[to + 1] = words[at + 1]!;
      out[to + 2] = words[at + 2]!;
      out[to + 3] = words[at + 3]!;
      end += wordsPerEntry;
    }
    words.fill(0);
    this.#size = 0;
    return out;
  }
}

/** Writes a run from sorted parts. Making it durable (`syncFile`) is left to the caller. */
export class IdRunWriter {
  readonly path: string;
  readonly #fd: number;
  readonly #fences: number[] = [];
  #entries = 0;

  constructor(path: string) {
    this.path = path;
    this.#fd = openSync(path, "w");
  }

  write(entries: Uint32Array): void {
    const count = entries.length / wordsPerEntry;
    const skip = (entriesPerFence - (this.#entries % entriesPerFence)) % entriesPerFence;
    for (let i = skip; i < count; i += entriesPerFence) {
      this.#fences.push(entries[i * wordsPerEntry]!);
    }
    writeAll(this.#fd, entries);
    this.#entries += count;
  }

  /** @returns the number of entries */
  finish(): number {
    writeAll(this.#fd, Uint32Array.from(this.#fences));
    closeSync(this.#fd);
    return this.#entries;
  }
}

function writeAll(fd: number, words: Uint32Array): void {
  let at = 0;
  while (at < words.byteLength) {
    at += writeSync(fd, new Uint8Array(words.buffer, words.byteOffset + at, words.byteLength - at));
  }
}

/** A run on disk. */
export class IdRun {
  readonly path: string;
  readonly entries: number;
  #open: { readonly fd: number; readonly fences: Uint32Array } | undefined;
  readonly #window = new Uint32Array(entriesPerFence * wordsPerEntry);

  constructor(path: string, entries: number) {
    this.path = path;
    this.entries = entries;
  }

  close(): void {
    if (this.#open !== undefined) closeSync(this.#open.fd);
    this.#open = undefined;
  }

  /** The segment an id was stored in, if `isAlive` says that the segment still is. */
  find({ a, b, c }: TextHash, isAlive: (segment: number) => boolean): number | undefined {
    const { fences } = this.#opened();
    // The last window that begins below `a`: equal ones may begin at its end.
    let low = 0;
    let high = fences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (fences[middle]! < a) low = middle + 1;
      else high = middle;
    }
    for (let w = Math.max(0, low - 1); w < fences.length && fences[w]! <= a; w++) {
      const window = this.#readWindow(w);
      const count = window.length / wordsPerEntry;
      let from = 0;
      let to = count;
      while (from < to) {
        const middle = (from + to) >>> 1;
        if (window[middle * wordsPerEntry]! < a) from = middle + 1;
        else to = middle;
      }
      for (; from < count && window[from * wordsPerEntry] === a; from++) {
        const at = from * wordsPerEntry;
        if (window[at + 1] !== b || window[at + 2] !== c) continue;
        const segment = window[at + 3]!;
        if (isAlive(segment)) return segment;
      }
    }
    return undefined;
  }

  /** All entries in order, in parts of at most `limit`. The part is overwritten by the next. */
  *parts(limit: number): Generator<Uint32Array> {
    const { fd } = this.#opened();
    const words = new Uint32Array(limit * wordsPerEntry);
    for (let at = 0; at < this.entries; at += limit) {
      const count = Math.min(limit, this.entries - at);
      const part = words.subarray(0, count * wordsPerEntry);
      this.#fill(fd, part, at * bytesPerEntry);
      yield part;
    }
  }

  #readWindow(w: number): Uint32Array {
    const first = w * entriesPerFence;
    const count = Math.min(entriesPerFence, this.entries - first);
    const window = this.#window.subarray(0, count * wordsPerEntry);
    this.#fill(this.#opened().fd, window, first * bytesPerEntry);
    return window;
  }

  #opened(): { readonly fd: number; readonly fences: Uint32Array } {
    if (this.#open === undefined) {
      const fd = openSync(this.path, "r");
      const fences = new Uint32Array(Math.ceil(this.entries / entriesPerFence));
      try {
        this.#fill(fd, fences, this.entries * bytesPerEntry);
      } catch (error) {
        closeSync(fd);
        throw error;
      }
      this.#open = { fd, fences };
    }
    return this.#open;
  }

  #fill(fd: number, words: Uint32Array, position: number): void {
    let at = 0;
    while (at < words.byteLength) {
      const read = readSync(
        fd,
        new Uint8Array(words.buffer, words.byteOffset + at, words.byteLength - at),
        0,
        words.byteLength - at,
        position + at,
      );
      if (read === 0) {
        throw new StoreError(
          "ID_RUN_DAMAGED",
          `The event id file ${this.path} ends after ${position + at} bytes, too early for its ${this.entries} entries.`,
          "Restore the file from a backup.",
          { kind: "unavailable" },
        );
      }
      at += read;
    }
  }
}

/** As many runs of like size are merged into one: an id is then written log₁₆ n times. */
const mergeFanIn = 16;

/** The runs that are due to be merged: `mergeFanIn` of like size, or none. */
export function runsDueForMerge(runs: readonly IdRun[]): readonly IdRun[] {
  const levels = new Map<number, IdRun[]>();
  for (const run of runs) {
    const level = Math.floor(Math.log2(Math.max(run.entries, 4096)) / Math.log2(mergeFanIn));
    const same = levels.get(level);
    if (same === undefined) levels.set(level, [run]);
    else same.push(run);
  }
  for (const same of levels.values()) if (same.length >= mergeFanIn) return same;
  return [];
}

/** Says whether an entry is to be kept by a merge. */
export type KeepEntry = (a: number, b: number, c: number, segment: number) => boolean;

/** Entries that are merged at a time: what a merge holds in memory, times three. */
const mergePart = 65_536;

/**
 * Merges runs into one, leaving out what `keep` refuses: constant memory, in one pass over the
 * range of hashes, whatever the number of runs. Lets others run every few milliseconds.
 *
 * @returns the number of entries written
 */
export async function mergeIdRuns(
  runs: readonly IdRun[],
  path: string,
  keep: KeepEntry,
): Promise<number> {
  const total = runs.reduce((sum, { entries }) => sum + entries, 0);
  const partitions = Math.max(1, Math.ceil(total / mergePart));
  const cursors = runs.map((run) => new RunCursor(run));
  const writer = new IdRunWriter(path);
  for (let p = 0; p < partitions; p++) {
    const from = Math.floor((0x1_0000_0000 / partitions) * p);
    const to = Math.floor((0x1_0000_0000 / partitions) * (p + 1));
    // Hashes are uniform: a part holds mergePart entries give or take a few hundred.
    const parts = cursors.map((cursor) => cursor.takeBelow(to));
    const table = new IdTable(
      parts.reduce((sum, part) => sum + part.length / wordsPerEntry, 0),
      from,
      to,
    );
    for (const part of parts) {
      for (let at = 0; at < part.length; at += wordsPerEntry) {
        const a = part[at]!;
        const b = part[at + 1]!;
        const c = part[at + 2]!;
        const segment = part[at + 3]!;
        if (keep(a, b, c, segment)) table.add(a, b, c, segment);
      }
    }
    writer.write(table.drain());
    await setImmediate();
  }
  return writer.finish();
}

/** Reads a run from its beginning, up to a bound at a time. */
class RunCursor {
  readonly #parts: Generator<Uint32Array>;
  #part: Uint32Array = new Uint32Array(0);
  #at = 0;

  constructor(run: IdRun) {
    this.#parts = run.parts(4096);
  }

  /** A copy of the entries from here on whose `a` is below the bound. */
  takeBelow(bound: number): Uint32Array {
    const taken: Uint32Array[] = [];
    for (;;) {
      if (this.#at === this.#part.length) {
        const next = this.#parts.next();
        if (next.done === true) break;
        this.#part = next.value;
        this.#at = 0;
      }
      let end = this.#at;
      while (end < this.#part.length && this.#part[end]! < bound) end += wordsPerEntry;
      taken.push(this.#part.slice(this.#at, end));
      this.#at = end;
      if (end < this.#part.length) break;
    }
    if (taken.length === 1) return taken[0]!;
    const all = new Uint32Array(taken.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of taken) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/**
 * Says of most new ids that no run has them, without reading any: a Bloom filter whose bits for
 * one id lie in one cache line. Kept in memory only while an import runs.
 *
 * At 16 bits an id about 0.3 % of new ids are sent on to the runs; beyond `maxFilterIds` more are.
 *
 * @see Putze, Sanders & Singler (2007), "Cache-, hash- and space-efficient Bloom filters"
 */
export class IdFilter {
  /** Ids for which it was made. */
  readonly capacity: number;
  readonly #lines: number;
  readonly #bits: Uint32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#lines = Math.ceil(Math.min(capacity, maxFilterIds) / 32);
    this.#bits = new Uint32Array(this.#lines * 16);
  }

  add({ a, b, c }: TextHash): void {
    const line = Math.floor((b / 0x1_0000_0000) * this.#lines) * 16;
    const bits = this.#bits;
    const d = Math.imul(a, 0x9e3779b1) >>> 5;
    bits[line + ((c >>> 5) & 15)]! |= 1 << (c & 31);
    bits[line + ((c >>> 14) & 15)]! |= 1 << ((c >>> 9) & 31);
    bits[line + ((c >>> 23) & 15)]! |= 1 << ((c >>> 18) & 31);
    bits[line + ((d >>> 5) & 15)]! |= 1 << (d & 31);
    bits[line + ((d >>> 14) & 15)]! |= 1 << ((d >>> 9) & 31);
    bits[line + ((d >>> 23) & 15)]! |= 1 << ((d >>> 18) & 31);
  }

  mayHave({ a, b, c }: TextHash): boolean {
    const line = Math.floor((b / 0x1_0000_0000) * this.#lines) * 16;
    const bits = this.#bits;
    const d = Math.imul(a, 0x9e3779b1) >>> 5;
    return (
      ((bits[line + ((c >>> 5) & 15)]! >>> (c & 31)) &
        (bits[line + ((c >>> 14) & 15)]! >>> ((c >>> 9) & 31)) &
        (bits[line + ((c >>> 23) & 15)]! >>> ((c >>> 18) & 31)) &
        (bits[line + ((d >>> 5) & 15)]! >>> (d & 31)) &
        (bits[line + ((d >>> 14) & 15)]! >>> ((d >>> 9) & 31)) &
        (bits[line + ((d >>> 23) & 15)]! >>> ((d >>> 18) & 31)) &
        1) ===
      1
    );
  }
}

/** 64 M ids at 16 bits are 128 MB, the most that a filter takes. */
const maxFilterIds = 1 << 26;
