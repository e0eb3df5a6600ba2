/**
 * `recommend` on a shop of 100,000 items under open-loop load: requests arrive when they arrive,
 * whether or not the ones before are answered, and latency counts from the arrival.
 *
 *     node bench/recommend.ts [--items 100000] [--rate 50] [--seconds 60] [--write]
 *
 * The snapshot is synthetic and built directly (untrained models of full size, clustered vectors):
 * this measures time and memory, not quality. One process makes the shop; another one, held to one
 * core by `taskset` where there is such a command, opens it, answers and makes the load, so that its
 * memory is that of serving. `--write` puts the table into `bench/results/recommend.md`.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { itemVocabulary, openStore } from "@magpie/data";
import { silentWork, userId, type Event, type Item } from "@magpie/domain";
import { openEngine } from "@magpie/engine";
import {
  LinearItemModel,
  parameterCountOf,
  PopularityModel,
  SequenceModel,
  sasRecDefaults,
  type TrainedModel,
} from "@magpie/models";
import { seededRandom, type Random } from "@magpie/numerics";
import { Int8VectorIndex } from "@magpie/retrieval";
import { giveHeapRoom } from "@magpie/server";
import { weightDefaults } from "../packages/engine/src/scenarios/scenarios.ts";
import { makeDraft, sealSnapshot } from "../packages/engine/src/snapshot/folder.ts";
import {
  modelFolder,
  snapshotFiles,
  type SnapshotFacts,
} from "../packages/engine/src/snapshot/manifest.ts";
import { writeCatalog } from "../packages/engine/src/training/write-catalog.ts";

const { values: flags } = parseArgs({
  options: {
    items: { type: "string", default: "100000" },
    rate: { type: "string", default: "50" },
    seconds: { type: "string", default: "60" },
    write: { type: "boolean", default: false },
    /** What this process does for the one that was started by hand. */
    part: { type: "string" },
    directory: { type: "string", default: "" },
  },
});
const itemCount = Number(flags.items);
const rate = Number(flags.rate);
const seconds = Number(flags.seconds);
const userCount = 5_000;
const eventsPerUser = 30;
const width = 64;
const nowMs = Date.parse("2026-06-01T12:00:00Z");
const dayMs = 24 * 3_600_000;
const noCost = { wallSeconds: 0, cpuSeconds: 0, peakRssBytes: 0 };

function items(random: Random): Item[] {
  const words = Array.from({ length: 5_000 }, () => {
    const letters = Array.from({ length: 4 + random.int(6) }, () => 97 + random.int(26));
    return String.fromCharCode(...letters);
  });
  return Array.from({ length: itemCount }, (_, i): Item => {
    const department = random.int(12);
    const leaf = random.int(20);
    return {
      id: `item-${i}`,
      title: Array.from({ length: 8 }, () => words[Math.floor(5_000 * random.next() ** 3)]).join(
        " ",
      ),
      brand: `Brand ${random.int(800)}`,
      shopId: `shop-${random.int(50)}`,
      categories: [`Department ${department} > Category ${department}.${leaf}`],
      createdAt: new Date(nowMs - random.int(700) * dayMs).toISOString(),
      variants: [
        {
          id: `item-${i}-v`,
          price: { amount: 500 + random.int(50_000), currency: "EUR" },
          availability: { available: random.next() < 0.9 },
        },
      ],
    };
  });
}

/** [items + 1, width]: clustered, as trained vectors are. */
function clusteredVectors(random: Random): Float32Array {
  const clusters = Array.from({ length: 600 * width }, () => random.normal());
  const vectors = new Float32Array((itemCount + 1) * width);
  for (let row = 1; row <= itemCount; row++) {
    const from = random.int(600) * width;
    for (let d = 0; d < width; d++) {
      vectors[row * width + d] = 0.1 * (clusters[from + d]! + 0.5 * random.normal());
    }
  }
  return vectors;
}

