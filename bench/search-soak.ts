/**
 * Search under load for a long time: shoppers search, filter and page over HTTP while the shop changes
 * prices, stock and words and takes items out and in, and a merchandiser works on rules, publishes them
 * and goes back. The server runs in a process of its own.
 *
 *     node bench/search-soak.ts [--minutes 30] [--shoppers 4] [--updates 20] [--rules 2] [--write]
 *
 * Every checkpoint stops the changes for a moment and compares what the server counts with the
 * catalogue as this process knows it, item by item, with and without the rules in force; listings that
 * were seen meanwhile are compared with the rules of the one version that each says it followed; memory
 * is read after a full collection. Before the clock starts, the words of every item change once, so that what is kept of changed items is as
 * large as it gets. At the end the catalogue's part of the snapshot is built anew from the store, with the models of the running one, and the
 * same searches are asked of both: how they are read, totals, counts, pages and scores must be equal.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createClient, type Client } from "@magpie/client";
import type { RankingResponse, SearchRequest } from "@magpie/contract";
import { simulateShop } from "@magpie/data";
import { isAvailable, type Item } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import { seededRandom, type Random } from "@magpie/numerics";
import { giveHeapRoom, startServer } from "@magpie/server";
import { fillEngine, trainEngine } from "./filled-engine.ts";
import { Merchandiser, soakContext } from "./search-soak-rules.ts";
import { writeSection } from "./write-section.ts";

const { values: flags } = parseArgs({
  options: {
    minutes: { type: "string", default: "30" },
    shoppers: { type: "string", default: "4" },
    updates: { type: "string", default: "20" },
    rules: { type: "string", default: "2" },
    write: { type: "boolean", default: false },
    serve: { type: "string" },
  },
});
const minutes = Number(flags.minutes);
const shoppers = Number(flags.shoppers);
const updatesPerSecond = Number(flags.updates);
const ruleChangesPerSecond = Number(flags.rules);
const checkpointMs = Math.min(60_000, (minutes * 60_000) / 4);
/** Models small enough to be trained in seconds: what is measured here is search. */
const recipe = { sasrec: { width: 16, blocks: 1, feedForward: 32, epochs: 2, historyLimit: 16 } };

/** Of one moment, so that both processes see the same catalogue. */
const nowMs = Date.parse("2026-06-01T12:00:00Z");
const simulated = () =>
  simulateShop({
    seed: 1,
    size: { items: 2_000, shoppers: 300, events: 15_000, days: 90 },
    nowMs,
  });

interface Memory {
  readonly rss: number;
  readonly heap: number;
  readonly external: number;
}

/** What the child does: makes a trained shop, serves it, and tells its memory when asked. */
async function serve(directory: string): Promise<void> {
  const shop = simulated();
  const engine = await openEngine(directory, { recipe });
  await fillEngine(engine, shop, nowMs);
  await trainEngine(engine);
  const limits = { requestsPerMinute: 100_000_000 };
  const { port } = await startServer({ engine, port: 0, openMode: true, limits });
  giveHeapRoom();
  process.on("message", async (asked) => {
    if (asked === "rebuild") {
      await trainEngine(engine, { catalogOnly: true });
      process.send!("rebuilt");
      return;
    }
    for (let i = 0; i < 3; i++) globalThis.gc!();
    const { rss, heapUsed, external } = process.memoryUsage();
    process.send!({ rss, heap: heapUsed, external } satisfies Memory);
  });
  process.send!({ port });
}

function answerOf<T>(child: ChildProcess, question?: string): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once("message", (message) => resolve(message as T));
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    if (question !== undefined) child.send(question);
  });
}

/** The catalogue as it should be, and changes to it in the order in which they are sent. */
class Shop {
  readonly present = new Map<string, Item>();
  readonly #all: readonly Item[];
  readonly #random: Random;
  readonly #client: Client;
  readonly #kept: ReadonlySet<string>;
  changes = 0;

  /** @param kept  items that are changed, and never taken out */
  constructor(items: readonly Item[], client: Client, kept: ReadonlySet<string>) {
    this.#all = items;
    this.#kept = kept;
    this.#client = client;
    this.#random = seededRandom(7, "soak/changes");
    for (const item of items) this.present.set(item.id, item);
  }

