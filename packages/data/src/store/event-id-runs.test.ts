import assert from "node:assert/strict";
import { mkdtempSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededRandom } from "@magpie/numerics";
import { afterEach, beforeEach, describe, test } from "vitest";
import {
  IdFilter,
  IdRun,
  IdRunWriter,
  IdTable,
  mergeIdRuns,
  runsDueForMerge,
} from "./event-id-runs.ts";
import type { TextHash } from "./text-hash.ts";

const all = () => true;

function hashes(count: number, stream: string): TextHash[] {
  const random = seededRandom(5, stream);
  return Array.from({ length: count }, () => ({
    a: random.uint32(),
    b: random.uint32(),
    c: random.uint32() | 1,
  })).map(({ a, b, c }) => ({ a, b, c: c >>> 0 }));
}

describe("runs of event ids", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "magpie-ids-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const write = (name: string, ids: readonly TextHash[], segment: number): IdRun => {
    const table = new IdTable(ids.length);
    for (const { a, b, c } of ids) table.add(a, b, c, segment);
    const writer = new IdRunWriter(join(folder, name));
    writer.write(table.drain());
    return new IdRun(join(folder, name), writer.finish());
  };

  test("find what was added, with its segment, and nothing else", () => {
    const ids = hashes(3_000, "in");
    const run = write("one", ids, 7);
    assert.ok(ids.every((id) => run.find(id, all) === 7));
    assert.ok(hashes(3_000, "out").every((id) => run.find(id, all) === undefined));
    assert.ok(ids.every(({ a, b, c }) => run.find({ a, b: b ^ 1, c }, all) === undefined));
    run.close();
  });

  test("tell many ids apart that share their first word, across windows", () => {
    const ids = Array.from({ length: 1_500 }, (_, i) => ({ a: 4_000_000_000, b: i, c: 1 }));
    const run = write("same", ids, 3);
    assert.ok(ids.every((id) => run.find(id, all) === 3));
    assert.equal(run.find({ a: 4_000_000_000, b: 1_500, c: 1 }, all), undefined);
    assert.equal(run.find({ a: 4_000_000_001, b: 1, c: 1 }, all), undefined);
    run.close();
  });

  test("overlook entries of segments that are no more", () => {
    const [id] = hashes(1, "one");
    const run = write("dead", [id!], 9);
    assert.equal(
      run.find(id!, (segment) => segment !== 9),
      undefined,
    );
    run.close();
  });

  test("merge into one run with every kept entry in order", async () => {
    const parts = [hashes(900, "a"), hashes(70_000, "b"), hashes(5, "c"), []];
    const runs = parts.map((ids, i) => write(`part-${i}`, ids, i + 1));
    const path = join(folder, "merged");
    const merged = new IdRun(path, await mergeIdRuns(runs, path, (_a, _b, _c, s) => s !== 1));
    assert.equal(merged.entries, 70_005);
    assert.ok(parts[0]!.every((id) => merged.find(id, all) === undefined));
    assert.ok(parts[1]!.every((id) => merged.find(id, all) === 2));
    assert.ok(parts[2]!.every((id) => merged.find(id, all) === 3));
    let last = -1;
    for (const part of merged.parts(1_000)) {
      for (let i = 0; i < part.length; i += 4) {
        assert.ok(part[i]! >= last, "out of order");
        last = part[i]!;
      }
    }
    for (const run of [...runs, merged]) run.close();
  });

  test("are merged sixteen of a size at a time", () => {
    const run = (entries: number) => new IdRun(join(folder, "none"), entries);
    const small = Array.from({ length: 16 }, () => run(5_000));
    assert.deepEqual(runsDueForMerge([...small.slice(1), run(1_000_000)]), []);
    assert.deepEqual(runsDueForMerge([run(1_000_000), ...small]), small);
  });

  test("say so when a file is too short", () => {
    const ids = hashes(600, "short");
    write("short", ids, 1);
    truncateSync(join(folder, "short"), 4_000);
    assert.throws(() => new IdRun(join(folder, "short"), 600).find(ids[0]!, all), {
      code: "ID_RUN_DAMAGED",
    });
  });
});

describe("the table of an open segment", () => {
  test("takes an id once", () => {
    const table = new IdTable(4);
    assert.equal(table.add(1, 2, 3, 1), true);
    assert.equal(table.add(1, 2, 3, 2), false);
    assert.equal(table.add(1, 2, 4, 1), true);
    assert.equal(table.size, 2);
    assert.deepEqual([...table.drain()], [1, 2, 3, 1, 1, 2, 4, 1]);
    assert.equal(table.size, 0);
  });

  test("is sorted when drained, also where places ran over its end", () => {
    const table = new IdTable(40);
    for (let i = 0; i < 40; i++) table.add(0xffff_ffff - (i % 3), i, 1, 1);
    table.add(5, 5, 5, 1);
    const words = [...table.drain()].filter((_, i) => i % 4 === 0);
    assert.deepEqual(
      words,
      words.toSorted((x, y) => x - y),
    );
    assert.equal(words.length, 41);
  });
});

describe("the filter of an import", () => {
  test("knows every id it was given and sends on few others", () => {
    const filter = new IdFilter(100_000);
    const ids = hashes(100_000, "in");
    for (const id of ids) filter.add(id);
    assert.ok(ids.every((id) => filter.mayHave(id)));
    const sent = hashes(100_000, "out").filter((id) => filter.mayHave(id)).length;
    assert.ok(sent < 500, `${sent} of 100,000 new ids were sent on to the runs`);
  });
});
