import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, test } from "vitest";
import type { Problem, Reader } from "./reader.ts";
import { openText, type TextOptions } from "./text.ts";

/** All that a reader made of a file. */
export interface WholeReading<T> {
  readonly values: readonly T[];
  readonly lines: readonly number[];
  readonly problems: readonly Problem[];
  readonly rows: number;
}

/** Reads a text or bytes with a reader, from a file as in real use. */
export async function readAll<T>(
  reader: Reader<T>,
  content: string | Buffer,
  options: TextOptions = {},
): Promise<WholeReading<T>> {
  const folder = mkdtempSync(join(tmpdir(), "readers-"));
  try {
    const path = join(folder, "file");
    writeFileSync(path, content);
    const text = await openText(path, "file", options);
    const values: T[] = [];
    const lines: number[] = [];
    const problems: Problem[] = [];
    let rows = 0;
    for await (const batch of reader.read(text)) {
      assert.equal(batch.values.length, batch.lines.length);
      values.push(...batch.values);
      lines.push(...batch.lines);
      problems.push(...batch.problems);
      rows += batch.widths?.reduce((sum, width) => sum + width, 0) ?? batch.values.length;
      rows += batch.problems.length;
    }
    return { values, lines, problems, rows };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A small file of a format, as every reader is tried with. */
export interface Sample {
  /** Lines before the first row, and after the last. */
  readonly before?: string;
  readonly after?: string;
  /** The `n`-th good row, without its line end; one value each. */
  readonly row: (n: number) => string;
  /** One row that cannot be used. */
  readonly brokenRow: string;
}

/**
 * What every reader promises: the same values from the same text however it is packed, encoded and
 * cut; a broken row costs itself only; rows are neither made nor lost; lines are true.
 */
export function behavesAsReader<T>(name: string, reader: Reader<T>, sample: Sample): void {
  const { before = "", after = "", row, brokenRow } = sample;
  const fileOf = (rows: readonly string[], lineEnd = "\n"): string =>
    [before, ...rows, after].filter((part) => part !== "").join(lineEnd) + lineEnd;
  const first = before === "" ? 1 : before.split("\n").length + 1;
  const rows = Array.from({ length: 6 }, (_, n) => row(n));

  describe(`${name} as a reader`, () => {
    test("gives a value per good row, with its line", async () => {
      const { values, lines, problems } = await readAll(reader, fileOf(rows));
      assert.deepEqual(problems, []);
      assert.equal(values.length, 6);
      assert.deepEqual(
        lines,
        rows.map((_, i) => first + i),
      );
    });

    test("reads the same from CR LF, gzip, a byte order mark, UTF-16 and GB18030 on request", async () => {
      const { values } = await readAll(reader, fileOf(rows));
      const text = fileOf(rows);
      const packed: [string, string | Buffer, TextOptions?][] = [
        ["CR LF", fileOf(rows, "\r\n")],
        ["gzip", gzipSync(text)],
        ["mark", `\ufeff${text}`],
        ["UTF-16", Buffer.from(`\ufeff${text}`, "utf16le")],
        ["no last line end", text.trimEnd()],
      ];
      if (Buffer.byteLength(text) === text.length)
        packed.push(["GB18030", text, { encoding: "gb18030" }]);
      for (const [packing, content, options] of packed) {
        const reading = await readAll(reader, content, options);
        assert.deepEqual([packing, reading.values], [packing, values]);
      }
    });

    test("loses a broken row and no other, wherever it stands", async () => {
      for (let at = 0; at <= rows.length; at++) {
        const reading = await readAll(reader, fileOf(rows.toSpliced(at, 0, brokenRow)));
        assert.equal(reading.values.length, 6, `broken row at ${at}`);
        assert.equal(reading.problems.length, 1);
        assert.equal(reading.problems[0]!.line, first + at);
        assert.ok(reading.problems[0]!.message.length > 10);
        assert.equal(reading.rows, 7);
      }
    });

    test("accounts for every row of a file of many blocks, twice over", async () => {
      const count = 6_000;
      const many = Array.from({ length: count }, (_, n) => (n % 100 === 99 ? brokenRow : row(n)));
      for (let again = 0; again < 2; again++) {
        const reading = await readAll(reader, fileOf(many));
        assert.equal(reading.rows, count);
        assert.equal(reading.problems.length, count / 100);
        assert.deepEqual(
          reading.problems.slice(0, 2).map(({ line }) => line),
          [first + 99, first + 199],
        );
      }
    });
  });
}
