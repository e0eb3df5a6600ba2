/**
 * A trained SASRec in single precision and in 8 bits, and pruned: bytes, time to encode one past, time to
 * scan all items, NDCG@10 on **validation**. Test is not read.
 *
 *     node bench/int8-pareto.ts [--task amazon-beauty] [--seed 1] [--epochs 5] [--rate 3e-4] [--write]
 *
 * The model is trained with its default recipe, or taken from an earlier run of this command. `--epochs` and
 * `--rate` are of the fine-tuning after pruning; the model that is pruned by nothing is fine-tuned too, so that
 * what more training gives is not taken for what pruning costs.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { deflateRawSync } from "node:zlib";
import { silentWork } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import {
  comparePrecisions,
  type PrecisionRow,
  pruneSequenceModel,
  QuantisedScorer,
  SequenceModel,
} from "@magpie/models";
import { pairedDifference, type PairedDifference } from "@magpie/numerics";
import { folderOf, taskNamed } from "./model-tasks.ts";
import { trainedModel } from "./trained-model.ts";
import { writeSection } from "./write-section.ts";

const { values } = parseArgs({
  options: {
    task: { type: "string", default: "amazon-beauty" },
    seed: { type: "string", default: "1" },
    epochs: { type: "string", default: "5" },
    rate: { type: "string", default: "3e-4" },
    write: { type: "boolean", default: false },
  },
});
const task = taskNamed(values.task);
const seed = Number(values.seed);
const split = await task.split(folderOf(task));
const model = await trainedModel("sasrec", task.dataset, split, seed);
if (!(model instanceof SequenceModel)) throw new Error("internal: sasrec is a sequence model");

const change = (difference: PairedDifference | undefined): string => {
  if (difference === undefined) return "";
  const { mean, low, high } = difference.difference;
  return `${mean.toFixed(5)} (${low.toFixed(5)} to ${high.toFixed(5)})`;
};
const thousands = (bytes: number): string => (bytes / 1_000).toFixed(0);
const tell = (cells: readonly string[]): string => {
  const row = `| ${cells.join(" | ")} |`;
  process.stderr.write(`${row}\n`);
  return row;
};

const precisions = await comparePrecisions(model, split.validation, { work: silentWork() });
const precisionRows = precisions.map((row: PrecisionRow) =>
  tell([
    row.isOnFront ? "✓" : "",
    row.precision.network,
    row.precision.items,
    thousands(row.bytes),
    row.encodeMs.toFixed(3),
    row.scanMs.toFixed(3),
    row.ndcgAt10.toFixed(4),
    change(row.change),
  ]),
);

async function ndcgs(one: SequenceModel): Promise<Float64Array> {
  const { perCase } = await evaluate(one, split.validation, { cutoffs: [10], metrics: ["ndcg"] });
  return perCase["ndcgAt10"]!;
}
const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;
const deflated = ({ weights: { dense } }: SequenceModel): number =>
  deflateRawSync(new Uint8Array(dense.buffer, dense.byteOffset, dense.byteLength)).length;

/** Median milliseconds of encoding one past, as in the table above. */
async function encodeMs(one: SequenceModel, width: number): Promise<number> {
  const scorer = new QuantisedScorer(one, { network: "float32", items: "float32" });
  const user = new Float32Array(width);
  const times: number[] = [];
  for (let call = 0; call < 450; call++) {
    const past = split.validation.pasts[(call * 7_919) % split.validation.pasts.length]!;
    const started = performance.now();
    await scorer.encode([past], user);
    if (call >= 50) times.push(performance.now() - started);
  }
  await scorer.dispose();
  return times.toSorted((a, b) => a - b)[200]!;
}

const options = { epochs: Number(values.epochs), learningRate: Number(values.rate) };
const whole = await ndcgs(model);
const prunedRows: string[] = [];
for (const share of [0, 0.5, 0.8, 0.9]) {
  const context = { seed, threads: 1, ...silentWork() };
  const untuned = await pruneSequenceModel(
    model,
    split.train,
    { share, epochs: 0, learningRate: 1e-4 },
    context,
  );
  const tuned = await pruneSequenceModel(model, split.train, { share, ...options }, context);
  const after = await ndcgs(tuned);
  prunedRows.push(
    tell([
      `${(100 * share).toFixed(0)} %`,
      thousands(deflated(tuned)),
      (await encodeMs(tuned, model.width)).toFixed(3),
      mean(await ndcgs(untuned)).toFixed(4),
      mean(after).toFixed(4),
      change(pairedDifference(after, whole)),
    ]),
  );
  await untuned.dispose();
  await tuned.dispose();
}
await model.dispose();

const { pasts } = split.validation;
const report = [
  `### SASRec on ${values.task}, seed ${seed}`,
  "",
  `\`node bench/int8-pareto.ts --task ${values.task} --seed ${seed} --epochs ${values.epochs} --rate ${values.rate}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model.trim()}, one thread · Node ${process.versions.node}`,
  "",
  `Validation of ${split.protocol}: ${pasts.length.toLocaleString("en")} cases, ${split.train.itemCount.toLocaleString("en")} items, all ranked; test was not read. Times are medians of 400 calls on a machine that others loaded: compare rows, not machines. ✓: no other row is as small, as fast (both times together) and as good. Changes are paired over cases, with 95 % intervals.`,
  "",
  "| ✓ | network | items | kB | encode ms | scan ms | NDCG@10 | change |",
  "|---|---|---|---:|---:|---:|---:|---|",
  ...precisionRows,
  "",
  `Magnitude pruning of the network's matrices, then ${values.epochs} epochs of fine-tuning at a learning rate of ${values.rate}; kB are of the network's weights, deflated. Fine-tuning changes the item table too, which is why the first row, pruned by nothing, is there.`,
  "",
  "| pruned | kB deflated | encode ms | NDCG@10 as pruned | fine-tuned | change from the model |",
  "|---:|---:|---:|---:|---:|---|",
  ...prunedRows,
].join("\n");
process.stdout.write(`${report}\n`);
if (values.write) {
  const path = join(import.meta.dirname, "results", "int8-pareto.md");
  await writeSection(path, "Models in 8 bits, and pruned", report);
}
