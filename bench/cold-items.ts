/**
 * Items that nobody has taken yet: a tenth of the items is removed from training and from all pasts, and
 * held-out acts on them are asked for. Two towers against likeness of content and popularity.
 *
 *   node bench/cold-items.ts [--dataset amazon-beauty|simulated-shop] [--seeds 1,2,3] [--write]
 *   node bench/cold-items.ts --validation [--config '{"two-tower":{"temperature":0.1}}']
 *
 *   node bench/cold-items.ts --models sasrec --config '{"sasrec":{"itemTexts":true}}'
 *
 * `--validation` asks about validation's cases only: settings are chosen there. Each seed draws the cold
 * items anew and trains with it. `--write` renews bench/results/cold-items.md.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  ItemFeatureEncoder,
  defaultFeatureShares,
  simulateShop,
  type DescribedItem,
  type FeatureShares,
  type HeldOut,
} from "@magpie/data";
import { silentWork, type Scorer } from "@magpie/domain";
import { evaluate, type Evaluation, type EvaluationOptions } from "@magpie/evaluation";
import { modelByKind, type TrainedModel, type TrainingData } from "@magpie/models";
import { meanInterval, pairedDifference } from "@magpie/numerics";
import { beautyItems, coldItems, coldShare, withoutItems } from "./cold-split.ts";
import { titleVectors } from "./item-attributes.ts";
import { folderOf, modelTasks } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const kinds = ["popularity", "content-knn", "two-tower"] as const;

interface ColdSet {
  readonly about: string;
  /** By row; row 0 is padding. */
  readonly items: () => Promise<readonly (DescribedItem | undefined)[]>;
}

const datasets = {
  "amazon-beauty": {
    about:
      "amazon-beauty, leave-one-out; items are told by their titles and category paths, and by " +
      "the attributes of the S3-Rec files that no category explains, which are mostly brands",
    items: beautyItems,
  },
  "simulated-shop": {
    about: "the simulated demo shop, cut by time; items are told by all that its catalogue says",
    items: () => {
      const nowMs = Date.parse("2026-06-01T00:00:00Z");
      const { items } = simulateShop({ seed: 1, size: "demo", nowMs });
      return Promise.resolve([undefined, ...items]);
    },
  },
} as const satisfies Record<string, ColdSet>;

/** A scorer that ranks cold items only. */
function amongCold(scorer: Scorer, isCold: Uint8Array): Scorer {
  const size = scorer.itemCount + 1;
  return {
    name: scorer.name,
    itemCount: scorer.itemCount,
    async scoreAll(histories, out) {
      await scorer.scoreAll(histories, out);
      for (let i = 0; i < histories.length * size; i++) {
        if (isCold[i % size] === 0) out[i] = -Infinity;
      }
    },
  };
}

interface Measured {
  readonly name: string;
  readonly overAll: Evaluation;
  readonly overCold: Evaluation;
}

async function measure(
  model: TrainedModel,
  heldOut: HeldOut,
  isCold: Uint8Array,
): Promise<Measured> {
  // No target is in a past, so items of the past would only take places from others.
  const options = {
    cutoffs: [10],
    metrics: ["recall", "ndcg"],
    seenItems: "remove",
  } as const satisfies EvaluationOptions;
  return {
    name: model.name,
    overAll: await evaluate(model, heldOut, options),
    overCold: await evaluate(amongCold(model, isCold), heldOut, options),
  };
}