function models(random: Random): { trained: TrainedModel[]; vectors: Float32Array } {
  const vectors = clusteredVectors(random);
  const dense = Float32Array.from({ length: parameterCountOf(sasRecDefaults) }, () => {
    return 0.1 * random.normal();
  });
  const neighbours = 100;
  const offsets = Int32Array.from({ length: itemCount + 2 }, (_, row) => {
    return Math.max(0, row - 1) * neighbours;
  });
  const indices = new Int32Array(itemCount * neighbours);
  for (let row = 0; row < itemCount; row++) {
    const step = 1 + random.int(Math.floor(itemCount / neighbours) - 1);
    for (let n = 0; n < neighbours; n++) indices[row * neighbours + n] = 1 + n * step;
  }
  const weights = {
    rows: itemCount + 1,
    columns: itemCount + 1,
    offsets,
    indices,
    values: Float32Array.from({ length: indices.length }, () => random.next()),
  };
  const scores = Float32Array.from({ length: itemCount + 1 }, (_, row) => {
    return row === 0 ? -Infinity : 10_000 / row;
  });
  return {
    vectors,
    trained: [
      new PopularityModel("popularity", { windowDays: null, halfLifeDays: null }, scores, noCost),
      new LinearItemModel("item-knn", "item-kNN", { recency: 1 }, weights, noCost),
      new SequenceModel(
        sasRecDefaults,
        { dense, inputItems: vectors, outputItems: vectors },
        [],
        noCost,
      ),
    ],
  };
}

