/**
 * Networks and losses of the sequence family side by side, on **validation** alone: the test part is never
 * read here. All have the recipe that networks share and the same budget of epochs; nothing is searched.
 *
 *     node bench/sequence-models.ts [--set amazon-beauty] [--epochs 40] [--seeds 1] [--write]
 *     node bench/sequence-models.ts --set simulated-shop         data with times; any of `model-tasks.ts`
 *     node bench/sequence-models.ts --rows "eSASRec; HSTU"       only these rows
 *
 * Runs are kept in bench/.cache/sequence-models and not made twice. Data sets are looked for below
 * MAGPIE_DATASETS.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { silentWork } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { modelByKind, type SequenceLoss } from "@magpie/models";
import { folderOf, modelTasks, type ModelTask, type ModelTaskName } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    set: { type: "string", default: "amazon-beauty" },
    epochs: { type: "string", default: "40" },
    seeds: { type: "string", default: "1" },
    rows: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

/** Cases that pick the epoch while training; all of them are asked of the picked weights. */
const pickingCases = 5_000;

interface Row {
  readonly name: string;
  readonly kind: string;
  /** Over the model's default recipe. */
  readonly change?: Readonly<Record<string, unknown>>;
  /** Means something where the data has this, or has not. */
  readonly where?: "times" | "no times" | "features" | "texts";
}

const withLoss = (name: string, loss: SequenceLoss): Row => ({
  name: `SASRec, ${name}`,
  kind: "sasrec",
  change: { loss },
  where: "no times",
});
const shared = { negatives: 512, uniformShare: 1, ownPast: true } as const;
const mixed = { ...shared, uniformShare: 0.5, popularFrom: "batch" } as const;

const withFeatures = { itemFeatures: true } as const;

const rows: readonly Row[] = [
  { name: "SASRec", kind: "sasrec" },
  { name: "eSASRec", kind: "esasrec" },
  { name: "HSTU", kind: "hstu" },
  { name: "FuXi", kind: "fuxi" },
  { name: "GRU4Rec", kind: "gru4rec" },
  { name: "SASRec, item features", kind: "sasrec", change: withFeatures, where: "features" },
  { name: "SASRec, texts", kind: "sasrec", change: { itemTexts: true }, where: "texts" },
  {
    name: "SASRec, texts, own dropped",
    kind: "sasrec",
    change: { itemTexts: true, ownDropout: 0.5 },
    where: "texts",
  },
  { name: "SASRec, pauses", kind: "sasrec", change: { pauseBuckets: 22 }, where: "times" },
  { name: "HSTU, times left out", kind: "hstu", change: { timeBuckets: 0 }, where: "times" },
  { name: "FuXi, times left out", kind: "fuxi", change: { timeBuckets: 0 }, where: "times" },
  withLoss("mixed negatives", { kind: "sampled-softmax", logQ: "negatives", ...mixed }),
  withLoss("gBCE", { kind: "gbce", calibration: 0.75, ...shared }),
  withLoss("BPR-max", { kind: "bpr-max", regularisation: 0.5, ...mixed }),
  withLoss("BCE", { kind: "bce" }),
  withLoss("full softmax", { kind: "full-softmax", ownPast: true }),
];

interface Result {
  readonly ndcgAt10: number;
  readonly recallAt10: number;
  readonly bestEpoch: number;
  readonly epochs: number;
  readonly cpuSeconds: number;
}

const task: ModelTask = modelTasks[options.set as ModelTaskName];
const { train, validation, protocol } = await task.split(folderOf(task));
const itemFeatures = await task.itemFeatures?.(folderOf(task), train.itemCount);
const content = await task.content?.();
const has = (what: Row["where"]): boolean => {
  if (what === undefined) return true;
  if (what === "features") return itemFeatures !== undefined;
  if (what === "texts") return content !== undefined;
  return (what === "times") === (train.timestampsMs !== undefined);
};
const cache = join(import.meta.dirname, ".cache/sequence-models");
await mkdir(cache, { recursive: true });

