/**
 * How fast and in how much memory a log of events is imported from JSON lines into the store, all
 * cleaning rules on.
 *
 *     taskset -c 0 node bench/import.ts [--millions 1,3,10] [--keep FOLDER]
 *
 * Each size runs in a process of its own, so that its peak memory is its own. The file is made
 * from a seed: a skewed crowd of 100,000 over 20,000 catalogued items, in order of time, with the
 * blemishes of real logs (double clicks, resends, robots, unknown items, broken lines).
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { importCatalog, importEvents, openStore } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { seededRandom } from "@magpie/numerics";

const { values } = parseArgs({
  options: {
    millions: { type: "string", default: "1,3,10" },
    keep: { type: "string" },
    /** Internal: import one made file and print the measurement as JSON. */
    measure: { type: "string" },
  },
});

const nowMs = Date.UTC(2026, 10, 24);
const itemCount = 20_000;
/** The same at every size: what is measured is whether memory grows with events. */
const userCount = 100_000;

interface Measurement {
  readonly events: number;
  readonly megabytes: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly rowsStored: number;
  readonly rowsDropped: number;
  readonly rssBeforeMb: number;
  readonly peakRssMb: number;
}

/** Writes `count` events in order of time, one JSON object a line. */
function writeEvents(path: string, count: number): void {
  const random = seededRandom(20261124, "bench-import");
  const startMs = nowMs - 90 * 86_400_000;
  const stepMs = (90 * 86_400_000 - 60_000) / count;
  const file = openSync(path, "w");
  let lines: string[] = [];
  let last = "";
  for (let i = 0; i < count; i++) {
    const timestamp = new Date(Math.floor(startMs + i * stepMs)).toISOString();
    const draw = random.next();
    // A robot comes in the last two days; the others are many, few of them busy.
    const isRobot = draw < 0.05 && i > 0.98 * count;
    const user = isRobot ? "robot-1" : `user-${Math.floor(userCount * random.next() ** 2)}`;
    const item = Math.floor(itemCount * random.next() ** 3) + (draw > 0.999 ? itemCount : 0);
    const kind = random.next();
    const eventId = `0191e3a4-7b1c-7d2e-9f00-${i.toString(16).padStart(12, "0")}`;
    const act = { eventId, timestamp, userId: user, sessionId: `session-${i >> 3}` };
    const itemId = `item-${item}`;
    const price = { amount: 500 + (item % 20_000), currency: "USD" };
    const event =
      kind < 0.8
        ? { type: "view", ...act, items: [{ itemId }] }
        : kind < 0.92
          ? {
              type: "click",
              ...act,
              source: "recommend",
              items: [{ itemId, position: 1 + (i % 20) }],
            }
          : kind < 0.98
            ? { type: "add_to_cart", ...act, items: [{ itemId, quantity: 1, price }] }
            : {
                type: "purchase",
                ...act,
                orderId: `order-${i}`,
                items: [{ itemId, quantity: 1, price }],
              };
    const line = JSON.stringify(event);
    // A resend, and a line that a full disk cut.
    lines.push(
      draw > 0.99 && draw < 0.995 ? last : draw > 0.995 && draw < 0.996 ? line.slice(0, 50) : line,
    );
    if (lines.at(-1) === "") lines[lines.length - 1] = line;
    last = line;
    if (lines.length === 10_000 || i === count - 1) {
      writeSync(file, `${lines.join("\n")}\n`);
      lines = [];
    }
  }
  closeSync(file);
}

function writeCatalog(path: string): void {
  const items = Array.from({ length: itemCount }, (_, i) =>
    JSON.stringify({
      id: `item-${i}`,
      title: `Item ${i}`,
      variants: [
        {
          id: `item-${i}`,
          price: { amount: 500 + i, currency: "USD" },
          availability: { available: true },
        },
      ],
    }),
  );
  writeFileSync(path, `${items.join("\n")}\n`);
}

/** Imports a made file into a fresh store; prints one line of JSON. */
async function measure(path: string): Promise<void> {
  const folder = mkdtempSync(join(dirname(path), "store-"));
  try {
    const store = await openStore(folder);
    const context = silentWork();
    await importCatalog(
      store,
      join(dirname(path), "items.jsonl"),
      { source: "bench", nowMs },
      context,
    );
    const rssBeforeMb = process.memoryUsage().rss / 2 ** 20;
    const cpuBefore = process.cpuUsage();
    const started = performance.now();
    const { report } = await importEvents(store, path, { source: "bench", nowMs }, context);
    const wallSeconds = (performance.now() - started) / 1_000;
    const cpu = process.cpuUsage(cpuBefore);
    await store.close();
    const result: Measurement = {
      events: report.rowsRead,
      megabytes: statSync(path).size / 1e6,
      wallSeconds,
      cpuSeconds: (cpu.user + cpu.system) / 1e6,
      rowsStored: report.rowsStored,
      rowsDropped: report.rowsRead - report.rowsStored,
      rssBeforeMb,
      peakRssMb: process.resourceUsage().maxRSS / 1024,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function main(): void {
  const folder = values.keep ?? mkdtempSync(join(tmpdir(), "magpie-bench-import-"));
  mkdirSync(folder, { recursive: true });
  const command = `taskset -c 0 node bench/import.ts --millions ${values.millions}`;
  const rows: string[] = [];
  try {
    writeCatalog(join(folder, "items.jsonl"));
    for (const millions of values.millions.split(",").map(Number)) {
      const path = join(folder, `events-${millions}m.jsonl`);
      if (!existsSync(path)) writeEvents(path, millions * 1e6);
      const output = execFileSync(
        process.execPath,
        [fileURLToPath(import.meta.url), "--measure", path],
        {
          encoding: "utf8",
        },
      );
      const m = JSON.parse(output) as Measurement;
      const rate = (seconds: number) => Math.round(m.events / seconds).toLocaleString("en");
      rows.push(
        `| ${m.events.toLocaleString("en")} | ${m.megabytes.toFixed(0)} | ${m.wallSeconds.toFixed(1)} | ${m.cpuSeconds.toFixed(1)} | ${rate(m.wallSeconds)} | ${rate(m.cpuSeconds)} | ${m.rowsStored.toLocaleString("en")} | ${m.rowsDropped.toLocaleString("en")} | ${m.rssBeforeMb.toFixed(0)} | ${m.peakRssMb.toFixed(0)} |`,
      );
      console.log(rows.at(-1));
      if (values.keep === undefined) rmSync(path);
    }
  } finally {
    if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
  }
  const table = `# Import of events

JSON lines into a fresh store, all cleaning rules on (schema, time, quantity and price, abnormal
users, duplicates, unknown items, event ids), hash of the file included. One process a size, held
on one core.

\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${cpus()[0]?.model.trim() ?? "unknown CPU"} × ${cpus().length}, Node ${process.version}

| events | MB | wall s | CPU s | events/s (wall) | events/s (CPU) | stored | dropped | RSS before, MB | peak RSS, MB |
| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
${rows.join("\n")}
`;
  const target = join(import.meta.dirname, "results", "import.md");
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, table);
}

if (values.measure === undefined) main();
else await measure(values.measure);
