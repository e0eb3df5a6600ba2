/**
 * LightGCN on lightgcn-gowalla: the given split, all items ranked, seen items masked.
 *
 *     node bench/gowalla-lightgcn.ts [--validation-only] [--seeds 3] [--recipe '{"batch":16384}'] [--budget 3600]
 *
 * `--budget` ends each training after so many seconds; a table says whether it did.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readLightGcn } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { evaluate } from "@magpie/evaluation";
import { modelByKind } from "@magpie/models";
import { meanInterval } from "@magpie/numerics";
import { holdOutTenth } from "./memory-comparison.ts";
import { datasetFolder } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    "validation-only": { type: "boolean", default: false },
    seeds: { type: "string", default: "3" },
    recipe: { type: "string", default: "{}" },
    budget: { type: "string" },
  },
});
const { train, test } = await readLightGcn(datasetFolder("lightgcn-gowalla"));
const choice = holdOutTenth(train);
const model = modelByKind("lightgcn");
const config = { ...model.defaults, ...(JSON.parse(options.recipe) as object) };
const budgetSeconds = Number(options.budget ?? Infinity);
const recalls: number[] = [];
const ndcgs: number[] = [];
const epochs: number[] = [];
const seconds: number[] = [];

for (let seed = 1; seed <= Number(options.seeds); seed++) {
  const trained = await model.train(choice, config, {
    ...silentWork(),
    seed,
    budgetSeconds,
    onProgress: ({ done, metrics }) => {
      const measured = Object.entries(metrics ?? {}).map(
        ([name, value]) => `${name} ${value.toFixed(4)}`,
      );
      process.stdout.write(
        `seed ${seed}, epoch ${done}: ${measured.join(", ")}, ${process.uptime().toFixed(0)} s\n`,
      );
    },
  });
  epochs.push(trained.curve.length);
  seconds.push(trained.cost.wallSeconds);
  if (!options["validation-only"]) {
    const { metrics } = await evaluate(trained, test, {
      cutoffs: [20],
      metrics: ["recall", "ndcg"],
      seenItems: "remove",
    });
    recalls.push(metrics.recallAt20!);
    ndcgs.push(metrics.ndcgAt20!);
    process.stdout.write(`seed ${seed}, test: ${JSON.stringify(metrics)}\n`);
  }
  await trained.dispose();
}
if (!options["validation-only"]) await write();

async function write(): Promise<void> {
  const isCut = seconds.some((taken) => taken >= budgetSeconds);
  const table = [
    "### gowalla-lightgcn",
    "",
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/gowalla-lightgcn.ts ${process.argv.slice(2).join(" ")}\``,
    "",
    "lightgcn-gowalla, the given random split; all 40,981 items ranked, items of train masked.",
    "",
    "- It learns from nine tenths of each user's train items; the other tenth picks the epoch (NDCG@10 of 5,000 users). Test was read once by each seed.",
    `- ${options.seeds} seeds; ${options.seeds === "1" ? "no interval can be given" : "means with 95 % intervals"}. ${isCut ? `Training was ended after ${options.budget} s, before validation had stopped rising.` : ""}`,
    "- Seconds were taken on a machine that others loaded.",
    "",
    "| model | changes to the recipe | Recall@20 | NDCG@20 | epochs | train s |",
    "|---|---|---:|---:|---:|---:|",
    `| LightGCN, softmax | ${options.recipe.replaceAll('"', "")} | ${spread(recalls)} | ${spread(ndcgs)} | ${epochs.join(", ")} | ${seconds.map((taken) => taken.toFixed(0)).join(", ")} |`,
    "| LightGCN (published) | | .1830 | .1554 | | |",
    "| UltraGCN (published) | | .1862 | .1580 | | |",
  ];
  const file = join(import.meta.dirname, "results", "graph-models.md");
  await writeSection(file, "Graph models", table.join("\n"));
}

function spread(values: readonly number[]): string {
  const shown = (value: number) => value.toFixed(4).replace(/^0\./, ".");
  if (values.length < 2) return shown(values[0]!);
  const { mean, high } = meanInterval(values);
  return `${shown(mean)} ± ${shown(high - mean)}`;
}
