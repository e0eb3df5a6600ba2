import {
  buildSequences,
  buildVocabularies,
  ItemFeatureEncoder,
  itemVocabulary,
  leaveOneOut,
  openStore,
  splitByTime,
  userVocabulary,
  type ItemVocabulary,
  type Sequences,
  type Split,
} from "@magpie/data";
import { DataError, type Item } from "@magpie/domain";
import type { TrainingData } from "@magpie/models";
import { Option, type Command } from "commander";
import { moment } from "./verbs/verb.ts";

/** How stored behaviour is parted into training, validation and test. */
export interface SplitOptions {
  readonly protocol: "time" | "leave-one-out";
  readonly testFrom?: number;
  readonly validationFrom?: number;
}

/** Gives a command the options of `SplitOptions`. */
export function withSplitOptions(command: Command): Command {
  return command
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
    .option("--test-from <moment>", "where test begins (default: the last 10 %)", moment);
}

/** A split of a shop's log, and what its catalogue says of the items. */
export type ShopSplit = Split & Required<Pick<TrainingData, "itemFeatures">>;

/**
 * Training data and held-out parts of a shop's log.
 *
 * @param rows  a vocabulary whose items keep their rows: that of a snapshot whose models are asked
 * @throws {DataError} `NOTHING_TO_EVALUATE` when the log has no interactions with items of the catalogue
 */
export async function readSplit(
  dataFolder: string,
  options: SplitOptions,
  rows: ItemVocabulary = itemVocabulary(),
): Promise<ShopSplit> {
  const store = await openStore(dataFolder);
  const texts: Item[] = [];
  let sequences: Sequences;
  try {
    const vocabularies = await buildVocabularies(store.events, store.catalog, {
      users: userVocabulary(),
      items: rows,
    });
    sequences = await buildSequences(store.events, vocabularies);
    for await (const batch of store.catalog.scan()) {
      for (const item of batch) {
        const row = vocabularies.items.indexOf(item.id);
        if (row !== -1) texts[row] = item;
      }
    }
  } finally {
    await store.close();
  }
  const split =
    options.protocol === "time" ? timeSplit(sequences, options) : leaveOneOut(sequences);
  const described = Array.from({ length: sequences.itemCount + 1 }, (_, row) => texts[row]);
  const encoder = ItemFeatureEncoder.fit(described.filter((item) => item !== undefined));
  return { ...split, itemFeatures: encoder.matrix(described) };
}

/** The last 10 % of interactions are test, the 10 % before them validation, unless cuts are given. */
function timeSplit(sequences: Sequences, options: SplitOptions): Split {
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
    validationFromMs: options.validationFrom ?? at(0.8),
    testFromMs: options.testFrom ?? at(0.9),
  });
}
