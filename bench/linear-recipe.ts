/**
 * Looks for the recipes of item-kNN and EASE: trains variants and compares them on **validation**
 * alone. The test part is never read here.
 *
 *     node bench/linear-recipe.ts [--sets amazon-beauty,lastfm-s3rec] [--write] ['{"kind":"ease","ridge":500}' …]
 *
 * Each argument is one variant, as JSON over the kind's defaults. Without any, the defaults beside what
 * they were chosen against. Data sets are looked for below MAGPIE_DATASETS.
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { HeldOut } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { evaluate, type SeenItems } from "@magpie/evaluation";
import { modelByKind } from "@magpie/models";
import { folderOf, taskNamed } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sets: { type: "string", default: "amazon-beauty,amazon-sports,lastfm-s3rec,online-retail" },
    write: { type: "boolean", default: false },
  },
});

type Variant = { readonly kind: string } & Readonly<Record<string, unknown>>;

const chosenAgainst: readonly Variant[] = [
  { kind: "item-knn" },
  { kind: "item-knn", shrinkage: 0, recency: 1 },
  { kind: "item-knn", shrinkage: 5 },
  { kind: "item-knn", recency: 0.8 },
  { kind: "item-knn", recency: 0.5 },
  { kind: "item-knn", userDamping: 0.25 },
  { kind: "ease" },
  { kind: "ease", denseLimit: 0 },
  { kind: "ease", denseLimit: 0, recency: 1 },
  { kind: "ease", denseLimit: 0, recency: 0.5 },
  { kind: "ease", denseLimit: 0, ridge: 50 },
  { kind: "ease", denseLimit: 0, ridge: 500 },
  { kind: "ease", denseLimit: 0, ridge: 2_000 },
];

const variants =
  positionals.length > 0 ? positionals.map((text) => JSON.parse(text) as Variant) : chosenAgainst;

async function ndcg(
  trained: Parameters<typeof evaluate>[0],
  validation: HeldOut,
  seenItems: SeenItems,
): Promise<string> {
  const options = { cutoffs: [10], metrics: ["ndcg"], seenItems } as const;
  const { metrics } = await evaluate(trained, validation, options);
  return metrics.ndcgAt10!.toFixed(4).replace(/^0/, "");
}

for (const set of values.sets.split(",")) {
  const task = taskNamed(set);
  const split = await task.split(folderOf(task));
  const rows: string[][] = [];
  for (const { kind, ...changes } of variants) {
    const model = modelByKind(kind);
    const context = { seed: 1, ...silentWork() };
    const config = { ...model.defaults, ...changes };
    const trained = await model.train({ train: split.train }, config, context);
    const kept = await ndcg(trained, split.validation, "keep");
    const removed = await ndcg(trained, split.validation, "remove");
    const what = Object.entries(changes).map(([name, value]) => `${name} ${JSON.stringify(value)}`);
    const row = [
      trained.name,
      what.join(", ") || "defaults",
      kept,
      removed,
      trained.cost.cpuSeconds.toFixed(1),
    ];
    process.stdout.write(`${set}: ${row.join("  ")}\n`);
    rows.push(row);
  }
  if (!values.write) continue;
  const table = [
    `### ${set}, ${split.protocol}`,
    "",
    `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/linear-recipe.ts --sets ${set} --write\``,
    "",
    "NDCG@10 on validation, seen items kept / removed.",
    "",
    "| model | variant | kept | removed | CPU s |",
    "|---|---|---:|---:|---:|",
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ];
  const file = join(import.meta.dirname, "results", "linear-recipe.md");
  await writeSection(file, "Recipes of the linear models", table.join("\n"));
}
