/**
 * `magpie demo` from the outside: how long until the first useful page, and what a second start
 * takes. A page is useful when the storefront answers and a known shopper's feed has ten items.
 *
 *     node bench/demo.ts [--port 7790] [--size demo] [--interrupt 15] [--write]
 *
 * The first start has nothing: no data, no built storefront. With `--interrupt` a third run begins
 * anew, is stopped by Ctrl-C after so many seconds, and goes on from there. `--write` puts the
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

/** Starts the demo, waits for the useful page, stops it. */
async function secondsToPage(data: string): Promise<number> {
  const began = performance.now();
  const demo = start(data);
  let ended: number | null | undefined;
  void demo.exited.then((code) => (ended = code));
  while (!(await isUseful())) {
    if (ended !== undefined) throw new Error(`the demo ended with code ${ended} before it served`);
    if (performance.now() - began > giveUpMs) {
      await demo.stop();
      throw new Error(`no useful page within ${giveUpMs / 60_000} minutes`);
    }
    await pause(100);
  }
  const seconds = (performance.now() - began) / 1_000;
  const code = await demo.stop();
  if (code !== 0) throw new Error(`stopping a serving demo gave exit code ${code}, not 0`);
  return seconds;
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
const rows = await withFolder(async (data) => [
  ["first start, to the first useful page", await secondsToPage(data), 240],
  ["second start, to the same page", await secondsToPage(data), 5],
]);

const interruptAfter = Number(flags.interrupt);
if (interruptAfter > 0) {
  const rest = await withFolder(async (data) => {
    const demo = start(data);
    await pause(interruptAfter * 1_000);
    const code = await demo.stop();
    if (code !== 130) throw new Error(`an interrupted start gave exit code ${code}, not 130`);
    return secondsToPage(data);
  });
  rows.push([`after Ctrl-C at ${interruptAfter} s, the rest of it`, rest, 240]);
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
].join("\n");
console.log(table);
if (flags.write) {
  await writeSection(join(root, "bench/results/demo.md"), "The demo, measured", table);
}
