/**
 * Rankers' networks against logistic regression: clicks, carts, purchases and returns of what was shown.
 *
 *   node bench/ranking-networks.ts [--dataset simulated-shop|retailrocket] [--seeds 1,2,3] [--write]
 *   node bench/ranking-networks.ts --validation [--config '{"dropout":0.2}']
 *
 * Cut by time: 80 % train, 10 % validation (stops training, fits calibrations), 10 % test. `--validation`
 * measures on validation. `--write` renews bench/results/ranking-networks.md.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { silentWork } from "@magpie/domain";
import { areaUnderCurve, expectedCalibrationError, logLoss } from "@magpie/evaluation";
import {
  isotonicCalibration,
  plattCalibration,
  rankingNetworkDefaults,
  trainRankingNetwork,
  type RankingArchitecture,
  type RankingExamples,
} from "@magpie/models";
import { mean, meanInterval } from "@magpie/numerics";
import { retailRocketViews, simulatedImpressions, type RankingTask } from "./ranking-examples.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string", default: "simulated-shop" },
    seeds: { type: "string", default: "1,2,3" },
    config: { type: "string", default: "{}" },
    models: { type: "string", default: "logistic,mlp,dcn,mmoe" },
    validation: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const seeds = options.seeds.split(",").map(Number);
const changes = JSON.parse(options.config) as object;
const task: RankingTask =
  options.dataset === "retailrocket" ? await retailRocketViews() : simulatedImpressions();
/** Without places there is nothing to debias. */
const hasPlaces = task.train.positions.some((position) => position > 0);
const asked = options.validation ? task.validation : task.test;

