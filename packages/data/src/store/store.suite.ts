import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Event,
  type Item,
  type Rule,
  actorOf,
  eventSources,
  eventTypes,
  userId,
} from "@magpie/domain";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, test } from "vitest";
import type { Decision, EventColumns, Store } from "./store.ts";

/** Opens the store that lies in a folder, making it when it is not there. */
export type OpenStore = (directory: string) => Promise<Store>;

/** Events that use every field, with few users and items so that they meet. */
const anyEvent: fc.Arbitrary<Event> = fc
  .record(
    {
      eventId: fc.uuid(),
      type: fc.constantFrom(...eventTypes),
      timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
      userId: fc.constantFrom("u1", "u2", "用户三", "u'; DROP TABLE event; --"),
      visitorId: fc.constantFrom("v1", "v2"),
      sessionId: fc.string({ minLength: 1, maxLength: 12, unit: "grapheme" }),
      queryId: fc.string({ minLength: 1, maxLength: 8 }),
      query: fc.string({ maxLength: 20, unit: "binary" }).filter((text) => text.isWellFormed()),
      source: fc.constantFrom(...eventSources),
      scenario: fc.constantFrom("home-feed", "search"),
      listId: fc.constant("list"),
      items: fc.array(
        fc.record(
          {
            itemId: fc.constantFrom("i1", "i2", "i3", "商品"),
            variantId: fc.constantFrom("red", "blue"),
            position: fc.integer({ min: 1, max: 1_000_000 }),
            quantity: fc.integer({ min: 1, max: 1_000_000 }),
            price: fc.record({
              amount: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
              currency: fc.constantFrom("CNY", "USD"),
            }),
          },
          { requiredKeys: ["itemId"] },
        ),
        { maxLength: 4 },
      ),
      orderId: fc.string({ minLength: 1, maxLength: 8 }),
      couponIds: fc.array(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 2 }),
      value: fc.record({ amount: fc.nat(), currency: fc.constant("CNY") }),
      consent: fc.record({ analytics: fc.boolean(), personalization: fc.boolean() }),
      attributes: fc.dictionary(
        fc.string({ minLength: 1, maxLength: 5 }).filter((key) => key !== "__proto__"),
        fc.oneof(fc.string(), fc.integer(), fc.boolean()),
        { maxKeys: 2, noNullPrototype: true },
      ),
    },
    { requiredKeys: ["eventId", "type", "timestampMs"] },
  )
  .map((event) =>
    event.userId === undefined && event.visitorId === undefined
      ? { ...event, visitorId: "v3" }
      : event,
  )
  // Objects as a parser makes them: fast-check's own have no prototype.
  .map((event) => JSON.parse(JSON.stringify(event)) as Event);

const anyLog = fc.uniqueArray(anyEvent, { maxLength: 40, selector: ({ eventId }) => eventId });

/** A plain view event. */
export function view(eventId: string, user: string, itemId: string, timestampMs: number): Event {
  return { eventId, type: "view", timestampMs, userId: user, items: [{ itemId }] };
}

async function collect<T>(parts: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const part of parts) all.push(...part);
  return all;
}

/** One row per (event, item), in words: what a scan of columns must say. */
function rowsOf(events: readonly Event[]): string[] {
  return events.flatMap((event) => {
    const items = event.items === undefined || event.items.length === 0 ? [undefined] : event.items;
    return items.map((item) =>
      JSON.stringify([
        actorOf(event),
        item?.itemId ?? null,
        event.type,
        event.timestampMs,
        item?.quantity ?? 1,
        item?.price?.amount ?? -1,
        event.consent?.personalization === false ? 0 : 1,
      ]),
    );
  });
}

async function columnRows(store: Store): Promise<string[]> {
  const parts: EventColumns[] = [];
  for await (const part of store.events.scanColumns()) parts.push(part);
  const users = await store.events.userKeys();
  const items = await store.events.itemKeys();
  return parts.flatMap((part) =>
    Array.from({ length: part.length }, (_, i) =>
      JSON.stringify([
        users[part.users[i]!],
        part.items[i] === -1 ? null : items[part.items[i]!],
        eventTypes[part.types[i]!],
        part.timestampsMs[i],
        part.quantities[i],
        part.pricesCents[i],
        part.personal[i],
      ]),
    ),
  );
}

/**
 * The promises of `Store`, as tests. Every implementation's own test calls it.
 *
 * @param open  opens with small segments (8 events), so that small logs have several
 */
