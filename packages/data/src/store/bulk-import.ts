import { type Event, actorOf } from "@magpie/domain";
import { removeFiles, writeDurably } from "./durable-files.ts";
import { hashText, type TextHash } from "./text-hash.ts";
import { IdFilter, type IdRun, IdTable, runsDueForMerge } from "./event-id-runs.ts";
import { type EventLog, type LogRun, type LogSegment, segmentFile } from "./event-log.ts";
import { Segment, SegmentBuilder } from "./segment.ts";
import type { BulkAppend } from "./store.ts";

/** Ids for which the first filter is made; it grows by fours. */
const firstFilterIds = 1 << 20;

/**
 * Writes an import straight into segment files. They become part of the log in one transaction at
 * `commit`; until then nothing refers to them, and the next opening of the store clears away what
 * a crash left. Memory does not grow with the import, but for the filter (two bytes an event).
 */
export class BulkImport implements BulkAppend {
  readonly importId: string;
  readonly #log: EventLog;
  readonly #source: string;
  readonly #onEnd: () => void;
  readonly #builder: SegmentBuilder;
  readonly #ids: IdTable;
  readonly #hash: TextHash = { a: 0, b: 0, c: 0 };
  #segments: LogSegment[] = [];
  #segmentNumbers = new Set<number>();
  #runs: LogRun[] = [];
  #no = 0;
  #filter = new IdFilter(0);
  #filled = 0;
  #duplicates = 0;
  #state: "new" | "starting" | "open" | "ended" = "new";
  #starting: Promise<void> = Promise.resolve();
  #release: () => void = () => {};
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(log: EventLog, source: string, importId: string, onEnd: () => void) {
    this.#log = log;
    this.#source = source;
    this.importId = importId;
    this.#onEnd = onEnd;
    this.#builder = new SegmentBuilder(log.segmentEvents);
    this.#ids = new IdTable(log.segmentEvents);
  }

