import { isUtf8 } from "node:buffer";
import { DataError } from "@magpie/domain";
import { readBytes, type ByteProgress } from "./bytes.ts";

/** Encodings that are told apart by themselves or may be given. */
export const encodings = ["utf-8", "utf-16le", "utf-16be", "gb18030"] as const;

export type Encoding = (typeof encodings)[number];

/** A line that cannot be used as it stands: its text is not to be trusted. */
export interface BadLine {
  readonly rule: "invalid-bytes" | "line-too-long";
  readonly message: string;
}

/** Some whole lines of a file. */
export interface TextBlock {
  /** Lines ending in LF or CR LF; only the last line of the file may lack its end. */
  readonly text: string;
  /** Number of the first line, from 1. */
  readonly firstLine: number;
  readonly lineCount: number;
  /** Lines that cannot be used, by line number; mostly absent. */
  readonly bad?: ReadonlyMap<number, BadLine>;
}

export interface TextOptions {
  /** Default: told from the first bytes. */
  readonly encoding?: Encoding;
  /** A longer line is left out and reported; the rest goes on (default 4 MiB). */
  readonly maxLineBytes?: number;
}

/** The text of a file, readable from its beginning any number of times. */
export interface TextFile {
  readonly name: string;
  readonly encoding: Encoding;
  /** The first lines, at most about 64 KiB: what formats are told by. */
  readonly head: string;
  /** Reads the file once, in blocks of some hundred kilobytes. */
  blocks(progress?: ByteProgress): AsyncGenerator<TextBlock>;
}

const headBytes = 1 << 16;
const defaultMaxLineBytes = 4 << 20;
const newline = 0x0a;
const carriageReturn = 0x0d;

/**
 * Opens a file as text: finds its encoding and its line ends from the first bytes.
 *
 * @throws {DataError} as `readBytes`; `UNKNOWN_ENCODING` for a name that is not in `encodings`
 */
export async function openText(
  path: string,
  name: string,
  options: TextOptions = {},
): Promise<TextFile> {
  const { maxLineBytes = defaultMaxLineBytes } = options;
  const head = await firstBytes(path);
  const encoding = options.encoding ?? encodingOf(head);
  const first = await firstBlock(head, encoding, maxLineBytes);
  // A file of an old Mac ends its lines with CR alone.
  const lineEnd = !first.includes("\n") && first.includes("\r") ? carriageReturn : newline;
  const lines = lineEnd === carriageReturn ? first.replaceAll("\r", "\n") : first;
  const isWhole = head.length < headBytes || !lines.includes("\n");
  return {
    name,
    encoding,
    head: isWhole ? lines : lines.slice(0, lines.lastIndexOf("\n") + 1),
    blocks: (progress = { bytesRead: 0 }) =>
      textBlocks(readBytes(path, progress), encoding, lineEnd, maxLineBytes),
  };
}

async function firstBytes(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of readBytes(path, { bytesRead: 0 })) {
    chunks.push(Buffer.from(chunk));
    length += chunk.length;
    if (length >= headBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, headBytes);
}

async function firstBlock(head: Buffer, encoding: Encoding, maxLineBytes: number): Promise<string> {
  const once = async function* () {
    yield head;
  };
  let text = "";
  for await (const block of textBlocks(once(), encoding, newline, maxLineBytes)) text += block.text;
  return text;
}

/**
 * The encoding that the first bytes of a file speak for: a byte order mark decides; else zero
 * bytes on one side of each pair mean UTF-16; else what is not valid UTF-8 but decodes as GB18030
 * is that. Everything else is read as UTF-8, and its invalid lines are reported.
 */
export function encodingOf(head: Buffer): Encoding {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return "utf-8";

  const zeros = [0, 0];
  const pairs = Math.min(head.length, 1024) >> 1;
  for (let i = 0; i < pairs * 2; i++) if (head[i] === 0) zeros[i & 1]!++;
  if (pairs >= 2 && zeros[1]! > 0.4 * pairs && zeros[0]! < 0.1 * pairs) return "utf-16le";
  if (pairs >= 2 && zeros[0]! > 0.4 * pairs && zeros[1]! < 0.1 * pairs) return "utf-16be";

  const declared = /^<\?xml[^>]*encoding=["']([\w-]+)["']/.exec(head.toString("latin1", 0, 200));
  if (declared !== null && /^(gb2312|gbk|gb18030)$/i.test(declared[1]!)) return "gb18030";

  // The head may end inside a character, so only its whole lines are judged.
  const whole = head.length < headBytes ? head : head.subarray(0, head.lastIndexOf(newline) + 1);
  if (isUtf8(whole)) return "utf-8";
  return looksLikeGb18030(whole) ? "gb18030" : "utf-8";
}

/**
 * GB18030 accepts nearly any pair of high bytes, so validity alone says little: most of what it
 * decodes to must be everyday Chinese characters and punctuation.
 */
function looksLikeGb18030(bytes: Buffer): boolean {
  let text: string;
  try {
    text = new TextDecoder("gb18030", { fatal: true }).decode(bytes);
  } catch {
    return false;
  }
  let high = 0;
  let chinese = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    if (code < 0x80) continue;
    high++;
    if ((code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3000 && code <= 0x303f)) chinese++;
    else if (code >= 0xff00 && code <= 0xffef) chinese++;
  }
  return chinese >= 0.8 * high;
}

