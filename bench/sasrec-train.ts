/**
 * A whole training of SASRec against PyTorch's of the same recipe, evaluation included, on one thread,
 * alternated: the wall time from the first draw of weights until validation first reaches a quality.
 *
 *     node bench/sasrec-train.ts [--seeds 1,2,3] [--floor 0.068] [--epochs 75] [--write]
 *     node bench/sasrec-train.ts --epochs 5 --seeds 1        a first look: seconds for so many epochs
 *
 * Both sides have the default recipe: packed pasts, one set of negatives per batch, own past, averaged
 * weights, NDCG@10 over all items and all validation cases every fifth epoch. They draw their chance from
 * different generators, hence the seeds. A run that never reaches the floor is shown as such, and makes no
 * ratio. Only validation is looked at.
 *
 * The peer needs PyTorch with OpenBLAS: apt-get install python3-torch python3-numpy libopenblas0-openmp
 * (Debian). Name another interpreter with PYTHON=….
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { leaveOneOut, readS3Rec } from "@magpie/data";
import { sasRec, sasRecDefaults, type SasRecConfig } from "@magpie/models";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    set: { type: "string", default: "amazon-beauty" },
    seeds: { type: "string", default: "1,2,3" },
    floor: { type: "string", default: "0.068" },
    epochs: { type: "string", default: "75" },
    write: { type: "boolean", default: false },
  },
});
const datasets = process.env["MAGPIE_DATASETS"];
if (datasets === undefined) {
  process.stderr.write("Set MAGPIE_DATASETS to the folder that holds the public data sets.\n");
  process.exit(2);
}
const seeds = options.seeds.split(",").map(Number);
const floor = Number(options.floor);
const config: SasRecConfig = { ...sasRecDefaults, epochs: Number(options.epochs), patience: 1_000 };
const { train, validation } = leaveOneOut(await readS3Rec(join(datasets, options.set)));
if (validation.pasts.length > config.validationCases) {
  throw new Error("The peer asks about all validation cases; this set has more than ours would.");
}

interface Measurement {
  readonly epoch: number;
  /** Since the start of the training, evaluations included. */
  readonly seconds: number;
  /** The same in processor time, which other work on the machine moves less. */
  readonly cpuSeconds: number;
  readonly loss: number;
  readonly ndcgAt10: number;
}

/** Measurements of one run, up to the first that reaches the floor. */
async function ours(seed: number): Promise<Measurement[]> {
  const measured: Measurement[] = [];
  const stop = new AbortController();
  const started = performance.now();
  const cpuStarted = process.cpuUsage();
  const training = sasRec.train({ train, validation }, config, {
    seed,
    threads: 1,
    signal: stop.signal,
    onProgress({ metrics }) {
      const { loss, ndcgAt10 } = metrics ?? {};
      if (loss === undefined || ndcgAt10 === undefined || stop.signal.aborted) return;
      const epoch = config.validateEvery * (measured.length + 1);
      const seconds = (performance.now() - started) / 1_000;
      const { user, system } = process.cpuUsage(cpuStarted);
      measured.push({
        epoch: Math.min(epoch, config.epochs),
        seconds,
        cpuSeconds: (user + system) / 1e6,
        loss,
        ndcgAt10,
      });
      tell("Magpie", seed, measured.at(-1)!);
      if (ndcgAt10 >= floor) stop.abort();
    },
  });
  try {
    await (await training).dispose();
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  }
  return measured;
}

async function pytorch(seed: number, folder: string): Promise<Measurement[]> {
  const { loss, ...rest } = config;
  if (loss.kind !== "sampled-softmax") throw new Error("The peer knows the sampled softmax alone.");
  const request = {
    config: { ...rest, negatives: loss.negatives },
    itemCount: train.itemCount,
    epochs: config.epochs,
    floor,
    seed,
    threads: 1,
  };
  const child = spawn(
    process.env["PYTHON"] ?? "/usr/bin/python3",
    [join(import.meta.dirname, "peers/sasrec_train.py"), folder, JSON.stringify(request)],
    { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, OMP_NUM_THREADS: "1" } },
  );
  const ended = once(child, "exit");
  const measured: Measurement[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const answer = JSON.parse(line) as Measurement | { readonly ready: string };
    if ("ready" in answer) {
      child.stdin.end("\n");
      continue;
    }
    measured.push(answer);
    tell("PyTorch", seed, answer);
  }
  const [code] = (await ended) as [number | null];
  if (code !== 0) {
    throw new Error(`The PyTorch peer ended with ${String(code)}; see the head of this file.`);
  }
  return measured;
}