/** Logits and answers of one task, where it applies. */
function answersOf(examples: RankingExamples, logits: Float32Array, t: number) {
  const { tasks, count, applies, labels } = examples;
  const own = Array.from({ length: count }, (_, i) => i * tasks.length + t).filter(
    (at) => applies[at] === 1,
  );
  return {
    logits: Float32Array.from(own, (at) => logits[at]!),
    labels: Uint8Array.from(own, (at) => labels[at]!),
  };
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Share of pairs within one list in which what is liked better stands higher. */
function agreement({ utilities, lists }: NonNullable<RankingTask["truth"]>, scores: Float32Array) {
  let [right, all] = [0, 0];
  for (let from = 0; from < lists.length;) {
    let to = from;
    while (to < lists.length && lists[to] === lists[from]) to++;
    for (let a = from; a < to; a++) {
      for (let b = a + 1; b < to; b++) {
        const order = Math.sign(utilities[a]! - utilities[b]!) * Math.sign(scores[a]! - scores[b]!);
        right += order > 0 ? 1 : order === 0 ? 0.5 : 0;
        all++;
      }
    }
    from = to;
  }
  return right / all;
}

interface Row {
  readonly name: string;
  readonly perTask: readonly {
    readonly auc: number;
    readonly loss: number;
    readonly ece: number;
    readonly platt: number;
    readonly isotonic: number;
  }[];
  readonly truth: number | undefined;
  readonly seconds: number;
}

async function measure(
  architecture: RankingArchitecture,
  debiasing: boolean,
  seed: number,
): Promise<Row> {
  // The line to beat gets what it takes to converge.
  const own = architecture === "logistic" ? { epochs: 60, learningRate: 0.003 } : {};
  const config = { ...rankingNetworkDefaults, architecture, debiasing, ...own, ...changes };
  const { train, validation } = task;
  const network = await trainRankingNetwork({ train, validation }, config, {
    ...silentWork(),
    seed,
  });
  const known = await network.logits(validation, "as-shown");
  const logits = await network.logits(asked, "as-shown");
  const perTask = task.train.tasks.map((_, t) => {
    const fit = answersOf(validation, known, t);
    const own = answersOf(asked, logits, t);
    const said = (of: (x: number) => number) => Array.from(own.logits, of);
    const ece = (of: (x: number) => number) => expectedCalibrationError(said(of), own.labels);
    return {
      auc: areaUnderCurve(own.logits, own.labels),
      loss: logLoss(said(sigmoid), own.labels),
      ece: ece(sigmoid),
      platt: ece(plattCalibration(fit.logits, fit.labels).probability),
      isotonic: ece(isotonicCalibration(fit.logits, fit.labels).probability),
    };
  });
  const ranking = await network.logits(asked, "none");
  const clicks = Float32Array.from({ length: asked.count }, (_, i) => ranking[i * perTask.length]!);
  await network.dispose();
  const names = { logistic: "logistic regression", mlp: "MLP", dcn: "DCN-v2", mmoe: "MMoE" };
  const row: Row = {
    name: debiasing || !hasPlaces ? names[architecture] : `${names[architecture]}, place not told`,
    perTask,
    truth:
      task.truth === undefined || options.validation ? undefined : agreement(task.truth, clicks),
    seconds: network.cost.wallSeconds,
  };
  process.stderr.write(
    `${row.name}, seed ${seed}: ${perTask.map(({ auc, loss }) => `${auc.toFixed(4)}/${loss.toFixed(4)}`).join(" ")} ${row.truth?.toFixed(4) ?? ""} ${row.seconds.toFixed(0)} s, ${network.curve.length} epochs\n`,
  );
  return row;
}

const rows = new Map<string, Row[]>();
for (const architecture of options.models.split(",") as RankingArchitecture[]) {
  // Without the place's own part only the network with all tasks is shown: it is there for comparison.
  for (const debiasing of hasPlaces && architecture === "mmoe" ? [true, false] : [hasPlaces]) {
    for (const seed of seeds) {
      const row = await measure(architecture, debiasing, seed);
      rows.set(row.name, [...(rows.get(row.name) ?? []), row]);
    }
  }
}

const four = (value: number): string => value.toFixed(4).replace(/^0/, "");
function spread(values: readonly number[]): string {
  if (values.length < 2) return four(mean(values));
  const { mean: middle, low, high } = meanInterval(values);
  return `${four(middle)} ± ${four((high - low) / 2)}`;
}

const lines = [
  `${task.about}. ${task.train.count} examples to learn from, ${asked.count} of ${options.validation ? "validation" : "test"}, cut by time. ` +
    `± is the half-width of the 95 % t-interval over ${seeds.length} seeds. ECE over 20 bins of equally many examples, raw and after ` +
    "calibration on validation.",
];
task.train.tasks.forEach((name, t) => {
  const own = answersOf(asked, new Float32Array(asked.labels.length), t).labels;
  const yes = own.reduce((sum, label) => sum + label, 0);
  lines.push(
    "",
    `**${name}**: ${yes} of ${own.length}`,
    "",
    "| network | AUC | log loss | ECE | ECE, Platt | ECE, isotonic |",
    "| --- | ---: | ---: | ---: | ---: | ---: |",
    ...[...rows].map(([model, all]) => {
      const column = (of: keyof Row["perTask"][number]) =>
        spread(all.map(({ perTask }) => perTask[t]![of]));
      return `| ${model} | ${(["auc", "loss", "ece", "platt", "isotonic"] as const).map(column).join(" | ")} |`;
    }),
  );
});
if (task.truth !== undefined && !options.validation) {
  lines.push(
    "",
    "**What is really liked**: share of pairs of one list that the click's logit, without the place's part, puts in the order " +
      "of the shopper's true liking, which only the simulator knows",
    "",
    "| network | pairs in order |",
    "| --- | ---: |",
    ...[...rows].map(([model, all]) => `| ${model} | ${spread(all.map(({ truth }) => truth!))} |`),
  );
}
const text = lines.join("\n");
process.stdout.write(`${text}\n`);
if (options.write && !options.validation) {
  const made = `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/ranking-networks.ts --dataset ${options.dataset} --write\``;
  await writeSection(
    join(import.meta.dirname, "results/ranking-networks.md"),
    "Rankers' networks",
    [`### ${options.dataset}`, "", made, "", text].join("\n"),
  );
}