  /** Changes the words of every item and takes the change back. */
  async changeEveryItem(): Promise<void> {
    const itemsPerCall = 100;
    for (const more of [" fresh", ""]) {
      for (let from = 0; from < this.#all.length; from += itemsPerCall) {
        const items = this.#all.slice(from, from + itemsPerCall);
        await this.#client.upsertItems(
          items.map((item) => ({ ...item, title: `${item.title}${more}` })),
        );
      }
    }
  }

  /** Changes one item, and resolves when the server has it. */
  async change(): Promise<void> {
    const original = this.#all[this.#random.int(this.#all.length)]!;
    const item = this.present.get(original.id);
    this.changes++;
    if (item === undefined) return this.#put(original); // comes back as it was
    const kind = this.#random.next();
    if (kind < 0.05 && !this.#kept.has(item.id)) {
      this.present.delete(item.id);
      await this.#client.deleteItem(item.id);
    } else if (kind < 0.3) {
      // Words come and go, so that the catalogue does not grow with the time it runs.
      const word = ["fresh", "classic", "limited", "新款"][this.#random.int(4)]!;
      await this.#put({ ...item, title: `${original.title} ${word}` });
    } else {
      const [featured, ...others] = item.variants;
      const amount = 100 + this.#random.int(20_000);
      const available = this.#random.next() < 0.8;
      await this.#put({
        ...item,
        variants: [
          { ...featured!, price: { ...featured!.price, amount }, availability: { available } },
          ...others,
        ],
      });
    }
  }

  async #put(item: Item): Promise<void> {
    this.present.set(item.id, item);
    const { results } = await this.#client.upsertItems([item]);
    if (results[0]!.status === "refused") throw new Error(JSON.stringify(results[0]));
  }
}

const countsOf = (items: readonly Item[], valueOf: (item: Item) => string | undefined) => {
  const counts: Record<string, number> = {};
  for (const item of items) {
    const value = valueOf(item);
    if (value !== undefined) counts[value] = (counts[value] ?? 0) + 1;
  }
  return counts;
};
const asRecord = (answer: RankingResponse, field: string) =>
  Object.fromEntries(
    answer.facets!.find((facet) => facet.field === field)!.values.map((v) => [v.value, v.count]),
  );
const same = (a: object, b: object): boolean => {
  const text = (one: object) => JSON.stringify(Object.entries(one).toSorted());
  return text(a) === text(b);
};

/** Compares counts with the catalogue, item by item; gives what differs. */
async function wrongCounts(client: Client, present: ReadonlyMap<string, Item>): Promise<string[]> {
  const items = [...present.values()];
  const priceOf = ({ variants }: Item) => variants[0]!.price.amount;
  const wrong: string[] = [];
  const check = (what: string, isRight: boolean) => isRight || wrong.push(what);
  const all = await client.search({
    query: "",
    limit: 1,
    facets: [{ field: "brand", limit: 1_000 }, { field: "available" }, { field: "price" }],
  });
  check("total", all.total === items.length);
  check(
    "brands",
    same(
      asRecord(all, "brand"),
      countsOf(items, ({ brand }) => brand),
    ),
  );
  check(
    "stock",
    same(
      asRecord(all, "available"),
      countsOf(items, (i) => String(isAvailable(i))),
    ),
  );
  const statistics = all.facets!.find(({ field }) => field === "price")!.statistics!;
  check("prices", statistics.sum === items.reduce((sum, item) => sum + priceOf(item), 0));
  for (const brand of Object.keys(countsOf(items, (item) => item.brand)).slice(0, 5)) {
    const chosen = items.filter((item) => item.brand === brand && priceOf(item) <= 5_000);
    const found = await client.search({
      query: "",
      limit: 100,
      sort: { field: "price", order: "ascending" },
      refinements: [
        { field: "brand", anyOf: [brand] },
        { field: "price", max: 5_000 },
      ],
    });
    check(`${brand} up to 50`, found.total === chosen.length);
    const prices = chosen
      .map(priceOf)
      .sort((a, b) => a - b)
      .slice(0, 100);
    check(
      `${brand} in order`,
      same(
        found.items.map(({ item }) => priceOf(item)),
        prices,
      ),
    );
  }
  return wrong;
}

/** What an answer and the rebuilt index's must agree on, beside scores. */
const parts = {
  total: ({ total }: RankingResponse) => total,
  counts: ({ facets }: RankingResponse) => facets,
  reading: ({ understood }: RankingResponse) => understood,
  page: ({ items }: RankingResponse) => items.map(({ item }) => item.id),
} as const;
type Part = keyof typeof parts | "scores";

