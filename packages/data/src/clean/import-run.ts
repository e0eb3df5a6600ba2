import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import type { WorkContext } from "@magpie/domain";
import { openInput, type ByteProgress, type InputFile } from "../sources/bytes.ts";
import type { FormatOptions } from "../sources/formats.ts";
import { openText, type Encoding, type TextFile } from "../sources/text.ts";
import type { Store } from "../store/store.ts";
import type { QualityReport } from "./quality-report.ts";

/** What every import needs to know. */
export interface ImportOptions extends FormatOptions {
  /** Where the rows come from, in the shop's words: "erp", "ga4". Kept with every row. */
  readonly source: string;
  /** The moment of the import: later events lie in the future. */
  readonly nowMs: number;
  /** Default: told from the first lines. */
  readonly format?: string;
  /** Default: told from the first bytes. */
  readonly encoding?: Encoding;
  readonly maxLineBytes?: number;
  /** Import a file again that was imported before, by other rules: its rows are removed first. */
  readonly replace?: boolean;
  /** Read in place of the process's standard input when the file is "-". */
  readonly stdin?: Readable;
}

export interface ImportOutcome {
  readonly importId: string;
  /** The same file from the same source was imported before; nothing was done. */
  readonly isAlreadyImported: boolean;
  readonly report: QualityReport;
}

/** One import under way: its input, its identity, its progress. */
export interface ImportRun {
  readonly importId: string;
  readonly kind: QualityReport["kind"];
  readonly input: InputFile;
  readonly text: TextFile;
  readonly source: string;
  readonly startedMs: number;
  readonly elapsedSeconds: () => number;
}

/**
 * Opens the file, names the import by its content, does the work unless it was done before, and
 * records it. The record is written last: an import that crashed has none, and what it may have
 * left in the log is removed before the next try.
 */
export async function runImport(
  store: Store,
  kind: QualityReport["kind"],
  path: string,
  options: ImportOptions,
  context: WorkContext,
  work: (run: ImportRun) => Promise<QualityReport>,
): Promise<ImportOutcome> {
  const { source, stdin } = options;
  const started = performance.now();
  const input = await openInput(path, { signal: context.signal, ...(stdin && { stdin }) });
  try {
    const importId = importIdOf(kind, source, input.sha256);
    const before = await store.imports.get(importId);
    if (before !== undefined && options.replace !== true) {
      return { importId, isAlreadyImported: true, report: before.report as QualityReport };
    }
    const text = await openText(input.path, input.name, options);
    const report = await work({
      importId,
      kind,
      input,
      text,
      source,
      startedMs: options.nowMs,
      elapsedSeconds: () => (performance.now() - started) / 1000,
    });
    if (before !== undefined) await store.imports.remove(importId);
    await store.imports.add({
      importId,
      kind,
      source,
      file: input.name,
      format: report.format,
      sha256: input.sha256,
      startedMs: report.startedMs,
      finishedMs: Math.round(report.startedMs + report.seconds * 1000),
      report,
    });
    return { importId, isAlreadyImported: false, report };
  } finally {
    await input.release();
  }
}

/** The identity of an import: what kind, from where, with which content. */
function importIdOf(kind: string, source: string, sha256: string): string {
  return createHash("sha256")
    .update(JSON.stringify([kind, source, sha256]))
    .digest("hex")
    .slice(0, 32);
}

const progressEveryMs = 250;

/** Tells progress a few times a second, and stops when asked to. */
export class ProgressTeller {
  readonly #run: ImportRun;
  readonly #bytes: ByteProgress;
  readonly #context: WorkContext;
  readonly #stage: string;
  readonly #startedMs = performance.now();
  #toldMs = -Infinity;
  #rows = 0;

  constructor(run: ImportRun, bytes: ByteProgress, context: WorkContext, stage: string) {
    this.#run = run;
    this.#bytes = bytes;
    this.#context = context;
    this.#stage = stage;
  }

  /** Counts rows that were done. */
  advance(rows: number): void {
    this.#context.signal.throwIfAborted();
    this.#rows += rows;
    if (performance.now() - this.#toldMs >= progressEveryMs) this.tell();
  }

  /** Tells where the work stands; call it once more at the end. */
  tell(): void {
    this.#toldMs = performance.now();
    const seconds = (this.#toldMs - this.#startedMs) / 1000;
    this.#context.onProgress({
      stage: this.#stage,
      done: this.#bytes.bytesRead,
      total: this.#run.input.bytes,
      unit: "bytes",
      metrics: {
        rows: this.#rows,
        rowsPerSecond: seconds > 0 ? Math.round(this.#rows / seconds) : 0,
      },
    });
  }
}