/** Checks an encoding given by name; the common aliases of GB18030 and UTF-16 are understood. */
export function encodingNamed(name: string): Encoding {
  const key = name.toLowerCase().replaceAll("_", "-");
  if (key === "utf8") return "utf-8";
  if (key === "utf-16" || key === "utf16" || key === "utf16le") return "utf-16le";
  if (key === "utf16be") return "utf-16be";
  if (["gbk", "gb2312", "cp936", "gb-18030"].includes(key)) return "gb18030";
  const known = encodings.find((encoding) => encoding === key);
  if (known !== undefined) return known;
  throw new DataError(
    "UNKNOWN_ENCODING",
    `"${name}" is not an encoding that can be read.`,
    `Use one of ${encodings.join(", ")}, or convert the file to UTF-8 first.`,
  );
}

async function* textBlocks(
  chunks: AsyncIterable<Buffer>,
  encoding: Encoding,
  lineEnd: number,
  maxLineBytes: number,
): AsyncGenerator<TextBlock> {
  // UTF-16 has newline bytes inside other characters, so it becomes UTF-8 before lines are sought.
  const isWide = encoding === "utf-16le" || encoding === "utf-16be";
  const bytes = isWide ? wideToUtf8(chunks, encoding) : chunks;
  const decode = isWide ? decodeWide : encoding === "gb18030" ? decodeGb18030 : decodeUtf8;

  let line = 1;
  for await (const { buffer, tooLong } of wholeLines(bytes, lineEnd, maxLineBytes)) {
    let from = 0;
    // The mark at the very beginning is not part of the first field's name.
    if (line === 1 && buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf) from = 3;
    const lineCount = countLines(buffer, lineEnd);
    const bad = new Map<number, BadLine>();
    for (const [offset, length] of tooLong) {
      bad.set(line + offset, {
        rule: "line-too-long",
        message: `the line has ${length} bytes; lines up to ${maxLineBytes} bytes are read`,
      });
    }
    let text = decode(buffer.subarray(from), lineEnd, line, bad);
    if (lineEnd === carriageReturn) text = text.replaceAll("\r", "\n");
    yield { text, firstLine: line, lineCount, ...(bad.size > 0 && { bad }) };
    line += lineCount;
  }
}

interface WholeLines {
  readonly buffer: Buffer;
  /** Offset of a line in this block, and its length: its bytes were left out. */
  readonly tooLong: readonly (readonly [offset: number, bytes: number])[];
}

/**
 * Cuts chunks so that each piece ends with a line end. Of a line over the limit only the line end
 * is kept, so that numbering stays right; its bytes are counted but not stored.
 */
async function* wholeLines(
  chunks: AsyncIterable<Buffer>,
  lineEnd: number,
  maxLineBytes: number,
): AsyncGenerator<WholeLines> {
  let rest: Buffer[] = [];
  let restLength = 0;
  /** Bytes of the line being skipped; 0 when none is. */
  let skipped = 0;

  for await (let chunk of chunks) {
    const tooLong: [number, number][] = [];
    if (skipped > 0) {
      const end = chunk.indexOf(lineEnd);
      if (end < 0) {
        skipped += chunk.length;
        continue;
      }
      tooLong.push([0, skipped + end]);
      skipped = 0;
      chunk = chunk.subarray(end);
    }
    const end = chunk.lastIndexOf(lineEnd) + 1;
    if (end > 0) {
      rest.push(chunk.subarray(0, end));
      const buffer = rest.length === 1 ? rest[0]! : Buffer.concat(rest);
      yield withoutLongLines(buffer, lineEnd, maxLineBytes, tooLong);
      rest = [];
      restLength = 0;
    }
    if (end < chunk.length) {
      // A copy: the chunk's bytes are overwritten by the next one.
      rest.push(Buffer.from(chunk.subarray(end)));
      restLength += chunk.length - end;
      if (restLength > maxLineBytes) {
        skipped = restLength;
        rest = [];
        restLength = 0;
      }
    }
  }
  if (skipped > 0) yield { buffer: Buffer.from([lineEnd]), tooLong: [[0, skipped]] };
  else if (restLength > 0) {
    yield withoutLongLines(Buffer.concat(rest), lineEnd, maxLineBytes, []);
  }
}

