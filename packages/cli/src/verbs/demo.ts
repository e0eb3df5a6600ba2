import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import {
  importCatalog,
  importEvents,
  openStore,
  simulateShop,
  type QualityReport,
  type SimulatedShop,
} from "@magpie/data";
import { MagpieError, type Event } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import { Option } from "commander";
import { formatSeconds } from "../progress-line.ts";
import type { Shell } from "../shell.ts";
import { ensureStorefront } from "../storefront-build.ts";
import { addresses, serveUntilStopped } from "./serve.ts";
import { measurementText, searchRankingText, trainToEnd, type TrainingResult } from "./train.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

interface Given {
  readonly port: number;
  readonly seed: number;
  readonly size: "tiny" | "demo" | "million";
  readonly budget: number;
  readonly exit?: boolean;
}

/** What the demo shop is made from; the same words make the same shop. */
interface DemoShop {
  readonly seed: number;
  readonly size: Given["size"];
  /** End of the simulated time. */
  readonly nowMs: number;
}

const catalogFile = "catalog.jsonl.gz";
const eventsFile = "events.jsonl.gz";
/** Written last: where it stands, the two files are whole. */
const shopFile = "shop.json";
/** Stands when the files are in the store and all models were trained, so that nothing is done twice. */
const readyFile = "ready";

async function* linesOf(values: Iterable<unknown>): AsyncGenerator<string> {
  for (const value of values) yield `${JSON.stringify(value)}\n`;
}

function* wireEvents(events: Iterable<Event>, shell: Shell): Generator<unknown> {
  const { onProgress, signal } = shell.work();
  let done = 0;
  for (const { timestampMs, ...event } of events) {
    signal.throwIfAborted();
    if (++done % 2_000 === 0) onProgress({ stage: "simulate", done, unit: "events" });
    yield { ...event, timestamp: new Date(timestampMs).toISOString() };
  }
}

async function writeGzip(path: string, values: Iterable<unknown>, signal: AbortSignal) {
  const draft = `${path}.part`;
  await pipeline(Readable.from(linesOf(values)), createGzip(), createWriteStream(draft), {
    signal,
  });
  await rename(draft, path);
}

/** Writes the shop as the files that any shop would bring, unless they are there. */
async function shopFiles(folder: string, given: Given, shell: Shell): Promise<SimulatedShop> {
  const stamp = join(folder, shopFile);
  const known = existsSync(stamp)
    ? (JSON.parse(await readFile(stamp, "utf8")) as DemoShop)
    : undefined;
  const made = known ?? { seed: given.seed, size: given.size, nowMs: Date.now() };
  const shop = simulateShop(made);
  if (known !== undefined) return shop;

  shell.note(
    `Making a shop: ${shop.items.length.toLocaleString("en-US")} products in English and Chinese, ${shop.shoppers.length.toLocaleString("en-US")} shoppers.`,
  );
  await mkdir(folder, { recursive: true });
  await writeGzip(join(folder, catalogFile), shop.items, shell.signal);
  await writeGzip(join(folder, eventsFile), wireEvents(shop.events(), shell), shell.signal);
  await writeFile(stamp, JSON.stringify(made));
  return shop;
}

function importText({ kind, rowsRead, rowsStored, seconds }: QualityReport): string {
  const rate = Math.round(rowsRead / Math.max(seconds, 0.001)).toLocaleString("en-US");
  return `Imported ${rowsStored.toLocaleString("en-US")} of ${rowsRead.toLocaleString("en-US")} ${kind} rows in ${seconds.toFixed(1)} s (${rate}/s); magpie inspect tells about the others.`;
}

/** Brings the files into the store; what is there already is not brought again. */
async function importShop(folder: string, shop: SimulatedShop, shell: Shell): Promise<void> {
  const store = await openStore(shell.dataFolder);
  try {
    const options = { source: "demo", nowMs: shop.nowMs };
    const files = join(folder, catalogFile);
    const catalog = await importCatalog(store, files, options, shell.work());
    if (!catalog.isAlreadyImported) shell.note(importText(catalog.report));
    await store.catalog.upsertShops(shop.shops);
    await store.catalog.upsertPromotions(shop.promotions);
    const events = await importEvents(store, join(folder, eventsFile), options, shell.work());
    if (!events.isAlreadyImported) shell.note(importText(events.report));
  } finally {
    await store.close();
  }
}

