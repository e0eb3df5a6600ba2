import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { pipeline } from "node:stream/promises";
import { StoreError } from "@magpie/domain";

/** Grows when a reader of the former format would misread the files. */
export const snapshotFormat = 4;

/** One file of a snapshot as the manifest promises it. */
export interface SnapshotFile {
  /** Relative to the snapshot folder, with "/" between levels. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * The first thing read of a snapshot: what is in it, where it came from, how good it is.
 * `Facts` is what the writer adds.
 */
export type Sealed<Facts extends object> = Facts & {
  readonly format: number;
  /** Time of creation and a hash of the files: `20261124T060512Z-1a2b3c4d`. */
  readonly version: string;
  readonly createdMs: number;
  readonly files: readonly SnapshotFile[];
};

const manifestName = "manifest.json";

/**
 * Makes what was written into `draft` a snapshot: hashes every file, writes the manifest, syncs all
 * to disk and renames the folder to `<root>/<version>`. A crash before the rename leaves a draft,
 * which `removeDrafts` takes away; a crash after it leaves a whole snapshot.
 *
 * @param root   folder of all snapshots
 * @param draft  a folder made by `makeDraft`
 * @returns      the manifest, and so the version
 */
export async function sealSnapshot<Facts extends object>(
  root: string,
  draft: string,
  facts: Facts,
  createdMs: number,
): Promise<Sealed<Facts>> {
  const files: SnapshotFile[] = [];
  const folders = [draft];
  for (const entry of await readdir(draft, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) folders.push(path);
    else files.push(await promise(draft, path));
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));

  const version = `${timeWords(createdMs)}-${hashOfFiles(files)}`;
  const manifest: Sealed<Facts> = { format: snapshotFormat, version, createdMs, files, ...facts };
  await writeFile(join(draft, manifestName), `${JSON.stringify(manifest, null, 2)}\n`);

  for (const { path } of files) await sync(join(draft, path));
  await sync(join(draft, manifestName));
  for (const folder of folders) await sync(folder);
  await rename(draft, join(root, version));
  await sync(root);
  return manifest;
}

const draftPrefix = ".draft-";

/** An empty folder in which the files of a snapshot are gathered. */
export async function makeDraft(root: string, name: string): Promise<string> {
  const draft = join(root, `${draftPrefix}${name}`);
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  return draft;
}

/** Takes away what interrupted runs left in the folder of snapshots. */
export async function removeDrafts(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  for (const name of await readdir(root)) {
    if (name.startsWith(draftPrefix)) await rm(join(root, name), { recursive: true, force: true });
  }
}

/**
 * Reads a snapshot's manifest and checks that every file is there at its size. This takes
 * milliseconds; `verifyHashes` reads every byte.
 *
 * @throws {StoreError} `SNAPSHOT_DAMAGED` naming the file, `SNAPSHOT_FORMAT` for another format
 */
export async function readManifest<Facts extends object>(
  directory: string,
): Promise<Sealed<Facts>> {
  const path = join(directory, manifestName);
  let manifest: Sealed<Facts>;
  try {
    manifest = JSON.parse(await readFile(path, "utf8")) as Sealed<Facts>;
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
  if (manifest.format !== snapshotFormat) {
    throw new StoreError(
      "SNAPSHOT_FORMAT",
      `Snapshot ${directory} has format ${String(manifest.format)}; this version reads format ${snapshotFormat}.`,
      "Train a new snapshot (magpie train), or run the version of Magpie that made it.",
      { kind: "unavailable" },
    );
  }
  if (!Array.isArray(manifest.files) || !manifest.version?.endsWith(hashOfFiles(manifest.files))) {
    throw damaged(path, "its list of files does not match the version's hash");
  }
  for (const { path: name, bytes } of manifest.files) {
    const file = join(directory, name);
    const size = await stat(file).then(
      (found) => found.size,
      () => undefined,
    );
    if (size === undefined) throw damaged(file, "the file is missing");
    if (size !== bytes) throw damaged(file, `it has ${size} bytes instead of ${bytes}`);
  }
  return manifest;
}

/**
 * Reads every byte of a snapshot and compares it with the manifest.
 *
 * @throws {StoreError} `SNAPSHOT_DAMAGED` naming the first file that differs
 */
export async function verifyHashes(
  directory: string,
  manifest: { readonly files: readonly SnapshotFile[] },
  signal?: AbortSignal,
): Promise<void> {
  for (const { path, sha256 } of manifest.files) {
    const file = join(directory, path);
    const found = await hashOf(file, signal);
    if (found !== sha256) {
      throw damaged(file, `its SHA-256 is ${found} instead of ${sha256}`);
    }
  }
}

async function promise(root: string, path: string): Promise<SnapshotFile> {
  return {
    path: path.slice(root.length + 1).replaceAll(sep, "/"),
    bytes: (await stat(path)).size,
    sha256: await hashOf(path),
  };
}

async function hashOf(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, {
    ...(signal && { signal }),
  });
  return hash.digest("hex");
}

function hashOfFiles(files: readonly SnapshotFile[]): string {
  const hash = createHash("sha256");
  for (const { path, bytes, sha256 } of files) hash.update(`${path}\0${bytes}\0${sha256}\n`);
  return hash.digest("hex").slice(0, 8);
}

/** 20261124T060512Z: sorts by time, and is a file name everywhere. */
function timeWords(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, "")}Z`;
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function damaged(file: string, how: string, cause?: unknown): StoreError {
  return new StoreError(
    "SNAPSHOT_DAMAGED",
    `Snapshot file ${file} is damaged: ${how}.`,
    "Roll back to another snapshot (magpie snapshots rollback) or train a new one (magpie train).",
    { kind: "unavailable", cause },
  );
}