function withoutLongLines(
  buffer: Buffer,
  lineEnd: number,
  maxLineBytes: number,
  tooLong: [number, number][],
): WholeLines {
  if (buffer.length <= maxLineBytes) return { buffer, tooLong };
  const kept: Buffer[] = [];
  let keptFrom = 0;
  let offset = 0;
  for (let from = 0; from < buffer.length; offset++) {
    const at = buffer.indexOf(lineEnd, from);
    const end = at < 0 ? buffer.length : at;
    if (end - from > maxLineBytes) {
      tooLong.push([offset, end - from]);
      kept.push(buffer.subarray(keptFrom, from));
      keptFrom = end;
    }
    from = end + 1;
  }
  if (kept.length === 0) return { buffer, tooLong };
  kept.push(buffer.subarray(keptFrom));
  return { buffer: Buffer.concat(kept), tooLong };
}

function countLines(buffer: Buffer, lineEnd: number): number {
  let count = 0;
  let at = -1;
  while ((at = buffer.indexOf(lineEnd, at + 1)) >= 0) count++;
  return buffer.length > 0 && buffer[buffer.length - 1] !== lineEnd ? count + 1 : count;
}

type Decode = (
  bytes: Buffer,
  lineEnd: number,
  firstLine: number,
  bad: Map<number, BadLine>,
) => string;

const decodeUtf8: Decode = (bytes, lineEnd, firstLine, bad) => {
  if (!isUtf8(bytes)) {
    eachLine(bytes, lineEnd, (from, to, offset) => {
      if (isUtf8(bytes.subarray(from, to))) return;
      bad.set(firstLine + offset, {
        rule: "invalid-bytes",
        message: `byte ${firstInvalidUtf8(bytes.subarray(from, to))} of the line is not valid UTF-8`,
      });
    });
  }
  return bytes.toString("utf8");
};

const decodeGb18030: Decode = (bytes, lineEnd, firstLine, bad) => {
  const strict = new TextDecoder("gb18030", { fatal: true });
  const lenient = new TextDecoder("gb18030");
  try {
    return strict.decode(bytes);
  } catch {
    let text = "";
    const end = String.fromCharCode(lineEnd);
    eachLine(bytes, lineEnd, (from, to, offset) => {
      try {
        text += strict.decode(bytes.subarray(from, to));
      } catch {
        // Its quotes and delimiters are kept, so that a record over several lines stays one.
        text += lenient.decode(bytes.subarray(from, to));
        bad.set(firstLine + offset, {
          rule: "invalid-bytes",
          message: "the line holds bytes that are not valid GB18030",
        });
      }
      if (to < bytes.length) text += end;
    });
    return text;
  }
};

/** After the way through UTF-8 a lone half of a surrogate pair has become U+FFFD. */
const decodeWide: Decode = (bytes, lineEnd, firstLine, bad) => {
  const text = bytes.toString("utf8");
  if (text.includes("\ufffd")) {
    eachLine(bytes, lineEnd, (from, to, offset) => {
      if (!bytes.toString("utf8", from, to).includes("\ufffd")) return;
      bad.set(firstLine + offset, {
        rule: "invalid-bytes",
        message: "the line holds half of a UTF-16 character",
      });
    });
  }
  return text;
};

function eachLine(
  bytes: Buffer,
  lineEnd: number,
  visit: (from: number, to: number, offset: number) => void,
): void {
  let offset = 0;
  for (let from = 0; from < bytes.length; offset++) {
    const at = bytes.indexOf(lineEnd, from);
    const to = at < 0 ? bytes.length : at;
    visit(from, to, offset);
    from = to + 1;
  }
}

/** Position, from 1, of the first byte at which the bytes stop being UTF-8. */
function firstInvalidUtf8(bytes: Buffer): number {
  const text = bytes.toString("utf8");
  return Buffer.byteLength(text.slice(0, text.indexOf("\ufffd"))) + 1;
}

async function* wideToUtf8(
  chunks: AsyncIterable<Buffer>,
  encoding: "utf-16le" | "utf-16be",
): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder(encoding);
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    if (text.length > 0) yield Buffer.from(text, "utf8");
  }
  const end = decoder.decode();
  if (end.length > 0) yield Buffer.from(end, "utf8");
}
