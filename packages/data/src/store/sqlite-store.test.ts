import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Event, userId } from "@magpie/domain";
import { afterEach, beforeEach, describe, test } from "vitest";
import { openDatabase } from "./database.ts";
import { type StoreOptions, openStore } from "./sqlite-store.ts";
import { behavesAsStore, view } from "./store.suite.ts";

const small: StoreOptions = { segmentEvents: 8 };

behavesAsStore("SQLite", (directory) => openStore(directory, small));

describe("the SQLite store", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "magpie-sqlite-"));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const files = () =>
    readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  const eventFiles = () => readdirSync(join(directory, "events"));

  test("syncs at every commit and overwrites what is deleted", () => {
    const database = openDatabase(join(directory, "magpie.db"));
    const pragma = (name: string) => Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
    assert.equal(pragma("journal_mode"), "wal");
    assert.equal(pragma("synchronous"), 2, "FULL");
    assert.equal(pragma("secure_delete"), 1);
    database.close();
  });

  test("leaves no byte of an erased user's id in any of its files", async () => {
    const secret = "customer-4711-ΑΒΓ";
    const store = await openStore(directory, small);
    const events = Array.from({ length: 400 }, (_, i): Event => ({
      ...view(`e${i}`, i % 5 === 0 ? secret : `u${i % 7}`, "i1", i),
      sessionId: i % 5 === 0 ? `session of ${secret}` : `s${i}`,
      query: "padding ".repeat(40),
    }));
    const bulk = store.events.openBulk("file", "import-1");
    for (const event of events.slice(0, 100)) await bulk.add(event);
    await bulk.commit();
    for (const event of events.slice(100)) void store.events.append([event], "http");
    for (let i = 0; i < 50; i++) {
      await store.decisions.append({
        requestId: `r${i}`,
        timestampMs: i,
        scenario: "home-feed",
        user: userId(i % 3 === 0 ? secret : "u1"),
        snapshot: "v1",
        pipeline: "default",
        items: [],
      });
    }
    const holders = () => files().filter((file) => readFileSync(file).includes(secret));
    assert.ok(holders().length > 0, "the id was nowhere to begin with");

    const erased = await store.eraseUser(userId(secret));
    assert.deepEqual([erased.events, erased.decisions], [80, 17]);
    assert.deepEqual(holders(), []);
    const left: Event[] = [];
    for await (const part of store.events.scan()) left.push(...part);
    assert.equal(left.length, 320);
    assert.equal(JSON.stringify(left).includes(secret), false);
    await store.close();
    assert.deepEqual(holders(), []);
  });

  test("finishes at its next opening an erasure that was interrupted before it was scrubbed", async () => {
    const store = await openStore(directory, small);
    await store.events.append([view("e1", "u1", "i1", 1)], "http");
    await store.close();
    const database = new DatabaseSync(join(directory, "magpie.db"));
    database.exec("UPDATE meta SET value = 1 WHERE key = 'erasure_unfinished'");
    database.close();
    const again = await openStore(directory, small);
    await again.close();
    const check = new DatabaseSync(join(directory, "magpie.db"));
    const row = check.prepare("SELECT value FROM meta WHERE key = 'erasure_unfinished'").get();
    assert.equal(row!["value"], 0);
    check.close();
  });

  test("clears away files that a crash left behind", async () => {
    const store = await openStore(directory, small);
    const bulk = store.events.openBulk("file", "import-1");
    for (let i = 0; i < 20; i++) await bulk.add(view(`e${i}`, "u1", "i1", i));
    await bulk.commit();
    await store.close();
    const before = eventFiles();
    writeFileSync(join(directory, "events", "99.seg"), "half a segment");
    writeFileSync(join(directory, "events", "left.ids"), "");
    const again = await openStore(directory, small);
    assert.deepEqual(eventFiles(), before);
    assert.equal(await again.events.count(), 20);
    await again.close();
  });

  test("refuses to open when an event file is missing", async () => {
    const store = await openStore(directory, small);
    const bulk = store.events.openBulk("file", "import-1");
    await bulk.add(view("e1", "u1", "i1", 1));
    await bulk.commit();
    await store.close();
    const gone = eventFiles().find((file) => file.endsWith(".seg"))!;
    rmSync(join(directory, "events", gone));
    await assert.rejects(openStore(directory, small), (error: Error & { code: string }) => {
      assert.equal(error.code, "EVENT_FILE_MISSING");
      assert.ok(error.message.includes(gone));
      return true;
    });
    // The failed opening has let go of the folder.
    await assert.rejects(openStore(directory, small), { code: "EVENT_FILE_MISSING" });
  });

  test("leaves files alone that a later Magpie wrote, or that are none of its own", async () => {
    await (await openStore(directory)).close();
    const database = new DatabaseSync(join(directory, "magpie.db"));
    database.exec("PRAGMA user_version = 99");
    database.close();
    await assert.rejects(openStore(directory), { code: "STORE_TOO_NEW" });
    writeFileSync(join(directory, "magpie.db"), "This is no database. ".repeat(500));
    await assert.rejects(openStore(directory), { code: "STORE_UNREADABLE" });
  });

  test("refuses a segment size that ordinals cannot count", async () => {
    for (const segmentEvents of [0, 65_537, 1.5]) {
      await assert.rejects(openStore(directory, { segmentEvents }), {
        code: "INVALID_SEGMENT_SIZE",
      });
    }
  });

  test("packs by itself when live rows are many, and loses none", async () => {
    const store = await openStore(directory, small);
    const events = Array.from({ length: 200 }, (_, i) => view(`e${i}`, `u${i % 3}`, "i1", i));
    for (const event of events) void store.events.append([event], "http");
    await store.events.append([view("last", "u1", "i1", 200)], "http");
    await store.events.compact();
    assert.ok(eventFiles().some((file) => file.endsWith(".seg")));
    assert.equal(await store.events.count(), 201);
    const ids = new Set<string>();
    for await (const part of store.events.scan()) for (const { eventId } of part) ids.add(eventId);
    assert.equal(ids.size, 201);
    await store.close();
  });

  test("refuses only the append that cannot be written", async () => {
    const store = await openStore(directory, small);
    const broken = { ...view("bad", "u1", "i1", 1), timestampMs: {} as number };
    const outcomes = await Promise.allSettled([
      store.events.append([view("e1", "u1", "i1", 1)], "http"),
      store.events.append([broken], "http"),
      store.events.append([view("e2", "u2", "i1", 2)], "http"),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled"],
    );
    assert.equal(await store.events.count(), 2);
    await store.close();
  });

  test("merges id files, so that their number stays small", async () => {
    const store = await openStore(directory, small);
    for (let i = 0; i < 40; i++) {
      const bulk = store.events.openBulk("file", `import-${i}`);
      await bulk.add(view(`e${i}`, "u1", "i1", i));
      await bulk.commit();
    }
    assert.ok(eventFiles().filter((file) => file.endsWith(".ids")).length <= 16);
    const again = await store.events.append(
      Array.from({ length: 40 }, (_, i) => view(`e${i}`, "u1", "i1", i)),
      "http",
    );
    assert.deepEqual(new Set(again), new Set(["duplicate"]));
    await store.close();
  });
});
