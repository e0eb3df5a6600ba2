import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, test } from "vitest";

const run = promisify(execFile);
let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "comparison-"));
  await mkdir(join(root, "lastfm-s3rec"));
  // Everybody walks round the same circle of twelve items, four steps each.
  const lines = Array.from({ length: 36 }, (_, user) =>
    [user + 1, ...Array.from({ length: 4 }, (_, step) => 1 + ((user + step) % 12))].join(" "),
  );
  await writeFile(join(root, "lastfm-s3rec", "LastFM.txt"), `${lines.join("\n")}\n`);
  await writeFile(join(root, "lastfm-s3rec", "LastFM_item2attributes.json"), "{}");
});
afterAll(() => rm(root, { recursive: true }));

function compare(...options: string[]) {
  const command = join(import.meta.dirname, "lastfm.ts");
  return run(process.execPath, [command, "--cache", join(root, "cache"), ...options], {
    env: { ...process.env, MAGPIE_DATASETS: root },
  });
}

describe("a model comparison", () => {
  test("trains what is missing, writes the table, and trains nothing twice", async () => {
    const options = ["--models", "popularity,item-knn", "--results", join(root, "results")];
    const first = await compare(...options);
    assert.match(first.stderr, /popularity, seed 1: training\nitem-knn, seed 1: training/);
    const table = await readFile(join(root, "results", "lastfm.md"), "utf8");
    assert.match(table, /36 cases, each ranking all 12 items/);
    assert.match(table, /\| item-kNN \| – \| \.\d{4}|\| item-kNN \| – \| 1\.0000/);
    assert.match(table, /## Seen items removed/);
    const json = JSON.parse(await readFile(join(root, "results", "lastfm.json"), "utf8")) as {
      comparisons: { seenItems: string; models: { model: string }[] }[];
    };
    assert.deepEqual(
      json.comparisons.map(({ seenItems, models }) => [seenItems, models.map((one) => one.model)]),
      ["keep", "remove"].map((rule) => [rule, ["popularity, all time", "item-kNN"]]),
    );
    assert.equal((await compare(...options)).stderr, "");
  }, 60_000);

  test("shows another recipe without writing results", async () => {
    const changed = await compare("--models", "item-knn", "--config", '{"item-knn":{"recency":1}}');
    assert.match(changed.stderr, /item-knn, seed 1: training/);
    assert.match(changed.stdout, /item-kNN/);
    assert.ok(!changed.stdout.includes("written to"));
  }, 60_000);
});
