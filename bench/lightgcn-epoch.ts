/**
 * An epoch of LightGCN on Gowalla against PyTorch's of the same recipe, one thread each, alternated.
 *
 *     node bench/lightgcn-epoch.ts [--rounds 3] [--batch 8192] [--epochs 2] [--write]
 *
 * The recipe is the paper's: BPR with one uniform negative each, three layers, width 64, Adam. Each round
 * trains both from random vectors; the last epoch counts, and its mean loss stands beside it as the quality.
 * A quiet machine is needed for the wall time; processor seconds bear some load.
 *
 * The peer needs PyTorch: apt-get install python3-torch python3-numpy (Debian). Name another interpreter
 * with PYTHON=….
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { readLightGcn } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { modelByKind } from "@magpie/models";
import { datasetFolder } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    batch: { type: "string", default: "8192" },
    epochs: { type: "string", default: "2" },
    write: { type: "boolean", default: false },
  },
});
const { train } = await readLightGcn(datasetFolder("lightgcn-gowalla"));
const recipe = {
  width: 64,
  layers: 3,
  learningRate: 0.001,
  batch: Number(options.batch),
  epochs: Number(options.epochs),
};

interface Epoch {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly loss: number;
  readonly layout?: string;
}

async function ours(seed: number): Promise<Epoch> {
  const model = modelByKind("lightgcn");
  const config = { ...model.defaults, ...recipe, loss: { kind: "bpr" }, start: "random", decay: 0 };
  const cpuAt: number[] = [];
  const trained = await model.train({ train }, config, {
    ...silentWork(),
    seed,
    threads: 1,
    onProgress() {
      const { user, system } = process.cpuUsage();
      cpuAt.push((user + system) / 1e6);
    },
  });
  const [before, last] = trained.curve.slice(-2);
  await trained.dispose();
  return {
    seconds: last!.seconds - before!.seconds,
    cpuSeconds: cpuAt.at(-1)! - cpuAt.at(-2)!,
    loss: last!.loss,
  };
}

async function pytorch(seed: number, folder: string): Promise<Epoch> {
  const request = { ...recipe, itemCount: train.itemCount, seed, threads: 1 };
  const child = spawn(
    process.env["PYTHON"] ?? "/usr/bin/python3",
    [join(import.meta.dirname, "peers/lightgcn.py"), folder, JSON.stringify(request)],
    { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, OMP_NUM_THREADS: "1" } },
  );
  const ended = once(child, "exit");
  const epochs: Epoch[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    epochs.push(JSON.parse(line) as Epoch);
  }
  const [code] = (await ended) as [number | null];
  if (code !== 0) {
    throw new Error(`The PyTorch peer ended with ${String(code)}; see the head of this file.`);
  }
  return epochs.at(-1)!;
}

const folder = await mkdtemp(join(tmpdir(), "lightgcn-epoch-"));
const rounds: { readonly own: Epoch; readonly peer: Epoch }[] = [];
try {
  await writeFile(join(folder, "offsets"), train.offsets);
  await writeFile(join(folder, "items"), train.items);
  for (let round = 1; round <= Number(options.rounds); round++) {
    // Who goes first changes, so that a machine that warms up or fills up favours neither.
    const first = round % 2 === 0 ? await pytorch(round, folder) : undefined;
    const own = await ours(round);
    rounds.push({ own, peer: first ?? (await pytorch(round, folder)) });
    console.log(JSON.stringify(rounds.at(-1)));
  }
} finally {
  await rm(folder, { recursive: true });
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
const ratio = (cost: (epoch: Epoch) => number): string =>
  median(rounds.map(({ own, peer }) => cost(own) / cost(peer))).toFixed(2);
const cells = ({ seconds, cpuSeconds, loss }: Epoch): string =>
  `${seconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${loss.toFixed(4)}`;
const report = [
  "### LightGCN's epoch on Gowalla beside PyTorch's",
  "",
  `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]!.model.trim()}, one thread each · Node ${process.version} · \`node bench/lightgcn-epoch.ts --rounds ${options.rounds} --batch ${options.batch} --epochs ${options.epochs}\``,
  "",
  `lightgcn-gowalla, ${train.items.length.toLocaleString("en")} pairs; BPR, three layers, width 64, Adam, steps of ${options.batch} pairs; epoch ${options.epochs} of each training. PyTorch passes vectors along by \`torch.sparse.mm\` in its ${rounds[0]!.peer.layout} layout. Load of the machine at the end: about ${loadavg()[0]!.toFixed(0)}.`,
  "",
  "| | round | wall s | processor s | mean loss |",
  "|---|---:|---:|---:|---:|",
  ...rounds.flatMap(({ own, peer }, round) => [
    `| Magpie | ${round + 1} | ${cells(own)} |`,
    `| PyTorch | ${round + 1} | ${cells(peer)} |`,
  ]),
  "",
  `Magpie / PyTorch, median of ${rounds.length}: wall **${ratio(({ seconds }) => seconds)}**, processor ${ratio(({ cpuSeconds }) => cpuSeconds)} (bar: 1).`,
].join("\n");
console.log(`\n${report}`);

if (options.write) {
  const path = join(import.meta.dirname, "results/graph-models.md");
  await writeSection(path, "Graph models", report);
}
