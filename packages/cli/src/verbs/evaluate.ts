import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  compareRuns,
  compareWithTwin,
  evaluate,
  lineChart,
  markdownTable,
  terminalTable,
  type Comparison,
  type MetricAt,
  type Run,
  type SeenItems,
  type TwinComparison,
} from "@magpie/evaluation";
import { modelByKind, models, trainPermutedTwin, type CurvePoint } from "@magpie/models";
import { Option } from "commander";
import { readSplit, withSplitOptions, type ShopSplit, type SplitOptions } from "../held-out.ts";
import { readRecipe, type RecipeFile } from "../recipe-file.ts";
import type { Shell } from "../shell.ts";
import { table } from "../tables.ts";
import { examples, wholeNumbers, type Verb } from "./verb.ts";

interface Given extends SplitOptions {
  readonly models?: string;
  readonly seeds: number[];
  readonly seenItems: SeenItems;
  readonly permutedTwin: boolean;
  readonly recipe?: string;
  readonly output?: string;
}

const shown: readonly MetricAt[] = [
  "recallAt10",
  "ndcgAt10",
  "mrrAt10",
  "hitRateAt10",
  "coverageAt10",
];

interface Measured {
  readonly comparison: Comparison;
  readonly curves: readonly { readonly label: string; readonly curve: readonly CurvePoint[] }[];
  /** With `--permuted-twin`: each model, by its first seed, beside its twin. */
  readonly twins?: readonly TwinComparison[];
}

async function measure(
  split: ShopSplit,
  kinds: readonly string[],
  recipe: RecipeFile,
  given: Given,
  shell: Shell,
): Promise<Measured> {
  const runs: Run[] = [];
  const curves: { label: string; curve: readonly CurvePoint[] }[] = [];
  const twins: TwinComparison[] = [];
  const { train, validation, itemFeatures } = split;
  const data = { train, validation, itemFeatures };
  for (const kind of kinds) {
    const model = modelByKind(kind);
    const config = { ...model.defaults, ...recipe[kind] };
    shell.note(
      `${kind}: expects ${(model.expectedBytes(data, config) / 2 ** 20).toFixed(0)} MiB beyond the data`,
    );
    for (const seed of modelByKind(kind).isSeeded ? given.seeds : given.seeds.slice(0, 1)) {
      const trained = await model.train(data, config, { ...shell.work(), seed });
      const rules = { cutoffs: [10], seenItems: given.seenItems, work: shell.work() };
      const evaluation = await evaluate(trained, split.test, { ...rules, train: split.train });
      runs.push({
        model: trained.name,
        ...(modelByKind(kind).isSeeded && { seed }),
        evaluation,
        cost: trained.cost,
      });
      if (trained.curve.length > 0)
        curves.push({ label: `${trained.name}, seed ${seed}`, curve: trained.curve });
      await trained.dispose();
      if (!given.permutedTwin || seed !== given.seeds[0]) continue;
      const twin = await trainPermutedTwin(model, data, config, { ...shell.work(), seed });
      const ofTwin = await evaluate(twin, split.test, { ...rules, metrics: ["ndcg"] });
      await twin.dispose();
      const [own, other] = [evaluation, ofTwin].map(({ perCase }) => perCase["ndcgAt10"]!);
      twins.push(compareWithTwin(trained.name, "NDCG@10", own!, other!));
    }
  }
  return {
    comparison: compareRuns({ dataset: shell.dataFolder, protocol: split.protocol }, runs),
    curves,
    ...(given.permutedTwin && { twins }),
  };
}

/** The twins' table, and a warning for each model that is not above its own. */
function twinsText(twins: readonly TwinComparison[]): string {
  return [
    "",
    "Beside the same training on interactions dealt out at random (first seed, NDCG@10):",
    table(
      ["model", "itself", "its twin", "p"],
      twins.map(({ model, ofModel, ofTwin, pValue }) => [
        model,
        ofModel.toFixed(4),
        ofTwin.toFixed(4),
        pValue.toPrecision(2),
      ]),
      [1, 2, 3],
    ),
    ...twins.flatMap(({ warning }) => (warning === undefined ? [] : [`Warning: ${warning}`])),
  ].join("\n");
}

async function write(folder: string, { comparison, curves, twins }: Measured): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "evaluation.md"), markdownTable(comparison));
  await writeFile(
    join(folder, "evaluation.json"),
    `${JSON.stringify({ comparison, curves, twins }, null, 2)}\n`,
  );
  if (curves.length === 0) return;
  const loss = curves.map(({ label, curve }) => ({
    label,
    points: curve.map(({ epoch: x, loss: y }) => ({ x, y })),
  }));
  const quality = curves.map(({ label, curve }) => ({
    label,
    points: curve.flatMap(({ epoch: x, ndcgAt10: y }) => (y === undefined ? [] : [{ x, y }])),
  }));
  await writeFile(
    join(folder, "loss.svg"),
    lineChart(loss, { title: "Training loss", xLabel: "epoch", yLabel: "loss" }),
  );
  await writeFile(
    join(folder, "ndcg.svg"),
    lineChart(quality, {
      title: "NDCG@10 on validation",
      xLabel: "epoch",
      yLabel: "NDCG@10",
      fromZero: true,
    }),
  );
}

export const evaluateModels: Verb = (program, shellOf) => {
  withSplitOptions(program.command("evaluate"))
    .description(
      "compare models on held-out behaviour: full ranking, several seeds, 95 % intervals",
    )
    .option(
      "--models <kinds>",
      `comma-separated (default: ${models.map(({ kind }) => kind).join(",")})`,
    )
    .option("--seeds <list>", "of models with chance in their training", wholeNumbers, [1, 2, 3])
    .addOption(
      new Option("--seen-items <rule>", "items of the past")
        .choices(["keep", "remove"])
        .default("keep"),
    )
    .option(
      "--permuted-twin",
      "train each model again on interactions dealt out at random, and warn if it is no better",
      false,
    )
    .option("--recipe <file>", "settings that replace the models' defaults, as tune writes them")
    .option("--output <folder>", "write table, JSON and curves there")
    .addHelpText(
      "after",
      examples(
        "magpie evaluate\nmagpie evaluate --models popularity,item-knn --protocol leave-one-out\n" +
          "magpie evaluate --models item-knn,sasrec --permuted-twin\n" +
          "magpie evaluate --test-from 2026-11-01 --validation-from 2026-10-15 --output evaluation",
      ),
    )
    .action(async (given: Given) => {
      const shell = shellOf(program.opts());
      const kinds = given.models?.split(",") ?? models.map(({ kind }) => kind);
      kinds.forEach(modelByKind);
      const recipe = given.recipe === undefined ? {} : await readRecipe(given.recipe);
      const split = await readSplit(shell.dataFolder, given);
      const measured = await measure(split, kinds, recipe, given, shell);
      if (given.output !== undefined) {
        await write(given.output, measured);
        shell.note(`Written to ${given.output}`);
      }
      const { comparison, twins } = measured;
      const text = terminalTable(comparison, shown);
      shell.result(measured, twins === undefined ? text : `${text}\n${twinsText(twins)}`);
    });
};
