import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import { MagpieError } from "@magpie/domain";
import { makeDraft, readManifest, removeDrafts, sealSnapshot, verifyHashes } from "./folder.ts";

const created = Date.parse("2026-11-24T06:05:12.345Z");

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "magpie-snapshot-"));
});
afterEach(() => rm(root, { recursive: true }));

async function sealTwoFiles() {
  const draft = await makeDraft(root, "t");
  await writeFile(join(draft, "columns.bin"), "abc");
  await mkdir(join(draft, "models"));
  await writeFile(join(draft, "models", "card.json"), "{}");
  const manifest = await sealSnapshot(root, draft, { items: 3 }, created);
  return { manifest, directory: join(root, manifest.version) };
}

const damaged = (file: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MagpieError, String(error));
  assert.equal(error.code, "SNAPSHOT_DAMAGED");
  assert.match(error.message, file);
  assert.notEqual(error.hint, "");
  return true;
};

describe("snapshot folder", () => {
  test("is named by its time and the hash of its files, and read back as written", async () => {
    const { manifest, directory } = await sealTwoFiles();
    assert.match(manifest.version, /^20261124T060512Z-[0-9a-f]{8}$/);
    assert.deepEqual(
      manifest.files.map(({ path, bytes, sha256 }) => [path, bytes, sha256.slice(0, 8)]),
      [
        ["columns.bin", 3, "ba7816bf"], // SHA-256 of "abc", FIPS 180-2
        ["models/card.json", 2, "44136fa3"],
      ],
    );
    assert.deepEqual(await readManifest(directory), manifest);
    await verifyHashes(directory, manifest);
  });

  test("a draft is no snapshot, and is taken away", async () => {
    await makeDraft(root, "crashed");
    await sealTwoFiles();
    await removeDrafts(root);
    assert.deepEqual((await readdir(root)).length, 1);
  });

  test("a shortened file is found by its size at opening", async () => {
    const { directory } = await sealTwoFiles();
    await truncate(join(directory, "columns.bin"), 2);
    await assert.rejects(readManifest(directory), damaged(/columns\.bin.*2 bytes instead of 3/));
  });

  test("a missing file is found at opening", async () => {
    const { directory } = await sealTwoFiles();
    await rm(join(directory, "models", "card.json"));
    await assert.rejects(readManifest(directory), damaged(/card\.json.*missing/));
  });

  test("one changed byte is found by reading all", async () => {
    const { directory, manifest } = await sealTwoFiles();
    await writeFile(join(directory, "columns.bin"), "abd");
    await readManifest(directory);
    await assert.rejects(verifyHashes(directory, manifest), damaged(/columns\.bin.*SHA-256/));
  });

  test("a manifest that is half there, or lists other files, is damaged", async () => {
    const { directory } = await sealTwoFiles();
    const path = join(directory, "manifest.json");
    const whole = await readFile(path, "utf8");
    await writeFile(path, whole.replace('"bytes": 3', '"bytes": 4'));
    await assert.rejects(readManifest(directory), damaged(/manifest\.json.*list of files/));
    await writeFile(path, whole.slice(0, 60));
    await assert.rejects(readManifest(directory), damaged(/manifest\.json/));
  });

  test("another format is told apart from damage", async () => {
    const { directory } = await sealTwoFiles();
    const path = join(directory, "manifest.json");
    await writeFile(path, (await readFile(path, "utf8")).replace(/"format": \d+/, '"format": 99'));
    await assert.rejects(readManifest(directory), { code: "SNAPSHOT_FORMAT" });
  });
});
