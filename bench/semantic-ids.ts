/**
 * Semantic ids as a channel of candidates: how many held-out targets they find among 100, and how many that no
 * other channel finds. amazon-beauty, all items, and with a tenth of the items cold.
 *
 *   node bench/semantic-ids.ts [--validation] [--config '{"codes":128}'] [--write]
 */
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ItemFeatureEncoder, type Split } from "@magpie/data";
import { silentWork } from "@magpie/domain";
import { uniqueHits } from "@magpie/evaluation";
import { modelByKind, SemanticIdsModel, type TrainedModel } from "@magpie/models";
import { beautyItems, coldItems, withoutItems } from "./cold-split.ts";
import { folderOf, modelTasks } from "./model-tasks.ts";
import { writeSection } from "./write-section.ts";

const { values: options } = parseArgs({
  options: {
    config: { type: "string", default: "{}" },
    validation: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
  },
});
const depth = 100;
const kinds = ["popularity", "item-knn", "content-knn", "semantic-ids"] as const;
const changes = JSON.parse(options.config) as object;
const task = modelTasks["amazon-beauty"];
const whole = await task.split(folderOf(task));
const described = await beautyItems();
const encoder = ItemFeatureEncoder.fit(described.filter((item) => item !== undefined));
const itemFeatures = encoder.matrix(described);

async function tableOf(title: string, split: Split): Promise<string[]> {
  const channels: TrainedModel[] = [];
  for (const kind of kinds) {
    const model = modelByKind(kind);
    const config = { ...model.defaults, ...(kind === "semantic-ids" && changes) };
    const data = { train: split.train, itemFeatures };
    channels.push(await model.train(data, config, { ...silentWork(), seed: 1 }));
    process.stderr.write(`${title}: ${kind} ${channels.at(-1)!.cost.wallSeconds.toFixed(0)} s\n`);
  }
  const heldOut = options.validation ? split.validation : split.test;
  const counted = await uniqueHits(channels, heldOut, depth);
  const semantic = channels.find((one) => one instanceof SemanticIdsModel)!;
  const { ids, levels } = semantic.ids;
  const groups = new Map<string, number>();
  for (let item = 1; item <= semantic.itemCount; item++) {
    const id = ids.subarray(item * levels, (item + 1) * levels).join(" ");
    groups.set(id, (groups.get(id) ?? 0) + 1);
  }
  const alone = [...groups.values()].filter((size) => size === 1).length;
  const percent = (part: number) => `${((100 * part) / counted.targets).toFixed(1)} %`;
  for (const channel of channels) await channel.dispose();
  return [
    `**${title}**: ${counted.targets} targets, ${percent(counted.found)} found by one channel at least; ` +
      `${groups.size} different ids for ${semantic.itemCount} items, ${alone} of them of one item alone`,
    "",
    `| channel | found among its ${depth} | found by it alone |`,
    "| --- | ---: | ---: |",
    ...counted.channels.map(
      ({ channel, hits, uniqueHits: own }) =>
        `| ${channel} | ${hits} (${percent(hits)}) | ${own} (${percent(own)}) |`,
    ),
    "",
  ];
}

const isCold = coldItems(whole.train.itemCount, 1);
const text = [
  ...(await tableOf("all items known", whole)),
  ...(await tableOf(
    "a tenth of the items cold, only they are asked for",
    withoutItems(whole, isCold),
  )),
]
  .join("\n")
  .trim();
process.stdout.write(`${text}\n`);
if (options.write && !options.validation) {
  const made = `${new Date().toISOString().slice(0, 10)} · ${cpus().length} cores, ${cpus()[0]?.model.trim()} · Node ${process.version} · \`node bench/semantic-ids.ts --write\``;
  await writeSection(
    join(import.meta.dirname, "results/semantic-ids.md"),
    "Semantic ids",
    [
      "### amazon-beauty, leave-one-out, test",
      "",
      made,
      "",
      "Seed 1. Items of a past are no candidates. Channels have their default recipes.",
      "",
      text,
    ].join("\n"),
  );
}
