import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { arch, cpus, platform, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  type Comparison,
  compareRuns,
  lineChart,
  markdownTable,
  type MetricAt,
  type Run,
  type SeenItems,
  type Series,
  terminalTable,
} from "@magpie/evaluation";
import { modelByKind } from "@magpie/models";
import { pairedDifference } from "@magpie/numerics";
import type { RunRequest, RunResult } from "./model-run.ts";
import { folderOf, type ModelTask, type ModelTaskName, modelTasks } from "./model-tasks.ts";

const here = import.meta.dirname;

const columns: readonly MetricAt[] = [
  "recallAt5",
  "ndcgAt5",
  "recallAt10",
  "ndcgAt10",
  "mrrAt10",
  "recallAt20",
  "coverageAt10",
  "giniAt10",
  "noveltyAt10",
];

/** What a terminal has room for. */
const shownColumns = ["recallAt10", "ndcgAt10", "mrrAt10", "coverageAt10"] as const;

const usage = (command: string): string => `Compares models on ${command}.

  node bench/${command}.ts [options]

  --models LIST    kinds, comma-separated (default: all that apply). Tables of some models are
                   shown and not written, unless --results says where
  --seeds LIST     default 1,2,3; models without chance run once
  --threads N      threads of the numeric engine (default 1)
  --config JSON    changes to recipes, by kind: '{"sasrec":{"epochs":2}}'.
                   Shown and not written, unless --results says where
  --shuffle-ties N interactions of one user at one moment in an order by chance, from this seed:
                   results then go to ${command}-ties-shuffled.*. Needs data with times
  --fresh          forget runs that were made before
  --cache DIR      where runs are kept (default bench/.cache/${command})
  --results DIR    where tables and charts go (default bench/results)
  --help

Runs that are already there (same recipe, seed and threads) are not made again; an interrupted
training goes on from its checkpoint. Data sets are looked for below MAGPIE_DATASETS.
`;

/**
 * The command behind `bench/amazon-beauty.ts` and its kin: makes the runs that are missing, shows
 * the tables, and writes them with chart and JSON to `bench/results/<command>`.
 */
