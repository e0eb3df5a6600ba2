/**
 * What training takes in memory beside what each model says beforehand (`Model.expectedBytes`), model by model,
 * each in a process of its own.
 *
 *     node bench/memory.ts [--sets amazon-beauty,lightgcn-gowalla] [--kinds ease,sasrec] [--write]
 *
 * Measured is the highest resident memory of the process while it trains, less what it held with the data read
 * (Linux only: the mark is set back through /proc). Models that learn in epochs make one; memory does not grow
 * with their number.
 */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { leaveOneOut, readLightGcn, readS3Rec } from "@magpie/data";
import { silentWork, TrainingError } from "@magpie/domain";
import { allModels, modelByKind, type TrainingData } from "@magpie/models";
import { datasetFolder } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values } = parseArgs({
  options: {
    sets: { type: "string", default: "amazon-beauty,lightgcn-gowalla" },
    kinds: { type: "string" },
    one: { type: "string" },
    write: { type: "boolean", default: false },
  },
});

interface Measured {
  readonly expected: number;
  readonly measured: number;
  readonly seconds: number;
}

async function dataOf(set: string): Promise<TrainingData> {
  const folder = datasetFolder(set);
  if (set.startsWith("lightgcn-")) return { train: (await readLightGcn(folder)).train };
  const { train, validation } = leaveOneOut(await readS3Rec(folder));
  return { train, validation };
}

const statusOf = (field: string): number =>
  1_024 *
  Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))![1]);

/** Trains in this process; undefined where the model does not apply to the data. */
async function measure(kind: string, set: string): Promise<Measured | undefined> {
  const data = await dataOf(set);
  const model = modelByKind(kind);
  const once = Object.fromEntries(
    ["epochs", "validateEvery"]
      .filter((field) => field in model.defaults)
      .map((field) => [field, 1]),
  );
  // A blend's only member with epochs that it trains by default.
  const blended = "members" in model.defaults && { recipes: { sasrec: { epochs: 1 } } };
  const config = { ...model.defaults, ...once, ...blended };
  globalThis.gc!();
  const before = statusOf("VmRSS");
  writeFileSync("/proc/self/clear_refs", "5");
  const started = performance.now();
  try {
    const expected = model.expectedBytes(data, config);
    await (await model.train(data, config, { seed: 1, threads: 1, ...silentWork() })).dispose();
    const seconds = (performance.now() - started) / 1_000;
    return { expected, measured: statusOf("VmHWM") - before, seconds };
  } catch (error) {
    if (error instanceof TrainingError) return undefined;
    throw error;
  }
}

const path = join(import.meta.dirname, "results", "memory.md");
const title = "Memory of a training, as said beforehand and as measured";
/** By so much two runs of one training differ: item-kNN took 32, 58 and 67 MiB, ALS 14 and 41. */
const noiseBytes = 32 * 2 ** 20;
const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

if (values.one !== undefined) {
  const [kind, set] = values.one.split("@") as [string, string];
  process.stdout.write(JSON.stringify((await measure(kind, set)) ?? null));
} else {
  const kinds = values.kinds?.split(",") ?? allModels.map(({ kind }) => kind);
  for (const set of values.sets.split(",")) {
    const rows: string[] = [];
    let outside = 0;
    for (const kind of kinds) {
      const args = ["--expose-gc", import.meta.filename, "--one", `${kind}@${set}`];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const one = JSON.parse(stdout) as Measured | null;
      if (one === null) continue;
      const ratio = one.expected / one.measured;
      const isRight =
        (ratio >= 0.75 && ratio <= 1.25) || Math.abs(one.expected - one.measured) < noiseBytes;
      if (!isRight) outside++;
      const cells = [kind, mib(one.expected), mib(one.measured), ratio.toFixed(2)];
      rows.push(`| ${cells.join(" | ")} | ${isRight ? "✓" : ""} |`);
      process.stderr.write(`${set} ${cells.join("  ")}  (${one.seconds.toFixed(0)} s)\n`);
      // After every model: a run that is stopped has told what it knows.
      if (values.write) await writeSection(path, title, reportOf(set, rows, outside));
    }
    process.stdout.write(`${reportOf(set, rows, outside)}\n`);
  }
}

function reportOf(set: string, rows: readonly string[], outside: number): string {
  const named = values.kinds === undefined ? "" : ` --kinds ${values.kinds}`;
  return [
    `### ${set}`,
    "",
    `\`node bench/memory.ts --sets ${set}${named}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model.trim()} · Node ${process.versions.node}`,
    "",
    `${rows.length} models, each in a process of its own; ${outside === 0 ? "all" : `all but ${outside}`} within 25 %, or within the ${mib(noiseBytes)} MiB by which two runs of one training differ. When the collector runs depends on what else the machine does.`,
    "",
    "| model | expected MiB | measured MiB | expected / measured | right |",
    "|---|---:|---:|---:|---|",
    ...rows,
  ].join("\n");
}
