/**
 * SASRec trained in one process and in several: validation NDCG@10 after so many epochs, bytes that went
 * between the processes, and, on a quiet machine, seconds. Test is not read.
 *
 *     node bench/data-parallel.ts [--task amazon-beauty] [--epochs 40] [--seeds 1,2,3] [--ways 4] [--fresh] [--write]
 *     node bench/data-parallel.ts --quiet --fresh --epochs 5 --seeds 1 --write       seconds, nothing else at work
 *
 * All ways make as many updates from as many examples: members share a batch out. Runs are kept in
 * `bench/.cache` and not made again; `--fresh` forgets them. `--quiet` says that nothing else was at work, and
 * shows seconds. `--ways` takes only the first of them.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parallelDefaults, type ParallelSettings, sasRec, sasRecDefaults } from "@magpie/models";
import { meanInterval } from "@magpie/numerics";
import { folderOf, taskNamed } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values } = parseArgs({
  options: {
    task: { type: "string", default: "amazon-beauty" },
    epochs: { type: "string", default: "40" },
    seeds: { type: "string", default: "1,2,3" },
    ways: { type: "string", default: "4" },
    fresh: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const task = taskNamed(values.task);
const epochs = Number(values.epochs);
const seeds = values.seeds.split(",").map(Number);
const split = await task.split(folderOf(task));
// All epochs are made, and validation looks at the last: the ways are compared after equal work.
const config = { ...sasRecDefaults, epochs, validateEvery: epochs, patience: epochs };

interface Way {
  readonly label: string;
  readonly parallel?: ParallelSettings;
}

const allWays: readonly Way[] = [
  { label: "one process" },
  { label: "2 processes, gradients at every step", parallel: parallelDefaults },
  {
    label: "2 processes, weights every 16 steps",
    parallel: { ...parallelDefaults, localSteps: 16 },
  },
  {
    label: "2 processes, DiLoCo every 16 steps (outer 0.7, momentum 0.5)",
    parallel: { workers: 2, localSteps: 16, outer: { learningRate: 0.7, momentum: 0.5 } },
  },
];

const ways = allWays.slice(0, Number(values.ways));

interface Run {
  readonly ndcgAt10: number;
  readonly seconds: number;
  readonly steps: number;
  readonly bytesExchanged: number;
}

async function run({ parallel }: Way, seed: number): Promise<Run> {
  let bytesExchanged = 0;
  let toldAt = 0;
  const trained = await sasRec.train(split, config, {
    seed,
    threads: 1,
    ...(parallel && { parallel }),
    signal: new AbortController().signal,
    onProgress({ stage, done, total, metrics, message }) {
      bytesExchanged = metrics?.["bytesExchanged"] ?? bytesExchanged;
      if (performance.now() - toldAt < 15_000) return;
      toldAt = performance.now();
      process.stderr.write(`${stage} ${done} of ${total ?? "?"}  ${message ?? ""}\n`);
    },
  });
  const { ndcgAt10, seconds, step } = trained.curve.at(-1)!;
  await trained.dispose();
  return { ndcgAt10: ndcgAt10!, seconds, steps: step, bytesExchanged };
}

async function runOnce(way: Way, seed: number): Promise<Run> {
  const folder = join(import.meta.dirname, ".cache", "data-parallel");
  const { parallel = "alone" } = way;
  const key = JSON.stringify({ task: values.task, config, parallel, seed });
  const name = `${Buffer.from(key).toString("base64url").slice(-80)}.json`;
  const path = join(folder, name);
  if (!values.fresh && existsSync(path)) {
    const known = JSON.parse(await readFile(path, "utf8")) as { key: string; run: Run };
    if (known.key === key) return known.run;
  }
  const result = await run(way, seed);
  process.stderr.write(`${way.label}, seed ${seed}: ${JSON.stringify(result)}\n`);
  await mkdir(folder, { recursive: true });
  await writeFile(path, JSON.stringify({ key, run: result }));
  return result;
}

const byWay = new Map<Way, Run[]>();
// Seed by seed, so that a run that is stopped has compared all ways.
for (const seed of seeds) {
  for (const way of ways) {
    const runs = byWay.get(way) ?? [];
    runs.push(await runOnce(way, seed));
    byWay.set(way, runs);
  }
}

const rows = Array.from(byWay, ([way, runs]) => {
  const quality = meanInterval(runs.map(({ ndcgAt10 }) => ndcgAt10));
  const steps = runs.reduce((sum, one) => sum + one.steps, 0);
  const bytes = runs.reduce((sum, one) => sum + one.bytesExchanged, 0);
  const half = (quality.high - quality.low) / 2;
  const cells = [
    way.label,
    `${quality.mean.toFixed(4)}${quality.count > 1 ? ` ± ${half.toFixed(4)}` : ""}`,
    runs.map(({ ndcgAt10 }) => ndcgAt10.toFixed(4)).join(", "),
    way.parallel === undefined ? "" : (bytes / steps / 1_000).toFixed(0),
    ...(values.quiet
      ? [meanInterval(runs.map((one) => one.seconds / epochs)).mean.toFixed(2)]
      : []),
  ];
  return `| ${cells.join(" | ")} |`;
});
const report = [
  `### SASRec on ${values.task}, ${epochs} epochs${values.quiet ? ", timed" : ""}`,
  "",
  `\`node bench/data-parallel.ts --task ${values.task} --epochs ${epochs} --seeds ${values.seeds} --ways ${ways.length}${values.quiet ? " --quiet" : ""}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model.trim()}, one thread a process · Node ${process.versions.node}`,
  "",
  `Validation of ${split.protocol}, all items ranked, after ${epochs} epochs; ± is a 95 % t-interval over seeds; test was not read. kB a step are of parts and means of all processes together, both ways.${values.quiet ? "" : " The machine was busy with other work, so no seconds are shown."}`,
  "",
  `| | NDCG@10 | by seed | kB a step |${values.quiet ? " s per epoch |" : ""}`,
  `|---|---|---|---:|${values.quiet ? "---:|" : ""}`,
  ...rows,
].join("\n");
process.stdout.write(`${report}\n`);
if (values.write) {
  const path = join(import.meta.dirname, "results", "data-parallel.md");
  await writeSection(path, "Training in several processes", report);
}
