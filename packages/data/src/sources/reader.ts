import type { Event } from "@magpie/domain";
import type { VisitAct } from "./events/act-scan.ts";
import type { ByteProgress } from "./bytes.ts";
import type { TextFile } from "./text.ts";

/** Why a row could not be read; each is counted on its own in the quality report. */
export type ReadingRule =
  | "unparsable"
  | "invalid-bytes"
  | "line-too-long"
  | "unclosed-quote"
  | "ragged-row"
  | "invalid"
  | "missing-id"
  | "missing-title"
  | "missing-user"
  | "missing-price"
  | "bad-currency"
  | "bad-timestamp"
  | "impossible-price"
  | "impossible-quantity"
  | "unmapped-type"
  | "low-weight"
  | "superseded";

/** What a reader did with rows that it kept. */
export type ReadingNote = "assumed-utc" | "no-time" | "ignored-column";

/** A row that could not be read: the place, what stood there, and what was expected. */
export interface Problem {
  readonly rule: ReadingRule;
  /** From 1; the line on which the row starts. */
  readonly line: number;
  readonly field?: string;
  /** What stood there, shortened. */
  readonly value?: string;
  readonly message: string;
}

/** Something worth telling about rows that were kept. */
export interface Note {
  readonly rule: ReadingNote;
  readonly count: number;
  readonly line: number;
  readonly value?: string;
  readonly message: string;
}

/** Some rows of a file, in its order. */
export interface Batch<T> {
  readonly values: readonly T[];
  /** The line on which each value starts. */
  readonly lines: readonly number[];
  /** How many rows of the file each value was made of; absent: one each. */
  readonly widths?: readonly number[];
  readonly problems: readonly Problem[];
  readonly notes?: readonly Note[];
}

/**
 * Reads one format. A reader is a description: it holds no state of a reading, can be used for
 * many files and reads a file as often as it is asked. Each row of the file ends up in exactly one
 * value or one problem. Memory is a few batches whatever the size of the file.
 */
export interface Reader<T> {
  /** As on the command line: "jsonl", "csv", "shopify-csv". */
  readonly format: string;
  /** True when an item may be spread over several rows, one per variant. */
  readonly groupsRows?: boolean;
  /**
   * @throws {DataError} when the file as a whole cannot be of this format: columns are missing
   */
  read(text: TextFile, progress?: ByteProgress): AsyncGenerator<Batch<T>>;
  /**
   * Visits who acted when, faster than `read` would, for formats of events that can: what a
   * count of activity needs. Yields the number of rows after each block.
   */
  readonly scanActs?: (
    text: TextFile,
    progress: ByteProgress,
    visit: VisitAct,
  ) => AsyncGenerator<number>;
}

/** An event as it was read: its key may be missing, its time is never. */
export interface EventDraft extends Omit<Event, "eventId"> {
  readonly eventId?: string;
}

/** Values in reports are cut at this length. */
const shownLength = 80;

/** A value as reports show it: on one line, shortened, control characters made visible. */
export function shown(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const cut = text.length > shownLength ? `${text.slice(0, shownLength - 1)}…` : text;
  return cut.replaceAll(
    // oxlint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f]/g,
    (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
