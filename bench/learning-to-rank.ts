/**
 * Orders of searches on the simulated shop: by default, learned from what shoppers chose, and with each
 * shopper's own past.
 *
 *     node bench/learning-to-rank.ts [--seeds 3] [--size demo] [--dry]
 *
 * Every seed is a shop of its own. Searches are split by time: 70 % are trained on, 12 % stop the
 * training, the last 18 % are asked about once; what is known of items stands still from the first of
 * those 30 % on. Beside the forests stands a weighted sum of the same features (conditional logit).
 * Writes bench/results/learning-to-rank.md unless --dry.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  buildSequences,
  buildVocabularies,
  openStore,
  simulateShop,
  simulationScales,
} from "@magpie/data";
import { itemIndex, silentWork, type Event, type ItemIndex } from "@magpie/domain";
import { fitConditionalLogit, type RankingRows } from "@magpie/models";
import { mean, meanInterval } from "@magpie/numerics";
import { InvertedTextIndex } from "@magpie/retrieval";
import { readSearchExamples } from "../packages/engine/src/learned-ranking/learn-search-order.ts";
import {
  correct,
  type LearnedModel,
  type LearnedParts,
} from "../packages/engine/src/learned-ranking/learned-ranker.ts";
import type { SearchExamples } from "../packages/engine/src/learned-ranking/search-examples.ts";
import {
  searchFeatures,
  tasteFeatures,
} from "../packages/engine/src/learned-ranking/search-features.ts";
import { readSearchLog } from "../packages/engine/src/learned-ranking/search-log.ts";
import {
  qualityOf,
  rankingRows,
  searchRankerDefaults,
  trainSearchRanker,
  type OrderQuality,
  type SearchRankerReport,
} from "../packages/engine/src/learned-ranking/train-search-ranker.ts";
import { snapshotFiles } from "../packages/engine/src/snapshot/manifest.ts";
import { takenOf } from "../packages/engine/src/training/build-suggester.ts";
import { learnSearches } from "../packages/engine/src/training/learn-searches.ts";
import { writeCatalog } from "../packages/engine/src/training/write-catalog.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    seeds: { type: "string", default: "3" },
    size: { type: "string", default: "demo" },
    dry: { type: "boolean", default: false },
  },
});
const seeds = Array.from({ length: Number(options.seeds) }, (_, i) => i + 1);
const size = options.size as keyof typeof simulationScales;
const nowMs = Date.UTC(2026, 5, 1);

interface Shop extends Omit<LearnedParts, "model"> {
  readonly examples: SearchExamples;
  readonly text: InvertedTextIndex;
}

/** A simulated shop whose searches are answered again, each as in its time. */
async function shopOf(seed: number): Promise<Shop> {
  const simulated = simulateShop({ seed, size, nowMs });
  const folder = await mkdtemp(join(tmpdir(), "magpie-learning-to-rank-"));
  const draft = join(folder, "draft");
  await mkdir(draft);
  const store = await openStore(join(folder, "shop"));
  try {
    await store.catalog.upsert(simulated.items, "simulator");
    let batch: Event[] = [];
    for (const event of simulated.events()) {
      batch.push(event);
      if (batch.length < 5_000) continue;
      await store.events.append(batch, "simulator");
      batch = [];
    }
    await store.events.append(batch, "simulator");
    const vocabularies = await buildVocabularies(store.events, store.catalog);
    const sequences = await buildSequences(store.events, vocabularies);
    const searches = await learnSearches(store.events, nowMs);
    const searchLog = (await readSearchLog(store.events, vocabularies))!;
    const encoder = { kind: "embedded" } as const;
    const items = store.catalog.scan();
    const vocabulary = vocabularies.items;
    const taken = takenOf(sequences, vocabulary.size + 1);
    const { catalog, meanings } = await writeCatalog(
      { vocabulary, taken, searches, items, draft, encoder, seed },
      silentWork(),
    );
    const { examples, lexicon, features } = await readSearchExamples(
      {
        draft,
        catalog,
        sequences,
        searchLog,
        searches,
        popularityDays: 28,
        encoder,
        isEncoderAdapted: meanings.adaptation?.isUsed ?? false,
        seed,
      },
      silentWork(),
    );
    const text = await InvertedTextIndex.open(await readFile(join(draft, snapshotFiles.text)));
    return { examples, lexicon, features, catalog, text };
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

/** Orders by a weighted sum of the features: standardised, what is missing taken for the mean. */
function linearOrders({ train, heldOut }: SearchExamples, withTaste: boolean): ItemIndex[][] {
  const [rows, tastes] = (["items", "taste"] as const).map((describedBy) =>
    rankingRows(train, { describedBy, scale: 1, before: undefined, seed: 1 }),
  ) as [RankingRows, RankingRows];
  const own = searchFeatures.length;
  const F = own + (withTaste ? tasteFeatures.length : 0);
  const all = new Float32Array(rows.grades.length * F);
  for (let row = 0; row < rows.grades.length; row++) {
    all.set(rows.features.subarray(row * own, (row + 1) * own), row * F);
    if (!withTaste) continue;
    const T = tasteFeatures.length;
    all.set(tastes.features.subarray(row * T, (row + 1) * T), row * F + own);
  }
  const columns = Array.from({ length: F }, (_, f) => {
    const known = Array.from(rows.grades, (_grade, row) => all[row * F + f]!).filter(
      (value) => !Number.isNaN(value),
    );
    const center = known.length === 0 ? 0 : mean(known);
    const spread = Math.sqrt(mean(known.map((value) => (value - center) ** 2)));
    return { center, spread: spread > 0 ? spread : 1 };
  });
  const scaled = (value: number, f: number): number =>
    Number.isNaN(value) ? 0 : (value - columns[f]!.center) / columns[f]!.spread;
  const { weights } = fitConditionalLogit(
    {
      featureCount: F,
      features: all.map((value, i) => scaled(value, i % F)),
      offsets: rows.offsets,
      taken: rows.grades.map((grade) => Math.min(1, grade)),
    },
    1e-3,
  );
  return heldOut.map(({ candidates, features, taste }) =>
    candidates
      .map(({ itemIndex }, i) => {
        let score = 0;
        for (let f = 0; f < F; f++) {
          const value =
            f < own ? features[i * own + f]! : (taste?.[i * tasteFeatures.length + f - own] ?? NaN);
          score += weights[f]! * scaled(value, f);
        }
        return { itemIndex, score };
      })
      .sort((a, b) => b.score - a.score)
      .map(({ itemIndex }) => itemIndex),
  );
}

/** Milliseconds of processor time per query that the learned order costs, on average. */
interface Latency {
  readonly describe: number;
  readonly correct: number;
  /** What it costs the text index to say what each word gave in each field, for the same hits. */
  readonly wordByWord: number;
}

/** Queries that the learned order is timed on. */
const timedQueries = 500;

/**
 * Mean processor time of the thread that answers, which other work on the machine does not lengthen. Its
 * clock ticks in milliseconds: many calls are timed at once, after as many that warm up.
 */
function meanProcessorMs<T>(inputs: readonly T[], work: (input: T) => unknown): number {
  inputs.forEach(work);
  const before = process.threadCpuUsage();
  inputs.forEach(work);
  const { user, system } = process.threadCpuUsage();
  return (user + system - before.user - before.system) / 1_000 / inputs.length;
}

/** Times the learned order on windows of 200, filled up from the catalogue where fewer were found. */
function timeCorrections(
  { examples, text, features, ...parts }: Shop,
  model: LearnedModel,
): Latency {
  const searches = examples.heldOut
    .filter(({ taste }) => taste !== undefined)
    .slice(0, timedQueries)
    .map(({ request, candidates }, round) => {
      const found = new Set<number>(candidates.map(({ itemIndex: row }) => row));
      const others = Array.from({ length: 400 }, (_, i) => 1 + ((round * 7 + i * 3) % 2_000));
      const window = [...found, ...others.filter((row) => !found.has(row))].slice(0, 200);
      return {
        request,
        candidates: window.map((row, i) => ({
          itemIndex: itemIndex(row),
          score: 1 / (1 + i),
          contributions: [],
        })),
        hits: text.search(request.query!, { limit: 200, locale: "zh" }),
        near: new Map(window.slice(0, 100).map((row, i) => [row, 0.9 - i / 200])),
      };
    });
  const described = searches.map((search) => ({
    ...search,
    features: features.describe(search),
    taste: features.describeTaste(search),
  }));
  const searchMs = (explain: boolean): number =>
    meanProcessorMs(searches, ({ request }) =>
      text.search(request.query!, { limit: 200, locale: "zh", explain }),
    );
  return {
    describe: meanProcessorMs(searches, (search) => {
      features.describe(search);
      features.describeTaste(search);
    }),
    correct: meanProcessorMs(described, (search) => correct({ ...parts, model }, search)),
    wordByWord: searchMs(true) - searchMs(false),
  };
}

interface Measured {
  readonly orders: Readonly<Record<string, OrderQuality>>;
  readonly report: SearchRankerReport;
  /** Held-out searches whose answer holds something that was chosen. */
  readonly reached: number;
  readonly trainSeconds: number;
  readonly rowsPerSecond: number;
  /** Where a model was good enough to be served. */
  readonly latency: Latency | undefined;
}

function measure(seed: number, shop: Shop): Measured {
  const { examples, lexicon, catalog } = shop;
  const started = process.cpuUsage();
  let trees = 0;
  const { report, model } = trainSearchRanker(
    examples,
    { lexicon, catalog },
    searchRankerDefaults,
    {
      seed,
      signal: new AbortController().signal,
      onTree: () => trees++,
    },
  );
  const { user, system } = process.cpuUsage(started);
  const trainSeconds = (user + system) / 1e6;
  const rows = rankingRows(examples.train, {
    describedBy: "items",
    scale: 1,
    before: undefined,
    seed,
  }).grades.length;
  return {
    report,
    orders: {
      default: report.byDefault,
      "weighted sum": qualityOf(examples.heldOut, linearOrders(examples, false)),
      "weighted sum, with the past": qualityOf(examples.heldOut, linearOrders(examples, true)),
      learned: report.learned,
      "learned, with the past": report.withTaste,
    },
    reached: examples.heldOut.filter(({ grades }) => grades.some((grade) => grade > 0)).length,
    trainSeconds,
    rowsPerSecond: (rows * trees) / trainSeconds,
    latency: model && timeCorrections(shop, model),
  };
}

/** A row of the table: means over seeds with half of the 95 % interval. */
function row(name: string, runs: readonly Measured[]): string {
  const of = (metric: keyof OrderQuality): string => {
    const { mean: middle, high } = meanInterval(runs.map(({ orders }) => orders[name]![metric]));
    return `${middle.toFixed(4)} ± ${(high - middle).toFixed(4)}`;
  };
  const gains = runs.map(({ orders }) => orders[name]!.ndcgAt10 / orders["default"]!.ndcgAt10 - 1);
  const gain = meanInterval(gains);
  const relative =
    name === "default"
      ? ""
      : `${(100 * gain.mean).toFixed(1)} % ± ${(100 * (gain.high - gain.mean)).toFixed(1)}`;
  return `| ${name} | ${of("ndcgAt10")} | ${relative} | ${of("mrr")} | ${of("mrrOfBought")} |`;
}

/** What the learned order adds to a query, as the mean over shops. */
function latencyText(measured: readonly Measured[]): string {
  const known = measured.flatMap(({ latency }) => latency ?? []);
  if (known.length === 0) return "";
  const of = (part: keyof Latency): string =>
    `${mean(known.map((latency) => latency[part])).toFixed(2)} ms`;
  return `Processor time added to a query of 200 candidates, mean of ${timedQueries} queries a shop: describing them ${of("describe")}, scoring
and ordering ${of("correct")}, the match word by word ${of("wordByWord")}.`;
}

const runs: Measured[] = [];
for (const seed of seeds) {
  const run = measure(seed, await shopOf(seed));
  runs.push(run);
  const { searches, trees, tasteTrees, isUsed, isTasteUsed } = run.report;
  process.stderr.write(
    `seed ${seed}: ${JSON.stringify({ searches, trees, tasteTrees, isUsed, isTasteUsed, reached: run.reached, trainSeconds: run.trainSeconds, rowsPerSecond: run.rowsPerSecond })}\n`,
  );
}
const { items, shoppers, events } = simulationScales[size];
const shares = runs[0]!.report.importance.map(({ feature }) => ({
  feature,
  share: mean(
    runs.map(({ report }) => report.importance.find((one) => one.feature === feature)?.share ?? 0),
  ),
}));
const count = (of: (run: Measured) => number): string =>
  Math.round(mean(runs.map(of))).toLocaleString("en-US");
const section = `### Simulated shop, ${items.toLocaleString("en-US")} items, ${shoppers.toLocaleString("en-US")} shoppers, ${events.toLocaleString("en-US")} events

Made by \`node bench/learning-to-rank.ts --seeds ${seeds.length} --size ${size}\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]?.model.trim()}, Node ${process.version}.

Mean of ${seeds.length} shops (seeds ${seeds.join(", ")}) ± half of the 95 % t-interval. Per shop, on average, ${count(({ report }) => report.searches.train)} searches were
trained on, ${count(({ report }) => report.searches.validation)} stopped the training, ${count(({ report }) => report.searches.heldOut)} later ones were asked about once; in ${count(({ reached }) => reached)} of those the
answer held something that was chosen at all. NDCG@10 with gain 2^grade − 1 (opened 1, carted 2, bought 3), each
search weighted by the inverse chance that its chosen places are looked at; MRR of the first chosen item; MRR of
the first bought item over searches that led to an order. What was not found counts as missed.

| order | NDCG@10 | against default | MRR | MRR of orders |
|---|---|---|---|---|
${Object.keys(runs[0]!.orders)
  .map((name) => row(name, runs))
  .join("\n")}

Served: the learned order in ${runs.filter(({ report }) => report.isUsed).length} of ${runs.length} shops, with the past in ${runs.filter(({ report }) => report.isTasteUsed).length}. Trees: ${runs.map(({ report }) => `${report.trees} + ${report.tasteTrees}`).join(", ")}. Growing and
measuring them took ${runs.map(({ trainSeconds }) => `${trainSeconds.toFixed(0)} s`).join(", ")} (${count(({ rowsPerSecond }) => rowsPerSecond)} rows a second and tree) of processor time.

${latencyText(runs)}

What the first forest gained by, share of all gains: ${shares
  .toSorted((a, b) => b.share - a.share)
  .slice(0, 10)
  .map(({ feature, share }) => `${feature} ${(100 * share).toFixed(0)} %`)
  .join(", ")}.
`;
if (options.dry) console.log(section);
else {
  const path = join(import.meta.dirname, "results", "learning-to-rank.md");
  await writeSection(path, "Orders of searches, learned from choices", section);
}