async function makeShop(directory: string): Promise<void> {
  const random = seededRandom(1, "bench/recommend");
  const catalogue = items(random);
  const store = await openStore(directory);
  for (let from = 0; from < catalogue.length; from += 5_000) {
    await store.catalog.upsert(catalogue.slice(from, from + 5_000), "bench");
  }
  const bulk = store.events.openBulk("bench", "bench");
  for (let u = 0; u < userCount; u++) {
    for (let e = 0; e < eventsPerUser; e++) {
      const event: Event = {
        eventId: `${u}-${e}`,
        type: e % 10 === 9 ? "purchase" : "view",
        timestampMs: nowMs - (eventsPerUser - e) * 3_600_000,
        userId: `user-${u}`,
        items: [{ itemId: `item-${random.int(itemCount)}` }],
      };
      await bulk.add(event);
    }
  }
  await bulk.commit();

  const snapshotsRoot = join(directory, "snapshots");
  await mkdir(snapshotsRoot, { recursive: true });
  const draft = await makeDraft(snapshotsRoot, "bench");
  const vocabulary = itemVocabulary(catalogue.map(({ id }) => id));
  async function* batches() {
    for (let from = 0; from < catalogue.length; from += 1_000) {
      yield catalogue.slice(from, from + 1_000);
    }
  }
  const nobodySearched = { queries: [], takes: [], synonyms: [] };
  await writeCatalog(
    {
      vocabulary,
      items: batches(),
      draft,
      taken: new Uint32Array(catalogue.length + 1),
      searches: nobodySearched,
      seed: 1,
    },
    silentWork(),
  );
  const { trained, vectors } = models(random);
  for (const model of trained) {
    await mkdir(join(draft, modelFolder(model.kind)), { recursive: true });
    await model.save(join(draft, modelFolder(model.kind)));
    await model.dispose();
  }
  await writeFile(
    join(draft, snapshotFiles.vectors),
    new Int8VectorIndex(vectors, width).toBytes(),
  );
  const facts: SnapshotFacts = {
    catalogRevision: await store.catalog.revision(),
    events: userCount * eventsPerUser,
    items: itemCount,
    users: userCount,
    interactions: userCount * eventsPerUser,
    vocabularySha256: vocabulary.digest,
    seed: 1,
    models: trained.map(({ kind, name, config, cost }) => ({ kind, name, config, cost })),
    popularityDays: null,
    weights: weightDefaults,
    notes: [],
    cost: noCost,
  };
  const manifest = await sealSnapshot(snapshotsRoot, draft, facts, nowMs);
  await store.snapshots.register({
    version: manifest.version,
    createdMs: nowMs,
    path: join("snapshots", manifest.version),
    summary: {},
  });
  await store.snapshots.activate(manifest.version);
  await store.close();
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
const ms = (value: number): string => value.toFixed(2);

/** Opens the shop, answers under load, and gives the table. */
async function measure(directory: string): Promise<string> {
  const openStarted = performance.now();
  const engine = await openEngine(directory, { now: () => nowMs, verify: "never" });
  const openMs = performance.now() - openStarted;

  const random = seededRandom(2, "bench/recommend/load");
  const ask = () =>
    engine.recommend("home-feed", {
      user: userId(`user-${random.int(userCount)}`),
      limit: 20,
      explain: true,
      filter: {
        availableOnly: true,
        categories: [`Department ${random.int(12)}`, `Department ${random.int(12)}`],
        priceCents: { max: 40_000 },
      },
    });
  for (let i = 0; i < 200; i++) await ask();
  giveHeapRoom(); // as `magpie serve` does

  const latencies: number[] = [];
  const stages = new Map<string, number[]>();
  let empty = 0;
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let arrival = started;
  const pending: Promise<void>[] = [];
  while (arrival < started + seconds * 1_000) {
    arrival += (-Math.log(1 - random.next()) / rate) * 1_000;
    const wait = arrival - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const arrived = arrival;
    pending.push(
      ask().then(({ items: shown, timings }) => {
        latencies.push(performance.now() - arrived);
        if (shown.length === 0) empty++;
        for (const { stage, ms: spent } of timings) {
          const all = stages.get(stage);
          if (all === undefined) stages.set(stage, [spent]);
          else all.push(spent);
        }
      }),
    );
    // A timer that fires late must not make later requests arrive late: they are sent at once.
    if (wait <= 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(pending);
  const cpu = process.cpuUsage(cpuBefore);
  const wallSeconds = (performance.now() - started) / 1_000;
  const cpuSeconds = (cpu.user + cpu.system) / 1e6;
  const rss = process.memoryUsage.rss();
  await engine.close();

  latencies.sort((a, b) => a - b);
  const lines = [
    `## recommend, ${itemCount.toLocaleString("en")} items × ${width}-d, ${rate} requests/s`,
    "",
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]?.model} · Node ${process.version} · ` +
      `\`${command}\``,
    "",
    `Home feed of a known user, 20 items, sequence model encoded on request, filter on stock, category and price, explanations on; Poisson arrivals, latency from arrival to answer, timer delay included.`,
    "",
    "| requests | answered/s | p50 ms | p90 ms | p99 ms | max ms | CPU ms/request | cores used | memory (RSS) | opening | empty answers |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
    `| ${latencies.length} | ${(latencies.length / wallSeconds).toFixed(1)} | ${ms(quantile(latencies, 0.5))} | ${ms(quantile(latencies, 0.9))} | ${ms(quantile(latencies, 0.99))} | ${ms(latencies.at(-1)!)} | ${ms((cpuSeconds / latencies.length) * 1_000)} | ${(cpuSeconds / wallSeconds).toFixed(2)} | ${Math.round(rss / 2 ** 20)} MiB | ${Math.round(openMs)} ms | ${empty} |`,
    "",
    "| stage | p50 ms | p99 ms |",
    "|---|---|---|",
    ...[...stages].map(([stage, all]) => {
      all.sort((a, b) => a - b);
      return `| ${stage} | ${ms(quantile(all, 0.5))} | ${ms(quantile(all, 0.99))} |`;
    }),
    "",
  ];
  return lines.join("\n");
}

const command = `node bench/recommend.ts --items ${itemCount} --rate ${rate} --seconds ${seconds}`;

/** Runs this file again for one part, on one core where that can be asked for. */
function runPart(part: string, directory: string, pinned: boolean): string {
  const args = [
    import.meta.filename,
    `--part=${part}`,
    `--directory=${directory}`,
    `--items=${flags.items}`,
    `--rate=${flags.rate}`,
    `--seconds=${flags.seconds}`,
  ];
  const [program, programArgs] =
    pinned && spawnSync("taskset", ["-V"]).status === 0
      ? ["taskset", ["-c", "0", process.execPath, ...args]]
      : [process.execPath, args];
  return execFileSync(program, programArgs, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

if (flags.part === "make") {
  await makeShop(flags.directory);
} else if (flags.part === "measure") {
  console.log(await measure(flags.directory));
} else {
  const directory = await mkdtemp(join(tmpdir(), "magpie-bench-"));
  try {
    runPart("make", directory, false);
    const table = runPart("measure", directory, true);
    console.log(table);
    if (flags.write) {
      const results = join(import.meta.dirname, "results");
      await mkdir(results, { recursive: true });
      await writeFile(join(results, "recommend.md"), table);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
