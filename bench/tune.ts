/**
 * What `magpie tune` finds on public data within a time: recipes drawn from a model's declared space,
 * compared on **validation** alone; the test part is never read here.
 *
 *     node bench/tune.ts [--task amazon-beauty] [--kind ease] [--budget 20] [--recipes 27] [--seed 1]
 *                        [--shared '{"denseLimit":0}'] [--write]
 *
 * `--shared` holds for all recipes, the default one included. Trials are kept in `bench/.cache` and a
 * search goes on from there. With `--write` the table goes to `results/tune.md` and the recipe, as
 * `magpie train --recipe` and `magpie evaluate --recipe` read it, to `results/tune-KIND-TASK.json`.
 */
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Model, modelByKind, tune, type Trial } from "@magpie/models";
import { folderOf, taskNamed } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values } = parseArgs({
  options: {
    task: { type: "string", default: "amazon-beauty" },
    kind: { type: "string", default: "ease" },
    budget: { type: "string", default: "20" },
    recipes: { type: "string", default: "27" },
    seed: { type: "string", default: "1" },
    shared: { type: "string", default: "{}" },
    write: { type: "boolean", default: false },
  },
});
const task = taskNamed(values.task);
const shared = JSON.parse(values.shared) as object;
const declared = modelByKind(values.kind);
const model: Model = { ...declared, defaults: { ...declared.defaults, ...shared } };
const split = await task.split(folderOf(task));

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
let toldAt = 0;
const tuning = await tune(model, split, {
  seed: Number(values.seed),
  recipes: Number(values.recipes),
  budgetSeconds: 60 * Number(values.budget),
  folder: join(import.meta.dirname, ".cache", `tune-${values.kind}-${values.task}`),
  threads: 1,
  signal: stop.signal,
  onProgress({ stage, done, total, unit, message }) {
    if (performance.now() - toldAt < 15_000) return;
    toldAt = performance.now();
    process.stderr.write(`${stage} ${done} of ${total ?? "?"} ${unit}  ${message ?? ""}\n`);
  },
});

const settingsOf = ({ recipe, changes }: Trial): string =>
  recipe === 0
    ? "(the defaults)"
    : Object.entries(changes)
        .map(([field, value]) => `${field} ${value}`)
        .join(", ");
const hasEffort = tuning.trials.some(({ effort }) => effort !== undefined);
const header = ["recipe", ...(hasEffort ? ["effort"] : []), "NDCG@10", "Recall@10", "s"];
const shown = Object.entries(values)
  .filter(([name, value]) => name !== "write" && value !== "{}")
  .map(([name, value]) => `--${name} ${name === "shared" ? `'${value}'` : value}`)
  .join(" ");
const recipe = { [values.kind]: { ...shared, ...tuning.best.changes } };
const report = [
  `### ${values.kind} on ${values.task}, ${values.budget} minutes`,
  "",
  `\`node bench/tune.ts ${shown}\` · ${new Date().toISOString().slice(0, 10)} · ${cpus().length} × ${cpus()[0]!.model.trim()}, one thread · Node ${process.versions.node}`,
  "",
  `Validation of ${split.protocol}, ${split.validation.pasts.length.toLocaleString("en")} cases, all items ranked, best first; test was not read. Seconds were taken on a machine that others loaded.`,
  "",
  `| ${header.join(" | ")} | settings |`,
  `|${header.map(() => "---:").join("|")}|---|`,
  ...tuning.trials.map((trial) => {
    const { recipe: number, effort, ndcgAt10, recallAt10, seconds, isCut } = trial;
    const cells = [
      number,
      ...(hasEffort ? [effort ?? ""] : []),
      ndcgAt10.toFixed(4),
      recallAt10.toFixed(4),
      `${seconds.toFixed(0)}${isCut ? " (cut)" : ""}`,
      settingsOf(trial),
    ];
    return `| ${cells.join(" | ")} |`;
  }),
  "",
  `The best recipe: \`${JSON.stringify(recipe)}\``,
].join("\n");
process.stdout.write(`${report}\n`);

if (values.write) {
  const results = join(import.meta.dirname, "results");
  await writeSection(join(results, "tune.md"), "Settings found by magpie tune", report);
  await writeFile(
    join(results, `tune-${values.kind}-${values.task}.json`),
    `${JSON.stringify(recipe, null, 2)}\n`,
  );
}