const { values: options } = parseArgs({
  options: {
    dataset: { type: "string", default: "amazon-beauty" },
    seeds: { type: "string", default: "1,2,3" },
    models: { type: "string", default: kinds.join(",") },
    config: { type: "string", default: "{}" },
    shares: { type: "string", default: "{}" },
    validation: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const dataset = options.dataset as keyof typeof datasets;
const changes = JSON.parse(options.config) as Record<string, object>;
const shares = JSON.parse(options.shares) as Partial<FeatureShares>;
const task = modelTasks[dataset];
const whole = await task.split(folderOf(task));
const { items, about } = datasets[dataset];
const described = await items();
const encoder = ItemFeatureEncoder.fit(
  described.filter((item) => item !== undefined),
  { shares: { ...defaultFeatureShares, ...shares } },
);
const itemFeatures = encoder.matrix(described);

const runs = new Map<string, Measured[]>();
let cases = 0;
for (const seed of options.seeds.split(",").map(Number)) {
  const isCold = coldItems(whole.train.itemCount, seed);
  const split = withoutItems(whole, isCold);
  const heldOut = options.validation ? split.validation : split.test;
  cases += heldOut.pasts.length;
  for (const kind of options.models.split(",")) {
    const model = modelByKind(kind);
    const config: { readonly itemTexts?: boolean } = { ...model.defaults, ...changes[kind] };
    const data: TrainingData = {
      train: split.train,
      validation: split.validation,
      itemFeatures,
      ...(config.itemTexts === true && { content: await titleVectors(described) }),
    };
    const trained = await model.train(data, config, { ...silentWork(), seed });
    const measured = await measure(trained, heldOut, isCold);
    runs.set(kind, [...(runs.get(kind) ?? []), measured]);
    const best = trained.curve.findLast(({ ndcgAt10 }) => ndcgAt10 !== undefined);
    process.stderr.write(
      `seed ${seed} ${kind}: over all R@10 ${four(measured.overAll.metrics.recallAt10!)} N@10 ${four(measured.overAll.metrics.ndcgAt10!)}, ` +
        `over cold R@10 ${four(measured.overCold.metrics.recallAt10!)} N@10 ${four(measured.overCold.metrics.ndcgAt10!)}, ` +
        `${trained.cost.wallSeconds.toFixed(0)} s${best === undefined ? "" : `, ${best.epoch} epochs`}\n`,
    );
    await trained.dispose();
  }
}

function four(value: number): string {
  return value.toFixed(4).replace(/^0/, "");
}

/** Mean over seeds with the half-width of its 95 % t-interval. */
function spread(values: readonly number[]): string {
  if (values.length < 2) return four(values[0]!);
  const { mean, low, high } = meanInterval(values);
  return `${four(mean)} ± ${four((high - low) / 2)}`;
}

const seedCount = options.seeds.split(",").length;
const table = [
  "| model | all items: Recall@10 | NDCG@10 | cold items: Recall@10 | NDCG@10 |",
  "| --- | ---: | ---: | ---: | ---: |",
  ...[...runs.values()].map((seeds) => {
    const column = (over: "overAll" | "overCold", metric: "recallAt10" | "ndcgAt10") =>
      spread(seeds.map((one) => one[over].metrics[metric]!));
    return `| ${seeds[0]!.name} | ${column("overAll", "recallAt10")} | ${column("overAll", "ndcgAt10")} | ${column("overCold", "recallAt10")} | ${column("overCold", "ndcgAt10")} |`;
  }),
];
const [towers, knn] = [runs.get("two-tower"), runs.get("content-knn")];
const lines = [
  `${about}. ${Math.round(100 * coldShare)} % of ${whole.train.itemCount} items are cold, drawn anew by each of ${seedCount} seeds; ` +
    `${cases} cases in all, whose users the models do not know. Features are the same for both models that read them. ` +
    `± is the half-width of the 95 % t-interval over seeds.`,
  "",
  ...table,
];
if (towers !== undefined && knn !== undefined) {
  for (const over of ["overAll", "overCold"] as const) {
    const join = (all: readonly Measured[]) =>
      all.flatMap((one) => [...one[over].perCase.ndcgAt10!]);
    const { difference, pValue } = pairedDifference(join(towers), join(knn));
    const { mean, low, high } = difference;
    lines.push(
      "",
      `NDCG@10 of two-tower less that of content-kNN ${over === "overAll" ? "among all items" : "among cold items"}, over cases: ` +
        `${mean.toFixed(4)} (95 % interval ${low.toFixed(4)} to ${high.toFixed(4)}, p ${pValue < 1e-4 ? "< .0001" : `= ${four(pValue)}`}).`,
    );
  }
}
const text = lines.join("\n");
process.stdout.write(`${text}\n`);
if (options.write && !options.validation) {
  const made = `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/cold-items.ts --dataset ${dataset} --write\``;
  await writeSection(
    join(import.meta.dirname, "results/cold-items.md"),
    "Items that nobody has taken yet",
    [`### ${dataset}`, "", made, "", text].join("\n"),
  );
}
