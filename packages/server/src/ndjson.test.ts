import assert from "node:assert/strict";
import * as fc from "fast-check";
import { describe, test } from "vitest";
import { readLines, type Line } from "./ndjson.ts";

const text = (value: string) => Buffer.from(value);

/** Reads `bytes` cut into chunks of the given sizes, the last size repeating. */
async function read(
  bytes: Buffer,
  sizes: readonly number[] = [bytes.length || 1],
): Promise<Line[]> {
  async function* chunks() {
    let from = 0;
    for (let i = 0; from < bytes.length; i++) {
      const size = sizes[Math.min(i, sizes.length - 1)]!;
      yield bytes.subarray(from, from + size);
      from += size;
    }
  }
  const lines: Line[] = [];
  for await (const line of readLines(chunks())) lines.push(line);
  return lines;
}

describe("NDJSON", () => {
  test("gives each line with its number, wherever the chunks are cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.jsonValue({ maxDepth: 2 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 }),
        async (values, sizes) => {
          const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(""));
          const expected = values.map((value, i) => ({
            number: i + 1,
            value: JSON.parse(JSON.stringify(value)) as unknown,
          }));
          assert.deepEqual(await read(bytes, sizes), expected);
        },
      ),
    );
  });

  test("takes a last line without a line feed, carriage returns and a byte order mark", async () => {
    assert.deepEqual(await read(text('\uFEFF{"a":1}\r\n{"a":2}')), [
      { number: 1, value: { a: 1 } },
      { number: 2, value: { a: 2 } },
    ]);
  });

  test("passes over blank lines but counts them", async () => {
    const lines = await read(text("\n1\n \n2\n\n"));
    assert.deepEqual(lines, [
      { number: 2, value: 1 },
      { number: 4, value: 2 },
    ]);
  });

  test("reports a line that is not JSON and goes on", async () => {
    const lines = await read(text("1\n{broken\n3\n"));
    assert.deepEqual(
      lines.map((line) => ("value" in line ? line.value : line.code)),
      [1, "MALFORMED_JSON", 3],
    );
  });

  test("reports a line that is not UTF-8 and goes on", async () => {
    const lines = await read(Buffer.concat([Buffer.from([0x22, 0xff, 0x22, 0x0a]), text("2")]));
    assert.deepEqual(
      lines.map((line) => ("value" in line ? line.value : line.code)),
      ["INVALID_ENCODING", 2],
    );
  });

  test("reports a giant line by its size, keeps none of it, and goes on", async () => {
    const giant = Buffer.concat([Buffer.alloc(5_000_000, 0x61), text("\n2\n")]);
    const lines = await read(giant, [65_536]);
    assert.match((lines[0] as { message: string }).message, /has 5000000 bytes/);
    assert.deepEqual(lines[1], { number: 2, value: 2 });
  });

  test("has no lines when it is empty", async () => {
    assert.deepEqual(await read(Buffer.alloc(0)), []);
  });
});
