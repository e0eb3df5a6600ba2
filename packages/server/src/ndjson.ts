import { isUtf8 } from "node:buffer";

/** One line of a stream, or why it cannot be read. */
export type Line =
  | { readonly number: number; readonly value: unknown }
  | {
      readonly number: number;
      readonly code: string;
      readonly message: string;
      readonly hint: string;
    };

/** Longest line that is kept in memory. */
const maxLineBytes = 2_000_000;

/**
 * Reads newline-delimited JSON as it arrives, in constant memory. A bad line is reported under its
 * number (from 1) and the next is read; blank lines count but are passed over.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;

  const take = (last: Buffer): Line | undefined => {
    number += 1;
    const total = length + last.length;
    const line = total > maxLineBytes ? undefined : Buffer.concat([...parts, last], total);
    parts = [];
    length = 0;
    return line === undefined ? tooLong(number, total) : parseLine(number, line);
  };

  for await (const chunk of chunks) {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(0x0a, from);
      if (end === -1) break;
      const line = take(chunk.subarray(from, end));
      if (line !== undefined) yield line;
      from = end + 1;
    }
    const rest = chunk.subarray(from);
    length += rest.length;
    // Of a line that is too long already, only the length is kept.
    if (length <= maxLineBytes) parts.push(Buffer.from(rest));
    else parts = [];
  }
  if (length > 0) {
    const line = take(Buffer.alloc(0));
    if (line !== undefined) yield line;
  }
}

function parseLine(number: number, bytes: Buffer): Line | undefined {
  if (!isUtf8(bytes)) {
    return {
      number,
      code: "INVALID_ENCODING",
      message: "the line is not UTF-8 text",
      hint: "Encode the file as UTF-8.",
    };
  }
  const text = bytes
    .toString("utf8")
    .replace(number === 1 ? /^\uFEFF/ : /^(?!)/, "")
    .trim();
  if (text === "") return undefined;
  try {
    return { number, value: JSON.parse(text) };
  } catch (error) {
    return {
      number,
      code: "MALFORMED_JSON",
      message: `the line is not JSON: ${(error as Error).message}`,
      hint: "Write one JSON object per line, without line breaks inside.",
    };
  }
}

function tooLong(number: number, bytes: number): Line {
  return {
    number,
    code: "TOO_LARGE",
    message: `the line has ${bytes} bytes; ${maxLineBytes} are taken`,
    hint: "Shorten the item's texts, or check that lines end with a line feed.",
  };
}
