import { createHash } from "node:crypto";
import { createWriteStream, readSync } from "node:fs";
import { mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { DataError } from "@magpie/domain";

/**
 * Bytes are read in pieces of this size: large enough that the disk is not asked often, small
 * enough that the rows of one piece are garbage before the collector has to move them.
 */
const chunkBytes = 1 << 18;

/** A gzip piece may grow a thousandfold, so it is fed to the decoder in smaller ones. */
const gzipChunkBytes = 1 << 16;

/** An input that can be read from its beginning any number of times. */
export interface InputFile {
  /** Where the bytes are. */
  readonly path: string;
  /** What messages call it: the file's name, or "standard input". */
  readonly name: string;
  /** Size on disk, for progress and time left. */
  readonly bytes: number;
  readonly sha256: string;
  /** Removes the copy that was made of standard input; nothing for a file. */
  release(): Promise<void>;
}

/** How far a reading has come, and how it ended. */
export interface ByteProgress {
  /** Bytes taken from the file: compressed ones where the file is compressed. */
  bytesRead: number;
  /** Set when a gzip file ends early or is damaged: what was wrong, in words. */
  damage?: string;
}

/**
 * Looks at a file, or takes a copy of standard input for `-`, and takes its SHA-256: imports read
 * twice and are known by their content.
 *
 * @throws {DataError} `FILE_NOT_FOUND`, `FILE_UNREADABLE`, `NOT_A_FILE`
 */
export async function openInput(
  path: string,
  options: { readonly signal?: AbortSignal; readonly stdin?: Readable } = {},
): Promise<InputFile> {
  if (path === "-") return spool(options.stdin ?? process.stdin, options.signal);
  try {
    const info = await stat(path);
    if (!info.isFile()) {
      throw new DataError(
        "NOT_A_FILE",
        `"${path}" is a ${info.isDirectory() ? "folder" : "special file"}, not a file.`,
        'Name one file at a time, or "-" to read standard input.',
      );
    }
    const sha256 = await hashOf(path, options.signal);
    return { path, name: basename(path), bytes: info.size, sha256, release: async () => {} };
  } catch (error) {
    throw asDataError(error, path);
  }
}

async function spool(stdin: Readable, signal: AbortSignal | undefined): Promise<InputFile> {
  const folder = await mkdtemp(join(tmpdir(), "magpie-stdin-"));
  const release = () => rm(folder, { recursive: true, force: true });
  try {
    const path = join(folder, "input");
    await pipeline(stdin, createWriteStream(path, { mode: 0o600 }), { signal });
    const { size } = await stat(path);
    return {
      path,
      name: "standard input",
      bytes: size,
      sha256: await hashOf(path, signal),
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

async function hashOf(path: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path);
  try {
    for await (const chunk of rawChunks(file, chunkBytes)) {
      signal?.throwIfAborted();
      hash.update(chunk);
    }
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/**
 * The bytes of a file in order, decompressed where it is gzip (known by its first bytes, several
 * members one after another included). Memory is a few chunks whatever the size. A chunk is a view
 * that the next one may overwrite: take what you need before asking for more.
 *
 * A gzip file that is cut or damaged ends early: what was good is given, and `progress.damage`
 * says what was wrong.
 *
 * @throws {DataError} `UNSUPPORTED_FILE` for archives and other binary formats
 */
export async function* readBytes(path: string, progress: ByteProgress): AsyncGenerator<Buffer> {
  const file = await open(path).catch((error: unknown) => {
    throw asDataError(error, path);
  });
  try {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(4096), 0, 4096, 0);
    const head = buffer.subarray(0, bytesRead);
    refuseOtherFormats(head, path);
    const raw = rawChunks(file, head[0] === 0x1f && head[1] === 0x8b ? gzipChunkBytes : chunkBytes);
    if (head[0] === 0x1f && head[1] === 0x8b) yield* gunzip(raw, progress);
    else {
      for await (const chunk of raw) {
        progress.bytesRead += chunk.length;
        yield chunk;
      }
    }
  } finally {
    await file.close();
  }
}

/** Pieces read in a row before other work (live requests, Ctrl-C, progress) gets its turn. */
const piecesPerTurn = 4;

/**
 * One buffer for the whole file: a fresh one for each piece costs as much as reading it. Most
 * pieces are read without leaving the thread, which is cheaper than a hand-over for a quarter
 * megabyte; every few, the event loop runs.
 */
async function* rawChunks(
  file: Awaited<ReturnType<typeof open>>,
  size: number,
): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(size);
  let position = 0;
  for (let piece = 1; ; piece++) {
    const bytesRead =
      piece % piecesPerTurn === 0
        ? (await file.read(buffer, 0, size, position)).bytesRead
        : readSync(file.fd, buffer, 0, size, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * Feeds the decoder one piece at a time and hands out what it produced. As a pipe, an error at the
 * end of the input would throw away good bytes that were still under way.
 */
async function* gunzip(
  compressed: AsyncIterable<Buffer>,
  progress: ByteProgress,
): AsyncGenerator<Buffer> {
  const decoder = createGunzip({ chunkSize: 1 << 18 });
  let produced: Buffer[] = [];
  let failure: Error | undefined;
  let wake = (): void => {};
  decoder.on("data", (piece: Buffer) => produced.push(piece));
  decoder.on("end", () => wake());
  decoder.on("error", (error) => {
    failure = error;
    wake();
  });
  const step = (act: (done: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
      act(resolve);
    });
  try {
    for await (const piece of compressed) {
      await step((done) => decoder.write(piece, done));
      progress.bytesRead += piece.length;
      yield* produced;
      produced = [];
      if (failure !== undefined) break;
    }
    if (failure === undefined) await step(() => decoder.end());
    yield* produced;
    if (failure !== undefined) progress.damage = damageOf(failure, progress.bytesRead);
  } finally {
    decoder.destroy();
  }
}

function damageOf(failure: Error, bytesRead: number): string {
  return failure.message === "unexpected end of file"
    ? `the gzip file ends early, after ${bytesRead} compressed bytes: it was not copied whole`
    : `the gzip file is damaged near compressed byte ${bytesRead}: ${failure.message}`;
}

const otherFormats: readonly (readonly [bytes: readonly number[], what: string, todo: string])[] = [
  [
    [0x50, 0x4b, 0x03, 0x04],
    "a ZIP archive (an Excel .xlsx file is one)",
    'Unpack it first; from Excel, save as "CSV UTF-8".',
  ],
  [[0xd0, 0xcf, 0x11, 0xe0], "an old Excel .xls file", 'Save it as "CSV UTF-8".'],
  [[0x50, 0x41, 0x52, 0x31], "a Parquet file", "Export it as JSON lines or CSV."],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd-compressed", "Unpack it first (zstd -d), or use gzip."],
  [[0x42, 0x5a, 0x68], "bzip2-compressed", "Unpack it first (bunzip2), or use gzip."],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a], "xz-compressed", "Unpack it first (unxz), or use gzip."],
  [[0x53, 0x51, 0x4c, 0x69, 0x74, 0x65], "an SQLite database", "Export the table as CSV."],
  [[0x25, 0x50, 0x44, 0x46], "a PDF", "Export the table behind it as CSV."],
];

function refuseOtherFormats(head: Buffer, path: string): void {
  for (const [bytes, what, todo] of otherFormats) {
    if (bytes.every((byte, i) => head[i] === byte)) {
      throw new DataError("UNSUPPORTED_FILE", `"${basename(path)}" is ${what}.`, todo);
    }
  }
}

function asDataError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("code" in error) || error instanceof DataError) return error;
  if (error.code === "ENOENT") {
    return new DataError(
      "FILE_NOT_FOUND",
      `There is no file "${path}".`,
      "Check the path; a relative one starts at the folder you are in.",
      { kind: "not-found", cause: error },
    );
  }
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new DataError(
      "FILE_UNREADABLE",
      `The file "${path}" may not be read by this user.`,
      "Change its permissions, or run as a user who may read it.",
      { cause: error },
    );
  }
  return error;
}
