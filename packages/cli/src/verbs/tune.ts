import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { allModels, modelByKind, tune, type Trial, type Tuning } from "@magpie/models";
import { readSplit, withSplitOptions, type SplitOptions } from "../held-out.ts";
import { formatSeconds } from "../progress-line.ts";
import { table } from "../tables.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

interface Given extends SplitOptions {
  readonly budget: number;
  readonly recipes: number;
  readonly seed: number;
  readonly output?: string;
}

/** What a trial changed, as it stands in the table. */
function changesOf({ recipe, changes }: Trial): string {
  if (recipe === 0) return "(the defaults)";
  return Object.entries(changes)
    .map(([field, value]) => `${field} ${value}`)
    .join(", ");
}

function tuningText({ trials }: Tuning): string {
  const hasEffort = trials.some(({ effort }) => effort !== undefined);
  return table(
    ["recipe", ...(hasEffort ? ["effort"] : []), "NDCG@10", "Recall@10", "training", "settings"],
    trials.map((trial) => [
      trial.recipe,
      ...(hasEffort ? [trial.effort ?? ""] : []),
      trial.ndcgAt10.toFixed(4),
      trial.recallAt10.toFixed(4),
      `${formatSeconds(trial.seconds)}${trial.isCut ? " (cut)" : ""}`,
      changesOf(trial),
    ]),
    hasEffort ? [0, 1, 2, 3, 4] : [0, 1, 2, 3],
  );
}

export const tuneModel: Verb = (program, shellOf) => {
  const tunable = allModels.filter(({ space }) => space !== undefined).map(({ kind }) => kind);
  const command = program
    .command("tune")
    .description("search a model's settings on validation, within a time; writes a recipe file")
    .argument("<kind>", `the model: ${tunable.join(", ")}`)
    .option("--budget <minutes>", "search about this long", wholeNumber(1), 30)
    .option("--recipes <n>", "so many are compared, the default one among them", wholeNumber(1), 27)
    .option("--seed <n>", "of the recipes drawn and of the trainings", wholeNumber(0), 1)
    .option(
      "--output <folder>",
      "results; a search goes on from what is there (default: tune-KIND)",
    );
  withSplitOptions(command)
    .addHelpText(
      "after",
      examples(
        "magpie tune ease\nmagpie tune sasrec --budget 120\nmagpie evaluate --models sasrec --recipe tune-sasrec/recipe.json\n" +
          "magpie train --recipe tune-sasrec/recipe.json",
      ),
    )
    .action(async (kind: string, given: Given) => {
      const shell = shellOf(program.opts());
      const model = modelByKind(kind);
      const folder = given.output ?? `tune-${kind}`;
      const split = await readSplit(shell.dataFolder, given);
      await mkdir(folder, { recursive: true });
      const tuning = await tune(model, split, {
        ...shell.work(),
        seed: given.seed,
        recipes: given.recipes,
        budgetSeconds: 60 * given.budget,
        folder,
      });
      const recipe = join(folder, "recipe.json");
      await writeFile(recipe, `${JSON.stringify({ [kind]: tuning.best.changes }, null, 2)}\n`);
      const text = tuningText(tuning);
      shell.result(
        { ...tuning, protocol: split.protocol, recipe },
        [
          `Validation of ${split.protocol}, all items ranked, best first${tuning.resumed > 0 ? `; ${tuning.resumed} trials taken over from an earlier search` : ""}:`,
          text,
          "",
          `Written to ${recipe}. The test part was not looked at:`,
          `  magpie evaluate --models ${kind} --recipe ${recipe}`,
        ].join("\n"),
      );
    });
};