export async function compareModels(command: string, taskName: ModelTaskName): Promise<void> {
  const { values: options } = parseArgs({
    options: {
      models: { type: "string" },
      seeds: { type: "string", default: "1,2,3" },
      threads: { type: "string", default: "1" },
      config: { type: "string", default: "{}" },
      "shuffle-ties": { type: "string" },
      fresh: { type: "boolean", default: false },
      cache: { type: "string", default: join(here, ".cache", command) },
      results: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (options.help) {
    process.stdout.write(usage(command));
    return;
  }
  const task: ModelTask = modelTasks[taskName];
  const kinds = options.models?.split(",") ?? task.kinds;
  const changes = JSON.parse(options.config) as Record<string, object>;
  const { cache } = options;
  const tiesSeed = options["shuffle-ties"];
  const ties = tiesSeed === undefined ? {} : { tiesSeed: Number(tiesSeed) };
  const source = folderOf(task);
  const files = source === "" ? {} : await filesOf(source);
  if (options.fresh) await rm(cache, { recursive: true, force: true });
  await mkdir(cache, { recursive: true });

  const results: RunResult[] = [];
  for (const kind of kinds) {
    const config = { ...modelByKind(kind).defaults, ...changes[kind] };
    for (const seed of modelByKind(kind).isSeeded ? options.seeds.split(",").map(Number) : [1]) {
      const threads = Number(options.threads);
      const asked = { task: taskName, files, kind, seed, config, threads, ...ties };
      results.push(await runOnce(cache, asked));
    }
  }
  const report = reportOf(command, task, results);
  process.stdout.write(
    [
      ...report.comparisons.map((one) => terminalTable(one, shownColumns)),
      ...report.differences,
      "",
    ].join("\n"),
  );
  // What stands in bench/results is whole and made by the default recipes.
  const isPart = options.models !== undefined || Object.keys(changes).length > 0;
  if (isPart && options.results === undefined) return;
  const folder = options.results ?? join(here, "results");
  const variant = tiesSeed === undefined ? command : `${command}-ties-shuffled`;
  const out = (ending: string) => join(folder, `${variant}${ending}`);
  await mkdir(folder, { recursive: true });
  await writeFile(out(".md"), report.markdown);
  await writeFile(out(".json"), report.json);
  const charts = { "": report.metricChart, "-loss": report.lossChart };
  for (const [name, chart] of Object.entries(charts)) {
    if (chart !== undefined) await writeFile(out(`${name}.svg`), chart);
  }
  process.stdout.write(`written to ${out(".md")}, .json and .svg\n`);
}

/** The files of a data set with their sizes: runs on other data are other runs. */
async function filesOf(folder: string): Promise<Record<string, number>> {
  const names = (await readdir(folder)).sort();
  const sizes = await Promise.all(names.map((name) => stat(join(folder, name))));
  return Object.fromEntries(names.map((name, i) => [name, sizes[i]!.size]));
}

/** Reads the run from the cache, or makes it in a process of its own. */
async function runOnce(
  cache: string,
  asked: Omit<RunRequest, "checkpointDir">,
): Promise<RunResult> {
  const key = createHash("sha256").update(JSON.stringify(asked)).digest("hex").slice(0, 12);
  const base = join(cache, `${asked.kind}-${asked.seed}-${key}`);
  const resultFile = `${base}.json`;
  if (!existsSync(resultFile)) {
    process.stderr.write(`${asked.kind}, seed ${asked.seed}: training\n`);
    const request: RunRequest = { ...asked, checkpointDir: `${base}.checkpoint` };
    await writeFile(`${base}.request.json`, JSON.stringify(request, null, 2));
    const child = spawn(
      process.execPath,
      [join(here, "model-run.ts"), `${base}.request.json`, resultFile],
      { stdio: "inherit" },
    );
    // Ctrl-C reaches the child from the terminal; it leaves a checkpoint, and we end after it.
    const ignore = () => {};
    process.on("SIGINT", ignore);
    const code = await new Promise<number | null>((done, failed) => {
      child.once("error", failed).once("exit", done);
    });
    process.off("SIGINT", ignore);
    if (code !== 0) {
      process.stderr.write(
        `${asked.kind}, seed ${asked.seed} did not finish; run again to go on\n`,
      );
      process.exit(code ?? 1);
    }
    await rm(request.checkpointDir, { recursive: true, force: true });
  }
  return JSON.parse(await readFile(resultFile, "utf8")) as RunResult;
}

interface Report {
  readonly comparisons: readonly Comparison[];
  readonly differences: readonly string[];
  readonly markdown: string;
  readonly json: string;
  readonly metricChart: string | undefined;
  readonly lossChart: string | undefined;
}

function reportOf(command: string, task: ModelTask, results: readonly RunResult[]): Report {
  const { protocol, request } = results[0]!;
  const { tiesSeed } = request;
  const about = { dataset: task.dataset, protocol };
  const runsBy = (seenItems: SeenItems): Run[] =>
    results.map(({ request, name, test, cost }) => ({
      model: name,
      ...(modelByKind(request.kind).isSeeded && { seed: request.seed }),
      evaluation: test[seenItems],
      cost,
    }));
  const comparisons = [
    compareRuns(about, runsBy("keep"), task.published),
    compareRuns(about, runsBy("remove")),
  ];
  const differences = differencesOf(results);
  const machine = `${cpus().length} × ${cpus()[0]?.model.trim()}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${platform()} ${arch()}`;
  const made = {
    command: `node bench/${command}.ts${tiesSeed === undefined ? "" : ` --shuffle-ties ${tiesSeed}`}`,
    date: new Date().toISOString().slice(0, 10),
    machine,
    node: process.version,
    threads: results[0]!.request.threads,
  };
  const resumed = results.filter((result) => result.wasResumed);
  const markdown = [
    `# Models on ${task.dataset}`,
    "",
    `Made by \`${made.command}\` on ${made.date}: ${made.machine}, Node ${made.node}, ${made.threads} threads.`,
    "",
    ...task.notes.map((note) => `- ${note}`),
    ...(tiesSeed === undefined
      ? []
      : [
          "- Interactions of one user at one moment are in an order by chance, drawn once for all rows.",
        ]),
    "- Wall and CPU seconds are those of training, validation during it included; peak memory is " +
      "that of the whole process. Each run had a process of its own.",
    ...resumed.map(
      ({ name, request }) =>
        `- ${name}, seed ${request.seed}, was interrupted: its seconds are those after the last checkpoint.`,
    ),
    "",
    "## Seen items kept",
    "",
    markdownTable(comparisons[0]!, columns),
    ...differences.map((line) => `${line}\n`),
    "## Seen items removed",
    "",
    markdownTable(comparisons[1]!, columns),
    "## Recipes",
    "",
    ...[...Map.groupBy(results, ({ name }) => name)].map(
      ([name, [first]]) =>
        `- ${name}: \`${JSON.stringify(first!.request.config)}\`, validation NDCG@10 ${first!.validationNdcgAt10.toFixed(4)}, expected to take ${megabytes(first!.expectedBytes)} for training`,
    ),
    "",
  ].join("\n");
  return {
    comparisons,
    differences,
    markdown,
    json: `${JSON.stringify({ ...made, notes: task.notes, comparisons, curves: curvesOf(results) }, null, 2)}\n`,
    metricChart: metricChart(task, results),
    lossChart: lossChart(task, results),
  };
}

/** How the last model stands against each other one, user by user (seeds averaged). */
function differencesOf(results: readonly RunResult[]): string[] {
  const perUser = [...Map.groupBy(results, ({ name }) => name)].map(([name, runs]) => {
    const lists = runs.map((run) => run.test.keep.perCase.ndcgAt10!);
    const sum = (i: number) => lists.reduce((total, list) => total + list[i]!, 0);
    return { name, values: Float64Array.from(lists[0]!, (_, i) => sum(i) / lists.length) };
  });
  const last = perUser.pop();
  if (last === undefined) return [];
  return perUser.map(({ name, values }) => {
    const { difference, pValue } = pairedDifference(last.values, values);
    const { mean, low, high } = difference;
    const chance = pValue < 0.0001 ? "p < .0001" : `p = ${pValue.toFixed(4)}`;
    return (
      `NDCG@10 of ${last.name} less that of ${name}, over users: ` +
      `${signed(mean)} (95 % interval ${signed(low)} to ${signed(high)}, ${chance}).`
    );
  });
}

const megabytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1e6))} MB`;

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;

const curvesOf = (results: readonly RunResult[]) =>
  results
    .filter(({ curve }) => curve.length > 0)
    .map(({ name, request, curve }) => ({ label: `${name}, seed ${request.seed}`, curve }));

function metricChart(task: ModelTask, results: readonly RunResult[]): string | undefined {
  const learning = curvesOf(results);
  const epochs = learning.flatMap(({ curve }) => curve.map(({ epoch }) => epoch));
  if (epochs.length === 0) return undefined;
  const [first, last] = [Math.min(...epochs), Math.max(...epochs)];
  const series: Series[] = [
    ...learning.map(({ label, curve }) => ({
      label,
      points: curve.flatMap(({ epoch: x, ndcgAt10: y }) => (y === undefined ? [] : [{ x, y }])),
    })),
    ...results
      .filter(({ curve }) => curve.length === 0)
      .map(({ name, validationNdcgAt10: y }) => ({
        label: name,
        points: [first, last].map((x) => ({ x, y })),
      })),
  ];
  return lineChart(series, {
    title: `${task.dataset}: NDCG@10 on validation`,
    xLabel: "epoch",
    yLabel: "NDCG@10",
    fromZero: true,
  });
}

function lossChart(task: ModelTask, results: readonly RunResult[]): string | undefined {
  const learning = curvesOf(results);
  if (learning.length === 0) return undefined;
  return lineChart(
    learning.map(({ label, curve }) => ({
      label,
      points: curve.map(({ epoch: x, loss: y }) => ({ x, y })),
    })),
    { title: `${task.dataset}: training loss`, xLabel: "epoch", yLabel: "loss" },
  );
}