export function behavesAsStore(name: string, open: OpenStore): void {
  describe(`${name} as a store`, () => {
    let directory: string;
    let store: Store;

    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), "magpie-store-"));
      store = await open(directory);
    });
    afterEach(async () => {
      await store.close();
      await rm(directory, { recursive: true, force: true });
    });

    const reopen = async () => {
      await store.close();
      store = await open(directory);
    };

    const bulk = async (events: readonly Event[], importId: string) => {
      const writer = store.events.openBulk("file", importId);
      for (const event of events) await writer.add(event);
      return writer.commit();
    };

    /** A folder of its own for one run of a property. */
    const withStore = async (check: (own: Store) => Promise<void>) => {
      const folder = await mkdtemp(join(tmpdir(), "magpie-store-"));
      const own = await open(folder);
      try {
        await check(own);
      } finally {
        await own.close();
        await rm(folder, { recursive: true, force: true });
      }
    };

    describe("the event log", () => {
      test("is empty at first", async () => {
        assert.equal(await store.events.count(), 0);
        assert.deepEqual(await collect(store.events.scan()), []);
        assert.deepEqual(await store.events.byUser(userId("u1"), 10), []);
        assert.deepEqual(await store.events.countByType(), {});
        assert.deepEqual(await store.events.topUsers(10), []);
      });

      test("gives back every field of an event, live, packed and imported", async () => {
        await fc.assert(
          fc.asyncProperty(anyLog, anyLog, async (live, imported) => {
            await withStore(async (own) => {
              const ids = new Set(live.map(({ eventId }) => eventId));
              const fresh = imported.filter(({ eventId }) => !ids.has(eventId));
              await own.events.append(live, "http");
              await own.events.compact();
              const writer = own.events.openBulk("file", "import-1");
              for (const event of fresh) await writer.add(event);
              assert.deepEqual(await writer.commit(), { stored: fresh.length, duplicates: 0 });
              const byId = (x: Event, y: Event) => (x.eventId < y.eventId ? -1 : 1);
              assert.deepEqual(
                (await collect(own.events.scan())).sort(byId),
                [...live, ...fresh].sort(byId),
              );
              assert.deepEqual((await columnRows(own)).sort(), rowsOf([...live, ...fresh]).sort());
            });
          }),
          { numRuns: 25 },
        );
      });

      test("is the same however its events are batched", async () => {
        const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 12 });
        await fc.assert(
          fc.asyncProperty(anyLog, cuts, async (events, sizes) => {
            await withStore(async (own) => {
              const pending: Promise<unknown>[] = [];
              let from = 0;
              for (let i = 0; from < events.length; i++) {
                const to = from + sizes[i % sizes.length]!;
                pending.push(own.events.append(events.slice(from, to), "http"));
                from = to;
                if (i % 3 === 2) await Promise.all(pending);
                if (i % 5 === 4) await own.events.compact();
              }
              await Promise.all(pending);
              assert.deepEqual(await collect(own.events.scan()), events);
            });
          }),
          { numRuns: 20 },
        );
      });

      test("keeps the order in which an import came", async () => {
        const events = Array.from({ length: 30 }, (_, i) => view(`e${i}`, `u${i % 3}`, "i", i));
        await bulk(events, "import-1");
        assert.deepEqual(await collect(store.events.scan()), events);
      });

      test("survives being closed", async () => {
        const live = [view("e1", "u1", "i1", 5), view("e2", "u2", "i2", 6)];
        const imported = [view("e3", "u1", "i3", 1)];
        await store.events.append(live, "http");
        await bulk(imported, "import-1");
        await reopen();
        assert.deepEqual(await collect(store.events.scan()), [...imported, ...live]);
        assert.deepEqual(await store.events.userKeys(), ["u1", "u2"]);
        assert.deepEqual(await store.events.itemKeys(), ["i1", "i2", "i3"]);
        assert.equal(await store.events.count(), 3);
      });

      test("keeps many keys of every kind in their order", async () => {
        const odd = ["", "\u0000", '"', "\\", "🦜", "\ud800", "null", "用户"];
        const keys = Array.from({ length: 9_000 }, (_, i) => `u${odd[i % odd.length]}-${i}`);
        await store.events.append(
          keys.map((key, i) => view(`e${i}`, key, `i${i % 10}`, i)),
          "http",
        );
        await reopen();
        const stored = keys.map((key) => key.toWellFormed());
        assert.deepEqual(await store.events.userKeys(), stored);
        for (const i of [1, 5, 8_999]) {
          const [event] = await store.events.byUser(userId(keys[i]!), 1);
          assert.equal(event?.eventId, `e${i}`);
        }
      });

      test("answers an id seen before with duplicate, within a call and across calls", async () => {
        const event = view("same", "u1", "i1", 1);
        assert.deepEqual(await store.events.append([event, event], "http"), [
          "stored",
          "duplicate",
        ]);
        assert.deepEqual(await store.events.append([event], "http"), ["duplicate"]);
        assert.equal(await store.events.count(), 1);
      });

      test("knows ids of packed and imported events, also after reopening", async () => {
        const live = Array.from({ length: 20 }, (_, i) => view(`live-${i}`, "u1", "i1", i));
        const imported = Array.from({ length: 20 }, (_, i) => view(`import-${i}`, "u2", "i1", i));
        await store.events.append(live, "http");
        await store.events.compact();
        await bulk(imported, "import-1");
        await reopen();
        const again = await store.events.append([...live, ...imported], "http");
        assert.deepEqual(new Set(again), new Set(["duplicate"]));
        assert.deepEqual(await bulk([...imported, ...live], "import-2"), {
          stored: 0,
          duplicates: 40,
        });
        assert.equal(await store.events.count(), 40);
      });

      test("counts an id twice in one import once", async () => {
        const events = Array.from({ length: 50 }, (_, i) => view(`e${i % 20}`, "u1", "i1", i));
        assert.deepEqual(await bulk(events, "import-1"), { stored: 20, duplicates: 30 });
      });

      test("keeps the live event when the same id arrives while an import runs", async () => {
        const writer = store.events.openBulk("file", "import-1");
        for (let i = 0; i < 20; i++) await writer.add(view(`e${i}`, "imported", "i1", i));
        const outcomes = await store.events.append(
          [view("e3", "alive", "i1", 100), view("e19", "alive", "i1", 101)],
          "http",
        );
        assert.deepEqual(outcomes, ["stored", "stored"]);
        assert.deepEqual(await writer.commit(), { stored: 18, duplicates: 2 });
        const users = (await collect(store.events.scan())).map(actorOf);
        assert.equal(users.filter((user) => user === "alive").length, 2);
        assert.equal(await store.events.count(), 20);
      });

      test("shows nothing of an import before its commit, and nothing after an abort", async () => {
        const writer = store.events.openBulk("file", "import-1");
        for (let i = 0; i < 30; i++) await writer.add(view(`e${i}`, "u1", "i1", i));
        assert.equal(await store.events.count(), 0);
        assert.deepEqual(await collect(store.events.scan()), []);
        await writer.abort();
        assert.equal(await store.events.count(), 0);
        assert.deepEqual(await bulk([view("e1", "u1", "i1", 1)], "import-1"), {
          stored: 1,
          duplicates: 0,
        });
      });

      test("refuses a second import while one runs", async () => {
        const writer = store.events.openBulk("file", "import-1");
        assert.throws(() => store.events.openBulk("file", "import-2"), { code: "IMPORT_RUNNING" });
        await writer.abort();
        await store.events.openBulk("file", "import-2").abort();
      });

      test("lets go of an import, whose events can then come again", async () => {
        const first = Array.from({ length: 20 }, (_, i) => view(`a${i}`, "u1", "i1", i));
        const second = Array.from({ length: 10 }, (_, i) => view(`b${i}`, "u1", "i1", i));
        await bulk(first, "import-1");
        await bulk(second, "import-2");
        assert.equal(await store.events.removeImport("import-1"), 20);
        assert.equal(await store.events.removeImport("import-1"), 0);
        assert.deepEqual(await collect(store.events.scan()), second);
        await reopen();
        assert.deepEqual(await bulk(first, "import-1"), { stored: 20, duplicates: 0 });
        assert.equal(await store.events.count(), 30);
      });

      test("lists a user's newest events, newest first, from rows and segments", async () => {
        const events = Array.from({ length: 60 }, (_, i) =>
          view(`e${i}`, `u${i % 4}`, `i${i}`, 1_000 + ((i * 37) % 60)),
        );
        await bulk(events.slice(0, 30), "import-1");
        await store.events.append(events.slice(30, 50), "http");
        await store.events.compact();
        await store.events.append(events.slice(50), "http");
        const expected = events
          .filter((event) => event.userId === "u1")
          .sort((x, y) => y.timestampMs - x.timestampMs);
        assert.deepEqual(await store.events.byUser(userId("u1"), 100), expected);
        assert.deepEqual(await store.events.byUser(userId("u1"), 4), expected.slice(0, 4));
        assert.deepEqual(await store.events.byUser(userId("u1"), 0), []);
        assert.deepEqual(await store.events.byUser(userId("nobody"), 4), []);
        assert.deepEqual(
          await collect(store.events.exportUser(userId("u1"))),
          [...expected].reverse(),
        );
      });

      test("puts the later of two events of one moment first", async () => {
        await bulk([view("e1", "u1", "i1", 5), view("e2", "u1", "i2", 5)], "import-1");
        await store.events.append([view("e3", "u1", "i3", 5), view("e4", "u1", "i4", 5)], "http");
        const ids = (await store.events.byUser(userId("u1"), 10)).map(({ eventId }) => eventId);
        assert.deepEqual(ids, ["e4", "e3", "e2", "e1"]);
      });

      test("counts by type and by user over rows and segments", async () => {
        const events = Array.from({ length: 24 }, (_, i): Event => ({
          ...view(`e${i}`, i % 3 === 0 ? "heavy" : `u${i}`, "i1", i),
          type: i % 2 === 0 ? "view" : "purchase",
        }));
        await bulk(events.slice(0, 16), "import-1");
        await store.events.append(events.slice(16), "http");
        assert.deepEqual(await store.events.countByType(), { view: 12, purchase: 12 });
        const [first, second] = await store.events.topUsers(2);
        assert.deepEqual(first, { user: "heavy", events: 8, lastMs: 21 });
        assert.deepEqual(second, { user: "u23", events: 1, lastMs: 23 });
      });

      test("takes what is packed away from no reader that has begun", async () => {
        const events = Array.from({ length: 40 }, (_, i) => view(`e${i}`, "u1", "i1", i));
        await store.events.append(events, "http");
        const seen: Event[] = [];
        for await (const part of store.events.scan()) {
          await store.events.compact();
          seen.push(...part);
        }
        assert.deepEqual(seen, events);
        assert.deepEqual(await collect(store.events.scan()), events);
      });
    });

    describe("erasure of a user", () => {
      test("takes that user's events and decisions and no other's", async () => {
        const events = Array.from({ length: 60 }, (_, i) => view(`e${i}`, `u${i % 3}`, "i1", i));
        await bulk(events.slice(0, 30), "import-1");
        await store.events.append(events.slice(30, 46), "http");
        await store.events.compact();
        await store.events.append(events.slice(46), "http");
        await store.decisions.append(decision("r1", "u1"));
        await store.decisions.append(decision("r2", "u2"));
        assert.deepEqual(await store.eraseUser(userId("u1")), {
          user: "u1",
          events: 20,
          decisions: 1,
        });
        const kept = events.filter((event) => event.userId !== "u1");
        for (let round = 0; round < 2; round++) {
          assert.deepEqual(await collect(store.events.scan()), kept);
          assert.deepEqual((await columnRows(store)).sort(), rowsOf(kept).sort());
          assert.deepEqual(await store.events.byUser(userId("u1"), 10), []);
          assert.equal((await store.events.byUser(userId("u2"), 100)).length, 20);
          assert.equal(await store.events.count(), 40);
          assert.equal((await store.events.userKeys()).includes(userId("u1")), false);
          assert.equal(await store.decisions.count(), 1);
          await reopen();
        }
      });

      test("keeps every index of the dictionaries", async () => {
        await store.events.append([view("e1", "u1", "i1", 1), view("e2", "u2", "i2", 2)], "http");
        await store.eraseUser(userId("u1"));
        assert.deepEqual(await store.events.userKeys(), ["", "u2"]);
        await reopen();
        await store.events.append([view("e3", "u1", "i1", 3)], "http");
        assert.deepEqual(await store.events.userKeys(), ["", "u2", "u1"]);
      });

      test("forgets the ids of the erased events", async () => {
        const events = Array.from({ length: 20 }, (_, i) => view(`e${i}`, `u${i % 2}`, "i1", i));
        await bulk(events, "import-1");
        await store.eraseUser(userId("u1"));
        const outcomes = await store.events.append(events, "http");
        assert.equal(outcomes.filter((outcome) => outcome === "stored").length, 10);
      });

      test("takes the user's id out of reports of imports, and no other word", async () => {
        const report = {
          file: "u1.csv",
          findings: [
            { rule: "bad-time", examples: [{ line: 3, value: "u1", message: 'of "u1"' }] },
          ],
          abnormalUsers: [
            { user: "u1", events: 9 },
            { user: "u12", events: 8 },
          ],
        };
        await store.imports.add({ ...importRecord, report });
        await store.eraseUser(userId("u1"));
        await reopen();
        assert.deepEqual((await store.imports.get("import-1"))?.report, {
          file: "u1.csv",
          findings: [
            {
              rule: "bad-time",
              examples: [{ line: 3, value: "(erased)", message: 'of "(erased)"' }],
            },
          ],
          abnormalUsers: [
            { user: "(erased)", events: 9 },
            { user: "u12", events: 8 },
          ],
        });
      });

      test("copes with ids that look like patterns", async () => {
        const odd = String.raw`a.b*(c)[d]\w{2}^$|?/+-`;
        const report = { abnormalUsers: [{ user: odd, events: 9 }], message: "aXb" };
        await store.imports.add({ ...importRecord, report });
        await store.eraseUser(userId(odd));
        assert.deepEqual((await store.imports.get("import-1"))?.report, {
          abnormalUsers: [{ user: "(erased)", events: 9 }],
          message: "aXb",
        });
      });

      test("of someone unknown changes nothing", async () => {
        await store.events.append([view("e1", "u1", "i1", 1)], "http");
        const erasure = await store.eraseUser(userId("nobody"));
        assert.deepEqual(erasure, { user: "nobody", events: 0, decisions: 0 });
        assert.equal(await store.events.count(), 1);
      });
    });

    describe("the catalogue", () => {
      test("inserts, replaces and deletes, and counts its revisions", async () => {
        assert.equal(await store.catalog.revision(), 0);
        await store.catalog.upsert([item("a", "First"), item("b", "Second")], "feed");
        await store.catalog.upsert([item("a", "Renamed")], "http");
        assert.equal((await store.catalog.get("a"))?.title, "Renamed");
        assert.equal(await store.catalog.get("none"), undefined);
        assert.deepEqual([...(await store.catalog.getMany(["b", "none"])).keys()], ["b"]);
        assert.equal(await store.catalog.revision(), 2);
        assert.equal(await store.catalog.delete(["b", "none"]), 1);
        assert.equal(await store.catalog.delete(["none"]), 0);
        assert.equal(await store.catalog.count(), 1);
        assert.equal(await store.catalog.revision(), 3);
      });

      test("is scanned in one order, which replacing an item does not change", async () => {
        const items = Array.from({ length: 2_500 }, (_, i) => item(`i${(i * 7) % 2_500}`, `T${i}`));
        await store.catalog.upsert(items, "feed");
        await store.catalog.upsert([item("i7", "Renamed")], "feed");
        await reopen();
        const ids = (await collect(store.catalog.scan())).map(({ id }) => id);
        assert.deepEqual(
          ids,
          items.map(({ id }) => id),
        );
      });

      test("says which source wrote an item last", async () => {
        await store.catalog.upsert([item("a", "A"), item("b", "B")], "feed");
        await store.catalog.upsert([item("b", "B")], "http");
        assert.deepEqual(
          await store.catalog.sourcesOf(["a", "b", "none"]),
          new Map([
            ["a", "feed"],
            ["b", "http"],
          ]),
        );
      });

      test("does not count an item that comes as it is already", async () => {
        await store.catalog.upsert([item("a", "A")], "feed");
        await store.catalog.upsert([item("a", "A")], "feed");
        assert.equal(await store.catalog.revision(), 1);
      });

      test("tells what changed since a revision, each item once", async () => {
        await store.catalog.upsert([item("a", "A"), item("b", "B"), item("c", "C")], "feed");
        const before = await store.catalog.revision();
        assert.deepEqual(await changes(0), { upserted: ["A", "B", "C"], deleted: [] });
        assert.deepEqual(await changes(before), { upserted: [], deleted: [] });
        await store.catalog.upsert([item("b", "B2")], "feed");
        await store.catalog.upsert([item("b", "B3")], "feed");
        await store.catalog.delete(["a", "c"]);
        await store.catalog.upsert([item("c", "C2")], "feed");
        await reopen();
        assert.deepEqual(await changes(before), { upserted: ["B3", "C2"], deleted: ["a"] });
        assert.deepEqual(await changes(await store.catalog.revision()), {
          upserted: [],
          deleted: [],
        });
      });

      test("tells many changes of one revision in full", async () => {
        const items = Array.from({ length: 2_300 }, (_, i) => item(`i${i}`, `T${i}`));
        await store.catalog.upsert(items, "feed");
        assert.equal((await changes(0)).upserted.length, 2_300);
      });

      test("takes an import of items whole or not at all", async () => {
        await store.catalog.upsert([item("a", "Old")], "http");
        const dropped = store.catalog.openBulk("feed");
        await dropped.put([item("a", "Never")]);
        const bulk = store.catalog.openBulk("feed");
        await bulk.put([item("b", "B"), item("a", "New")]);
        await bulk.put([item("b", "B2")], "erp");
        assert.deepEqual(await store.catalog.count(), 1);
        assert.equal((await store.catalog.get("a"))?.title, "Old");
        const staged = await bulk.staged(["b", "none"]);
        assert.deepEqual(
          [...staged.values()].map(({ title }) => title),
          ["B2"],
        );
        await dropped.abort();
        await bulk.commit();
        await reopen();
        const titles = (await collect(store.catalog.scan())).map(({ title }) => title);
        assert.deepEqual(titles, ["New", "B2"]);
        const sources = await store.catalog.sourcesOf(["a", "b", "none"]);
        assert.deepEqual(Object.fromEntries(sources), { a: "feed", b: "erp" });
        assert.equal(await store.catalog.revision(), 2);
      });

      /** Titles and ids that changed, as one list each. */
      async function changes(revision: number) {
        const upserted: string[] = [];
        const deleted: string[] = [];
        for await (const part of store.catalog.changesSince(revision)) {
          upserted.push(...part.upserted.map(({ title }) => title));
          deleted.push(...part.deleted);
        }
        return { upserted, deleted };
      }

      test("keeps texts as they are", async () => {
        const title = `"; DROP TABLE item; -- 喜鹊 \u0000 😀`;
        await store.catalog.upsert([item("a'b", title)], "feed");
        assert.equal((await store.catalog.get("a'b"))?.title, title);
      });

      test("holds shops and promotions", async () => {
        const promotion = {
          id: "p1",
          title: "Sale",
          startsAt: "2026-01-01T00:00:00Z",
          endsAt: "2026-02-01T00:00:00Z",
        };
        await store.catalog.upsertShops([{ id: "s2", name: "Two" }]);
        await store.catalog.upsertShops([
          { id: "s1", name: "One" },
          { id: "s2", name: "Zwei" },
        ]);
        await store.catalog.upsertPromotions([promotion]);
        assert.deepEqual(await store.catalog.shops(), [
          { id: "s1", name: "One" },
          { id: "s2", name: "Zwei" },
        ]);
        assert.deepEqual(await store.catalog.promotions(), [promotion]);
      });
    });

    describe("the decision log", () => {
      test("gives back what was decided", async () => {
        const anonymous = decision("r2");
        await Promise.all([decision("r1", "u1"), anonymous].map((d) => store.decisions.append(d)));
        await reopen();
        assert.deepEqual(await store.decisions.get("r1"), decision("r1", "u1"));
        assert.deepEqual(await store.decisions.get("r2"), anonymous);
        assert.equal(await store.decisions.get("r3"), undefined);
        assert.equal(await store.decisions.count(), 2);
      });

      test("lists a user's decisions, newest first", async () => {
        for (let i = 0; i < 5; i++) {
          await store.decisions.append({ ...decision(`r${i}`, "u1"), timestampMs: i });
        }
        const ids = (await store.decisions.byUser(userId("u1"), 2)).map((d) => d.requestId);
        assert.deepEqual(ids, ["r4", "r3"]);
      });
    });

    describe("API keys", () => {
      test("verify until they expire or are revoked", async () => {
        const key = await store.keys.create("shop", ["events", "read"]);
        const brief = await store.keys.create("brief", ["admin"], 5_000);
        await reopen();
        assert.deepEqual((await store.keys.verify(key.secret, 0))?.scopes, ["events", "read"]);
        assert.equal((await store.keys.verify(brief.secret, 4_999))?.id, brief.id);
        assert.equal(await store.keys.verify(brief.secret, 5_000), undefined);
        assert.equal(await store.keys.revoke(key.id), true);
        assert.equal(await store.keys.revoke(key.id), false);
        assert.equal(await store.keys.verify(key.secret, 0), undefined);
      });

      test("are refused when a single character differs", async () => {
        const { secret } = await store.keys.create("shop", ["read"]);
        const other = secret.endsWith("A") ? "B" : "A";
        assert.match(secret, /^mgp_/);
        for (const wrong of ["", "mgp_", secret.slice(0, -1), secret.slice(0, -1) + other]) {
          assert.equal(await store.keys.verify(wrong, 0), undefined);
        }
      });

      test("are listed without their secrets", async () => {
        const { secret, ...key } = await store.keys.create("shop", ["read"], 9);
        assert.deepEqual(await store.keys.list(), [key]);
        assert.equal(JSON.stringify(await store.keys.list()).includes(secret), false);
      });
    });

    describe("the snapshot registry", () => {
      const record = (version: string, createdMs: number) => ({
        version,
        createdMs,
        path: `snapshots/${version}`,
        summary: { items: 3 },
      });

      test("has one active snapshot at a time", async () => {
        await store.snapshots.register(record("v1", 1));
        await store.snapshots.register(record("v2", 2));
        assert.equal(await store.snapshots.active(), undefined);
        await store.snapshots.activate("v1");
        await store.snapshots.activate("v2");
        await reopen();
        assert.equal((await store.snapshots.active())?.version, "v2");
        assert.deepEqual(
          (await store.snapshots.list()).map(({ version, status }) => [version, status]),
          [
            ["v2", "active"],
            ["v1", "ready"],
          ],
        );
      });

      test("refuses unknown versions, a version twice, and removing what is served", async () => {
        await store.snapshots.register(record("v1", 1));
        await store.snapshots.activate("v1");
        await assert.rejects(store.snapshots.activate("v9"), { code: "UNKNOWN_SNAPSHOT" });
        assert.equal((await store.snapshots.active())?.version, "v1");
        await assert.rejects(store.snapshots.register(record("v1", 1)), {
          code: "SNAPSHOT_EXISTS",
        });
        await assert.rejects(store.snapshots.remove("v1"), { code: "SNAPSHOT_ACTIVE" });
        await assert.rejects(store.snapshots.remove("v9"), { code: "UNKNOWN_SNAPSHOT" });
      });
    });

    describe("the shop's settings", () => {
      test("are empty, then what was put last, also after reopening", async () => {
        assert.deepEqual(await store.settings.get(), {});
        await store.settings.put({ language: "fr" });
        const settings = { fields: { "attributes.größe": { search: "exact" as const } } };
        await store.settings.put(settings);
        await reopen();
        assert.deepEqual(await store.settings.get(), settings);
      });
    });

    describe("what the shop taught its search", () => {
      test("is nothing at first, then what was put last, and stays", async () => {
        assert.deepEqual(await store.dictionaries.get(), { synonyms: [], refused: [], stages: {} });
        const taught = {
          synonyms: [{ id: "s", from: ["sneakers", "运动鞋"], to: ["trainers"], weight: 0.5 }],
          refused: [{ from: "cup", to: "bowl" }],
          stages: { rewrites: [{ word: "laufschuh", to: "running shoe" }] },
        };
        await store.dictionaries.put(taught);
        await reopen();
        assert.deepEqual(await store.dictionaries.get(), taught);
      });
    });

    describe("merchandisers' rules", () => {
      const rule = (id: string): Rule => ({ id, name: id, actions: { hide: ["商品"] } });
      const by = (author: string, ifRevision?: number) => ({
        author,
        nowMs: 7,
        ...(ifRevision !== undefined && { ifRevision }),
      });

      test("begin with an empty draft and nothing in force", async () => {
        assert.deepEqual(await store.rules.draft(), { revision: 0, rules: [] });
        assert.equal(await store.rules.active(), undefined);
        assert.deepEqual(await store.rules.versions(), []);
      });

      test("are in force once published, as they were then, also after reopening", async () => {
        await store.rules.saveDraft([rule("a")], by("key-1"));
        assert.equal(await store.rules.active(), undefined);
        const published = await store.rules.publish({ ...by("key-2", 1), note: "sale" });
        await store.rules.saveDraft([rule("a"), rule("b")], by("key-1", 1));
        await reopen();
        assert.deepEqual(published, {
          version: 1,
          publishedMs: 7,
          author: "key-2",
          note: "sale",
          size: 1,
          rules: [rule("a")],
        });
        assert.deepEqual(await store.rules.active(), published);
        const draft = { revision: 2, rules: [rule("a"), rule("b")], changedMs: 7, author: "key-1" };
        assert.deepEqual(await store.rules.draft(), draft);
      });

      test("come back under a new version, and the history stays", async () => {
        await store.rules.saveDraft([rule("a")], by("x"));
        await store.rules.publish(by("x"));
        await store.rules.saveDraft([rule("b")], by("x"));
        await store.rules.publish(by("x"));
        const restored = await store.rules.rollBack(1, by("y"));
        assert.equal(restored.version, 3);
        await reopen();
        assert.deepEqual((await store.rules.active())?.rules, [rule("a")]);
        assert.deepEqual((await store.rules.draft()).rules, [rule("a")]);
        assert.deepEqual(
          (await store.rules.versions()).map(({ version, restores, author }) => [
            version,
            restores,
            author,
          ]),
          [
            [3, 1, "y"],
            [2, undefined, "x"],
            [1, undefined, "x"],
          ],
        );
        assert.deepEqual((await store.rules.version(2))?.rules, [rule("b")]);
        assert.equal(await store.rules.version(9), undefined);
      });

      test("refuse a change of a draft that is another one by now, and make none of it", async () => {
        await store.rules.saveDraft([rule("a")], by("x", 0));
        const late = { code: "RULES_CHANGED" };
        await assert.rejects(store.rules.saveDraft([rule("b")], by("y", 0)), late);
        await assert.rejects(store.rules.publish(by("y", 0)), late);
        await store.rules.publish(by("x", 1));
        await assert.rejects(store.rules.rollBack(1, by("y", 0)), late);
        await assert.rejects(store.rules.rollBack(9, by("y")), { code: "UNKNOWN_RULES_VERSION" });
        assert.deepEqual((await store.rules.draft()).rules, [rule("a")]);
        assert.equal((await store.rules.versions()).length, 1);
      });
    });

    test("keeps records of imports until they are removed", async () => {
      await store.imports.add(importRecord);
      await reopen();
      assert.deepEqual(await store.imports.list(), [importRecord]);
      assert.deepEqual(await store.imports.get("import-1"), importRecord);
      await store.imports.remove("import-1");
      assert.equal(await store.imports.get("import-1"), undefined);
    });

    test("refuses a second owner of its folder, naming process, folder and what to do", async () => {
      await assert.rejects(open(directory), (error: Error & { code: string; hint: string }) => {
        assert.equal(error.code, "DATA_FOLDER_IN_USE");
        assert.ok(error.message.includes(String(process.pid)), error.message);
        assert.ok(error.message.includes(directory), error.message);
        assert.ok(error.hint.length > 20);
        return true;
      });
    });

    test("takes no more once it is closed", async () => {
      await store.close();
      await assert.rejects(store.events.append([view("e1", "u1", "i1", 1)], "http"), {
        code: "STORE_CLOSED",
      });
      await store.close();
      store = await open(directory);
    });
  });
}

const importRecord = {
  importId: "import-1",
  kind: "events" as const,
  source: "shop",
  file: "events.jsonl",
  format: "jsonl",
  sha256: "00",
  startedMs: 1,
  finishedMs: 2,
  report: { rows: 3 },
};

function item(id: string, title: string): Item {
  return {
    id,
    title,
    variants: [
      {
        id: `${id}-1`,
        price: { amount: 1_999, currency: "CNY" },
        availability: { available: true },
      },
    ],
  };
}

function decision(requestId: string, user?: string): Decision {
  return {
    requestId,
    timestampMs: 7,
    scenario: "home-feed",
    ...(user !== undefined && { user: userId(user) }),
    snapshot: "v1",
    pipeline: "default",
    query: "杯子",
    items: [
      { itemId: "i1", position: 1, score: 0.75, propensity: 1, retrievers: ["sasrec", "popular"] },
      { itemId: "i2", position: 2, score: 0.5, propensity: 0.25, retrievers: ["popular"] },
      { itemId: "i3", position: 3, score: 0.25, propensity: 0.25, retrievers: [] },
    ],
  };
}
