import type { Engine, Task, TrainOptions } from "@magpie/engine";
import { openEngine } from "@magpie/engine";
import { TrainingError } from "@magpie/domain";
import { formatSeconds } from "../progress-line.ts";
import { readRecipe } from "../recipe-file.ts";
import type { Shell } from "../shell.ts";
import { table } from "../tables.ts";
import { examples, wholeNumber, type Verb } from "./verb.ts";

/** The parts of a training task's result that are shown. */
export interface TrainingResult {
  readonly version: string;
  readonly items: number;
  readonly users: number;
  readonly interactions: number;
  readonly notes: readonly string[];
  readonly cost: {
    readonly wallSeconds: number;
    readonly cpuSeconds: number;
    readonly peakRssBytes: number;
  };
  readonly measurement?: {
    readonly protocol: string;
    readonly cases: number;
    readonly models: readonly {
      readonly model: string;
      readonly ndcgAt10: number;
      readonly recallAt10: number;
      readonly coverageAt10: number;
      readonly trainSeconds: number;
    }[];
  };
  readonly searchRanking?: {
    readonly searches: { readonly train: number; readonly heldOut: number };
    readonly byDefault: OrderQuality;
    readonly learned: OrderQuality;
    readonly withTaste: OrderQuality;
    readonly importance: readonly { readonly feature: string; readonly share: number }[];
    readonly isUsed: boolean;
    readonly isTasteUsed: boolean;
  };
}

/** How good one order of held-out searches was. */
interface OrderQuality {
  readonly ndcgAt10: number;
  readonly mrr: number;
  readonly mrrOfBought: number;
}

/** Runs a training to its end with progress shown; Ctrl-C cancels it and keeps its checkpoints. */
export async function trainToEnd(
  engine: Engine,
  options: TrainOptions,
  shell: Shell,
): Promise<TrainingResult> {
  const { onProgress, signal } = shell.work();
  const { id } = engine.train(options);
  const cancel = (): void => void engine.cancelTask(id);
  signal.addEventListener("abort", cancel, { once: true });
  try {
    const ended = await new Promise<Task>((resolve) => {
      const look = (task: Task): void => {
        if (task.progress !== undefined) onProgress(task.progress);
        if (task.status !== "queued" && task.status !== "running") resolve(task);
      };
      const unwatch = engine.watchTask(id, (task) => {
        look(task);
        if (task.finishedMs !== undefined) unwatch();
      });
      const now = engine.task(id);
      if (now !== undefined) look(now);
    });
    if (ended.status === "succeeded") return ended.result as TrainingResult;
    const { code, message, hint } = ended.error ?? {
      code: "TRAINING_CANCELLED",
      message: "Training was cancelled.",
      hint: "Run it again to go on from its last checkpoint.",
    };
    throw new TrainingError(code, message, hint, {
      kind: code === "EMPTY_CATALOGUE" ? "conflict" : "unavailable",
    });
  } finally {
    signal.removeEventListener("abort", cancel);
    shell.endProgress();
  }
}

/** The measurements of a training run as a table, with what they mean. */
export function measurementText({ measurement }: TrainingResult): string {
  if (measurement === undefined) return "There was too little behaviour to measure the models by.";
  return [
    `Measured on ${measurement.cases.toLocaleString("en-US")} held-out cases (${measurement.protocol}), all items ranked:`,
    table(
      ["model", "NDCG@10", "Recall@10", "coverage@10", "training"],
      measurement.models.map((model) => [
        model.model,
        model.ndcgAt10.toFixed(4),
        model.recallAt10.toFixed(4),
        `${(100 * model.coverageAt10).toFixed(1)} %`,
        model.trainSeconds > 0 ? formatSeconds(model.trainSeconds) : "",
      ]),
      [1, 2, 3, 4],
    ),
  ].join("\n");
}

/** How the default, the learned and the personal order of searches compare; "" where none was learned. */
export function searchRankingText({
  searchRanking,
}: Pick<TrainingResult, "searchRanking">): string {
  if (searchRanking === undefined) return "";
  const { searches, byDefault, learned, withTaste, isUsed, isTasteUsed } = searchRanking;
  const count = (searchCount: number): string => searchCount.toLocaleString("en-US");
  const line = (order: string, quality: OrderQuality, isServed: boolean) => [
    isServed ? `▶ ${order}` : `  ${order}`,
    quality.ndcgAt10.toFixed(4),
    quality.mrr.toFixed(4),
    quality.mrrOfBought.toFixed(4),
  ];
  return [
    `Order of searches, learned from ${count(searches.train)} and measured on ${count(searches.heldOut)} later ones; ▶ is served:`,
    table(
      ["order", "NDCG@10", "MRR", "MRR of orders"],
      [
        line("default", byDefault, !isUsed),
        line("learned", learned, isUsed && !isTasteUsed),
        line("learned, with the shopper's past", withTaste, isTasteUsed),
      ],
      [1, 2, 3],
    ),
  ].join("\n");
}

export const train: Verb = (program, shellOf) => {
  program
    .command("train")
    .description("train the models on what is stored, measure them, and publish a snapshot")
    .option("--budget <seconds>", "train about this long at most", wholeNumber(1))
    .option("--seed <n>", "the same data and seed give the same models", wholeNumber(0))
    .option("--workers <n>", "processes that train the sequence model together", wholeNumber(1))
    .option("--int8", "serve the sequence model in 8 bits, unless that costs 1 % of its NDCG@10")
    .option("--recipe <file>", "settings that replace the models' defaults, as tune writes them")
    .option("--no-activate", "make the snapshot, but go on serving the present one")
    .option(
      "--catalog-only",
      "index the catalogue anew and keep the models of the present snapshot",
    )
    .addHelpText(
      "after",
      examples(
        "magpie train\nmagpie train --budget 600 --seed 7\nmagpie train --workers 2 --int8\nmagpie train --no-activate --json",
      ),
    )
    .action(
      async (given: {
        readonly budget?: number;
        readonly seed?: number;
        readonly workers?: number;
        readonly int8?: boolean;
        readonly recipe?: string;
        readonly activate: boolean;
        readonly catalogOnly?: boolean;
      }) => {
        const shell = shellOf(program.opts());
        const recipe = given.recipe === undefined ? {} : await readRecipe(given.recipe);
        const engine = await openEngine(shell.dataFolder, { recipe });
        try {
          const result = await trainToEnd(
            engine,
            {
              activate: given.activate,
              ...(given.catalogOnly !== undefined && { catalogOnly: given.catalogOnly }),
              ...(given.seed !== undefined && { seed: given.seed }),
              ...(given.workers !== undefined && { workers: given.workers }),
              ...(given.int8 && { int8: true }),
              ...(given.budget !== undefined && { budgetSeconds: given.budget }),
            },
            shell,
          );
          shell.result(
            result,
            [
              `Snapshot ${result.version}: ${result.items} items, ${result.interactions} interactions of ${result.users} users`,
              `${formatSeconds(result.cost.wallSeconds)} wall, ${formatSeconds(result.cost.cpuSeconds)} of processor, ${(result.cost.peakRssBytes / 2 ** 20).toFixed(0)} MiB at most`,
              ...result.notes.map((note) => `Note: ${note}`),
              "",
              measurementText(result),
              ...(result.searchRanking ? ["", searchRankingText(result)] : []),
              "",
              given.activate
                ? "It is active: magpie serve"
                : `Activate it: magpie snapshots activate ${result.version}`,
            ].join("\n"),
          );
        } finally {
          await engine.close();
        }
      },
    );
};
