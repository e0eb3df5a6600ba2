import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  buildSequences,
  buildVocabularies,
  leaveOneOut,
  openStore,
  splitByTime,
  type Sequences,
  type Split,
} from "@magpie/data";
import { DataError } from "@magpie/domain";
import {
  compareRuns,
  evaluate,
  lineChart,
  markdownTable,
  terminalTable,
  type Comparison,
  type MetricAt,
  type Run,
  type SeenItems,
} from "@magpie/evaluation";
import { modelByKind, models, type CurvePoint } from "@magpie/models";
import { Option } from "commander";
import type { Shell } from "../shell.ts";
import { examples, moment, wholeNumbers, type Verb } from "./verb.ts";

interface Given {
  readonly models?: string;
  readonly seeds: number[];
  readonly protocol: "time" | "leave-one-out";
  readonly testFrom?: number;
  readonly validationFrom?: number;
  readonly seenItems: SeenItems;
  readonly output?: string;
}

const shown: readonly MetricAt[] = [
  "recallAt10",
  "ndcgAt10",
  "mrrAt10",
  "hitRateAt10",
  "coverageAt10",
];

/** The last 10 % of interactions are test, the 10 % before them validation, unless cuts are given. */
function timeSplit(sequences: Sequences, given: Given): Split {
  const times = sequences.timestampsMs?.toSorted();
  if (times === undefined || times.length === 0) {
    throw new DataError(
      "NOTHING_TO_EVALUATE",
      "The log holds no interactions with items of the catalogue.",
      "Import a catalogue and events first.",
      { kind: "conflict" },
    );
  }
  const at = (share: number): number => times[Math.floor(times.length * share)]!;
  return splitByTime(sequences, {
    validationFromMs: given.validationFrom ?? at(0.8),
    testFromMs: given.testFrom ?? at(0.9),
  });
}

interface Measured {
  readonly comparison: Comparison;
  readonly curves: readonly { readonly label: string; readonly curve: readonly CurvePoint[] }[];
}

async function measure(
  split: Split,
  kinds: readonly string[],
  given: Given,
  shell: Shell,
): Promise<Measured> {
  const runs: Run[] = [];
  const curves: { label: string; curve: readonly CurvePoint[] }[] = [];
  const data = { train: split.train, validation: split.validation };
  for (const kind of kinds) {
    const model = modelByKind(kind);
    shell.note(
      `${kind}: expects ${(model.expectedBytes(data, model.defaults) / 2 ** 20).toFixed(0)} MiB beyond the data`,
    );
    for (const seed of modelByKind(kind).isSeeded ? given.seeds : given.seeds.slice(0, 1)) {
      const trained = await model.train(data, model.defaults, { ...shell.work(), seed });
      const evaluation = await evaluate(trained, split.test, {
        cutoffs: [10],
        seenItems: given.seenItems,
        train: split.train,
        work: shell.work(),
      });
      runs.push({
        model: trained.name,
        ...(modelByKind(kind).isSeeded && { seed }),
        evaluation,
        cost: trained.cost,
      });
      if (trained.curve.length > 0)
        curves.push({ label: `${trained.name}, seed ${seed}`, curve: trained.curve });
      await trained.dispose();
    }
  }
  return {
    comparison: compareRuns({ dataset: shell.dataFolder, protocol: split.protocol }, runs),
    curves,
  };
}

async function write(folder: string, { comparison, curves }: Measured): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "evaluation.md"), markdownTable(comparison));
  await writeFile(
    join(folder, "evaluation.json"),
    `${JSON.stringify({ comparison, curves }, null, 2)}\n`,
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
  program
    .command("evaluate")
    .description(
      "compare models on held-out behaviour: full ranking, several seeds, 95 % intervals",
    )
    .option(
      "--models <kinds>",
      `comma-separated (default: ${models.map(({ kind }) => kind).join(",")})`,
    )
    .option("--seeds <list>", "of models with chance in their training", wholeNumbers, [1, 2, 3])
    .addOption(
      new Option("--protocol <name>", "cut all users at one moment, or hold out each user's last")
        .choices(["time", "leave-one-out"])
        .default("time"),
    )
    .option(
      "--validation-from <moment>",
      "where validation begins (default: the last 20 %)",
      moment,
    )
    .option("--test-from <moment>", "where test begins (default: the last 10 %)", moment)
    .addOption(
      new Option("--seen-items <rule>", "items of the past")
        .choices(["keep", "remove"])
        .default("keep"),
    )
    .option("--output <folder>", "write table, JSON and curves there")
    .addHelpText(
      "after",
      examples(
        "magpie evaluate\nmagpie evaluate --models popularity,item-knn --protocol leave-one-out\n" +
          "magpie evaluate --test-from 2026-11-01 --validation-from 2026-10-15 --output evaluation",
      ),
    )
    .action(async (given: Given) => {
      const shell = shellOf(program.opts());
      const kinds = given.models?.split(",") ?? models.map(({ kind }) => kind);
      kinds.forEach(modelByKind);
      const store = await openStore(shell.dataFolder);
      let sequences: Sequences;
      try {
        const vocabularies = await buildVocabularies(store.events, store.catalog);
        sequences = await buildSequences(store.events, vocabularies);
      } finally {
        await store.close();
      }
      const split =
        given.protocol === "time" ? timeSplit(sequences, given) : leaveOneOut(sequences);
      const measured = await measure(split, kinds, given, shell);
      if (given.output !== undefined) {
        await write(given.output, measured);
        shell.note(`Written to ${given.output}`);
      }
      shell.result(measured, terminalTable(measured.comparison, shown));
    });
};
