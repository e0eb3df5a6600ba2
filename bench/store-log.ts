import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openStore } from "@magpie/data";
import { type Event, userId } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";
import { readOptions } from "./store-options.ts";
import { writeSection } from "./store-report.ts";

const usage = `What the event log costs at size: bulk writing, scanning for training, one user's events, an
erasure. The making of the events is timed apart and taken off.

  node bench/store-log.ts [--events 10000000] [--users 200000] [--items 50000]`;

const {
  events: eventCount,
  users: userCount,
  items: itemCount,
} = readOptions(usage, { events: 10_000_000, users: 200_000, items: 50_000 });

/** Skewed as shops are: a few users and items have most of the events. */
function* makeEvents(): Generator<Event> {
  const random = seededRandom(7, "bench-store-log");
  const startMs = Date.parse("2026-01-01T00:00:00Z");
  for (let i = 0; i < eventCount; i++) {
    const user = Math.floor(userCount * random.next() ** 2);
    const item = Math.floor(itemCount * random.next() ** 3);
    const buys = random.int(20) === 0;
    // Parsed rather than made in place: strings as an import has them, new ones each time.
    yield JSON.parse(
      `{"eventId":"evt-2026-${(i * 2_654_435_761) % 4_294_967_296}-${i}","type":"${buys ? "purchase" : "view"}",` +
        `"timestampMs":${startMs + i * 1_000},"userId":"user-${user}","sessionId":"s-${user}-${i >> 16}",` +
        `"items":[{"itemId":"item-${item}"${buys ? ',"quantity":1,"price":{"amount":1999,"currency":"CNY"}' : ""}}]}`,
    ) as Event;
  }
}

const seconds = (from: number) => (performance.now() - from) / 1_000;
const cpuSeconds = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};
const megabytes = (bytes: number) => Math.round(bytes / 1e6);

const directory = mkdtempSync(join(tmpdir(), "magpie-bench-"));
try {
  let from = performance.now();
  let cpu = process.cpuUsage();
  let checksum = 0;
  for (const event of makeEvents()) checksum += event.timestampMs % 7;
  const making = seconds(from);
  const makingCpu = cpuSeconds(cpu);

  const store = await openStore(directory);
  from = performance.now();
  cpu = process.cpuUsage();
  let peakRss = 0;
  const bulk = store.events.openBulk("bench", "bench-1");
  let added = 0;
  for (const event of makeEvents()) {
    const waiting = bulk.add(event);
    if (waiting !== undefined) await waiting;
    if (++added % 100_000 === 0) peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }
  const { stored } = await bulk.commit();
  const writing = seconds(from) - making;
  const cpuMicros = ((cpuSeconds(cpu) - makingCpu) / eventCount) * 1e6;

  let scanSeconds = Infinity;
  let rows = 0;
  for (let round = 0; round < 3; round++) {
    from = performance.now();
    rows = 0;
    for await (const part of store.events.scanColumns()) {
      rows += part.length;
      checksum += part.users[0]!;
    }
    scanSeconds = Math.min(scanSeconds, seconds(from));
  }

  const random = seededRandom(8, "bench-store-log-users");
  const asked = Array.from({ length: 1_000 }, () =>
    userId(`user-${Math.floor(userCount * random.next() ** 2)}`),
  );
  const millis: number[] = [];
  for (const user of asked) {
    from = performance.now();
    checksum += (await store.events.byUser(user, 50)).length;
    millis.push(performance.now() - from);
  }
  millis.sort((x, y) => x - y);

  from = performance.now();
  await store.events.append(
    [{ eventId: "after", type: "view", timestampMs: 1, userId: "user-0" }],
    "bench",
  );
  const firstAppend = performance.now() - from;
  from = performance.now();
  const erased = await store.eraseUser(userId("user-0"));
  const erasing = seconds(from);
  await store.close();
  from = performance.now();
  const again = await openStore(directory);
  const opening = seconds(from);
  await again.close();

  writeSection(
    "Event log",
    `node bench/store-log.ts --events ${eventCount} --users ${userCount} --items ${itemCount}`,
    [
      ["events stored", stored.toLocaleString("en")],
      ["bulk write, wall, per event", `${((writing / eventCount) * 1e6).toFixed(2)} µs`],
      ["bulk write, CPU of all threads, per event", `${cpuMicros.toFixed(2)} µs`],
      ["peak memory while writing (process)", `${megabytes(peakRss)} MB`],
      ["scanColumns, best of 3", `${(rows / scanSeconds / 1e6).toFixed(1)} M rows/s`],
      ["byUser, 50 newest: median", `${millis[500]!.toFixed(2)} ms`],
      ["byUser, 50 newest: 99 %", `${millis[990]!.toFixed(2)} ms`],
      ["first live append afterwards", `${firstAppend.toFixed(1)} ms`],
      [`erasing the heaviest user (${erased.events} events)`, `${erasing.toFixed(2)} s`],
      ["opening", `${opening.toFixed(2)} s`],
      ["making the events (taken off above)", `${making.toFixed(1)} s, check ${checksum % 97}`],
    ],
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
