import { DataError } from "@magpie/domain";
import type { ByteProgress } from "./bytes.ts";
import { delimiterOf, RecordScanner, type RecordBatch } from "./csv.ts";
import { shown, type Problem } from "./reader.ts";
import type { TextFile } from "./text.ts";

/** A delimited file with a header: its columns, and its rows after the first line. */
export interface Table {
  readonly header: readonly string[];
  readonly delimiter: string;
  /** Rows with exactly as many fields as the header; others become problems. */
  rows(progress?: ByteProgress): AsyncGenerator<RecordBatch>;
}

/**
 * Opens a text as a table.
 *
 * @param options.header  names of the columns, for a file whose first line is already a row
 * @throws {DataError} `EMPTY_FILE`, `BAD_HEADER`
 */
export function openTable(
  text: TextFile,
  options: { readonly delimiter?: string; readonly header?: readonly string[] } = {},
): Table {
  const delimiter = options.delimiter ?? delimiterOf(text.head);
  const header = options.header ?? headerOf(text, delimiter);
  const hasHeaderLine = options.header === undefined;
  return {
    header,
    delimiter,
    async *rows(progress) {
      const scanner = new RecordScanner(delimiter);
      let isHeader = hasHeaderLine;
      const checked = (batch: RecordBatch): RecordBatch => {
        const from = isHeader && batch.records.length > 0 ? 1 : 0;
        if (from === 1) isHeader = false;
        return withoutRagged(batch, from, header);
      };
      for await (const block of text.blocks(progress)) yield checked(scanner.push(block));
      yield checked(scanner.end());
    },
  };
}

function headerOf(text: TextFile, delimiter: string): readonly string[] {
  const scanner = new RecordScanner(delimiter);
  const { records, problems } = scanner.push({ text: text.head, firstLine: 1, lineCount: 0 });
  const header = records[0] ?? scanner.end().records[0];
  if (header === undefined) {
    throw problems.length > 0
      ? new DataError(
          "BAD_HEADER",
          `Line 1 of ${text.name}: ${problems[0]!.message}, found ${problems[0]!.value}.`,
          "The first line must name the columns.",
        )
      : new DataError(
          "EMPTY_FILE",
          `${text.name} holds no rows.`,
          "Check that the export has finished.",
        );
  }
  return header;
}

function withoutRagged(
  { records, lines, problems }: RecordBatch,
  from: number,
  header: readonly string[],
): RecordBatch {
  const width = header.length;
  if (from === 0 && records.every((record) => record.length === width)) {
    return { records, lines, problems };
  }
  const kept: (readonly string[])[] = [];
  const keptLines: number[] = [];
  const found: Problem[] = [...problems];
  for (let i = from; i < records.length; i++) {
    const record = records[i]!;
    // Empty fields after the last column are a spreadsheet's habit and mean nothing.
    if (record.length === width || (record.length > width && isEmpty(record, width))) {
      kept.push(record);
      keptLines.push(lines[i]!);
      continue;
    }
    found.push({
      rule: "ragged-row",
      line: lines[i]!,
      value: shown(record.join(" ¦ ")),
      message: `has ${record.length} fields where the header has ${width}; quote values that hold the delimiter`,
    });
  }
  return { records: kept, lines: keptLines, problems: found };
}

function isEmpty(record: readonly string[], from: number): boolean {
  for (let i = from; i < record.length; i++) if (record[i] !== "") return false;
  return true;
}