  add(event: Event): void | Promise<void> {
    if (this.#state === "open") return this.#take(event);
    return this.#started().then(() => this.#take(event));
  }

  #take(event: Event): void | Promise<void> {
    const hash = hashText(event.eventId, this.#log.hashSeed, this.#hash);
    const { a, b, c } = hash;
    if ((this.#filter.mayHave(hash) && this.#isKnown(hash)) || !this.#ids.add(a, b, c, this.#no)) {
      this.#duplicates++;
      return undefined;
    }
    this.#filter.add(hash);
    this.#builder.add(this.#log.users.add(actorOf(event)), event, this.#log.items.add);
    return this.#builder.isFull ? this.#seal() : undefined;
  }

  async commit(): Promise<{ readonly stored: number; readonly duplicates: number }> {
    try {
      await this.#started();
      if (this.#builder.events > 0) await this.#seal();
      await this.#writing;
      if (this.#failure !== undefined) throw this.#failure;
      await this.#log.syncFolder();
      await this.#yieldToLive();
      this.#log.adopt(this.#segments, this.#runs);
    } catch (error) {
      await this.abort();
      throw error;
    }
    const stored = this.#segments.reduce((sum, { summary }) => sum + summary.events, 0);
    try {
      await this.#log.mergeRuns();
    } finally {
      this.#end();
    }
    return { stored, duplicates: this.#duplicates };
  }

  async abort(): Promise<void> {
    if (this.#state === "ended") return;
    await this.#starting;
    await this.#writing;
    for (const { segment } of this.#segments) segment.close();
    for (const { run } of this.#runs) run.close();
    const files = [...this.#segments, ...this.#runs].map(({ file }) => this.#log.pathOf(file));
    this.#segments = [];
    this.#runs = [];
    this.#end();
    await removeFiles(files);
  }

  /** Waits for other maintenance, then looks at which ids there are. */
  #started(): Promise<void> {
    if (this.#state === "ended") {
      return Promise.reject(new Error("internal: the import has been committed or aborted"));
    }
    if (this.#state === "new") {
      this.#state = "starting";
      this.#starting = this.#log.maintenance.acquire().then((release) => {
        this.#release = release;
        this.#no = this.#log.takeSegmentNumber();
        this.#segmentNumbers.add(this.#no);
        this.#growFilter();
        this.#state = "open";
        return undefined;
      });
    }
    return this.#starting;
  }

  #end(): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#release();
    this.#onEnd();
  }

  #isKnown(hash: TextHash): boolean {
    const isOwn = (segment: number) => this.#segmentNumbers.has(segment);
    return (
      this.#runs.some(({ run }) => run.find(hash, isOwn) !== undefined) || this.#log.hasId(hash)
    );
  }

  /** Ends the current segment. Its writing goes on while the next one fills. */
  async #seal(): Promise<void> {
    const no = this.#no;
    const file = segmentFile(no);
    const path = this.#log.pathOf(file);
    const { bytes, summary } = this.#builder.finish();
    this.#segments.push({
      no,
      file,
      importId: this.importId,
      source: this.#source,
      summary,
      segment: new Segment(path),
    });
    this.#filled += this.#ids.size;
    const run = this.#log.writeRun(this.#ids);
    this.#no = this.#log.takeSegmentNumber();
    this.#segmentNumbers.add(this.#no);

    const before = this.#writing;
    this.#writing = Promise.all([before, writeDurably(path, bytes)]).then(
      () => undefined,
      (error: unknown) => {
        this.#failure ??= error;
      },
    );
    await before;
    this.#runs.push(await run);
    await this.#mergeRuns();
    if (this.#filled + this.#log.segmentEvents > this.#filter.capacity) this.#growFilter();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #mergeRuns(): Promise<void> {
    for (;;) {
      const due = new Set(runsDueForMerge(this.#runs.map(({ run }) => run)));
      if (due.size === 0) return;
      const old = this.#runs.filter(({ run }) => due.has(run));
      const merged = await this.#log.mergeUnregistered(old);
      this.#runs = [...this.#runs.filter(({ run }) => !due.has(run)), merged];
    }
  }

  #growFilter(): void {
    const runs = [...this.#log.runs, ...this.#runs.map(({ run }) => run)];
    this.#filled = runs.reduce((sum, { entries }) => sum + entries, 0);
    this.#filter = new IdFilter(Math.max(firstFilterIds, this.#filled * 4));
    for (const run of runs) fillFilter(this.#filter, run);
  }

  /**
   * Leaves out what came in alive under the same id while the import ran. The last look and the
   * commit that follows happen without a pause between them.
   */
  async #yieldToLive(): Promise<void> {
    const isOwn = (segment: number) => this.#segmentNumbers.has(segment);
    let seq = 0;
    for (;;) {
      const rows = this.#log.liveAfter(seq);
      if (rows.length === 0) return;
      seq = rows.at(-1)!.seq;
      const twice = new Map<number, Set<string>>();
      for (const { eventId } of rows) {
        const hash = hashText(eventId, this.#log.hashSeed, this.#hash);
        if (!this.#filter.mayHave(hash)) continue;
        for (const { run } of this.#runs) {
          const no = run.find(hash, isOwn);
          if (no === undefined) continue;
          if (!twice.has(no)) twice.set(no, new Set());
          twice.get(no)!.add(eventId);
        }
      }
      for (const [no, ids] of twice) await this.#drop(no, ids);
    }
  }

  async #drop(no: number, ids: ReadonlySet<string>): Promise<void> {
    const at = this.#segments.findIndex((entry) => entry.no === no);
    const old = this.#segments[at];
    if (old === undefined) return;
    const eventIds = old.segment.eventIds();
    const next = await this.#log.rewrite(old, (row) => ids.has(eventIds[row]!));
    this.#duplicates += old.summary.events - (next?.summary.events ?? 0);
    this.#segments.splice(at, 1, ...(next === undefined ? [] : [next]));
    old.segment.close();
    await removeFiles([this.#log.pathOf(old.file)]);
    await this.#log.syncFolder();
  }
}

function fillFilter(filter: IdFilter, run: IdRun): void {
  const hash: TextHash = { a: 0, b: 0, c: 0 };
  for (const part of run.parts(4096)) {
    for (let at = 0; at < part.length; at += 4) {
      hash.a = part[at]!;
      hash.b = part[at + 1]!;
      hash.c = part[at + 2]!;
      filter.add(hash);
    }
  }
}