/** The parts in which two answers differ. */
function differences(a: RankingResponse, b: RankingResponse): Part[] {
  const found: Part[] = (Object.keys(parts) as (keyof typeof parts)[]).filter(
    (part) => JSON.stringify(parts[part](a)) !== JSON.stringify(parts[part](b)),
  );
  const areNear = a.items.every(
    ({ score }, i) => Math.abs(score - (b.items[i]?.score ?? NaN)) <= 1e-6,
  );
  return areNear ? found : [...found, "scores"];
}

const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
}

async function soak(directory: string): Promise<void> {
  const child = fork(import.meta.filename, ["--serve", directory], {
    execArgv: ["--expose-gc", ...process.execArgv],
  });
  process.on("exit", () => child.kill());
  const { port } = await answerOf<{ port: number }>(child);
  const client = createClient({ baseUrl: `http://127.0.0.1:${port}`, retries: 0 });
  const items = [...simulated().items];
  const words = [...new Set(items.flatMap(({ title }) => title.toLowerCase().split(/\s+/)))];
  const brands = [...new Set(items.flatMap(({ brand }) => brand ?? []))];
  const random = seededRandom(3, "soak/searches");
  const ask = (): SearchRequest => ({
    query: Array.from({ length: random.int(4) }, () => words[random.int(words.length)]).join(" "),
    limit: 20,
    offset: random.next() < 0.1 ? 20 * random.int(20) : 0,
    explain: random.next() < 0.3,
    highlight: { open: "<em>", close: "</em>" },
    facets: ["brand", "categories", "available", "price", "tags"].map((field) => ({ field })),
    ...(random.next() < 0.4 && {
      refinements: [{ field: "brand", anyOf: [brands[random.int(brands.length)]!] }],
    }),
    ...(random.next() < 0.2 && { sort: { field: "price", order: "ascending" as const } }),
    ...(random.next() < 0.4 && { contexts: [soakContext] }),
  });

  const merchandiser = new Merchandiser(items, client, seededRandom(11, "soak/rules"));
  const shop = new Shop(items, client, merchandiser.pinned);
  await shop.changeEveryItem();
  const waits: number[] = [];
  const changeWaits: number[] = [];
  const memory: (Memory & { readonly minute: number })[] = [];
  let failures = 0;
  const wrong: string[] = [];
  const byId = new Map(items.map((item) => [item.id, item]));
  let isPaused = false;
  let ruleChange: Promise<void> = Promise.resolve();
  let searches = 0;
  const started = performance.now();
  const endMs = started + minutes * 60_000;
  const shopper = async () => {
    while (performance.now() < endMs) {
      if (isPaused) {
        await pause(20);
        continue;
      }
      const began = performance.now();
      const isListing = random.next() < 0.15;
      const asked = isListing ? { query: "", limit: 20, contexts: [soakContext] } : ask();
      const answer = await client.search(asked).catch(() => void failures++);
      if (isListing && answer) merchandiser.note(answer);
      searches++;
      if (searches % 7 === 0) waits.push(performance.now() - began);
      await pause(20);
    }
  };
  const rulesChanger = async () => {
    while (performance.now() < endMs) {
      await pause(1_000 / ruleChangesPerSecond);
      if (isPaused) continue;
      ruleChange = merchandiser.change().catch(() => void failures++);
      await ruleChange;
    }
  };
  const changer = async () => {
    let nextCheck = started + checkpointMs;
    while (performance.now() < endMs) {
      const began = performance.now();
      await shop.change().catch(() => failures++);
      changeWaits.push(performance.now() - began);
      const waitMs = 1_000 / updatesPerSecond - (performance.now() - began);
      if (waitMs > 0) await pause(waitMs);
      if (performance.now() < nextCheck) continue;
      nextCheck += checkpointMs;
      isPaused = true;
      await ruleChange;
      wrong.push(...(await wrongCounts(client, shop.present)));
      wrong.push(...(await merchandiser.wrongCounts(shop.present)));
      wrong.push(...merchandiser.wrongListings((id) => byId.get(id)!));
      const minute = (performance.now() - started) / 60_000;
      memory.push({ minute, ...(await answerOf<Memory>(child, "memory")) });
      isPaused = false;
      const { rss, heap, external } = memory.at(-1)!;
      process.stderr.write(
        `minute ${minute.toFixed(1)}: ${searches} searches, ${shop.changes} changes, ` +
          `${merchandiser.changes} of rules, ${failures} failures, ` +
          `${wrong.length} wrong, ${mebibytes(rss)} MiB (heap ${mebibytes(heap)}, buffers ${mebibytes(external)})\n`,
      );
    }
  };
  await Promise.all([changer(), rulesChanger(), ...Array.from({ length: shoppers }, shopper)]);

  const asked = Array.from({ length: 200 }, (): SearchRequest => ({
    ...ask(),
    explain: false,
    offset: 0,
  }));
  // One after another: two hundred at once would wait for each other on a busy machine.
  const askAll = async () => {
    const answers: RankingResponse[] = [];
    for (const request of asked) answers.push(await client.search(request));
    return answers;
  };
  const answers = await askAll();
  await answerOf(child, "rebuild");
  const rebuilt = await askAll();
  const unlike = new Map<Part, number>();
  for (const [i, answer] of answers.entries()) {
    const parts = differences(answer, rebuilt[i]!);
    for (const part of parts) unlike.set(part, (unlike.get(part) ?? 0) + 1);
    if (parts.length > 0) {
      process.stderr.write(`${parts.join(", ")} unlike: ${JSON.stringify(asked[i])}\n`);
    }
  }
  const unlikeOf = (part: Part): string => `${unlike.get(part) ?? 0} of ${asked.length}`;
  wrong.push(...(await wrongCounts(client, shop.present)));
  wrong.push(...(await merchandiser.wrongCounts(shop.present)));
  wrong.push(...merchandiser.wrongListings((id) => byId.get(id)!));
  child.kill();

  const warm = memory.find(({ minute }) => minute >= minutes / 3)!;
  const from = memory.indexOf(warm);
  const above = (one: Memory, of: (one: Memory) => number) => 100 * (of(one) / of(warm) - 1);
  const growth = (of: (one: Memory) => number) => above(memory.at(-1)!, of).toFixed(1);
  const highest = (of: (one: Memory) => number) =>
    Math.max(...memory.slice(from).map((one) => above(one, of))).toFixed(1);
  const total = (one: Memory) => one.heap + one.external;
  const section = `### Search and changes side by side, ${minutes} minutes

${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model} · Node ${process.version} · \`node bench/search-soak.ts --minutes ${minutes} --shoppers ${shoppers} --updates ${updatesPerSecond} --rules ${ruleChangesPerSecond}\`

${items.length.toLocaleString("en")} simulated items; searches with five facets, choices, orders and deep pages; changes of price and stock (70 %), of words (25 %), removals (5 %) that come back. Up to eight rules that pin, hide, boost, filter and show banners for the pages that send their tag: put, deleted, published, rolled back. Server and load share the machine.

| searches | per second | p50 ms | p95 ms | p99 ms | changes | change p95 ms | changes of rules | publications | listings compared with the rules of their version | failures | wrong counts at ${memory.length + 1} checks | totals unlike the rebuilt index | counts | readings | pages | scores | heap and buffers from a third on, at the end (highest) | RSS then |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
| ${searches} | ${(searches / minutes / 60).toFixed(0)} | ${quantile(waits, 0.5).toFixed(1)} | ${quantile(waits, 0.95).toFixed(1)} | ${quantile(waits, 0.99).toFixed(1)} | ${shop.changes} | ${quantile(changeWaits, 0.95).toFixed(1)} | ${merchandiser.changes} | ${merchandiser.publications} | ${merchandiser.compared} | ${failures} | ${wrong.length} | ${unlikeOf("total")} | ${unlikeOf("counts")} | ${unlikeOf("reading")} | ${unlikeOf("page")} | ${unlikeOf("scores")} | ${growth(total)} % (${highest(total)} %) | ${growth(({ rss }) => rss)} % (${highest(({ rss }) => rss)} %) |
`;
  process.stdout.write(
    `${section}\n${wrong.length > 0 ? `wrong: ${wrong.slice(0, 10).join("; ")}\n` : ""}`,
  );
  if (flags.write) {
    await writeSection(
      join(import.meta.dirname, "results", "search-soak.md"),
      "Search under load",
      section,
    );
  }
  if (failures > 0 || wrong.length > 0 || unlike.size > 0) process.exitCode = 1;
}

if (flags.serve !== undefined) {
  await serve(flags.serve);
} else {
  const directory = mkdtempSync(join(tmpdir(), "magpie-soak-"));
  try {
    await soak(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
