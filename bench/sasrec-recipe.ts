/**
 * Looks for SASRec's recipe: trains variants of it and compares them on **validation** alone. The test
 * part is never read here.
 *
 *     node bench/sasrec-recipe.ts [--set amazon-beauty] [--seed 1] [--write] '{"dropout":0.3}' …
 *
 * Each argument is one variant, as JSON over the defaults; `loss` is taken field by field. Without any,
 * the defaults themselves. Data sets are looked for below MAGPIE_DATASETS.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { leaveOneOut, readS3Rec } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { sasRec, sasRecDefaults, type SasRecConfig } from "@magpie/models";

const { values: options, positionals } = parseArgs({
  options: {
    set: { type: "string", default: "amazon-beauty" },
    seed: { type: "string", default: "1" },
    write: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
const folder = process.env["MAGPIE_DATASETS"];
if (folder === undefined) {
  process.stderr.write("Set MAGPIE_DATASETS to the folder that holds the public data sets.\n");
  process.exit(2);
}
const { train, validation } = leaveOneOut(await readS3Rec(join(folder, options.set)));
const seed = Number(options.seed);

const lines: string[] = [];
for (const variant of positionals.length > 0 ? positionals : ["{}"]) {
  const { loss, ...change } = JSON.parse(variant) as Partial<SasRecConfig>;
  const config = {
    ...sasRecDefaults,
    ...change,
    loss: { ...sasRecDefaults.loss, ...loss } as SasRecConfig["loss"],
  };
  const model = await sasRec.train({ train, validation }, config, { ...silentWork(), seed });
  const best = model.curve.reduce((a, b) => ((b.ndcgAt10 ?? -1) > (a.ndcgAt10 ?? -1) ? b : a));
  const { wallSeconds, cpuSeconds } = model.cost;
  const numbers = [
    best.ndcgAt10!.toFixed(4),
    best.epoch,
    model.curve.length,
    best.loss.toFixed(3),
    wallSeconds.toFixed(0),
    cpuSeconds.toFixed(0),
  ];
  lines.push(`| \`${variant}\` | ${numbers.join(" | ")} |`);
  console.log(lines.at(-1));
  await model.dispose();
}

if (options.write) {
  const path = join(import.meta.dirname, "results", `sasrec-recipe-${options.set}.md`);
  const head = [
    `# SASRec recipes on ${options.set}, validation only`,
    "",
    `\`node bench/sasrec-recipe.ts --set ${options.set} --write …\`: leave-one-out, all items ranked, seed ${seed}.`,
    "Each variant is the default recipe of its day with one change; seconds were taken on a shared machine.",
    "",
    "| change | NDCG@10 | best epoch | epochs | loss | wall s | CPU s |",
    "|---|---|---|---|---|---|---|",
    "",
  ].join("\n");
  await mkdir(join(import.meta.dirname, "results"), { recursive: true });
  const known = await readFile(path, "utf8").catch(() => head);
  await writeFile(path, `${known}${lines.join("\n")}\n`);
}
