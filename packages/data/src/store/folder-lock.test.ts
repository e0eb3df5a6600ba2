import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import { lockFolder } from "./folder-lock.ts";

/** Tries for the lock at a given moment, says how it went, and holds it until it is killed. */
const contender = `
  import { setTimeout } from "node:timers/promises";
  const { lockFolder } = await import(process.argv[1]);
  await setTimeout(Number(process.argv[3]) - Date.now());
  try {
    globalThis.held = lockFolder(process.argv[2], 0); // or a collection of garbage frees it
    console.log("won");
  } catch (error) {
    console.log(error.code);
  }
  await setTimeout(60_000);
`;

describe("the lock of a data folder", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "magpie-lock-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const contend = (atMs: number) => {
    const lock = join(import.meta.dirname, "folder-lock.ts");
    const child = spawn(
      process.execPath,
      ["--input-type=module", "-e", contender, lock, folder, String(atMs)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const said = once(child.stdout, "data").then(([bytes]) => String(bytes).trim());
    return { child, said };
  };

  test("names the owner, and is free again once released", () => {
    const lock = lockFolder(folder, Date.parse("2026-02-03T04:05:06Z"));
    assert.throws(() => lockFolder(folder, 0), {
      code: "DATA_FOLDER_IN_USE",
      kind: "conflict",
      message: new RegExp(`process ${process.pid} on .*since 2026-02-03T04:05:06`),
    });
    lock.release();
    assert.equal(existsSync(join(folder, "owner.json")), false);
    lockFolder(folder, 0).release();
  });

  test("is had by exactly one of several processes that start at once", async () => {
    const atMs = Date.now() + 1_500;
    const contenders = Array.from({ length: 4 }, () => contend(atMs));
    const said = await Promise.all(contenders.map((one) => one.said));
    for (const { child } of contenders) child.kill("SIGKILL");
    await Promise.all(contenders.map(({ child }) => once(child, "exit")));
    assert.deepEqual(said.sort(), [
      "DATA_FOLDER_IN_USE",
      "DATA_FOLDER_IN_USE",
      "DATA_FOLDER_IN_USE",
      "won",
    ]);
  });

  test("is free as soon as its owner is killed, whatever its note says", async () => {
    const owner = contend(Date.now());
    assert.equal(await owner.said, "won");
    assert.throws(() => lockFolder(folder, 0), new RegExp(`process ${owner.child.pid} on`));
    owner.child.kill("SIGKILL");
    await once(owner.child, "exit");
    assert.match(readFileSync(join(folder, "owner.json"), "utf8"), /"pid"/);
    lockFolder(folder, 0).release();
  });

  test("says so when the owner has not written its note yet, or it is damaged", () => {
    const lock = lockFolder(folder, 0);
    writeFileSync(join(folder, "owner.json"), "{");
    assert.throws(() => lockFolder(folder, 0), /another process, which has only just started/);
    lock.release();
  });

  test("refuses a folder whose lock file is something else", () => {
    writeFileSync(
      join(folder, "owner.lock"),
      "not a database, and long enough to be looked at".repeat(30),
    );
    assert.throws(() => lockFolder(folder, 0), { code: "DATA_FOLDER_UNUSABLE" });
  });
});