function tell(name: string, seed: number, measured: Measurement): void {
  const { epoch, seconds, cpuSeconds, loss, ndcgAt10 } = measured;
  console.log(
    `${name}, seed ${seed}: epoch ${epoch}, ${seconds.toFixed(1)} s (${cpuSeconds.toFixed(1)} s of processor), loss ${loss.toFixed(3)}, validation NDCG@10 ${ndcgAt10.toFixed(4)}`,
  );
}

/** The arrays that the peer reads. */
async function writeData(folder: string): Promise<void> {
  const pastOffsets = new Int32Array(validation.pasts.length + 1);
  validation.pasts.forEach(({ items }, i) => (pastOffsets[i + 1] = pastOffsets[i]! + items.length));
  const pasts = new Int32Array(pastOffsets.at(-1)!);
  validation.pasts.forEach(({ items }, i) => pasts.set(items, pastOffsets[i]!));
  const arrays = { offsets: train.offsets, items: train.items, pastOffsets, pasts };
  for (const [name, values] of Object.entries({ ...arrays, answers: validation.targets })) {
    await writeFile(join(folder, name), values);
  }
}

interface Pair {
  readonly seed: number;
  readonly ours: readonly Measurement[];
  readonly peer: readonly Measurement[];
}

const folder = await mkdtemp(join(tmpdir(), "sasrec-train-"));
const pairs: Pair[] = [];
try {
  await writeData(folder);
  for (const [round, seed] of seeds.entries()) {
    // Who goes first changes, so that a machine that warms up or fills up favours neither.
    const peerFirst = round % 2 === 1 ? await pytorch(seed, folder) : undefined;
    const own = await ours(seed);
    pairs.push({ seed, ours: own, peer: peerFirst ?? (await pytorch(seed, folder)) });
  }
} finally {
  await rm(folder, { recursive: true });
}

const reached = (run: readonly Measurement[]): boolean => run.at(-1)!.ndcgAt10 >= floor;
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
const bySeconds = (run: readonly Measurement[]): string => {
  const { epoch, seconds, cpuSeconds, ndcgAt10 } = run.at(-1)!;
  return `${seconds.toFixed(1)} | ${cpuSeconds.toFixed(1)} | ${(seconds / epoch).toFixed(2)} | ${epoch}${reached(run) ? "" : " (floor not reached)"} | ${ndcgAt10.toFixed(4)}`;
};
const ratioOf = (pairs: readonly Pair[], cost: (last: Measurement) => number): string =>
  median(pairs.map(({ ours, peer }) => cost(ours.at(-1)!) / cost(peer.at(-1)!))).toFixed(2);
const finished = pairs.filter(({ ours, peer }) => reached(ours) && reached(peer));
const command = `node bench/sasrec-train.ts --set ${options.set} --seeds ${options.seeds} --floor ${options.floor} --epochs ${options.epochs}`;
const report = [
  `### SASRec to validation NDCG@10 ${options.floor} on ${options.set}, at most ${options.epochs} epochs`,
  "",
  `\`${command}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model}, one thread each · Node ${process.versions.node}`,
  "",
  "| | seed | wall s | CPU s | wall s per epoch | epochs | NDCG@10 |",
  "|---|---|---|---|---|---|---|",
  ...pairs.flatMap(({ seed, ours, peer }) => [
    `| Magpie | ${seed} | ${bySeconds(ours)} |`,
    `| PyTorch | ${seed} | ${bySeconds(peer)} |`,
  ]),
  "",
  finished.length > 0
    ? `Magpie / PyTorch, time to the floor: **${ratioOf(finished, ({ seconds }) => seconds)}** (median of ${finished.length} of ${pairs.length} pairs; bar: 0.50).`
    : `No pair reached the floor on both sides; time to the floor was not measured.`,
  `Per epoch, evaluations included: wall ${ratioOf(pairs, ({ seconds, epoch }) => seconds / epoch)}, processor ${ratioOf(pairs, ({ cpuSeconds, epoch }) => cpuSeconds / epoch)}.`,
  "",
].join("\n");
console.log(`\n${report}`);

if (options.write) {
  const path = join(import.meta.dirname, "results/sasrec-train.md");
  await writeSection(path, "Training SASRec, measured beside PyTorch", report);
}
