import { randomUUID } from "node:crypto";
import { readdirSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { setImmediate } from "node:timers/promises";
import {
  type Event,
  type EventType,
  StoreError,
  type UserId,
  actorOf,
  eventTypes,
} from "@magpie/domain";
import { BulkImport } from "./bulk-import.ts";
import { inTransaction } from "./database.ts";
import type { Dictionary } from "./dictionary.ts";
import { removeFiles, syncFile, syncFolder, writeDurably } from "./durable-files.ts";
import { hashText, type TextHash } from "./text-hash.ts";
import { IdRun, IdRunWriter, IdTable, mergeIdRuns, runsDueForMerge } from "./event-id-runs.ts";
import type { GroupCommit } from "./group-commit.ts";
import { Mutex } from "./mutex.ts";
import { Segment, SegmentBuilder, type SegmentSummary } from "./segment.ts";
import type { AppendOutcome, BulkAppend, EventColumns, EventStore, UserSummary } from "./store.ts";

/** A segment that is part of the log. */
export interface LogSegment {
  readonly no: number;
  readonly file: string;
  /** Absent for segments packed from live events. */
  readonly importId?: string;
  readonly source: string;
  readonly summary: SegmentSummary;
  readonly segment: Segment;
}

/** A file of event ids that is part of the log. */
export interface LogRun {
  readonly file: string;
  readonly run: IdRun;
}

/** Live rows that one step reads, so that steps stay short. */
const rowsPerStep = 1_000;

/** Packed rows that one step deletes: overwriting them costs more than reading. */
const rowsPerSweep = 500;

/** Users or events per run of an export. */
const eventsPerPart = 1_000;

/** A remainder smaller than this part of a segment is not worth packing yet. */
const settledPart = 16;

/** What erasing a user from the log took away. */
export interface ErasedEvents {
  readonly events: number;
  /** To be called inside the transaction that makes it so. */
  readonly write: () => number;
  readonly publish: () => Promise<void>;
}

/**
 * The event log: newest events as rows of SQLite, all others in immutable segment files. Rows
 * below `#liveFrom` have been packed already and only wait for their deletion.
 */
export class EventLog implements EventStore {
  readonly segmentEvents: number;
  readonly users: Dictionary;
  readonly items: Dictionary;
  readonly hashSeed: number;
  /** One at a time: import, compaction, removal, erasure. */
  readonly maintenance = new Mutex();
  readonly #database: DatabaseSync;
  readonly #commit: GroupCommit;
  readonly #folder: string;
  /** By number, which is the order of the log. */
  #segments = new Map<number, LogSegment>();
  #runs: LogRun[] = [];
  #nextSegment: number;
  #liveFrom: number;
  #liveByType = new Map<EventType, number>();
  #userCounts: { readonly events: Float64Array; readonly lastMs: Float64Array } | undefined;
  #bulk: BulkImport | undefined;
  #readers = 0;
  #compacting = false;
  readonly #hash: TextHash = { a: 0, b: 0, c: 0 };
  readonly #insertLive: StatementSync;
  readonly #liveAfter: StatementSync;
  readonly #liveOfUser: StatementSync;

  constructor(
    database: DatabaseSync,
    commit: GroupCommit,
    dictionaries: { readonly users: Dictionary; readonly items: Dictionary },
    directory: string,
    segmentEvents: number,
  ) {
    this.#database = database;
    this.#commit = commit;
    this.#folder = join(directory, "events");
    this.segmentEvents = segmentEvents;
    this.users = dictionaries.users;
    this.items = dictionaries.items;
    this.hashSeed = this.#number("hash_seed");
    this.#liveFrom = this.#number("live_from");
    this.#insertLive = database.prepare(
      `INSERT INTO event (event_id, user_idx, type, timestamp_ms, source, json)
       VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING`,
    );
    this.#liveAfter = database.prepare(
      "SELECT seq, event_id, user_idx, json FROM event WHERE seq > ? ORDER BY seq LIMIT ?",
    );
    this.#liveOfUser = database.prepare(
      `SELECT json FROM event WHERE user_idx = ? AND seq >= ?
       ORDER BY timestamp_ms DESC, seq DESC LIMIT ?`,
    );
    const last = database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'segment'").get();
    this.#nextSegment = ((last?.["seq"] as number | undefined) ?? 0) + 1;
    for (const row of database.prepare("SELECT * FROM segment ORDER BY no").all()) {
      const importId = row["import_id"] as string | null;
      this.#publishSegment({
        no: row["no"] as number,
        file: row["file"] as string,
        ...(importId !== null && { importId }),
        source: row["source"] as string,
        summary: JSON.parse(row["summary"] as string) as SegmentSummary,
        segment: new Segment(this.pathOf(row["file"] as string)),
      });
    }
    for (const row of database.prepare("SELECT * FROM id_run ORDER BY file").all()) {
      const file = row["file"] as string;
      const run = new IdRun(this.pathOf(file), row["entries"] as number);
      this.#runs.push({ file, run });
    }
    this.#recountLive();
  }

  /** Makes the folder ready and clears away what a crash may have left. */
  async recover(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const known = new Set<string>();
    for (const { file } of this.#segments.values()) known.add(file);
    for (const { file } of this.#runs) known.add(file);
    for (const file of readdirSync(this.#folder)) {
      if (!known.delete(file)) rmSync(join(this.#folder, file), { recursive: true });
    }
    const [missing] = known;
    if (missing !== undefined) {
      throw new StoreError(
        "EVENT_FILE_MISSING",
        `${known.size} of the event files are missing from ${this.#folder}, among them ${missing}.`,
        "Restore the whole data folder from one backup: database and event files belong together.",
        { kind: "unavailable" },
      );
    }
    await this.#sweep();
  }

  pathOf(file: string): string {
    return join(this.#folder, file);
  }

  // ── Writing ────────────────────────────────────────────────────────────────────────────────

  async append(events: readonly Event[], source: string): Promise<AppendOutcome[]> {
    if (events.length === 0) return [];
    // Outside the transaction, so that what cannot be written fails its own caller alone.
    const rows = events.map((event) => ({
      event,
      actor: actorOf(event),
      json: JSON.stringify(event),
    }));
    const insert = () =>
      rows.map(({ event, actor, json }): AppendOutcome => {
        if (this.#runs.length > 0 && this.#isInSegments(event.eventId)) return "duplicate";
        for (const item of event.items ?? []) this.items.add(item.itemId);
        const { changes } = this.#insertLive.run(
          event.eventId,
          this.users.add(actor),
          event.type,
          event.timestampMs,
          source,
          json,
        );
        return changes === 0 ? "duplicate" : "stored";
      });
    return this.#commit.run(insert, (outcomes) => {
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome === "stored") this.#countLive(events[i]!.type, 1);
      }
      this.#compactWhenLarge();
    });
  }

  openBulk(source: string, importId: string): BulkAppend {
    if (this.#bulk !== undefined) {
      throw new StoreError(
        "IMPORT_RUNNING",
        `Import ${this.#bulk.importId} is still being written.`,
        "Imports into one store run one after the other: wait for it, or cancel it.",
        { kind: "conflict" },
      );
    }
    this.#bulk = new BulkImport(this, source, importId, () => {
      this.#bulk = undefined;
    });
    return this.#bulk;
  }

  /** Ends an import that its caller left open. */
  async abortBulk(): Promise<void> {
    await this.#bulk?.abort();
  }

  async removeImport(importId: string): Promise<number> {
    return this.maintenance.run(async () => {
      const gone = [...this.#segments.values()].filter((entry) => entry.importId === importId);
      inTransaction(this.#database, () => {
        this.#database.prepare("DELETE FROM segment WHERE import_id = ?").run(importId);
      });
      for (const entry of gone) this.#withdrawSegment(entry);
      await removeFiles(gone.map(({ file }) => this.pathOf(file)));
      return gone.reduce((sum, { summary }) => sum + summary.events, 0);
    });
  }

  async compact(): Promise<void> {
    await this.maintenance.run(async () => {
      const builder = new SegmentBuilder(this.segmentEvents);
      const settled = Math.max(1, Math.floor(this.segmentEvents / settledPart));
      while (this.#liveEvents() >= settled) await this.#packOldest(builder);
    });
    await this.#sweep();
  }

  /** Packs the oldest live rows into one segment. */
  async #packOldest(builder: SegmentBuilder): Promise<void> {
    const no = this.takeSegmentNumber();
    const ids = new IdTable(this.segmentEvents);
    let seq = this.#liveFrom - 1;
    while (!builder.isFull) {
      const wanted = Math.min(rowsPerStep, builder.capacity - builder.events);
      const rows = this.#liveAfter.all(seq, wanted);
      for (const row of rows) {
        builder.add(
          row["user_idx"] as number,
          JSON.parse(row["json"] as string) as Event,
          this.items.add,
        );
        const { a, b, c } = hashText(row["event_id"] as string, this.hashSeed, this.#hash);
        ids.add(a, b, c, no);
        seq = row["seq"] as number;
      }
      if (rows.length < wanted) break;
      await setImmediate();
    }
    const steps = builder.finishing();
    let step = steps.next();
    while (step.done !== true) {
      await setImmediate();
      step = steps.next();
    }
    const { bytes, summary } = step.value;
    const file = segmentFile(no);
    await writeDurably(this.pathOf(file), bytes);
    const packed: LogSegment = {
      no,
      file,
      source: "live",
      summary,
      segment: new Segment(this.pathOf(file)),
    };
    const run = await this.writeRun(ids);
    await syncFolder(this.#folder);
    inTransaction(this.#database, () => {
      this.#registerSegment(packed);
      this.#registerRun(run);
      this.users.write();
      this.items.write();
      this.#setNumber("live_from", seq + 1);
    });
    this.users.markWritten();
    this.items.markWritten();
    this.#liveFrom = seq + 1;
    this.#publishSegment(packed);
    this.#runs.push(run);
    for (const type of eventTypes) this.#countLive(type, -(summary.countByType[type] ?? 0));
    await this.mergeRuns();
  }

  /** Deletes rows that have been packed, a few at a time, unless a reader still needs them. */
  async #sweep(): Promise<void> {
    const remove = this.#database.prepare(
      "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq < ? ORDER BY seq LIMIT ?)",
    );
    while (this.#readers === 0 && this.#database.isOpen) {
      const { changes } = remove.run(this.#liveFrom, rowsPerSweep);
      if (Number(changes) < rowsPerSweep) return;
      await setImmediate();
    }
  }

  #compactWhenLarge(): void {
    if (this.#compacting || this.#liveEvents() < this.segmentEvents * 2) return;
    this.#compacting = true;
    this.compact()
      .catch((error: unknown) => {
        // Nothing is lost: the events stay rows, and the next append tries again.
        if (this.#database.isOpen) process.emitWarning(error as Error);
      })
      .finally(() => {
        this.#compacting = false;
      });
  }

  // ── What imports and erasure use ───────────────────────────────────────────────────────────

  takeSegmentNumber(): number {
    return this.#nextSegment++;
  }

  /** Whether a segment of the log has the event with this id. */
  hasId(hash: TextHash): boolean {
    const isAlive = (segment: number) => this.#segments.has(segment);
    return this.#runs.some(({ run }) => run.find(hash, isAlive) !== undefined);
  }

  get runs(): readonly IdRun[] {
    return this.#runs.map(({ run }) => run);
  }

  /** Writes what a table holds as a run. The run is part of the log once it is registered. */
  async writeRun(table: IdTable): Promise<LogRun> {
    const file = `${randomUUID()}.ids`;
    const writer = new IdRunWriter(this.pathOf(file));
    writer.write(table.drain());
    const entries = writer.finish();
    await syncFile(this.pathOf(file));
    return { file, run: new IdRun(this.pathOf(file), entries) };
  }

  /** Live events after a row, for the last look of an import before it commits. */
  liveAfter(seq: number): { readonly seq: number; readonly eventId: string }[] {
    const after = Math.max(seq, this.#liveFrom - 1);
    return this.#liveAfter.all(after, rowsPerStep).map((row) => ({
      seq: row["seq"] as number,
      eventId: row["event_id"] as string,
    }));
  }

  /** Makes an import's files part of the log. Durable and visible on return. */
  adopt(segments: readonly LogSegment[], runs: readonly LogRun[]): void {
    inTransaction(this.#database, () => {
      this.users.write();
      this.items.write();
      for (const segment of segments) this.#registerSegment(segment);
      for (const run of runs) this.#registerRun(run);
    });
    this.users.markWritten();
    this.items.markWritten();
    for (const segment of segments) this.#publishSegment(segment);
    this.#runs.push(...runs);
  }

  syncFolder(): Promise<void> {
    return syncFolder(this.#folder);
  }

  /** Merges runs while there are too many; under the maintenance lock. */
  async mergeRuns(): Promise<void> {
    for (;;) {
      const due = new Set(runsDueForMerge(this.runs));
      if (due.size === 0) return;
      await this.#replaceRuns([...due], (_a, _b, _c, segment) => this.#segments.has(segment));
    }
  }

  /** Merges runs of an import that is not yet part of the log. */
  async mergeUnregistered(runs: readonly LogRun[]): Promise<LogRun> {
    const file = `${randomUUID()}.ids`;
    const old = runs.map(({ run }) => run);
    const entries = await mergeIdRuns(old, this.pathOf(file), () => true);
    await syncFile(this.pathOf(file));
    for (const run of old) run.close();
    await removeFiles(old.map(({ path }) => path));
    return { file, run: new IdRun(this.pathOf(file), entries) };
  }

  async #replaceRuns(
    runs: readonly IdRun[],
    keep: (a: number, b: number, c: number, segment: number) => boolean,
  ): Promise<void> {
    const old = new Set(runs);
    const file = `${randomUUID()}.ids`;
    const entries = await mergeIdRuns(runs, this.pathOf(file), keep);
    await syncFile(this.pathOf(file));
    await syncFolder(this.#folder);
    const merged: LogRun = { file, run: new IdRun(this.pathOf(file), entries) };
    const gone = this.#runs.filter(({ run }) => old.has(run));
    inTransaction(this.#database, () => {
      const remove = this.#database.prepare("DELETE FROM id_run WHERE file = ?");
      for (const run of gone) remove.run(run.file);
      this.#registerRun(merged);
    });
    this.#runs = [...this.#runs.filter(({ run }) => !old.has(run)), merged];
    for (const { run } of gone) run.close();
    await removeFiles(gone.map((run) => this.pathOf(run.file)));
  }

  /**
   * Prepares the erasure of a user: writes the segments anew without the user's events. Nothing
   * has changed until `write` runs in a transaction. Under the maintenance lock.
   */
  async prepareErasure(user: UserId): Promise<ErasedEvents> {
    const packedIndex = this.users.find(user);
    const replaced: { old: LogSegment; next: LogSegment | undefined }[] = [];
    const erasedIds = new Set<string>();
    let events = 0;
    for (const old of this.#segments.values()) {
      const range = packedIndex === undefined ? undefined : old.segment.findUser(packedIndex);
      if (range === undefined) continue;
      events += range.to - range.from;
      for (const event of old.segment.userEvents(range, user, this.items.keyAt)) {
        erasedIds.add(event.eventId);
      }
      const next = await this.rewrite(old, (row) => row >= range.from && row < range.to);
      replaced.push({ old, next });
    }
    if (replaced.length > 0) await syncFolder(this.#folder);
    return {
      events,
      write: () => {
        for (const { old, next } of replaced) {
          this.#database.prepare("DELETE FROM segment WHERE no = ?").run(old.no);
          if (next !== undefined) this.#registerSegment(next);
        }
        // Found again: the user may have sent a first event since.
        const index = this.users.find(user);
        if (index === undefined) return 0;
        const live = this.#database
          .prepare("SELECT count(*) AS n FROM event WHERE user_idx = ? AND seq >= ?")
          .get(index, this.#liveFrom)!["n"] as number;
        this.#database.prepare("DELETE FROM event WHERE user_idx = ?").run(index);
        this.users.blank(index);
        return live;
      },
      publish: async () => {
        const index = this.users.find(user);
        if (index !== undefined) this.users.forget(index);
        for (const { old, next } of replaced) {
          this.#withdrawSegment(old);
          if (next !== undefined) this.#publishSegment(next);
        }
        this.#recountLive();
        await removeFiles(replaced.map(({ old }) => this.pathOf(old.file)));
        await this.#forgetIds(erasedIds);
      },
    };
  }

  /** Takes the hashes of ids out of the runs that have them. */
  async #forgetIds(ids: ReadonlySet<string>): Promise<void> {
    const hashes = new Set<string>();
    const firstWords = new Set<number>();
    const touched = new Set<IdRun>();
    const any = () => true;
    for (const id of ids) {
      const hash = hashText(id, this.hashSeed, this.#hash);
      hashes.add(`${hash.a} ${hash.b} ${hash.c}`);
      firstWords.add(hash.a);
      for (const run of this.runs) if (run.find(hash, any) !== undefined) touched.add(run);
    }
    for (const run of touched) {
      await this.#replaceRuns(
        [run],
        (a, b, c, segment) =>
          this.#segments.has(segment) && !(firstWords.has(a) && hashes.has(`${a} ${b} ${c}`)),
      );
    }
  }

  /** Writes a segment anew without some events, under the same number; undefined when none is left. */
  async rewrite(old: LogSegment, drop: (row: number) => boolean): Promise<LogSegment | undefined> {
    const encoded = old.segment.without(drop);
    if (encoded === undefined) return undefined;
    const file = segmentFile(old.no, randomUUID());
    await writeDurably(this.pathOf(file), encoded.bytes);
    const segment = new Segment(this.pathOf(file));
    return { ...old, file, summary: encoded.summary, segment };
  }

  close(): void {
    for (const { segment } of this.#segments.values()) segment.close();
    for (const { run } of this.#runs) run.close();
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────

  async byUser(user: UserId, limit: number): Promise<Event[]> {
    const index = this.users.find(user);
    if (index === undefined || limit <= 0) return [];
    const live = this.#liveOfUser
      .all(index, this.#liveFrom, limit)
      .map((row) => JSON.parse(row["json"] as string) as Event);

    // Times first, events afterwards: only the rows that are asked for are unpacked.
    let newest: Place[] = live.map((event, i) => ({
      timestampMs: event.timestampMs,
      segment: undefined,
      position: live.length - i,
    }));
    const segments = [...this.#segments.values()].sort((x, y) => y.summary.maxMs - x.summary.maxMs);
    for (const entry of segments) {
      if (newest.length === limit && newest.at(-1)!.timestampMs > entry.summary.maxMs) break;
      const range = entry.segment.findUser(index);
      if (range === undefined) continue;
      const times = entry.segment.timesOf(range);
      const oldest = nthLargest(times, limit);
      for (let i = 0; i < times.length; i++) {
        if (times[i]! < oldest) continue;
        newest.push({ timestampMs: times[i]!, segment: entry, position: range.from + i });
      }
      newest = newest.sort(newestFirst).slice(0, limit);
    }
    return this.#eventsAt(newest, live, user);
  }

  /** The events at some places, in their order. */
  #eventsAt(places: readonly Place[], live: readonly Event[], user: UserId): Event[] {
    const out: (Event | undefined)[] = Array.from({ length: places.length });
    const bySegment = new Map<LogSegment, number[]>();
    for (const [i, { segment, position }] of places.entries()) {
      if (segment === undefined) out[i] = live[live.length - position];
      else if (bySegment.has(segment)) bySegment.get(segment)!.push(i);
      else bySegment.set(segment, [i]);
    }
    for (const [{ segment }, wanted] of bySegment) {
      wanted.sort((x, y) => places[x]!.position - places[y]!.position);
      // Neighbours are read together: they share a block.
      for (let i = 0; i < wanted.length;) {
        let end = i + 1;
        const from = places[wanted[i]!]!.position;
        while (end < wanted.length && places[wanted[end]!]!.position === from + end - i) end++;
        const events = segment.userEvents({ from, to: from + end - i }, user, this.items.keyAt);
        for (let k = i; k < end; k++) out[wanted[k]!] = events[k - i];
        i = end;
      }
    }
    return out.map((event) => {
      if (event === undefined) throw new Error("internal: a place without an event");
      return event;
    });
  }

  async *exportUser(user: UserId): AsyncIterable<readonly Event[]> {
    // One person's log is small; all of it is ordered in memory.
    const events = (await this.byUser(user, Number.MAX_SAFE_INTEGER)).reverse();
    for (let from = 0; from < events.length; from += eventsPerPart) {
      yield events.slice(from, from + eventsPerPart);
    }
  }

  async *scanColumns(): AsyncIterable<EventColumns> {
    for await (const part of this.#wholeLog()) {
      yield "segment" in part ? part.segment.eventColumns() : this.#liveColumns(part.rows);
    }
  }

  async *scan(): AsyncIterable<readonly Event[]> {
    for await (const part of this.#wholeLog()) {
      if (!("segment" in part)) {
        yield part.rows.map((row) => JSON.parse(row["json"] as string) as Event);
        continue;
      }
      const events = part.segment.events(this.users.keyAt, this.items.keyAt);
      for (let from = 0; from < events.length; from += eventsPerPart) {
        yield events.slice(from, from + eventsPerPart);
      }
    }
  }

  /**
   * The log as it is now, segments first. Rows that are packed meanwhile are still read as rows:
   * they are not deleted before the last reader has ended.
   */
  async *#wholeLog(): AsyncIterable<
    { readonly segment: Segment } | { readonly rows: Record<string, unknown>[] }
  > {
    const numbers = [...this.#segments.keys()];
    const last = this.#database.prepare("SELECT max(seq) AS seq FROM event").get()!["seq"];
    const lastSeq = (last as number | null) ?? 0;
    let seq = this.#liveFrom - 1;
    this.#readers++;
    try {
      for (const no of numbers) {
        // Rewritten meanwhile: its successor is read. Removed meanwhile: nothing is.
        const entry = this.#segments.get(no);
        if (entry === undefined) continue;
        yield entry;
        await setImmediate();
      }
      while (seq < lastSeq) {
        const rows = this.#liveAfter
          .all(seq, rowsPerStep)
          .filter((row) => (row["seq"] as number) <= lastSeq);
        if (rows.length === 0) break;
        seq = rows.at(-1)!["seq"] as number;
        yield { rows };
        await setImmediate();
      }
    } finally {
      this.#readers--;
      await this.#sweep();
    }
  }

  #liveColumns(rows: readonly Record<string, unknown>[]): EventColumns {
    const events = rows.map((row) => JSON.parse(row["json"] as string) as Event);
    const length = events.reduce((sum, { items }) => sum + Math.max(1, items?.length ?? 0), 0);
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
    let at = 0;
    for (const [i, event] of events.entries()) {
      const lines = event.items?.length ?? 0;
      for (let k = 0; k === 0 || k < lines; k++, at++) {
        const item = event.items?.[k];
        out.users[at] = rows[i]!["user_idx"] as number;
        out.types[at] = eventTypes.indexOf(event.type);
        out.timestampsMs[at] = event.timestampMs;
        out.personal[at] = event.consent?.personalization === false ? 0 : 1;
        out.items[at] = item === undefined ? -1 : this.items.add(item.itemId);
        out.quantities[at] = item?.quantity ?? 1;
        out.pricesCents[at] = item?.price?.amount ?? -1;
      }
    }
    return out;
  }

  async userKeys(): Promise<readonly UserId[]> {
    return this.users.keys as readonly UserId[];
  }

  async itemKeys(): Promise<readonly string[]> {
    return this.items.keys;
  }

  async count(): Promise<number> {
    let events = this.#liveEvents();
    for (const { summary } of this.#segments.values()) events += summary.events;
    return events;
  }

  async countByType(): Promise<Partial<Record<EventType, number>>> {
    const counts: Partial<Record<EventType, number>> = {};
    for (const type of eventTypes) {
      let count = this.#liveByType.get(type) ?? 0;
      for (const { summary } of this.#segments.values()) count += summary.countByType[type] ?? 0;
      if (count > 0) counts[type] = count;
    }
    return counts;
  }

  async topUsers(limit: number): Promise<UserSummary[]> {
    const packed = this.#packedUserCounts();
    const events = new Float64Array(this.users.keys.length);
    const lastMs = new Float64Array(this.users.keys.length).fill(-Infinity);
    events.set(packed.events);
    lastMs.set(packed.lastMs);
    const live = this.#database
      .prepare(
        `SELECT user_idx, count(*) AS n, max(timestamp_ms) AS last FROM event
         WHERE seq >= ? GROUP BY user_idx`,
      )
      .all(this.#liveFrom);
    for (const row of live) {
      const user = row["user_idx"] as number;
      events[user]! += row["n"] as number;
      lastMs[user] = Math.max(lastMs[user]!, row["last"] as number);
    }
    const users = Array.from(events.keys()).filter((user) => events[user]! > 0);
    users.sort((x, y) => events[y]! - events[x]! || lastMs[y]! - lastMs[x]! || x - y);
    return users.slice(0, limit).map((user) => ({
      user: this.users.keyAt(user) as UserId,
      events: events[user]!,
      lastMs: lastMs[user]!,
    }));
  }

  /** Counts over all segments, kept until the segments change. */
  #packedUserCounts(): { readonly events: Float64Array; readonly lastMs: Float64Array } {
    if (this.#userCounts === undefined) {
      const events = new Float64Array(this.users.keys.length);
      const lastMs = new Float64Array(this.users.keys.length).fill(-Infinity);
      for (const { segment } of this.#segments.values()) {
        segment.forEachUser((user, count, last) => {
          events[user]! += count;
          lastMs[user] = Math.max(lastMs[user]!, last);
        });
      }
      this.#userCounts = { events, lastMs };
    }
    return this.#userCounts;
  }

  // ── Bookkeeping ────────────────────────────────────────────────────────────────────────────

  #isInSegments(eventId: string): boolean {
    return this.hasId(hashText(eventId, this.hashSeed, this.#hash));
  }

  #liveEvents(): number {
    let events = 0;
    for (const count of this.#liveByType.values()) events += count;
    return events;
  }

  #countLive(type: EventType, change: number): void {
    if (change !== 0) this.#liveByType.set(type, (this.#liveByType.get(type) ?? 0) + change);
  }

  #recountLive(): void {
    const rows = this.#database
      .prepare("SELECT type, count(*) AS n FROM event WHERE seq >= ? GROUP BY type")
      .all(this.#liveFrom);
    this.#liveByType = new Map(
      rows.map((row) => [row["type"] as EventType, row["n"] as number] as const),
    );
  }

  #publishSegment(entry: LogSegment): void {
    this.#segments.set(entry.no, entry);
    // A rewritten segment takes its old place; Map order alone would put it last.
    const numbers = [...this.#segments.keys()];
    if (numbers.length > 1 && numbers.at(-2)! > entry.no) {
      this.#segments = new Map([...this.#segments].sort(([x], [y]) => x - y));
    }
    this.#userCounts = undefined;
  }

  #withdrawSegment({ no, segment }: LogSegment): void {
    this.#segments.delete(no);
    segment.close();
    this.#userCounts = undefined;
  }

  #registerSegment({ no, file, importId, source, summary }: LogSegment): void {
    this.#database
      .prepare("INSERT INTO segment (no, file, import_id, source, summary) VALUES (?, ?, ?, ?, ?)")
      .run(no, file, importId ?? null, source, JSON.stringify(summary));
  }

  #registerRun({ file, run }: LogRun): void {
    this.#database
      .prepare("INSERT INTO id_run (file, entries) VALUES (?, ?)")
      .run(file, run.entries);
  }

  #number(key: string): number {
    return this.#database.prepare("SELECT value FROM meta WHERE key = ?").get(key)![
      "value"
    ] as number;
  }

  #setNumber(key: string, value: number): void {
    this.#database.prepare("UPDATE meta SET value = ? WHERE key = ?").run(value, key);
  }
}

/** Where one event is: a row of a segment, or of the live events that were read (from the end). */
interface Place {
  readonly timestampMs: number;
  readonly segment: LogSegment | undefined;
  readonly position: number;
}

/** Live events come after those in segments, and later arrivals after earlier ones. */
function newestFirst(x: Place, y: Place): number {
  return (
    y.timestampMs - x.timestampMs ||
    (y.segment?.no ?? Infinity) - (x.segment?.no ?? Infinity) ||
    y.position - x.position
  );
}

/** The nth largest of some times, -Infinity when there are fewer. */
function nthLargest(times: Float64Array, n: number): number {
  return times.length <= n ? -Infinity : Float64Array.from(times).sort()[times.length - n]!;
}

/** Name of a segment's file; a rewritten one has a name of its own, so that the switch is atomic. */
export function segmentFile(no: number, version?: string): string {
  return version === undefined ? `${no}.seg` : `${no}.${version}.seg`;
}