async function run({ kind, change }: Row, seed: number): Promise<Result> {
  const model = modelByKind(kind);
  const config = {
    ...model.defaults,
    ...change,
    epochs: Number(options.epochs),
    validationCases: pickingCases,
  };
  const asked = JSON.stringify({ set: options.set, kind, config, seed });
  const key = createHash("sha256").update(asked).digest("hex").slice(0, 12);
  const file = join(cache, `${kind}-${seed}-${key}.json`);
  const known = await readFile(file, "utf8").catch(() => undefined);
  if (known !== undefined) return JSON.parse(known) as Result;
  const data = {
    train,
    validation,
    ...(itemFeatures && { itemFeatures }),
    ...(content && { content }),
  };
  const trained = await model.train(data, config, { ...silentWork(), seed, threads: 1 });
  const { metrics } = await evaluate(trained, validation, {
    cutoffs: [10],
    metrics: ["ndcg", "recall"],
  });
  await trained.dispose();
  const best = trained.curve.reduce((a, b) => ((b.ndcgAt10 ?? -1) > (a.ndcgAt10 ?? -1) ? b : a));
  const result: Result = {
    ndcgAt10: metrics["ndcgAt10"]!,
    recallAt10: metrics["recallAt10"]!,
    bestEpoch: best.epoch,
    epochs: trained.curve.length,
    cpuSeconds: trained.cost.cpuSeconds,
  };
  await writeFile(file, JSON.stringify(result));
  return result;
}

const seeds = options.seeds.split(",").map(Number);
const wanted = options.rows?.split(";").map((name) => name.trim());
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
/** Mean, and where there are several seeds the range. */
const shown = (values: readonly number[]): string => {
  const average = mean(values).toFixed(4).slice(1);
  if (values.length === 1) return average;
  const half = (Math.max(...values) - Math.min(...values)) / 2;
  return `${average} ± ${half.toFixed(4).slice(1)}`;
};

const lines: string[] = [];
const isAsked = ({ name, where }: Row): boolean => wanted?.includes(name) ?? has(where);
for (const row of rows.filter(isAsked)) {
  const results: Result[] = [];
  for (const seed of seeds) results.push(await run(row, seed));
  const numbers = [
    shown(results.map(({ ndcgAt10 }) => ndcgAt10)),
    shown(results.map(({ recallAt10 }) => recallAt10)),
    results.map(({ bestEpoch }) => bestEpoch).join(", "),
    mean(results.map(({ epochs }) => epochs)).toFixed(0),
    mean(results.map(({ cpuSeconds, epochs }) => cpuSeconds / epochs)).toFixed(2),
  ];
  lines.push(`| ${row.name} | ${numbers.join(" | ")} |`);
  console.log(lines.at(-1));
}

const { set, epochs } = options;
const only = options.rows === undefined ? "" : ` --rows "${options.rows}"`;
const command = `node bench/sequence-models.ts --set ${set} --epochs ${epochs} --seeds ${options.seeds}${only}`;
const report = [
  `### ${set}, validation, at most ${epochs} epochs${only}`,
  "",
  `\`${command}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model.trim()}, one thread · Node ${process.versions.node}`,
  "",
  `${protocol}: ${validation.pasts.length.toLocaleString("en")} validation cases, all items ranked, items of the past stay in the ranking. At most ${pickingCases.toLocaleString("en")} of the cases pick the epoch, all of them give the numbers${seeds.length > 1 ? "; ± is half the range over seeds" : ""}. Processor seconds include looking at validation and were taken while the machine did other work.`,
  "",
  "| network and loss | NDCG@10 | Recall@10 | best epoch | epochs | CPU s per epoch |",
  "|---|---|---|---|---|---|",
  ...lines,
  "",
].join("\n");
console.log(`\n${report}`);
if (options.write) {
  const path = join(import.meta.dirname, "results/sequence-models.md");
  await writeSection(path, "Sequence models: networks and losses", report);
}
