/**
 * `magpie demo` from the outside: how long until the first useful page, and what a second start
 * takes. A page is useful when the storefront answers and a known shopper's feed has ten items.
 *
 *     node bench/demo.ts [--port 7790] [--size demo] [--interrupt 15] [--write]
 *
 * The first start has nothing: no data, no built storefront. Its first page is answered by models that
 * count; how long the others take to take over, and how good both snapshots are, is told too. With
 * `--interrupt` a third run begins anew, is stopped by Ctrl-C after so many seconds, and goes on from there. `--write` puts the
 * table into bench/results/demo.md.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { writeSection } from "./write-section.ts";

const { values: flags } = parseArgs({
  options: {
    port: { type: "string", default: "7790" },
    size: { type: "string", default: "demo" },
    interrupt: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
const root = join(import.meta.dirname, "..");
const magpie = join(root, "packages/cli/bin/magpie.js");
const base = `http://127.0.0.1:${flags.port}`;
const giveUpMs = 15 * 60_000;

/** Starts the demo on a data folder. Its progress goes to our standard error. */
function start(data: string) {
  const child = spawn(
    process.execPath,
    [magpie, "--data", data, "demo", "--port", flags.port, "--size", flags.size],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const stop = (): Promise<number | null> => {
    child.kill("SIGINT");
    return exited;
  };
  return { exited, stop };
}

/** A shopper's feed has ten items, and the storefront's page is there. */
async function isUseful(): Promise<boolean> {
  try {
    const page = await fetch(`${base}/`);
    const isPage = page.ok && (await page.text()).includes("<script");
    const answer = await fetch(`${base}/v1/recommend/home-feed`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ userId: "zhang-lijuan", limit: 10, explain: true }),
    });
    if (!isPage || !answer.ok) return false;
    const { items } = (await answer.json()) as { items: unknown[] };
    return items.length === 10;
  } catch {
    return false; // not listening yet
  }
}

interface Snapshot {
  readonly version: string;
  readonly status: string;
  readonly summary: {
    readonly models: readonly string[];
    readonly measurement: Measured & { readonly inVisit?: Measured };
    readonly searchRanking?: Readonly<Record<"withTaste" | "byDefault", { ndcgAt10: number }>>;
  };
}

interface Measured {
  readonly models: readonly { readonly model: string; readonly ndcgAt10: number }[];
}

/** The snapshot that answers. */
async function activeSnapshot(): Promise<Snapshot> {
  const answer = await fetch(`${base}/v1/snapshots`);
  const { snapshots } = (await answer.json()) as { snapshots: Snapshot[] };
  return snapshots.find(({ status }) => status === "active")!;
}

const isWhole = ({ summary }: Snapshot): boolean => summary.models.includes("sasrec");

interface Started {
  readonly toPage: number;
  /** Until all models answered; absent where that was not waited for. */
  readonly toAll?: number;
  readonly first: Snapshot;
  readonly last: Snapshot;
}

/** Starts the demo, waits for the useful page, and on request for all models, and stops it. */
async function startedDemo(data: string, { toAll }: { toAll: boolean }): Promise<Started> {
  const began = performance.now();
  const demo = start(data);
  let ended: number | null | undefined;
  void demo.exited.then((code) => (ended = code));
  const secondsUntil = async (isDone: () => Promise<boolean>): Promise<number> => {
    while (!(await isDone())) {
      if (ended !== undefined) throw new Error(`the demo ended with code ${ended} too early`);
      if (performance.now() - began > giveUpMs) {
        await demo.stop();
        throw new Error(`not done within ${giveUpMs / 60_000} minutes`);
      }
      await pause(100);
    }
    return (performance.now() - began) / 1_000;
  };
  const toPage = await secondsUntil(isUseful);
  const first = await activeSnapshot();
  const rest = toAll
    ? { toAll: await secondsUntil(async () => isWhole(await activeSnapshot())) }
    : {};
  const last = await activeSnapshot();
  // Training hears Ctrl-C too, and what serves ends well either way.
  const code = await demo.stop();
  if (code !== 0) throw new Error(`stopping a serving demo gave exit code ${code}, not 0`);
  return { toPage, ...rest, first, last };
}

/** NDCG@10 on held-out cases: of the feed, within visits, of the order of searches. */
function qualityOf({ summary }: Snapshot): string {
  const ofBlend = (measured: Measured | undefined): string =>
    measured?.models.find(({ model }) => model === "blend")?.ndcgAt10.toFixed(4) ?? "";
  const { measurement, searchRanking } = summary;
  const searches = searchRanking?.withTaste.ndcgAt10.toFixed(4) ?? "by default";
  return `${summary.models.join(", ")} | ${ofBlend(measurement)} | ${ofBlend(measurement.inVisit)} | ${searches}`;
}

async function withFolder<T>(work: (data: string) => Promise<T>): Promise<T> {
  const data = await mkdtemp(join(tmpdir(), "magpie-demo-"));
  try {
    return await work(data);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
}

if (await isUseful()) throw new Error(`something serves on port ${flags.port}: choose another`);
await rm(join(root, "apps/storefront/dist"), { recursive: true, force: true });
const { rows, qualities } = await withFolder(async (data) => {
  const begun = await startedDemo(data, { toAll: true });
  const again = await startedDemo(data, { toAll: false });
  return {
    rows: [
      ["first start, to the first useful page", begun.toPage, 240],
      ["first start, until all models answer", begun.toAll!, ""],
      ["second start, to a page by all models", again.toPage, 5],
    ],
    qualities: [
      ["first page", begun.first],
      ["all models", begun.last],
    ] as const,
  };
});

const interruptAfter = Number(flags.interrupt);
if (interruptAfter > 0) {
  const rest = await withFolder(async (data) => {
    const demo = start(data);
    await pause(interruptAfter * 1_000);
    const isServing = await isUseful();
    const code = await demo.stop();
    const expected = isServing ? 0 : 130;
    if (code !== expected) {
      throw new Error(`an interrupted start gave exit code ${code}, not ${expected}`);
    }
    return (await startedDemo(data, { toAll: true })).toAll!;
  });
  rows.push([`after Ctrl-C at ${interruptAfter} s, until all models answer`, rest, ""]);
}

const table = [
  `### \`magpie demo\``,
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()} · Node ${process.version}`,
  "",
  `    node bench/demo.ts ${process.argv.slice(2).join(" ")}`,
  "",
  "| what | seconds | bar |",
  "|---|---|---|",
  ...rows.map(([what, seconds, bar]) => `| ${what} | ${Number(seconds).toFixed(1)} | ${bar} |`),
  "",
  "Quality of the two snapshots, NDCG@10 on held-out cases of the simulated shop:",
  "",
  "| snapshot | models | feed: next item | in a visit | order of searches |",
  "|---|---|---|---|---|",
  ...qualities.map(([name, snapshot]) => `| ${name} | ${qualityOf(snapshot)} |`),
].join("\n");
console.log(table);
if (flags.write) {
  await writeSection(join(root, "bench/results/demo.md"), "The demo, measured", table);
}
