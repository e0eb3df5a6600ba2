/**
 * One SASRec training step against the same step in PyTorch, both on one thread, alternated.
 *
 *     node bench/sasrec-step.ts [--rounds 9] [--steps 8] [--dropout 0] [--write]
 *
 * The step: 128 pasts of 50 items, width 64, two blocks, 256 shared negatives over 12,101 items; forward,
 * backward, gathers, scatter and Adam included. Ours is lazy on the item table; PyTorch runs both with
 * dense Adam (its usual way) and with sparse gradients, and the faster of the two is the bar.
 *
 * The peer needs PyTorch with OpenBLAS: apt-get install python3-torch python3-numpy libopenblas0-openmp
 * (Debian). Name another interpreter with PYTHON=….
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpus } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import type { Sequences } from "@magpie/data";
import { sasRecDefaults, SequenceTrainer, type SasRecConfig } from "@magpie/models";
import { seededRandom } from "@magpie/numerics";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "9" },
    steps: { type: "string", default: "8" },
    dropout: { type: "string", default: "0" },
    write: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
const steps = Number(options.steps);

const itemCount = 12_101;
const config: SasRecConfig = {
  ...sasRecDefaults,
  width: 64,
  blocks: 2,
  heads: 1,
  feedForward: 256,
  historyLimit: 50,
  batchRows: 128,
  dropout: Number(options.dropout),
  loss: { kind: "sampled-softmax", negatives: 256, uniformShare: 1, logQ: "none", ownPast: false },
};

/** So many pasts of 51 items that an epoch is a round's steps: every row of a batch is one full past. */
function fullPasts(count: number): Sequences {
  const random = seededRandom(1, "bench");
  const length = config.historyLimit + 1;
  return {
    userCount: count,
    itemCount,
    offsets: Int32Array.from({ length: count + 1 }, (_, u) => u * length),
    items: Int32Array.from({ length: count * length }, () => 1 + random.int(itemCount)),
  };
}

interface Contender {
  readonly name: string;
  /** Mean milliseconds per step over `steps` steps. */
  round(): Promise<number>;
  close(): Promise<void>;
}

async function ours(): Promise<Contender> {
  const sequences = fullPasts(config.batchRows * steps);
  const trainer = await SequenceTrainer.open(config, { sequences }, { seed: 1, threads: 1 });
  let epoch = 0;
  return {
    name: "Magpie",
    async round() {
      const start = performance.now();
      let made = 0;
      for await (const { loss } of trainer.epoch(++epoch)) {
        if (Number.isFinite(loss)) made++;
      }
      return (performance.now() - start) / made;
    },
    close: () => trainer.dispose(),
  };
}

async function pytorch(sparse: boolean): Promise<Contender> {
  const { width, blocks, heads, feedForward, activation, historyLimit, batchRows, dropout } =
    config;
  const shape = { width, blocks, heads, feedForward, activation, historyLimit, batchRows, dropout };
  const child = spawn(
    process.env["PYTHON"] ?? "/usr/bin/python3",
    [
      join(import.meta.dirname, "peers/sasrec_step.py"),
      "time",
      JSON.stringify({ ...shape, negatives: 256, itemCount, threads: 1, sparse }),
    ],
    { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, OMP_NUM_THREADS: "1" } },
  );
  const failed = once(child, "exit").then(([code]: unknown[]) => {
    throw new Error(`The PyTorch peer ended with ${String(code)}; see the head of this file.`);
  });
  failed.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<string> => {
    const { value } = await Promise.race([lines.next(), failed]);
    return value as string;
  };
  await answer(); // "ready"
  return {
    name: sparse ? "PyTorch, sparse gradients" : "PyTorch, dense Adam",
    async round() {
      child.stdin.write(`${steps}\n`);
      return Number(await answer());
    },
    async close() {
      child.stdin.end();
      await failed.catch(() => {});
    },
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

const contenders = [await ours(), await pytorch(false), await pytorch(true)];
const times = contenders.map((): number[] => []);
for (const contender of contenders) await contender.round(); // warm-up
for (let round = 1; round <= rounds; round++) {
  for (const [i, contender] of contenders.entries()) times[i]!.push(await contender.round());
  console.log(
    `round ${round}: ${contenders.map(({ name }, i) => `${name} ${times[i]!.at(-1)!.toFixed(1)} ms`).join(", ")}`,
  );
}
for (const contender of contenders) await contender.close();

const peer = times.slice(1).reduce((a, b) => (median(a) <= median(b) ? a : b));
const ratio = median(times[0]!.map((ms, round) => ms / peer[round]!));
const row = (name: string, ms: readonly number[]) =>
  `| ${name} | ${median(ms).toFixed(1)} | ${Math.min(...ms).toFixed(1)} |`;
const report = [
  `### One SASRec step: batch 128 × 50, width 64, 2 blocks, feed-forward ${config.feedForward} (${config.activation}), 256 negatives, dropout ${config.dropout}`,
  "",
  `\`node bench/sasrec-step.ts --rounds ${rounds} --steps ${steps} --dropout ${config.dropout}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model}, one thread each · Node ${process.versions.node}`,
  "",
  "| ms per step | median | minimum |",
  "|---|---|---|",
  ...contenders.map(({ name }, i) => row(name, times[i]!)),
  "",
  `Magpie / faster PyTorch: **${ratio.toFixed(2)}** (median of ${rounds} alternated rounds of ${steps} steps; bar: 1.10), minima ${(Math.min(...times[0]!) / Math.min(...peer)).toFixed(2)}.`,
  "",
].join("\n");
console.log(`\n${report}`);

if (options.write) {
  const path = join(import.meta.dirname, "results/sasrec-step.md");
  await writeSection(path, "A SASRec step, measured", report);
}