/** Trains while the page is up. What goes wrong costs the better models, and not the page. */
async function learnOn(learnAll: () => Promise<TrainingResult>, shell: Shell): Promise<void> {
  try {
    const result = await learnAll();
    const texts = [
      `Snapshot ${result.version} has taken over: all models, and the order of searches.`,
      measurementText(result),
      searchRankingText(result),
    ];
    shell.note(`\n${texts.filter((text) => text !== "").join("\n\n")}`);
  } catch (error) {
    if (shell.signal.aborted) return;
    const why = error instanceof MagpieError ? `${error.message} ${error.hint}` : String(error);
    shell.note(`\nThe page goes on with the models that count: ${why}`);
  }
}

export const demo: Verb = (program, shellOf) => {
  program
    .command("demo")
    .description("a simulated bilingual shop with everything running: storefront, API, models")
    .option("--port <n>", "where to listen on this machine", wholeNumber(0), 7700)
    .option("--seed <n>", "of the shop that is made", wholeNumber(0), 7)
    .addOption(
      new Option("--size <name>", "how large a shop")
        .choices(["tiny", "demo", "million"])
        .default("demo"),
    )
    .option("--budget <seconds>", "train about this long", wholeNumber(5), 75)
    .option("--exit", "make everything ready, print it, and stop")
    .addHelpText(
      "after",
      examples(
        "magpie demo\nmagpie demo --port 8080\nmagpie --data /tmp/big demo --size million --budget 900",
      ),
    )
    .action(async (given: Given) => {
      const began = performance.now();
      const options = program.opts<{ readonly data?: string }>();
      const data = options.data ?? process.env["MAGPIE_DATA"] ?? "magpie-data/demo";
      const shell = shellOf({ ...options, data });
      const folder = join(shell.dataFolder, "source");

      const ready = join(folder, readyFile);
      const isReady = existsSync(ready);
      if (!isReady) {
        await importShop(folder, await shopFiles(folder, given, shell), shell);
      }
      const storefrontDir = await ensureStorefront((text) => shell.note(text));
      shell.signal.throwIfAborted();

      const engine = await openEngine(shell.dataFolder);
      const learnAll = async (): Promise<TrainingResult> => {
        const result = await trainToEnd(engine, { seed: 1, budgetSeconds: given.budget }, shell);
        await writeFile(ready, "");
        return result;
      };
      try {
        if (!isReady && given.exit) {
          shell.note("Training on what the shoppers did. Ctrl-C keeps what is done so far.");
          await learnAll();
        } else if ((await engine.health()).snapshot === undefined) {
          shell.note("Counting what the shoppers did, for a first page.");
          await trainToEnd(engine, { seed: 1, quick: true }, shell);
        }
        const active = (await engine.snapshots()).find(({ status }) => status === "active");
        const measured = (active?.summary ?? {}) as unknown as TrainingResult;
        const { items, events, snapshot } = await engine.health();
        const welcome = (url: string) => {
          const where = addresses(url, true);
          const seconds = (performance.now() - began) / 1_000;
          return {
            value: {
              ...where,
              items,
              events,
              snapshot,
              measurement: measured.measurement,
              seconds,
            },
            text: [
              "",
              measurementText(measured),
              ...(measured.searchRanking ? ["", searchRankingText(measured)] : []),
              "",
              `Storefront     ${where.storefront}`,
              `API docs       ${where.documentation}`,
              `API            ${where.api}`,
              `Metrics        ${where.metrics}`,
              "",
              `${items.toLocaleString("en-US")} products, ${events.toLocaleString("en-US")} events, snapshot ${snapshot ?? "none"}; ready after ${formatSeconds(seconds)}.`,
              ...(isReady || given.exit
                ? []
                : [
                    "Those models count. Others learn now, while you look around, and take over when they are done.",
                  ]),
              given.exit
                ? ""
                : "Look at a few products, then go home again: the feed has changed. Ctrl-C stops; the next start takes seconds.",
            ].join("\n"),
          };
        };
        if (given.exit) {
          const { value, text } = welcome(`http://127.0.0.1:${given.port}`);
          shell.result(value, text);
          return;
        }
        await serveUntilStopped(
          engine,
          { port: given.port, openMode: true, storefrontDir },
          shell,
          welcome,
          isReady ? undefined : () => learnOn(learnAll, shell),
        );
      } finally {
        await engine.close();
      }
    });
};
