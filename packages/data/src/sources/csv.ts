import { shown, type Problem } from "./reader.ts";
import type { BadLine, TextBlock } from "./text.ts";

/** Records of a delimited file, in its order. */
export interface RecordBatch {
  readonly records: readonly (readonly string[])[];
  readonly lines: readonly number[];
  readonly problems: readonly Problem[];
}

/** Delimiters that are told apart by themselves. */
export const delimiters = [",", "\t", ";", "|"] as const;

const defaultMaxRecordChars = 1 << 20;
const quote = 34;
const lineFeed = 10;
const carriageReturn = 13;

/**
 * Takes a delimited text (RFC 4180) apart, block by block: quoted fields may hold delimiters, line
 * ends and doubled quotes; a quote inside an unquoted field (3.5" disk) is a plain character;
 * records end in LF, CR LF or CR; blank lines are passed over.
 *
 * It is our own rather than a package's because a row must never take others with it: after a
 * quote that is never closed, reading goes on at the next line, and every record knows the line on
 * which it starts. Tests compare it with csv-parse on well-formed input.
 */
export class RecordScanner {
  readonly #delimiter: string;
  readonly #maxRecordChars: number;
  #rest = "";
  #line = 1;
  #bad = new Map<number, BadLine>();

  constructor(delimiter: string, maxRecordChars = defaultMaxRecordChars) {
    this.#delimiter = delimiter;
    this.#maxRecordChars = maxRecordChars;
  }

  /** Records that end in this block. */
  push(block: TextBlock): RecordBatch {
    for (const [line, bad] of block.bad ?? []) this.#bad.set(line, bad);
    return this.#scan(this.#rest === "" ? block.text : this.#rest + block.text, false);
  }

  /** The record that the end of the file closes. */
  end(): RecordBatch {
    return this.#scan(this.#rest, true);
  }

  #scan(text: string, isLast: boolean): RecordBatch {
    const records: string[][] = [];
    const lines: number[] = [];
    const problems: Problem[] = [];
    let nextQuote = text.indexOf('"');
    let nextReturn = text.indexOf("\r");
    let at = 0;

    while (at < text.length) {
      const feed = text.indexOf("\n", at);
      if (feed < 0 && !isLast) break;
      const lineEnd = feed < 0 ? text.length : feed;
      if (nextQuote >= 0 && nextQuote < at) nextQuote = text.indexOf('"', at);
      if (nextReturn >= 0 && nextReturn < at) nextReturn = text.indexOf("\r", at);

      // The common line: no quote, and no CR but the one before LF.
      if ((nextQuote < 0 || nextQuote > lineEnd) && (nextReturn < 0 || nextReturn >= lineEnd - 1)) {
        const end = nextReturn === lineEnd - 1 && lineEnd > at ? lineEnd - 1 : lineEnd;
        if (end > at || this.#bad.has(this.#line))
          this.#keep(text.slice(at, end).split(this.#delimiter), 1, records, lines, problems);
        this.#line++;
        at = lineEnd + 1;
        continue;
      }

      const record = this.#careful(text, at);
      if (record === "open") {
        if (!isLast && text.length - at <= this.#maxRecordChars) break;
        problems.push({
          rule: "unclosed-quote",
          line: this.#line,
          value: shown(text.slice(at, lineEnd)),
          message: 'a quote opens here and is never closed; double it inside a value ("")',
        });
      } else if (record === "misquoted") {
        problems.push({
          rule: "unparsable",
          line: this.#line,
          value: shown(text.slice(at, lineEnd)),
          message: 'text follows a closing quote; double quotes inside a value ("")',
        });
      } else {
        const height = linesIn(text, at, record.end);
        const isBlank = record.fields.length === 1 && record.fields[0] === "";
        if (!isBlank) this.#keep(record.fields, height, records, lines, problems);
        this.#line += height;
        at = record.end;
        continue;
      }
      this.#line++;
      at = lineEnd + 1;
    }

    this.#rest = text.slice(at);
    return { records, lines, problems };
  }

  #keep(
    fields: string[],
    height: number,
    records: string[][],
    lines: number[],
    problems: Problem[],
  ): void {
    if (this.#bad.size > 0) {
      for (let line = this.#line; line < this.#line + Math.max(1, height); line++) {
        const bad = this.#bad.get(line);
        if (bad === undefined) continue;
        for (let taken = this.#line; taken <= line; taken++) this.#bad.delete(taken);
        problems.push({ line: this.#line, ...bad });
        return;
      }
    }
    records.push(fields);
    lines.push(this.#line);
  }

  /** One record with quotes or lone CRs, character by character where it must be. */
  #careful(
    text: string,
    start: number,
  ): { readonly fields: string[]; readonly end: number } | "open" | "misquoted" {
    const delimiter = this.#delimiter.charCodeAt(0);
    const fields: string[] = [];
    for (let at = start; ; at++) {
      let to: number;
      if (text.charCodeAt(at) === quote) {
        let hasDoubled = false;
        to = text.indexOf('"', at + 1);
        while (to >= 0 && text.charCodeAt(to + 1) === quote) {
          hasDoubled = true;
          to = text.indexOf('"', to + 2);
        }
        if (to < 0) return "open";
        const value = text.slice(at + 1, to);
        fields.push(hasDoubled ? value.replaceAll('""', '"') : value);
        to++;
      } else {
        to = at;
        while (to < text.length) {
          const code = text.charCodeAt(to);
          if (code === delimiter || code === lineFeed || code === carriageReturn) break;
          to++;
        }
        fields.push(text.slice(at, to));
      }
      if (to >= text.length) return { fields, end: to };
      const code = text.charCodeAt(to);
      if (code === lineFeed) return { fields, end: to + 1 };
      if (code === carriageReturn) {
        return { fields, end: text.charCodeAt(to + 1) === lineFeed ? to + 2 : to + 1 };
      }
      if (code !== delimiter) return "misquoted";
      at = to;
    }
  }
}

function linesIn(text: string, from: number, to: number): number {
  let count = 0;
  for (let at = text.indexOf("\n", from); at >= 0 && at < to; at = text.indexOf("\n", at + 1))
    count++;
  return to >= text.length && text.charCodeAt(to - 1) !== lineFeed ? count + 1 : count;
}

/** The delimiter that occurs most often outside quotes in the first line; a comma when none does. */
export function delimiterOf(head: string): string {
  const end = head.search(/[\r\n]/);
  const line = (end < 0 ? head : head.slice(0, end)).replaceAll(/"[^"]*"/g, "");
  let best = ",";
  let most = 0;
  for (const delimiter of delimiters) {
    const count = line.split(delimiter).length - 1;
    if (count > most) {
      most = count;
      best = delimiter;
    }
  }
  return best;
}
